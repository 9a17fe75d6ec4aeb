#!/bin/sh
# `apply block-ip` from start to exit against the two AWS CLI calls that change the same IP set. Every run has a range, quotas and
# a state folder of its own.
#
#   [AWS=COMMAND] benches/scripts/block-ip.sh [RUNS]
#
# Needs hyperfine and the AWS CLI (`pip install awscli`).
. "$(dirname "$0")/common.sh"
export WORK PORTCULLIS
AWS=${AWS:-aws}
machine
"$AWS" --version
serve_flood
phrase=$("$PORTCULLIS" plan block-ip --stage shop/prod 203.0.113.7/32 -o json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["plan"]["confirm"])')
# Confirmed is what was shown here: every run has the plan beside its own journal.
cp -a "$WORK/state" "$WORK/planned"
id=$("$AWS" wafv2 list-ip-sets --scope REGIONAL --query "IPSets[?Name=='shop-blocklist'].Id" --output text)

cat >"$WORK/prepare" <<'SH'
if [ -s "$WORK/pid" ]; then kill "$(cat "$WORK/pid")"; fi
rm -rf "$WORK/state"
cp -a "$WORK/planned" "$WORK/state"
unset PORTCULLIS_CONFIG
: >"$WORK/run"
"$PORTCULLIS" range serve sqli-flood --speed 1 --listen 127.0.0.1:0 >"$WORK/run" 2>/dev/null &
echo $! >"$WORK/pid"
while ! grep -q CONFIG "$WORK/run"; do sleep 0.05; done
sleep 0.2
SH
cat >"$WORK/ours" <<SH
. "$WORK/run"
exec "$PORTCULLIS" apply block-ip --stage shop/prod 203.0.113.7/32 --confirm "$phrase"
SH
cat >"$WORK/theirs" <<SH
. "$WORK/run"
token=\$("$AWS" wafv2 get-ip-set --scope REGIONAL --name shop-blocklist --id $id --query LockToken --output text)
exec "$AWS" wafv2 update-ip-set --scope REGIONAL --name shop-blocklist --id $id --lock-token "\$token" \\
    --addresses 192.0.2.66/32 192.0.2.128/28 198.51.100.250/32 203.0.113.7/32
SH
hyperfine --shell=none --warmup 1 --runs "${1:-15}" --prepare "sh $WORK/prepare" \
    --export-json "$WORK/runs.json" \
    --command-name 'portcullis apply block-ip' "sh $WORK/ours" \
    --command-name 'aws get-ip-set, update-ip-set' "sh $WORK/theirs"
SERVERS="$SERVERS $(cat "$WORK/pid")"
python3 - "$WORK/runs.json" <<'PYTHON'
import json, sys
ours, theirs = (result["median"] for result in json.load(open(sys.argv[1]))["results"])
print(f"median {ours * 1e3:.1f} ms against {theirs * 1e3:.0f} ms: {theirs / ours:.0f} times faster")
PYTHON
