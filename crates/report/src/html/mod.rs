//! The report as one HTML file that opens offline and asks nobody for anything.
//!
//! Every table stands in the markup, so that it can be read, searched, printed and copied without a script; the
//! script only draws the charts, from JSON in the page. What comes from a suite or a target is escaped: text by
//! the template, the JSON by [`embedded`]. A content security policy forbids every request, should that ever fail.

pub(crate) mod assets;
mod charts;
mod criteria;
mod doubts;
mod failures;
mod findings;
mod mix;
mod page;
mod requests;
mod setup;
mod watched;

use std::io;

use serde::Serialize;
use squall_record::Run;
use squall_verdict::Verdict;

use crate::chart::{self, Findings, Marked, WatchedChart};
use crate::report::{LogReport, Report};
use crate::series::{Band, MAX_POINTS, Series, bands};

/// Lines of the log that are shown; a record keeps them all.
const LOG_LINES: usize = 500;

/// What the script draws from, and what "download the data" saves.
#[derive(Serialize)]
struct Data<'a> {
    report: &'a Report,
    classes: Vec<&'a str>,
    bands: Vec<Band>,
    marked: Vec<Marked>,
    series: Series,
    watched: Vec<WatchedChart>,
    findings: Findings,
}

/// Write the report of `run`, judged as `verdict`.
///
/// # Errors
/// Those of `out`.
pub fn render(run: &Run, verdict: &Verdict, out: &mut dyn io::Write) -> io::Result<()> {
    page_of(run, Report::new(run, verdict), out)
}

pub(crate) fn page_of(run: &Run, mut report: Report, out: &mut dyn io::Write) -> io::Result<()> {
    let omitted = report.log.len().saturating_sub(LOG_LINES);
    report.log = shortened(report.log);
    let data = Data {
        report: &report,
        classes: run.plan.classes.iter().map(|class| class.name.as_str()).collect(),
        bands: bands(run),
        marked: chart::marked(run),
        watched: chart::watched(run),
        findings: Findings::new(run, &report),
        series: Series::new(run, MAX_POINTS),
    };
    let json = embedded(&serde_json::to_string(&data)?);
    out.write_all(page::page(&data, omitted, json).into_string().as_bytes())
}

/// The first and the last lines: how a run began and how it ended say most.
fn shortened(mut log: Vec<LogReport>) -> Vec<LogReport> {
    if log.len() > LOG_LINES {
        let half = LOG_LINES / 2;
        let last = log.len() - half;
        log.drain(half..last);
    }
    log
}

/// JSON that cannot end the element it stands in: `<` occurs only inside strings, where it may be escaped.
pub(crate) fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_json_reads_back_and_holds_no_tag() {
        let value = serde_json::json!({"a": "</script><!--<script>", "b": "\u{2028}"});
        let text = embedded(&value.to_string());
        assert!(!text.contains('<'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_long_log_keeps_its_ends() {
        let line = |n: usize| LogReport {
            at_s: n as f64,
            level: squall_record::LogLevel::Info,
            text: n.to_string(),
        };
        let kept = shortened((0..2000).map(line).collect());
        assert_eq!(kept.len(), LOG_LINES);
        assert_eq!((kept[0].text.as_str(), kept[LOG_LINES - 1].text.as_str()), ("0", "1999"));
        assert_eq!(shortened((0..3).map(line).collect()).len(), 3);
    }
}
