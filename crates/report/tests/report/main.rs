//! What a user sees of a recorded run, format by format.

mod console;
mod csv_files;
mod html;
mod json;
mod sample;
mod series;
