//! Verdicts as a user meets them: what is judged, what is left out, and what the mix was.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod analysis;
mod compare;
mod doubts;
mod judged;
mod mix;
mod run;
mod spans;
mod windows;
