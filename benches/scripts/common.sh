# Sourced by the scripts beside it: what they measure, and ranges to measure it against.
# Needs: a release build of everything (`cargo build --release --workspace --bins --examples`), Linux, POSIX sh and Python 3.

set -eu
TARGET=${CARGO_TARGET_DIR:-$(cd "$(dirname "$0")/../.." && pwd)/target}/release
PORTCULLIS=${PORTCULLIS:-$TARGET/portcullis}
WORK=$(mktemp -d)
export XDG_STATE_HOME="$WORK/state" XDG_CONFIG_HOME="$WORK/config"
SERVERS=
trap 'kill $SERVERS 2>/dev/null || :; rm -rf "$WORK"' EXIT INT TERM

machine() {
    printf '%s cores of %s, Linux %s\n' "$(nproc)" \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r)"
}

# serve COMMAND…: starts a server that prints `export NAME=value` lines, and takes them over.
serve() {
    : >"$WORK/environment"
    "$@" >"$WORK/environment" 2>"$WORK/server.log" &
    SERVERS="$SERVERS $!"
    while ! grep -q AWS_DEFAULT_REGION "$WORK/environment"; do
        kill -0 $! 2>/dev/null || { cat "$WORK/server.log" >&2; exit 1; }
        sleep 0.05
    done
    sleep 0.2
    . "$WORK/environment"
}

serve_flood() {
    serve "$PORTCULLIS" range serve sqli-flood --speed 1 --listen 127.0.0.1:0
}
