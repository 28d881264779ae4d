//! The run over time, for charts: at most a thousand points, each from windows merged exactly. A percentile of
//! a point is a percentile of its requests, never a mean of percentiles.

use serde::Serialize;
use squall_core::{Nanos, OutcomeKind, Ramp};
use squall_record::{PhaseMark, Run};
use squall_stats::{Histogram, Iterations, Window};

use crate::report::{Group, Lag};

/// Points of a chart: more than a wide screen can show apart.
pub const MAX_POINTS: usize = 1000;

/// A last window shorter than this is no point of its own.
const SHORTEST: Nanos = Nanos::from_millis(500);

/// Columns of equal length, one value a point. Rates per second, times in milliseconds, `None` where there was
/// nothing to measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Series {
    /// End of each point, in seconds of the run.
    pub t: Vec<f64>,
    /// Users asked for.
    pub users_asked: Vec<u32>,
    /// Users running, by class in the order of the plan.
    pub users: Vec<Vec<u32>>,
    /// Answered as expected.
    pub ok: Vec<f64>,
    /// Failed, timeouts apart.
    pub failed: Vec<f64>,
    /// Failed by a timeout.
    pub timed_out: Vec<f64>,
    /// Refused by a rate limiter.
    pub rate_limited: Vec<f64>,
    /// Median response time.
    pub p50: Vec<Option<f64>>,
    /// 95th percentile.
    pub p95: Vec<Option<f64>>,
    /// 99th percentile.
    pub p99: Vec<Option<f64>>,
    /// True where the 99th percentile is only a lower bound.
    pub p99_at_least: Vec<bool>,
    /// 99th percentile of service time; empty when no schedule sets it apart.
    pub service_p99: Vec<Option<f64>>,
    /// 99th percentile of send lag.
    pub send_lag_p99: Vec<Option<f64>>,
    /// 99th percentile of loop lag.
    pub loop_lag_p99: Vec<Option<f64>>,
    /// Task iterations due per second; this and the three below are empty when no phase has an arrival rate.
    pub offered: Vec<f64>,
    /// Task iterations begun per second.
    pub started: Vec<f64>,
    /// Task iterations run to their end per second.
    pub completed: Vec<f64>,
    /// Task iterations given up per second.
    pub dropped: Vec<f64>,
}

impl Series {
    /// The windows of `run`, joined until there are at most `max_points`.
    pub fn new(run: &Run, max_points: usize) -> Self {
        Self::of(run, &run.windows, max_points)
    }

    /// Some `windows` of `run`, joined in the same way.
    pub(crate) fn of(run: &Run, windows: &[Window], max_points: usize) -> Self {
        let open = run.plan.load.phases.iter().any(|phase| phase.arrivals.is_some());
        let mut series = Self { users: vec![Vec::new(); run.plan.classes.len()], ..Self::default() };
        let ramps = ramps(run);
        for part in parts(windows, max_points) {
            if let Some(window) = joined(part) {
                series.push(&window, &ramps);
                if open {
                    series.push_iterations(&window);
                }
            }
        }
        if series.service_p99 == series.p99 {
            series.service_p99.clear();
        }
        series
    }

    fn push(&mut self, window: &Window, ramps: &[Ramp]) {
        let end = window.start + window.span;
        let mut all = Group::default();
        window.cells().for_each(|(key, cell)| all.add(key, cell));
        let rate = |kind| per_second(all.summary.count(kind), window.span);
        self.t.push(end.as_secs_f64());
        self.users_asked.push(ramps.iter().rev().find(|r| r.start < end).map_or(0, |r| r.users_at(end)));
        for (class, users) in self.users.iter_mut().enumerate() {
            users.push(window.users.get(class).copied().unwrap_or(0));
        }
        self.ok.push(rate(OutcomeKind::Ok));
        self.failed.push(rate(OutcomeKind::Failed));
        self.timed_out.push(rate(OutcomeKind::TimedOut));
        self.rate_limited.push(rate(OutcomeKind::RateLimited));
        let percentile = |p| all.summary.percentile(p);
        let ms = |p| percentile(p).map(|quantile| thousandth(quantile.value.as_millis_f64()));
        self.p50.push(ms(50.0));
        self.p95.push(ms(95.0));
        self.p99.push(ms(99.0));
        self.p99_at_least.push(percentile(99.0).is_some_and(|quantile| quantile.at_least));
        self.service_p99.push(all.service_ms(99.0).map(thousandth).or(ms(99.0)));
        let lag = |histogram: &Histogram| Lag::of(histogram).map(|lag| thousandth(lag.p99_ms));
        self.send_lag_p99.push(lag(&window.send_lag));
        self.loop_lag_p99.push(lag(&window.loop_lag));
    }

    fn push_iterations(&mut self, window: &Window) {
        let mut sum = Iterations::default();
        window.iterations().for_each(|(.., counts)| sum.merge(counts));
        let columns = [
            (&mut self.offered, sum.offered),
            (&mut self.started, sum.started),
            (&mut self.completed, sum.completed),
            (&mut self.dropped, sum.dropped),
        ];
        for (column, count) in columns {
            column.push(per_second(count, window.span));
        }
    }
}

/// The windows of each point. The last window ends with the run and may be a few milliseconds long: by itself it would
/// be a point with an absurd rate, so it joins the one before.
fn parts(windows: &[Window], max_points: usize) -> Vec<&[Window]> {
    let size = windows.len().div_ceil(max_points.max(1)).max(1);
    let mut parts: Vec<_> = windows.chunks(size).collect();
    let short = windows.last().is_some_and(|last| last.span < SHORTEST);
    if let [.., before, [_]] = parts[..]
        && short
    {
        parts.pop();
        parts.pop();
        parts.push(&windows[windows.len() - before.len() - 1..]);
    }
    parts
}

fn per_second(count: u64, span: Nanos) -> f64 {
    let rate = count as f64 / span.as_secs_f64();
    if rate.is_finite() { thousandth(rate) } else { 0.0 }
}

/// Three decimals: microseconds, which is what is measured, and a shorter file.
pub(crate) fn thousandth(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Consecutive windows as one; `None` for none.
fn joined(windows: &[Window]) -> Option<Window> {
    let (first, rest) = windows.split_first()?;
    let mut all = first.clone();
    rest.iter().for_each(|window| all.extend(window));
    Some(all)
}

/// How the users asked for moved from phase to phase.
fn ramps(run: &Run) -> Vec<Ramp> {
    let mut from = 0;
    let ramp = |phase: &PhaseMark| {
        // A live edit is no phase of the plan; its ramp is then drawn as a step.
        let planned = run.plan.load.phases.iter().find(|planned| planned.name == phase.name);
        let rate = planned.map_or(f64::MAX, |planned| planned.spawn_rate);
        let ramp = Ramp { start: phase.start, from, to: phase.users, rate };
        from = phase.users;
        ramp
    };
    run.phases.iter().map(ramp).collect()
}

/// The phases, as bands behind a chart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Band {
    pub(crate) name: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) measured: bool,
}

/// The bands of `run`; a phase without an end lasts until the end of the run.
pub(crate) fn bands(run: &Run) -> Vec<Band> {
    let band = |phase: &PhaseMark| Band {
        name: phase.name.clone(),
        from: phase.start.as_secs_f64(),
        to: phase.end.unwrap_or_else(|| run.duration()).as_secs_f64(),
        measured: phase.measured,
    };
    run.phases.iter().map(band).collect()
}
