# What is typed often. `just` without a recipe lists them; `just ci` is what has to pass before a merge.

[private]
default:
    @just --list

# Everything that `cargo test` runs, or what is named
test *ARGS:
    cargo test {{ ARGS }}

# Clippy, as strict as before a merge
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Format everything
fmt:
    cargo fmt --all

# All of .ci/run, or its sections by name; `just ci --list` lists them
ci *SECTIONS:
    bash .ci/run {{ SECTIONS }}

# Write generated documents, pictures and screens anew: look at the difference before you commit it
bless:
    PORTCULLIS_BLESS=1 INSTA_UPDATE=always cargo test --test it
    PORTCULLIS_BLESS=1 cargo test -p portcullis-range document

# Time a frame of every view
bench *ARGS:
    cargo bench --package portcullis-benches --bench frame {{ ARGS }}

# A drill on a simulated account
drill *ARGS:
    cargo run --release -- drill {{ ARGS }}

# The AWS CLI (on the path, or named by AWS) against `range serve`: all checks, or those named
awscli *CHECKS:
    cargo build --release && PORTCULLIS="${CARGO_TARGET_DIR:-target}/release/portcullis" python3 .ci/awscli {{ CHECKS }}
