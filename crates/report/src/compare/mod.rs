//! Two runs against each other as text, JSON and an HTML page of one file.
//!
//! What is found comes from [`squall_verdict::compare`]; here it is only shown. The page has more than the text: curves of
//! both runs on a common axis, which are made from the records.

mod console;
mod curves;
mod page;

use std::io;

use serde::Serialize;
use squall_record::Run;
use squall_verdict::Comparison;

pub use console::text;

use crate::html::embedded;

/// The number of the shape of the JSON; it rises when a key changes its meaning or goes.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Json<'a> {
    format: u32,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// Write the comparison as JSON, indented, with a final line feed: `format` and the fields of [`Comparison`]. Times are
/// in seconds, shares from 0 to 1. Keys are stable within one `format` number.
///
/// # Errors
/// Those of `out`.
pub fn json(comparison: &Comparison, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Json { format: FORMAT, comparison })?;
    out.write_all(b"\n")
}

/// Write the page; `a` and `b` are the runs that were compared.
///
/// # Errors
/// Those of `out`.
pub fn html(comparison: &Comparison, a: &Run, b: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    let curves = curves::curves(comparison, a, b);
    let json = embedded(&serde_json::to_string(&curves)?);
    out.write_all(page::page(comparison, &curves, json).into_string().as_bytes())
}
