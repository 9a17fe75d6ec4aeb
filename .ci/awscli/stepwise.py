"""Playbooks, from the first step to the last."""

from world import World, check, equal, suite


@suite
def playbooks():
    """`playbook run`, plan by plan: read by the AWS CLI before and after, and stale once somebody else has written."""
    with World() as world:
        run = ["playbook", "run", "sqli-flood", "--stage", "shop/prod"]
        world.until("the flood", lambda: any(
            row["answers_now"] for row in world.said_json(0, "playbooks", "playbook", "list", "--stage", "shop/prod")["playbooks"]))  # fmt: skip
        world.until("suspects", lambda: world.console(*run).code == 5)
        before = world.addresses()
        shown = world.said_json(5, "playbook-run", *run)["playbook_run"]
        equal((shown["next"], world.addresses()), ("block", before), "a plan changes nothing")
        # An entry that the plan would have made: its diff is another one now.
        taken = next(entry for change in shown["plan"]["changes"] for entry in change["added"] if "." in entry)
        world.write_addresses("shop-blocklist", [*before, taken, "192.0.2.99/32"])
        world.exits(5, *run, "--confirm", shown["plan"]["confirm"])
        shown = world.said_json(5, "playbook-run", *run)["playbook_run"]
        ended = world.console(*run, "--confirm", shown["plan"]["confirm"], "--skip", "leaks", "--skip", "moved", "-o", "json")
        equal(ended.code, 0, f"to its end; {ended}")
        ended = ended.json()["playbook_run"]
        states = {step["id"]: step["state"] for step in ended["steps"]}
        wanted = {"look": "read", "block": "done", "works": "observed", "recovered": "observed", "leaks": "skipped", "moved": "skipped", "after": "read"}
        equal(states, wanted, "the steps")
        after = world.addresses()
        check({*before, taken, "192.0.2.99/32"} < set(after), "what others wrote stays", after)
        equal([row["id"] for row in world.in_force()], [step["action_id"] for step in ended["steps"] if step["id"] == "block"], "in force")
        story = world.exits(0, "timeline", "export").out
        check("Playbook sqli-flood for shop/prod" in story and "Step works observed" in story, "the timeline tells it", story)
    with World(scenario="cache-stale-privileges", speed=20) as world:
        before = world.stage(world.api())
        run = ["playbook", "run", "cache-stale-privileges", "--stage", "records/prod", "--input", "cached=GET /records/{id}", "--skip", "quiet"]
        for more in ([], ["--skip", "throttle"], ["--confirm", "records/prod 0000"]):
            said = world.exits(3, *run, *more)
            check("a playbook overrides no guard" in said.err, "a guard is not lifted", said)
        equal(world.stage(world.api()), before, "nothing was changed")
        world.exits(64, *run, "--input", "cached=records")
        world.exits(64, *run, "--skip", "flush")
