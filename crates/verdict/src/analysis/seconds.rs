//! A run second by second, all its requests in one: what every analysis is made from, gathered once.
//!
//! Requests count in the second in which they completed, whatever they were begun in: to whoever waits, a disturbance is
//! not over before. Requests cut at the end are left out: nobody waited for them any longer, which says nothing about
//! the server.

use squall_core::{Nanos, OutcomeKind};
use squall_record::PhaseMark;
use squall_stats::{CellKey, Histogram, Iterations, Window, nearest_rank};

/// Which requests are looked at.
pub(crate) type Filter<'a> = &'a dyn Fn(&CellKey) -> bool;

/// One window; not every one is a second long.
pub(crate) struct Second {
    pub(crate) start: Nanos,
    pub(crate) end: Nanos,
    /// Users at its end.
    pub(crate) users: u32,
    /// Users times seconds: those at its begin are those at the end of the window before, and in between they change
    /// evenly while a phase ramps.
    pub(crate) user_seconds: f64,
    pub(crate) ok: u64,
    /// Timeouts among them.
    pub(crate) failed: u64,
    pub(crate) rate_limited: u64,
    /// Response times of successes; those that waited in vain took at least so long.
    pub(crate) times: Histogram,
    pub(crate) longest: Nanos,
    pub(crate) iterations: Iterations,
}

/// The windows of a run and the requests that `filter` lets through, in the order of time.
pub(crate) fn seconds(windows: &[Window], phases: &[PhaseMark], filter: Filter<'_>) -> Vec<Second> {
    let users = |window: &Window| window.users.iter().sum::<u32>();
    let mut before = windows.first().map_or(0, users);
    let second = |window: &Window| {
        let now = users(window);
        let user_seconds = user_seconds(window, phases, before, now);
        before = now;
        let mut second = Second {
            start: window.start,
            end: window.start + window.span,
            users: now,
            user_seconds,
            ok: 0,
            failed: 0,
            rate_limited: 0,
            times: Histogram::default(),
            longest: Nanos::ZERO,
            iterations: Iterations::default(),
        };
        for (key, cell) in window.cells().filter(|(key, _)| filter(key)) {
            match key.outcome {
                OutcomeKind::Ok => second.ok += cell.count,
                OutcomeKind::Failed | OutcomeKind::TimedOut => second.failed += cell.count,
                OutcomeKind::RateLimited => second.rate_limited += cell.count,
                OutcomeKind::Cut => {}
            }
            if matches!(key.outcome, OutcomeKind::Ok | OutcomeKind::TimedOut) {
                second.times.merge(&cell.response);
                second.longest = second.longest.max(cell.response_max);
            }
        }
        window.iterations().for_each(|(_, _, counts)| second.iterations.merge(counts));
        second
    };
    windows.iter().map(second).collect()
}

/// Users times seconds in `window`, which began with `before` users and ended with `now`. A ramp may take a small part of
/// it: 30 users who stop in its first 0.3 s are not 15 users all the time.
fn user_seconds(window: &Window, phases: &[PhaseMark], before: u32, now: u32) -> f64 {
    let (start, end) = (window.start, window.start + window.span);
    let from = phases.iter().map(|phase| phase.start).find(|at| (start..end).contains(at)).unwrap_or(start);
    let ramped = phases.iter().rev().filter_map(|phase| phase.ramped).find(|at| (start..=end).contains(at));
    let to = ramped.filter(|ramped| *ramped >= from).unwrap_or(end);
    let (before, now) = (f64::from(before), f64::from(now));
    before * from.since(start).as_secs_f64()
        + f64::midpoint(before, now) * to.since(from).as_secs_f64()
        + now * end.since(to).as_secs_f64()
}

/// The seconds of a stretch: those whose middle lies in it.
pub(crate) fn within(seconds: &[Second], start: Nanos, end: Nanos) -> &[Second] {
    let middle = |second: &Second| Nanos(u64::midpoint(second.start.0, second.end.0));
    let first = seconds.partition_point(|second| middle(second) < start);
    let count = seconds[first..].partition_point(|second| middle(second) < end);
    &seconds[first..first + count]
}

/// The time that `seconds` took, in seconds.
pub(crate) fn span(seconds: &[Second]) -> f64 {
    seconds.iter().map(|second| second.end.since(second.start).as_secs_f64()).sum()
}

/// The `percentiles` (0 to 100) of response time in `seconds`, nearest rank, in seconds; lower bounds where requests
/// waited in vain.
pub(crate) fn percentiles<const N: usize>(seconds: &[Second], percentiles: [f64; N]) -> [Option<f64>; N] {
    let mut times = Histogram::default();
    seconds.iter().for_each(|second| times.merge(&second.times));
    let longest = seconds.iter().map(|second| second.longest).max().unwrap_or(Nanos::ZERO);
    percentiles.map(|percentile| {
        let rank = nearest_rank(percentile / 100.0, times.count());
        times.value_at_rank(rank).map(|time| time.min(longest).as_secs_f64())
    })
}
