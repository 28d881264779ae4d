//! A run as JSON: in Locust's shape ([`locust`]) and in Squall's own ([`summary`]).

mod locust;
mod pretty;

use std::io;

use serde::Serialize;
use squall_record::Run;
use squall_verdict::Verdict;

use crate::Report;

pub use locust::locust;

/// Squall's own summary of a run: [`Report`], indented, with a final line feed. Keys are stable within one
/// `format` number.
///
/// # Errors
/// Those of `out`.
pub fn summary(run: &Run, verdict: &Verdict, out: &mut dyn io::Write) -> io::Result<()> {
    let mut json = serde_json::Serializer::with_formatter(&mut *out, serde_json::ser::PrettyFormatter::new());
    Report::new(run, verdict).serialize(&mut json)?;
    out.write_all(b"\n")
}
