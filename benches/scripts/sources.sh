#!/bin/sh
# Who is sending what, where it is a hundred thousand addresses: in one process with the range, and the console alone.
#
#   benches/scripts/sources.sh [ADDRESSES [RUNS]]
. "$(dirname "$0")/common.sh"
addresses=${1:-100000}
machine
"$TARGET/examples/sources" "$addresses" "${2:-5}"

# The same world on a port, so that what the console needs is told from what the range does.
sed -e "s/count = 1300/count = $((addresses - 1100))/" -e 's/rate = 420/rate = 12600/' \
    "$(dirname "$0")/../../drills/credential-stuffing.toml" >"$WORK/crowd.toml"
serve "$PORTCULLIS" range serve "$WORK/crowd.toml" --speed 60 --listen 127.0.0.1:0
# Account time: nine minutes in.
sleep 9
for _ in $(seq "${2:-5}"); do
    /usr/bin/time -f 'portcullis sources, by time -v: %e s, %M KiB at most, %U s user, %S s system' \
        "$PORTCULLIS" sources accounts/prod -o json >"$WORK/sources.json"
done
python3 - "$WORK/sources.json" <<'PYTHON'
import json, sys
log = json.load(open(sys.argv[1]))["coverage"]["access_log"]
print(f"{log['requests']} requests of {log['addresses']} addresses; {100 * log['listed_share']:.1f} % by those listed, "
      f"no other sent more than {log['unlisted_at_most']}; ${log['dollars']:.4f} at the configured price (estimate)")
PYTHON
