//! The real binary against real servers: what it says is held against what the server knows.
//!
//! What one command prints or refuses is tested in `crates/cli`; here runs are judged by their numbers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test they help")]

mod bad_targets;
mod compare;
mod counts;
mod demo;
mod demo_flaws;
mod docs_commands;
mod doubts;
mod faults;
mod guide_table;
mod killed;
mod locust;
mod open_model;
mod recovery;
mod scarce;
mod scenarios;
mod secrets;
mod stall;
mod support;
mod truth;
