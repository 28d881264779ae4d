//! What a stretch of time was like.

use squall_core::Nanos;
use squall_stats::Iterations;

use super::Situation;
use super::seconds::{Second, percentiles, span, within};

/// What `start..end` was like.
pub(crate) fn situation(seconds: &[Second], start: Nanos, end: Nanos) -> Situation {
    let stretch = within(seconds, start, end);
    let sum = |count: fn(&Second) -> u64| stretch.iter().map(count).sum::<u64>();
    let (ok, failed, rate_limited) =
        (sum(|second| second.ok), sum(|second| second.failed), sum(|second| second.rate_limited));
    let time = span(stretch);
    let user_seconds: f64 = stretch.iter().map(|second| second.user_seconds).sum();
    let mut iterations = Iterations::default();
    stretch.iter().for_each(|second| iterations.merge(&second.iterations));
    let per_second = |count: u64| ratio(count as f64, time).unwrap_or(0.0);
    let [p50, p95, p99] = percentiles(stretch, [50.0, 95.0, 99.0]);
    Situation {
        start,
        end,
        users: stretch.iter().map(|second| second.users).max().unwrap_or(0),
        completed: ok + failed + rate_limited,
        throughput: per_second(ok),
        throughput_per_user: ratio(ok as f64, user_seconds),
        offered: per_second(iterations.offered),
        iterations_started: per_second(iterations.started),
        iterations_completed: per_second(iterations.completed),
        dropped: per_second(iterations.dropped),
        p50,
        p95,
        p99,
        error_rate: ratio(failed as f64, (ok + failed) as f64),
        rate_limited: ratio(rate_limited as f64, (ok + failed + rate_limited) as f64),
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
