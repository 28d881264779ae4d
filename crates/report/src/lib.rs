//! Renders a record: tables for a terminal, Locust's CSV files, JSON, JUnit XML, Markdown, annotations for GitHub, and an
//! HTML report of one file.
//!
//! Everything takes a [`Run`](squall_record::Run) or its windows and writes to a sink it is given. Nothing here
//! measures, judges, reads a clock or a socket; nothing prints. [`csv::CsvFiles`] and [`console::Live`] also
//! follow a run while it goes on: what they show at its end is what they show of its record.

mod annotations;
mod chart;
pub mod compare;
pub mod console;
pub mod csv;
pub mod html;
pub mod json;
mod junit;
mod markdown;
mod python;
pub mod report;
mod series;
mod show;
mod tally;
#[cfg(test)]
mod tests;

pub use annotations::annotations;
pub use junit::junit;
pub use markdown::markdown;
pub use report::Report;
pub use series::{MAX_POINTS, Series};
