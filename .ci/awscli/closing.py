"""Closures: by a web ACL, by throttles, and by a resource policy that was proven before."""

import json

from world import VISIBLE, World, check, equal, request, suite


@suite
def close():
    """A prebuilt web ACL swapped in and out again, and every method throttled to nothing."""
    with World("--trust-forwarded-for", speed=20) as world:
        api = world.api()
        before = world.stage(api)
        sets = {}
        for version, addresses in (("IPV4", ["192.0.2.240/28", "192.0.2.16/28", "198.51.100.192/28"]), ("IPV6", ["2001:db8:0:feed::/64"])):
            sets[version] = world.aws(
                "wafv2", "create-ip-set", "--scope", "REGIONAL", "--name", f"closed-{version}",
                "--ip-address-version", version, "--addresses", *addresses)["Summary"]["ARN"]  # fmt: skip
        either = [{"IPSetReferenceStatement": {"ARN": arn}} for arn in sets.values()]
        rule = {
            "Name": "ours", "Priority": 0, "Statement": {"OrStatement": {"Statements": either}}, "Action": {"Allow": {}},
            "VisibilityConfig": {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "ours"},
        }  # fmt: skip
        closed = world.aws(
            "wafv2", "create-web-acl", "--scope", "REGIONAL", "--name", "shop-closed", "--default-action", "Block={}",
            "--visibility-config", f"{VISIBLE}shop-closed", "--rules", json.dumps([rule]))["Summary"]["ARN"]  # fmt: skip
        way = ["close", "--stage", "shop/prod", "--by", "web-acl"]
        world.exits(3, "plan", *way)
        world.exits(3, "plan", *way, "--web-acl", "shop-acl")
        # 198.51.100.250 is blocked today, and its neighbours are let in: only a prefix without it is no widening.
        action = world.applied(*way, "--web-acl", "shop-closed")
        equal(world.stage(api)["webAclArn"], closed, "the web ACL as the AWS CLI sees it")
        outside, inside = "198.18.7.7", "192.0.2.17"
        world.until("the closure", lambda: request(world, api, "GET", "/products", outside)[0] == 403)
        equal(request(world, api, "GET", "/products", inside)[0], 200, "an address that is let in")
        world.undone(action)
        equal(world.stage(api), before, "the stage after the undo")
        world.until("the reopening", lambda: request(world, api, "GET", "/products", outside)[0] != 403)
        action = world.applied("close", "--stage", "shop/prod", "--by", "throttle-zero", "--reason", "a test")
        world.until("the closure", lambda: request(world, api, "GET", "/products", outside)[0] == 429)
        world.undone(action)
        equal(world.stage(api), before, "the stage after the undo")
        world.until("the reopening", lambda: request(world, api, "GET", "/products", outside)[0] != 429)


@suite
def prepare():
    """The closed web ACL is made, closes, cannot go while it is in use, and goes."""
    with World(speed=20) as world:
        api = world.api()
        names = lambda: sorted(
            [row["Name"] for row in world.aws("wafv2", "list-web-acls", "--scope", "REGIONAL")["WebACLs"]]
            + [row["Name"] for row in world.aws("wafv2", "list-ip-sets", "--scope", "REGIONAL")["IPSets"]])  # fmt: skip
        before, stage = names(), world.stage(api)
        way = ["prepare-closed-web-acl", "--stage", "shop/prod", "--name", "night",
               "--allow", "192.0.2.240/28", "2001:db8:0:feed::/64", "192.0.2.16/28", "198.51.100.192/28"]  # fmt: skip
        world.exits(3, "plan", *way[:-1], "0.0.0.0/0")
        made = world.applied(*way)
        equal(len(names()), len(before) + 3, "two IP sets and a web ACL")
        world.exits(0, "apply", *way)
        closed = world.applied("close", "--stage", "shop/prod", "--by", "web-acl", "--web-acl", "night")
        equal(world.console("undo", made).code, 3, "in use, it stays")
        world.undone(closed)
        world.until("its end", lambda: world.console("undo", made).code == 5)
        world.undone(made)
        equal(names(), before, "names after the undo")
        equal(world.stage(api), stage, "the stage after all")


