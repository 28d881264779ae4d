//! Monitors as a run meets them: real processes that work, listen, end and come back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod helpers;
mod process;
mod refused;
mod this_process;
