//! The real binary, as a user sees it: exit codes, messages, data on stdout, files.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test they help")]

mod compare;
mod demo;
mod faults;
mod help;
mod hostile;
mod refusals;
mod runs;
mod shows;
mod support;
mod verdicts;
