//! What a stretch of time was like: requests by the second in which they completed, whatever they were begun in.
//!
//! A window belongs to a stretch when its middle does. So a request that began in a disturbance and was answered after
//! it counts as after: to whoever waits, the disturbance is not over before.

use squall_core::{Nanos, OutcomeKind};
use squall_stats::{CellKey, Summary, Window};

use super::Situation;

/// Which requests are looked at.
pub(crate) type Filter<'a> = &'a dyn Fn(&CellKey) -> bool;

/// The windows of a stretch.
pub(crate) fn within(windows: &[Window], start: Nanos, end: Nanos) -> &[Window] {
    let middle = |window: &Window| window.start + Nanos(window.span.0 / 2);
    let first = windows.partition_point(|window| middle(window) < start);
    let count = windows[first..].partition_point(|window| middle(window) < end);
    &windows[first..first + count]
}

/// Users times seconds of the window at `index`: a window knows the users at its end, those at its begin are those at the
/// end of the one before.
pub(crate) fn user_seconds(windows: &[Window], index: usize) -> f64 {
    let at_end = users(&windows[index]);
    let before = index.checked_sub(1).map_or(at_end, |before| users(&windows[before]));
    f64::midpoint(f64::from(before), f64::from(at_end)) * windows[index].span.as_secs_f64()
}

/// Users at the end of a window.
pub(crate) fn users(window: &Window) -> u32 {
    window.users.iter().sum()
}

/// What `start..end` was like, to the requests that `filter` lets through.
pub(crate) fn situation(windows: &[Window], start: Nanos, end: Nanos, filter: Filter<'_>) -> Situation {
    let stretch = within(windows, start, end);
    let summary = summary(stretch, filter);
    let span = stretch.iter().fold(0.0, |sum, window| sum + window.span.as_secs_f64());
    let per_second = |count: u64| if span > 0.0 { count as f64 / span } else { 0.0 };
    let mut situation = Situation {
        start,
        end,
        users: stretch.iter().map(users).max().unwrap_or(0),
        completed: summary.completed(),
        throughput: per_second(summary.ok()),
        error_rate: summary.error_rate(),
        rate_limited: summary.rate_limited_share(),
        p50: percentile(&summary, 50.0),
        p95: percentile(&summary, 95.0),
        p99: percentile(&summary, 99.0),
        ..Situation::default()
    };
    let from =
        windows.partition_point(|window| stretch.first().is_some_and(|first| window.start < first.start));
    let user_seconds: f64 = (from..from + stretch.len()).map(|index| user_seconds(windows, index)).sum();
    situation.throughput_per_user = (user_seconds > 0.0).then(|| summary.ok() as f64 / user_seconds);
    let iterations = stretch.iter().flat_map(Window::iterations).fold([0; 4], |sum, (_, _, one)| {
        [sum[0] + one.offered, sum[1] + one.started, sum[2] + one.completed, sum[3] + one.dropped]
    });
    let [offered, started, completed, dropped] = iterations.map(per_second);
    situation.offered = offered;
    situation.iterations_started = started;
    situation.iterations_completed = completed;
    situation.dropped = dropped;
    situation
}

/// All requests of `windows` that `filter` lets through.
pub(crate) fn summary(windows: &[Window], filter: Filter<'_>) -> Summary {
    let mut summary = Summary::default();
    for (key, cell) in windows.iter().flat_map(Window::cells).filter(|(key, _)| filter(key)) {
        // Those cut at the end were not answered because nobody waited any longer; draining is in no stretch, and what
        // a signal cuts says nothing about the server.
        if key.outcome != OutcomeKind::Cut {
            summary.add(key.outcome, cell);
        }
    }
    summary
}

/// A percentile of response time in seconds; with timeouts it may be a lower bound.
pub(crate) fn percentile(summary: &Summary, percentile: f64) -> Option<f64> {
    summary.percentile(percentile).map(|quantile| quantile.value.as_secs_f64())
}
