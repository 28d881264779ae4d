//! The client against servers that behave, and servers that do not.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test, as the tests themselves do")]

mod cost;
mod errors;
mod flow;
mod hops;
mod support;
mod tls;

#[global_allocator]
static ALLOCATOR: squall_testkit::alloc::CountingAllocator = squall_testkit::alloc::CountingAllocator;
