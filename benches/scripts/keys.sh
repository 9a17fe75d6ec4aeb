#!/bin/sh
# Key to repaint while every AWS call hangs: against an endpoint that accepts and never answers, and in the middle of a flood.
#
#   benches/scripts/keys.sh [ROUNDS of four keys]
. "$(dirname "$0")/common.sh"
machine
python3 - >"$WORK/port" <<'PYTHON' &
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
held = []
while True:
    held.append(listener.accept())
PYTHON
SERVERS=$!
while ! [ -s "$WORK/port" ]; do sleep 0.05; done
echo "every AWS call hangs"
AWS_ENDPOINT_URL=http://127.0.0.1:$(cat "$WORK/port") AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=range AWS_SECRET_ACCESS_KEY=range \
    "$TARGET/examples/terminal" keys "${1:-250}" -- "$PORTCULLIS" live
echo "a drill at twenty times real time"
"$TARGET/examples/terminal" keys "${1:-250}" -- "$PORTCULLIS" drill
echo "a thousand stages, a poll every second"
serve "$TARGET/examples/crowd" 1000 60 127.0.0.1:0
"$TARGET/examples/terminal" keys "${1:-250}" -- "$PORTCULLIS" live
