#!/bin/sh
# What a console costs while nobody touches it: bytes to the terminal and CPU.
#
#   benches/scripts/idle.sh [SECONDS]
. "$(dirname "$0")/common.sh"
seconds=${1:-60}
machine
# A minute of peace: the flood begins two minutes after the range opens.
serve_flood
echo "live, a quiet account of two stages"
"$TARGET/examples/terminal" idle "$seconds" 10 -- "$PORTCULLIS" live
serve "$TARGET/examples/crowd" 1000 1 127.0.0.1:0
echo "live, a quiet account of a thousand stages, all of them known after 200 s"
"$TARGET/examples/terminal" idle "$seconds" 240 -- "$PORTCULLIS" live
