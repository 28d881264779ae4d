//! The test tools tested: a counter that does not count, or a server that does not misbehave, would make other tests pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod allocator;
mod filters;
mod scripted;
