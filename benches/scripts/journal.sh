#!/bin/sh
# `actions`, `plan` and `apply` with a journal of 200 MB, against the same with an empty one.
#
#   [PORTCULLIS=BINARY] benches/scripts/journal.sh [MEGABYTES] [RUNS]
#
# The journal is one that the console began and blocked something in, made longer: notes, signals, and blocks with their undos, chained as
# `docs/timeline.md` says. The first command after that reads and checks all of it once (its time is printed); the others find its index.
. "$(dirname "$0")/common.sh"
machine
export PORTCULLIS
serve_flood
# WAF grants one ListResourcesForWebACL a second: between two commands the quotas fill up again, so that none waits for them.
sleep 6

one() { # NAME ADDRESS: a folder of state in which one address is blocked
    export XDG_STATE_HOME="$WORK/$1"
    phrase=$("$PORTCULLIS" plan block-ip --stage shop/prod "$2" --for 4h -o json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["plan"]["confirm"])')
    sleep 6
    "$PORTCULLIS" apply block-ip --stage shop/prod "$2" --for 4h --confirm "$phrase" >&2
}
one empty 203.0.113.7/32
sleep 6
one long 203.0.113.8/32
"$PORTCULLIS" timeline verify

python3 - "$WORK"/long/portcullis/incidents/*/journal.jsonl "${1:-200}" <<'PYTHON'
import copy, hashlib, json, random, sys

path, target = sys.argv[1], int(sys.argv[2]) * 1_000_000
random.seed(7)
lines = [json.loads(line) for line in open(path)]
intent = next(line for line in lines if line["kind"] == "intent")
seq, prev, at, actor = lines[-1]["seq"], lines[-1]["hash"], lines[-1]["at"], lines[-1]["actor"]
stage = intent["data"]["plan"]["stage"]

def block(number):
    """A block of another address, and its undo."""
    action, undo = f"{2 * number:06x}", f"{2 * number + 1:06x}"
    plan = copy.deepcopy(intent["data"]["plan"])
    yield "intent", {"action_id": action, "plan": plan, "expires_at": intent["data"]["expires_at"]}
    yield "outcome", {"action_id": action, "outcome": "done", "lines": ["read back"]}
    plan = copy.deepcopy(plan)
    plan["purpose"] = {"kind": "undo", "action_id": action}
    yield "intent", {"action_id": undo, "plan": plan, "expires_at": None}
    yield "outcome", {"action_id": undo, "outcome": "done", "lines": ["read back"]}

def story():
    number = 1
    while True:
        yield from block(number)
        number += 1
        for _ in range(20):
            yield "note", {"text": "%0500x" % random.getrandbits(2000)}
        signal = {"kind": "server-errors-high", "severity": "attack", "since": at, "value": 0.4, "threshold": 0.1,
                  "evidence": "40 % of 73,000 requests", "suggests": "See the sources"}
        yield "signal-raised", {"stage": stage, "signal": signal}
        yield "signal-ended", {"stage": stage, "kind": "server-errors-high", "since": at, "peak": 0.6}

with open(path, "ab") as journal:
    size = journal.tell()
    for kind, data in story():
        seq += 1
        entry = {"seq": seq, "at": at, "kind": kind, "actor": actor, "data": data, "prev": prev}
        body = json.dumps(entry, separators=(",", ":"))[:-1].encode()
        prev = hashlib.sha256(body).hexdigest()
        size += journal.write(body + b',"hash":"' + prev.encode() + b'"}\n')
        if size >= target and kind == "signal-ended":
            break
print(f"{size / 1e6:.0f} MB, {seq} lines")
PYTHON

python3 - "$WORK" "${2:-15}" <<'PYTHON'
import json, os, statistics, subprocess, sys, time

work, runs = sys.argv[1], int(sys.argv[2])
console = os.environ["PORTCULLIS"]

def run(state, *args):
    """Seconds, and what it printed."""
    began = time.perf_counter()
    done = subprocess.run([console, *args], env={**os.environ, "XDG_STATE_HOME": f"{work}/{state}"}, capture_output=True)
    return time.perf_counter() - began, done

def block(number):
    return "block-ip", "--stage", "shop/prod", f"198.18.{number // 250}.{number % 250 + 1}"

print(f"first read of all of it: {run('long', 'actions')[0]:.2f} s")
times = {}
for number in range(runs):
    for offset, state in enumerate(("empty", "long")):
        one = block(2 * number + offset)
        times.setdefault(("actions", state), []).append(run(state, "actions")[0])
        time.sleep(6)
        took, plan = run(state, "plan", *one, "-o", "json")
        times.setdefault(("plan", state), []).append(took)
        confirm = json.loads(plan.stdout)["plan"]["confirm"]
        time.sleep(6)
        took, done = run(state, "apply", *one, "--confirm", confirm)
        assert done.returncode == 0, done
        times.setdefault(("apply", state), []).append(took)
        time.sleep(6)
for what in ("actions", "plan", "apply"):
    empty, full = (statistics.median(times[what, state]) * 1e3 for state in ("empty", "long"))
    print(f"{what:8} median of {runs}: {empty:7.1f} ms empty, {full:7.1f} ms long")
print("index", *(f"{os.path.getsize(os.path.join(root, name)):,} bytes"
                 for root, _, names in os.walk(f"{work}/long") for name in names if name == "journal.index"))
PYTHON
