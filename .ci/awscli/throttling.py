"""Throttles of REST and HTTP APIs, and the flush of a cache."""

import os
import re
import tempfile

from world import World, check, equal, suite

BLIND = ["--override", "throttle.shedding", "--reason", "nothing is sampled yet"]


@suite
def throttle():
    """One method and the whole stage, read by the AWS CLI before, between and after."""
    # Slow enough for the calm before the attack to last: what would be shed is part of the plan.
    with World(speed=2) as world:
        api = world.api()
        before = world.stage(api)
        one = ["throttle", "--stage", "shop/prod", "--method", "POST /login", "--rate", "20", "--burst", "40", *BLIND]
        action = world.applied(*one)
        between = world.stage(api)["methodSettings"]
        entry = between["~1login/POST"]
        equal((entry["throttlingRateLimit"], entry["throttlingBurstLimit"]), (20.0, 40), "the method's own entry")
        equal(between["*/*"], before["methodSettings"]["*/*"], "the stage's entry")
        world.exits(0, "apply", *one)
        world.undone(action)
        equal(world.stage(api), before, "the stage after the undo")
        # A method with an entry of its own does not follow the stage's.
        own = "op=replace,path=/~1search/GET/throttling/rateLimit,value=900"
        world.aws("apigateway", "update-stage", "--rest-api-id", api, "--stage-name", "prod", "--patch-operations", own)
        before = world.stage(api)
        every = ["throttle", "--stage", "shop/prod", "--rate", "100", "--burst", "50", *BLIND]
        action = world.applied(*every)
        limits = {key: entry["throttlingRateLimit"] for key, entry in world.stage(api)["methodSettings"].items()}
        equal(limits, {"*/*": 100.0, "~1search/GET": 100.0}, "limits of the stage and of the method that does not follow")
        world.undone(action)
        equal(world.stage(api), before, "the stage after the undo")
        for words in (["--rate", "9000", "--burst", "50"], ["--rate", "0", "--burst", "0"]):
            world.exits(3, "plan", "throttle", "--stage", "shop/prod", *words, *BLIND)
        world.exits(3, "plan", "throttle", "--stage", "shop/prod", "--method", "POST /nowhere", "--rate", "9", "--burst", "9", *BLIND)
        world.exits(64, "plan", "throttle", "--stage", "shop/prod", "--method", "login", "--rate", "9", "--burst", "9")
        stale = world.phrase(*one)
        tighter = "op=replace,path=/~1login/POST/throttling/rateLimit,value=30"
        world.aws("apigateway", "update-stage", "--rest-api-id", api, "--stage-name", "prod", "--patch-operations", tighter)
        said = world.exits(5, "apply", *one, "--confirm", stale)
        check("was:" in said.err and "now:" in said.err, "a stale phrase says what has changed", said)


@suite
def flush_cache():
    """Without a cache it is refused; with one it is flushed, and that is final."""
    with World() as world:
        api = world.api()
        world.exits(3, "plan", "flush-cache", "--stage", "shop/prod")
        on = ["op=replace,path=/cacheClusterEnabled,value=true", "op=replace,path=/cacheClusterSize,value=0.5"]
        world.aws("apigateway", "update-stage", "--rest-api-id", api, "--stage-name", "dev", "--patch-operations", *on)
        status = lambda: world.aws("apigateway", "get-stage", "--rest-api-id", api, "--stage-name", "dev")["cacheClusterStatus"]
        world.until("the cache", lambda: status() == "AVAILABLE")
        for options in ([], ["--authorizers"]):
            words = ["flush-cache", "--stage", "shop/dev", *options]
            done = world.said_json(0, "action", "apply", *words, "--confirm", world.phrase(*words))["action"]
            if not options:
                check("FLUSH_IN_PROGRESS" in str(done["lines"]), "what AWS says of the cache", done)
            action = done["id"]
            again = world.console("undo", action)
            check(again.code == 1 and "for good" in again.err, "a flush is not undone", again)
        equal(world.in_force(), [], "nothing is in force")


PETS = """schema = "portcullis.scenario/1"
name = "pets"
title = "Pets"

[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z
history = "15m"

[[world.apis]]
name = "pets"
protocol = "HTTP"
methods = [{ method = "GET", path = "/pets" }, { method = "POST", path = "/pets/{id}" }]
stages = [{ name = "live", throttle = { rate = 200, burst = 300 } }]

[[world.populations]]
name = "visitors"
kind = "legitimate"
stage = "pets/live"
rate = 50
sources = [{ prefix = "192.0.2.0/24", count = 4 }]
requests = [{ route = "GET /pets", share = 4 }, { route = "POST /pets/{id}", share = 1 }]
"""


@suite
def http_throttle():
    """A route of an HTTP API and its whole stage: what can be unset is, and what cannot is said before."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
        file.write(PETS)
    with World(scenario=file.name, speed=2) as world:
        os.unlink(file.name)
        api = world.aws("apigatewayv2", "get-apis")["Items"][0]["ApiId"]

        def stage():
            found = world.aws("apigatewayv2", "get-stage", "--api-id", api, "--stage-name", "live")
            found.pop("LastUpdatedDate", None)
            return found

        def undone(action):
            asked = world.console("undo", action)
            equal(asked.code, 5, f"off a terminal an undo asks for its phrase; {asked}")
            world.exits(0, "undo", action, "--confirm", re.search(r"pets/live [0-9a-f]{4}$", asked.out, re.M).group(0))

        before = stage()
        one = ["throttle", "--stage", "pets/live", "--method", "GET /pets", "--rate", "20", "--burst", "40", *BLIND]
        action = world.applied(*one)
        between = stage()
        route = between["RouteSettings"]["GET /pets"]
        equal((route["ThrottlingRateLimit"], route["ThrottlingBurstLimit"]), (20.0, 40), "the route's own settings")
        equal(between["DefaultRouteSettings"], before["DefaultRouteSettings"], "the stage's defaults")
        undone(action)
        equal(stage(), before, "the stage after the undo")
        every = ["throttle", "--stage", "pets/live", "--rate", "100", "--burst", "50", *BLIND]
        action = world.applied(*every)
        default = stage()["DefaultRouteSettings"]
        equal((default["ThrottlingRateLimit"], default["ThrottlingBurstLimit"]), (100.0, 50), "the stage's defaults")
        undone(action)
        equal(stage(), before, "the stage after the undo")
        for words in (["close", "--by", "web-acl"], ["flush-cache"], ["block-ip", "203.0.113.7"]):
            said = world.console("plan", words[0], "--stage", "pets/live", *words[1:])
            check(said.code == 1 and "HTTP API" in said.err, "what an HTTP API does not have is said", said)
