#!/bin/sh
# Size of the release binary, and how long a cold release build takes (dependencies downloaded already).
#
#   benches/scripts/build.sh
set -eu
cd "$(dirname "$0")/../.."
cold=$(mktemp -d)
trap 'rm -rf "$cold"' EXIT INT TERM
cargo fetch --locked
CARGO_TARGET_DIR="$cold" /usr/bin/time -f 'cold cargo build --release: %e s, %U s user' cargo build --release --locked --quiet
stat -c 'release binary: %s bytes' "$cold/release/portcullis"
