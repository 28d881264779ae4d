//! What the reference API's own log says, on the clock of a run against it.

use serde_json::{Value, from_str};
use squall_core::Nanos;
use squall_record::Run;

/// Much for an API that takes some 40 ms when it is well, little for one that does not feel well.
const SLOW_MS: f64 = 150.0;

/// How long after `since` the API was slow or failed, in seconds: up to the last answer that was, as were more than a
/// quarter in the second before it. A single hiccup of the machine is none of the API's.
pub(crate) fn bad_until(log: &str, run: &Run, since: Nanos) -> f64 {
    let lines = log.lines().map(|line| from_str::<Value>(line).unwrap());
    let answers: Vec<(f64, bool)> = lines
        .filter(|line| line["event_type"] == "api_request")
        .map(|line| {
            let [at, since] = [line["timestamp"].as_str().unwrap().parse().unwrap(), run.wall(since)];
            let slow = line["response_time_ms"].as_f64().unwrap() > SLOW_MS;
            (at.duration_since(since).as_secs_f64(), slow || line["status_code"].as_u64().unwrap() >= 500)
        })
        .collect();
    assert!(answers.len() > 500, "the log has {} answers", answers.len());
    let lasting = |last: f64| {
        let second = answers.iter().filter(|(at, _)| (last - 1.0..=last).contains(at));
        let bad = second.clone().filter(|(_, bad)| *bad).count();
        4 * bad > second.count()
    };
    let mut bad = answers.iter().rev().filter(|(_, bad)| *bad).map(|(at, _)| *at);
    bad.find(|at| lasting(*at)).unwrap_or(0.0)
}
