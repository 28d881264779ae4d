//! Squall beside the genuine Locust that `cargo xtask test` installs: the same suite and locustfile, the same server, the
//! same flags.
//!
//! What is on purpose different is said where it is met, and asserted where a change of it would be noticed by users.

mod command_line;
mod console;
mod dispatch;
mod files;
mod json;
mod numbers;
mod pair;
