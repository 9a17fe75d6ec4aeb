//! Benchmarks live in `benches/`; this package has no library of its own.
