#!/bin/sh
# Watching a thousand stages: first rows, GetMetricData calls and CPU of a poll, memory once three hours are held.
#
#   benches/scripts/poll.sh [STAGES]
. "$(dirname "$0")/common.sh"
stages=${1:-1000}
machine
serve "$TARGET/examples/crowd" "$stages" 1 127.0.0.1:0
echo "in real time: how soon rows are there, and the pace of the rest"
"$TARGET/examples/watch" 1
# 130 minutes of polls on top of the hour that is read at first: three hours are full.
serve "$TARGET/examples/crowd" "$stages" 60 127.0.0.1:0
echo "at sixty times real time: a poll every second"
/usr/bin/time -f 'by time -v: %M KiB at most, %U s user, %S s system' "$TARGET/examples/watch" 130
echo "with the screen, or with JSON: portcullis snapshot --watch for 60 polls"
timeout 75 /usr/bin/time -f 'by time -v: %M KiB at most, %U s user, %S s system' \
    timeout 70 "$PORTCULLIS" snapshot --watch -o json >/dev/null || :
