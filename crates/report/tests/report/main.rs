//! What a user sees of a recorded run, format by format.

mod console;
mod csv_files;
mod json;
mod sample;
