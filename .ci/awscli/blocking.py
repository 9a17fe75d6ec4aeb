"""Blocks: plan, confirmation, guards, expiry, and what a client behind a blocked address gets."""

import json
import os
import re
from datetime import datetime

from world import World, check, equal, request, suite


@suite
def done_when():
    """The walk that the console was built for: plan, apply, look, undo, look, export."""
    with World() as world:
        board = world.said_json(0, "snapshot", "snapshot")
        labels = {row["stage"] for row in board["stages"]}
        equal(labels, {"shop/prod", "shop/dev"}, "the board")
        target = ["--stage", "shop/prod", "203.0.113.7/32"]
        shown = world.exits(2, "plan", "block-ip", *target)
        phrase = re.search(r"Confirm with: (shop/prod [0-9a-f]{4})", shown.out)
        check(phrase, "the plan prints its phrase", shown)
        before = world.addresses()
        check("203.0.113.7/32" not in before, "not blocked yet", before)
        done = world.said_json(0, "action", "apply", "block-ip", *target, "--confirm", phrase.group(1))["action"]
        equal(done["outcome"], "done", "the outcome")
        equal(sorted(world.addresses()), sorted([*before, "203.0.113.7/32"]), "the AWS CLI sees the entry beside the others")
        equal([row["id"] for row in world.in_force()], [done["id"]], "what is in force")
        world.exits(0, "apply", "block-ip", *target)
        asked = world.console("undo", done["id"])
        equal(asked.code, 5, f"off a terminal an undo asks for its phrase; {asked}")
        phrase = re.search(r"Confirm with: (shop/prod [0-9a-f]{4})", asked.out).group(1)
        world.exits(0, "undo", done["id"], "--confirm", phrase)
        equal(world.addresses(), before, "the AWS CLI sees that it is gone, and the others are not")
        equal(world.in_force(), [], "what is in force afterwards")
        again = world.console("undo", done["id"], "--confirm", phrase)
        check(again.code == 1 and "undone" in again.err, "it is not undone twice", again)
        world.exits(0, "timeline", "note", "the botnet came from a bulletproof host")
        story = world.exits(0, "timeline", "export").out
        for words in ["203.0.113.7/32", "shop-blocklist", "bulletproof", done["id"], "undo"]:
            check(words in story, f"the export tells of {words}", story)
        order = [story.index(words) for words in ("203.0.113.7/32", "bulletproof")]
        equal(order, sorted(order), "the export's order")
        lines = world.exits(0, "timeline", "export", "--format", "jsonl").out.splitlines()
        check(len(lines) >= 6 and all(json.loads(line) for line in lines), "the export as JSON Lines", lines)
        verified = world.said_json(0, "verification", "timeline", "verify")["verification"]
        check(verified["intact"] and not verified["torn"], "the journal is whole", verified)


