#!/bin/sh
# Watching a thousand stages: first rows, GetMetricData calls and CPU of a poll, memory once three hours are held.
#
#   benches/scripts/poll.sh [STAGES [first] [discovery] [cpu] [memory] [screen] [snapshot]]      all of them where none is named
. "$(dirname "$0")/common.sh"
stages=${1:-1000}
[ $# -gt 0 ] && shift
[ $# -eq 0 ] && set -- first discovery cpu memory screen snapshot
machine
for part; do
    case $part in
    first)
        serve "$TARGET/examples/crowd" "$stages" 1 127.0.0.1:0
        echo "in real time: how soon rows are there, and the pace of the rest"
        "$TARGET/examples/watch" 1
        ;;
    discovery)
        # CPU of the console alone until every detail is there; in real time, since boards come by the wall clock: a minute for each three
        # hundred stages (half of the control plane's ten calls a second).
        for count in 300 "$stages" 3000; do
            serve "$TARGET/examples/crowd" "$count" 1 127.0.0.1:0
            "$TARGET/examples/watch" 0 | grep 'all details'
        done
        ;;
    cpu)
        # Rounds of discovery, which take four of five minutes, put four calls a second beside a poll in real time; here eighty.
        serve "$TARGET/examples/crowd" "$stages" 20 127.0.0.1:0
        echo "at twenty times real time: a poll every three seconds"
        "$TARGET/examples/watch" 20
        ;;
    memory)
        # 130 minutes of polls on top of the hour that is read at first: three hours are full.
        serve "$TARGET/examples/crowd" "$stages" 60 127.0.0.1:0
        echo "at sixty times real time: a poll every second"
        /usr/bin/time -f 'by time -v: %M KiB at most, %U s user, %S s system' "$TARGET/examples/watch" 130
        ;;
    screen)
        serve "$TARGET/examples/crowd" "$stages" 60 127.0.0.1:0
        echo "portcullis live at sixty times real time: three hours are full after 120 s"
        "$TARGET/examples/terminal" idle 20 130 -- "$PORTCULLIS" live
        ;;
    snapshot)
        serve "$TARGET/examples/crowd" "$stages" 60 127.0.0.1:0
        echo "portcullis snapshot --watch -o json at sixty times real time, for 70 s"
        # A signal ends it after 70 s: what it has cost until then is what counts.
        timeout 75 /usr/bin/time -f 'by time -v: %M KiB at most, %U s user, %S s system' \
            timeout 70 "$PORTCULLIS" snapshot --watch -o json >/dev/null || :
        ;;
    *) echo "no part is called $part" >&2 && exit 1 ;;
    esac
done
