//! What a user sees of a recorded run, format by format.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test they help")]

mod compare;
mod console;
mod csv_files;
mod html;
mod json;
mod outputs;
mod sample;
mod series;
