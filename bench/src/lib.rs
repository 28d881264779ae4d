//! Benchmarks: a minimal server and the comparisons that run against it.
