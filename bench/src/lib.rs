//! Benchmarks: a minimal server that knows exactly what it did, and the comparisons that run against it.
//!
//! The server is also what tests hold Squall's numbers against, so nothing here depends on a crate of Squall's: a mistake
//! in Squall's HTTP code or histograms must not be able to hide by being made on both sides.

pub mod accuracy;
pub mod compare;
pub mod server;
