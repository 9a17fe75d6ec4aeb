//! How much is drawn at random, and how much of a matrix is tried: some seconds' worth with every `cargo test`, all of
//! it where `PROPTEST_CASES` says so, as `.ci/run` does.

use std::str::FromStr;

fn said<N: FromStr>() -> Option<N> {
    std::env::var("PROPTEST_CASES").ok()?.parse().ok()
}

/// How many are drawn: `PROPTEST_CASES`, else `few`.
pub(crate) fn draws<N: FromStr>(few: N) -> N {
    said().unwrap_or(few)
}

/// Of a matrix every how manyth is tried: every one where `PROPTEST_CASES` is set, whatever it says, else every
/// `few`th.
pub(crate) fn every(few: usize) -> usize {
    if said::<u64>().is_some() { 1 } else { few }
}
