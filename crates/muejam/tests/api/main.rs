//! The service as its clients see it: real sockets on the loopback, requests written by hand.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test they help")]

mod auth;
mod behaviour;
mod client;
mod flaws;
mod limits;
mod malformed;
mod observed;
mod older_family;
mod process;
mod v1_family;
