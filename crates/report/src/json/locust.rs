//! Locust's `--json`: an array of entries, complete (Locust's own resets the entries while it writes them).

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use squall_core::Nanos;
use squall_record::Run;

use super::pretty::Python;
use crate::tally::{Keep, Line, Second, Tally};

/// One (method, name), with Locust's keys in Locust's order. Times in milliseconds, timestamps in Unix seconds.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    method: &'a str,
    last_request_timestamp: f64,
    start_time: f64,
    num_requests: u64,
    num_none_requests: u64,
    num_failures: u64,
    total_response_time: f64,
    max_response_time: f64,
    min_response_time: Option<f64>,
    total_content_length: u64,
    response_times: &'a BTreeMap<u64, u64>,
    num_reqs_per_sec: BTreeMap<i64, u64>,
    num_fail_per_sec: BTreeMap<i64, u64>,
}

/// Write the run as Locust's `--json` does: endpoints in the order of the plan, those without requests left
/// out, no total.
///
/// # Errors
/// Those of `out`.
pub fn locust(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    let tally = Tally::of(run, Keep::EverySecond);
    let start = run.started.as_duration().as_secs_f64();
    let entries: Vec<Entry<'_>> = tally.planned().map(|line| entry(line, start)).collect();
    entries.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Python::new()))?;
    out.write_all(b"\n")
}

fn entry(line: &Line, start: f64) -> Entry<'_> {
    Entry {
        name: &line.name,
        method: &line.method,
        last_request_timestamp: start + line.last.as_secs_f64(),
        start_time: start + line.first.unwrap_or(Nanos::ZERO).as_secs_f64(),
        num_requests: line.entry.num_requests,
        num_none_requests: 0,
        num_failures: line.entry.num_failures,
        total_response_time: line.entry.total_response_time,
        max_response_time: line.entry.max_response_time,
        min_response_time: line.entry.min_response_time,
        total_content_length: line.entry.total_content_length,
        response_times: &line.entry.response_times,
        num_reqs_per_sec: by_second(line, start, |second| second.requests),
        num_fail_per_sec: by_second(line, start, |second| second.failures),
    }
}

fn by_second(line: &Line, start: f64, count: impl Fn(&Second) -> u64) -> BTreeMap<i64, u64> {
    let start = start as i64;
    let counts = line.seconds.iter().map(|(&second, counts)| (start + second as i64, count(counts)));
    counts.filter(|&(_, n)| n > 0).collect()
}
