"""How an action ends: its effect is observed, or the console is killed half-way."""

import json
import signal
import subprocess
import threading

from world import PORTCULLIS, World, check, equal, suite

POINTS = 20


@suite
def waited():
    """`--wait` stays until the effect is observed."""
    with World() as world:
        bots = ["203.0.113.7", "203.0.113.66"]
        world.until("the flood", lambda: any(
            signal["severity"] == "attack"
            for row in world.said_json(0, "snapshot", "snapshot")["stages"] for signal in row["signals"]))  # fmt: skip
        ranked = world.said_json(0, "sources", "sources", "shop/prod")
        check(len(json.dumps(ranked)) > 1_000, "sources are ranked", ranked)
        target = ["--stage", "shop/prod", *bots]
        done = world.said_json(0, "action", "apply", "block-ip", *target, "--confirm", world.plan(*target), "--wait")["action"]
        check(done["effect"] == "observed" and done["observation"]["evidence"], "the effect was observed", done)
        row = world.in_force()[0]
        equal(row["effect"], "observed", "and is in the journal")


@suite
def killed():
    """SIGKILL at any moment of `apply`: what the next start says is what the AWS CLI sees."""
    # Slower than elsewhere, so that the account's quotas space the calls of `apply`.
    with World(speed=5) as world:
        found = {}
        for point in range(POINTS):
            v4, v6 = f"192.0.2.{160 + point}/32", f"2001:db8:bad::{point + 1:x}/128"
            target = ["--stage", "shop/prod", v4, v6]
            phrase = world.plan(*target)
            process = subprocess.Popen(
                [PORTCULLIS, "apply", "block-ip", *target, "--confirm", phrase],
                env=world.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            # Half of the points by the clock, from the start; half from the moment the intent is on disk.
            if point % 2 == 0:
                killer = threading.Timer(0.3 * point / POINTS, process.kill)
            else:
                for line in process.stderr:
                    if "intent written" in line:
                        break
                killer = threading.Timer(0.05 * point / POINTS, process.kill)
            killer.start()
            process.wait()
            killer.cancel()
            process.stderr.close()
            was_killed = process.returncode == -signal.SIGKILL
            rows = {row["id"]: row for row in world.in_force()}
            mine = [row for row in rows.values() if any(v4 in c["added"] or v6 in c["added"] for c in row["changes"])]
            there = (v4 in world.addresses(), v6 in world.addresses("shop-blocklist-v6"))
            told = mine[0]["state"] if mine else "nothing"
            truth = {(True, True): "in-force", (False, False): "nothing"}.get(there, "unclear")
            equal(told, truth, f"what is told after SIGKILL at point {point}, with the entries there {there}")
            found[(was_killed, told)] = found.get((was_killed, told), 0) + 1
        world.said_json(0, "verification", "timeline", "verify")
        words = ", ".join(f"{'killed' if k else 'ended'} and {told}: {n}" for (k, told), n in sorted(found.items()))
        print(f"         {words}")
        check(sum(n for (k, _), n in found.items() if k) >= 8, "enough of them were killed", found)