@suite
def refusals():
    """What is refused, and with which exit code."""
    with World() as world:
        def stopped(guard, *words):
            plan = world.said_json(3, "plan", "plan", "block-ip", "--stage", "shop/prod", *words)["plan"]
            halting = [g["id"] for g in plan["guards"] if g["verdict"] in ("stop", "unknown") and not g["overridden"]]
            check(guard in halting, f"{guard} stops {words}", halting)
            world.exits(3, "apply", "block-ip", "--stage", "shop/prod", *words, "--confirm", plan["confirm"])

        before = (world.addresses(), world.addresses("shop-blocklist-v6"))
        stopped("block-ip.zero-prefix", "0.0.0.0/0")
        stopped("block-ip.zero-prefix", "::/0")
        stopped("block-ip.never-block", "192.0.2.17/32")
        stopped("block-ip.never-block", "192.0.2.0/24")
        stopped("block-ip.never-block", "192.0.2.16/28")
        stopped("block-ip.break-glass", "192.0.2.241/32")
        stopped("block-ip.breadth", "203.0.0.0/8")
        stopped("plan.overrides", "0.0.0.0/0", "--override", "block-ip.zero-prefix", "--reason", "no")
        stopped("plan.overrides", "192.0.2.17/32", "--override", "block-ip.never-block")
        dev = world.said_json(3, "plan", "plan", "block-ip", "--stage", "shop/dev", "203.0.113.7")["plan"]
        check(any(g["id"] == "block-ip.web-acl" and g["verdict"] == "stop" for g in dev["guards"]), "no web ACL", dev["guards"])
        bare = world.console("plan", "block-ip", "--stage", "shop/prod", "203.0.113.7",
                             env={k: v for k, v in world.env.items() if k != "PORTCULLIS_CONFIG"})  # fmt: skip
        check(bare.code == 3 and "unknown block-ip.never-block" in bare.out, "no ranges configured is unknown", bare)

        masked = world.said_json(2, "plan", "plan", "block-ip", "--stage", "shop/prod", "203.0.113.9/30")["plan"]
        equal(masked["changes"][0]["added"], ["203.0.113.8/30"], "host bits are masked")
        check(any(g["id"] == "block-ip.host-bits" and g["verdict"] == "warn" for g in masked["guards"]), "and said")
        missing = world.console("plan", "block-ip", "--stage", "shpo/prod", "203.0.113.7")
        check(missing.code == 1 and "did you mean shop?" in missing.err, "an unknown stage", missing)
        missing = world.console("plan", "block-ip", "--stage", "shop/prdo", "203.0.113.7")
        check(missing.code == 1 and "prod" in missing.err, "an unknown stage of a known API", missing)
        world.aws("apigateway", "create-rest-api", "--name", "twice")
        world.aws("apigateway", "create-rest-api", "--name", "twice")
        twice = world.console("plan", "block-ip", "--stage", "twice/prod", "203.0.113.7")
        check(twice.code == 1 and "names 2 APIs" in twice.err, "a name that fits two APIs", twice)
        region = world.console("plan", "block-ip", "--stage", "us-east-1:shop/prod", "203.0.113.7")
        check(region.code == 1 and "not 'us-east-1'" in region.err and "Check --region" in region.err, "the region that a stage names is asked", region)
        region = world.console("--region", "eu-central-1", "plan", "block-ip", "--stage", "us-east-1:shop/prod", "203.0.113.7")
        check(region.code == 64 and "leave --region out" in region.err, "a stage of another region than asked for", region)
        for words in (["plan", "block-ip", "--stage", "shop/prod", "203.0.113.300"], ["plan", "block-ip", "203.0.113.7"],
                      ["frobnicate"], ["snapshot", "--no-such-flag"], ["apply"],
                      ["plan", "block-ip", "--stage", "shop", "203.0.113.7"],
                      ["range", "serve", "--listen", "0.0.0.0:0"], ["range", "serve", "--speed", "0"],
                      ["drill", "no-such-scenario"]):  # fmt: skip
            usage = world.console(*words)
            equal(usage.code, 64, f"the exit code of wrong usage; {usage}")
        equal((world.addresses(), world.addresses("shop-blocklist-v6")), before, "nothing was changed by any of it")
        equal(world.in_force(), [], "nothing is in force")