@suite
def kill_switch():
    """Proven on dev, closed, opened again; and closed without a proof from where it would lock us out."""
    with World("--trust-forwarded-for", speed=5) as world:
        api = world.api()
        lists = ["127.0.0.1", "192.0.2.240/28", "2001:db8:0:feed::/64", "192.0.2.16/28", "198.51.100.192/27"]
        way = ["kill-switch", "--stage", "shop/prod", "--allow", *lists]

        def standing():
            stages = world.aws("apigateway", "get-stages", "--rest-api-id", api)["item"]
            for stage in stages:
                stage.pop("lastUpdatedDate", None)
            return stages, world.aws("apigateway", "get-rest-api", "--rest-api-id", api).get("policy")

        def get(address):
            return request(world, api, "GET", "/products", address)[0]

        before = standing()
        outside, inside = "198.18.7.7", "192.0.2.17"
        world.exits(3, "plan", *way)
        world.exits(3, "plan", "kill-switch", "--stage", "shop/prod", "--allow", "127.0.0.1", "--prove-on", "shop/dev")
        world.exits(3, "plan", "kill-switch", "--stage", "shop/prod", "--allow", *lists[1:], "--prove-on", "shop/dev")
        world.exits(3, "plan", *way, "--prove-on", "shop/prod")
        world.exits(1, "plan", *way, "--prove-on", "shop/staging")
        world.exits(64, "plan", "kill-switch", "--stage", "shop/prod", "--allow", "nowhere")
        stale = world.phrase(*way, "--prove-on", "shop/dev")
        world.exits(5, "apply", *way, "--prove-on", "shop/dev", "--confirm", stale[:-4] + "0000")
        world.exits(0, "apply", *way, "--prove-on", "shop/dev", "--confirm", stale)
        equal(standing(), before, "stages and draft policy after the proof")
        equal(world.in_force(), [], "nothing of the proof is in force")
        action = world.applied(*way)
        world.until("the closure", lambda: get(outside) == 403)
        equal((get(inside), get("127.0.0.1")), (200, 200), "addresses that are let in")
        equal(standing()[1], before[1], "the draft's policy while the stage is closed")
        world.undone(action)
        world.until("the reopening", lambda: get(outside) != 403)
        equal(standing(), before, "stages and draft policy after the undo")
        # We come from 127.0.0.1, say otherwise, and leave it out: it reopens by itself.
        wrong = ["kill-switch", "--stage", "shop/prod", "--allow", *lists[1:], "--own-address", "192.0.2.241",
                 "--override", "kill-switch.proof", "--reason", "a test"]  # fmt: skip
        said = world.exits(1, "apply", *wrong, "--confirm", world.phrase(*wrong))
        check("undoing it" in said.err, "it says that it takes itself back", said)
        equal(standing(), before, "stages and draft policy after it has taken itself back")
        world.until("the reopening", lambda: get(outside) != 403)
        # An existing policy keeps every statement, short form or not.
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"},
            {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*",
             "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]}  # fmt: skip
        patch = json.dumps([{"op": "replace", "path": "/policy", "value": json.dumps(policy)}])
        world.aws("apigateway", "update-rest-api", "--rest-api-id", api, "--patch-operations", patch)
        world.exits(3, "plan", *way, "--prove-on", "shop/dev")  # it is in the draft and not known to be deployed
        for stage in ("dev", "prod"):
            world.until("a turn to deploy", lambda: world.try_aws(
                "apigateway", "create-deployment", "--rest-api-id", api, "--stage-name", stage).code == 0)  # fmt: skip
        before = standing()
        world.exits(0, "apply", *way, "--prove-on", "shop/dev", "--confirm", world.phrase(*way, "--prove-on", "shop/dev"))
        equal(standing(), before, "stages and draft policy after the proof, byte for byte")
        action = world.applied(*way)
        world.until("the closure", lambda: get(outside) == 403)
        equal(get(inside), 200, "an address that is let in")
        world.undone(action)
        equal(standing(), before, "stages and draft policy after the undo")
