#!/bin/sh
# First paint and first real row from a loopback endpoint, and the same of another console beside it.
#
#   benches/scripts/first-row.sh [RUNS [PEER…]]
#
# PEER is another console's command; PEER_ROW is what its first real row shows, and where it starts elsewhere, PEER_KEYS are
# typed once PEER_AFTER is on the screen. For taws (crates.io, `cargo install taws`):
#
#   PEER_AFTER='EC2 Instances' PEER_KEYS=':apigateway-rest-apis\r' PEER_ROW='public API' benches/scripts/first-row.sh 20 taws
. "$(dirname "$0")/common.sh"
runs=${1:-20}
[ $# -gt 0 ] && shift
machine
serve_flood
echo "portcullis live"
"$TARGET/examples/terminal" first "$runs" shop/prod -- "$PORTCULLIS" live
echo "portcullis live, until the figures of that row are there"
"$TARGET/examples/terminal" first "$runs" "as of" -- "$PORTCULLIS" live
[ $# -eq 0 ] && exit
echo "$*"
[ -n "${PEER_KEYS:-}" ] && "$TARGET/examples/terminal" first "$runs" "$PEER_AFTER" -- "$@"
"$TARGET/examples/terminal" first "$runs" "${PEER_ROW:?}" ${PEER_KEYS:+--keys "$PEER_KEYS" "$PEER_AFTER"} -- "$@"