@suite
def confirmation():
    """No phrase, a wrong one, an older one; a plan in a file; overrides."""
    # Over before the attack begins: at its first moments the same plan warns or does not.
    with World(speed=20) as world:
        target = ["--stage", "shop/prod", "203.0.113.7/32"]
        before = world.addresses()
        asked = world.console("apply", "block-ip", *target)
        check(asked.code == 5 and 'Repeat with --confirm "shop/prod ' in asked.err, "off a terminal", asked)
        value = world.said_json(5, "plan", "apply", "block-ip", *target)
        check(value["plan"]["confirm"], "off a terminal, as JSON", value)
        wrong = world.console("apply", "block-ip", *target, "--confirm", "yes")
        check(wrong.code == 5 and "does not confirm this plan" in wrong.err, "a wrong phrase", wrong)

        phrase = world.plan(*target, "203.0.113.66")
        saved = os.path.join(world.home, "plan.json")
        world.exits(2, "plan", "block-ip", *target, "203.0.113.66", "--save", saved)
        # An unrelated entry of somebody else's does not make the plan stale …
        world.write_addresses("shop-blocklist", [*before, "198.51.100.77/32"])
        equal(world.plan(*target, "203.0.113.66"), phrase, "the phrase after an unrelated write")
        # … one that changes the diff does.
        world.write_addresses("shop-blocklist", [*before, "198.51.100.77/32", "203.0.113.66/32"])
        stale = world.console("apply", "block-ip", *target, "203.0.113.66", "--confirm", phrase)
        check(stale.code == 5 and "was: shop-blocklist: +203.0.113.66/32" in stale.err, "a stale phrase", stale)
        stale = world.console("apply", saved, "--confirm", phrase)
        check(stale.code == 5 and "was: shop-blocklist: +203.0.113.66/32" in stale.err, "a stale plan in a file", stale)
        error = world.console("apply", saved, "--confirm", phrase, "-o", "json").json()["error"]
        check(error["exit_code"] == 5 and error["detail"], "the same as JSON", error)
        equal(sorted(world.addresses()), sorted([*before, "198.51.100.77/32", "203.0.113.66/32"]), "nothing was changed")

        fresh = world.said_json(2, "plan", "plan", "block-ip", *target, "--save", saved)["plan"]
        world.exits(5, "apply", saved)
        done = world.said_json(0, "action", "apply", saved, "--confirm", fresh["confirm"])["action"]
        check("203.0.113.7/32" in world.addresses(), "a plan from a file is carried out", done)
        check("198.51.100.77/32" in world.addresses(), "others' entries stay", done)
        broken = os.path.join(world.home, "broken.json")
        with open(broken, "w") as file:
            file.write("{\n  nonsense\n}\n")
        usage = world.console("apply", broken)
        check(usage.code == 64 and f"{broken}:2" in usage.err, "a file that is no plan", usage)

        listed = ["--stage", "shop/prod", "192.0.2.17/32", "--override", "block-ip.never-block", "--reason", "it is the attacker"]
        phrase = world.plan(*listed)
        world.exits(0, "apply", "block-ip", *listed, "--confirm", phrase)
        check("192.0.2.17/32" in world.addresses(), "an override with a reason goes through")
        check("it is the attacker" in world.exits(0, "timeline", "export").out, "and the reason is in the timeline")


@suite
def expiry():
    """An action with --for, and the sweep that ends it."""
    with World() as world:
        target = ["--stage", "shop/prod", "203.0.113.7/32", "2001:db8:bad::5/128", "--for", "15m"]
        before = (world.addresses(), world.addresses("shop-blocklist-v6"))
        done = world.said_json(0, "action", "apply", "block-ip", *target, "--confirm", world.plan(*target))["action"]
        early = world.said_json(0, "sweep", "sweep")
        equal(early["actions"], [], "nothing has expired yet")
        check("203.0.113.7/32" in world.addresses(), "it is still there")
        row = world.in_force()[0]
        ends = datetime.fromisoformat(row["expires_at"].replace("Z", "+00:00"))
        world.until("the end of its time", lambda: world.now() > ends)
        swept = world.said_json(0, "sweep", "sweep")["actions"]
        equal([(one["id"], one["outcome"]) for one in swept], [(done["id"], "done")], "what was swept")
        equal((world.addresses(), world.addresses("shop-blocklist-v6")), before, "the sets are as they were")
        equal(world.in_force(), [], "what is in force")
        equal(world.said_json(0, "sweep", "sweep")["actions"], [], "nothing is swept twice")


@suite
def data_plane():
    """A real client, before it is blocked and after."""
    with World("--trust-forwarded-for", speed=20) as world:
        api = world.aws("apigateway", "get-rest-apis")["items"][0]["id"]
        # From an address of its own: the flood has the backend fail for everybody.
        attacker, bystander = "203.0.113.77", "198.18.7.7"
        equal(request(world, api, "GET", "/products", attacker)[0], 200, "before it is blocked")
        equal(request(world, api, "GET", "/nothing-here", bystander)[0], 403, "a path that is not there")
        target = ["--stage", "shop/prod", attacker]
        done = world.exits(0, "apply", "block-ip", *target, "--confirm", world.plan(*target))
        blocked = world.until("the block", lambda: [a for a in [request(world, api, "GET", "/products", attacker)] if a[0] == 403])
        equal(json.loads(blocked[0][1]), {"message": "Forbidden"}, "WAF's own body")
        status = request(world, api, "GET", "/products", bystander)[0]
        check(status != 403, "somebody else is not blocked", status)
        action = re.search(r"undo ([0-9a-z-]+)", done.out).group(1)
        asked = world.console("undo", action).out
        world.exits(0, "undo", action, "--confirm", re.search(r"shop/prod [0-9a-f]{4}$", asked, re.M).group(0))
        world.until("the end of the block", lambda: request(world, api, "GET", "/products", attacker)[0] != 403)
