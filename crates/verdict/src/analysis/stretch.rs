//! What a stretch of time was like.

use squall_core::Nanos;
use squall_stats::Iterations;

use super::seconds::{Second, percentiles, span, within};
use super::{IterationRates, Stretch};

/// What `start..end` was like.
pub(crate) fn stretch(seconds: &[Second], start: Nanos, end: Nanos) -> Stretch {
    let inside = within(seconds, start, end);
    let sum = |count: fn(&Second) -> u64| inside.iter().map(count).sum::<u64>();
    let (ok, failed, rate_limited) =
        (sum(|second| second.ok), sum(|second| second.failed), sum(|second| second.rate_limited));
    let time = span(inside);
    let user_seconds: f64 = inside.iter().map(|second| second.user_seconds).sum();
    let mut iterations = Iterations::default();
    inside.iter().for_each(|second| iterations.merge(&second.iterations));
    let per_second = |count: u64| ratio(count as f64, time).unwrap_or(0.0);
    let [p50, p95, p99] = percentiles(inside, [50.0, 95.0, 99.0]);
    Stretch {
        start,
        end,
        users: inside.iter().map(|second| second.users).max().unwrap_or(0),
        completed: ok + failed + rate_limited,
        throughput: per_second(ok),
        throughput_per_user: ratio(ok as f64, user_seconds),
        iterations: IterationRates {
            offered: per_second(iterations.offered),
            started: per_second(iterations.started),
            completed: per_second(iterations.completed),
            dropped: per_second(iterations.dropped),
        },
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
