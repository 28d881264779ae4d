//! The benchmark server, held against a client that counts for itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;
mod stall;
