//! What the charts beside the main ones are drawn from: watched series, recoveries, drifts, and what is marked on all.

use serde::Serialize;
use squall_core::Nanos;
use squall_plan::{MonitorKind, Unit};
use squall_record::{MarkKind, Point, Run};
use squall_stats::Window;
use squall_verdict::statistics::median;

use crate::report::{DriftReport, RecoveryReport, Report};
use crate::series::{MAX_POINTS, Series, thousandth};

/// A sample that is this many intervals late leaves a gap.
const LATE: f64 = 2.5;

/// A stretch or a moment that is marked on every chart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Marked {
    pub(crate) name: String,
    pub(crate) from: f64,
    /// Equal to `from` for a moment.
    pub(crate) to: f64,
}

/// The faults of `run`, which are drawn as stretches, and its marks, which are moments.
pub(crate) fn marked(run: &Run) -> Vec<Marked> {
    let faults = run.faults.iter().map(|fault| Marked {
        name: fault.name.clone(),
        from: fault.start.as_secs_f64(),
        to: fault.end.unwrap_or_else(|| run.duration()).as_secs_f64(),
    });
    let marks = run.marks.iter().map(|mark| Marked {
        name: match mark.kind {
            MarkKind::Reset => "statistics reset".into(),
            MarkKind::WorkerLost => "worker lost".into(),
        },
        from: mark.at.as_secs_f64(),
        to: mark.at.as_secs_f64(),
    });
    faults.chain(marks).collect()
}

/// Series of one monitor and one unit. All times are seconds of the run, a value of `None` is a gap.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct WatchedChart {
    pub(crate) id: String,
    pub(crate) monitor: String,
    pub(crate) unit: Unit,
    pub(crate) generator: bool,
    pub(crate) lines: Vec<Line>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Line {
    /// Without the name of the monitor.
    pub(crate) label: String,
    pub(crate) t: Vec<f64>,
    pub(crate) values: Vec<Option<f64>>,
}

/// The charts of what was watched, in the order of the series.
pub(crate) fn watched(run: &Run) -> Vec<WatchedChart> {
    let plans = run.plan.series();
    let mut charts: Vec<WatchedChart> = Vec::new();
    for series in &run.series {
        let plan = plans.iter().find(|plan| plan.name == series.name);
        let monitor = plan.and_then(|plan| run.plan.monitors.get(plan.monitor));
        let (prefix, part) = series.name.rsplit_once('.').unwrap_or(("", &series.name));
        let name = monitor.map_or(prefix, |monitor| &monitor.name);
        let (t, values) = points(&series.samples, monitor.map(|monitor| monitor.interval));
        let line = Line { label: part.to_owned(), t, values };
        match charts.iter_mut().find(|chart| chart.monitor == name && chart.unit == series.unit) {
            Some(chart) => chart.lines.push(line),
            None => charts.push(WatchedChart {
                id: format!("chart-watched-{}", charts.len()),
                monitor: name.to_owned(),
                unit: series.unit,
                generator: monitor.is_some_and(|monitor| monitor.kind == MonitorKind::Generator),
                lines: vec![line],
            }),
        }
    }
    charts
}

/// At most [`MAX_POINTS`] means of neighbours. One gap among them is a gap: it must not vanish in a mean. Where samples
/// are missing altogether a gap is put in.
fn points(samples: &[Point], interval: Option<Nanos>) -> (Vec<f64>, Vec<Option<f64>>) {
    let size = samples.len().div_ceil(MAX_POINTS).max(1);
    let late = interval.map(|interval| interval.as_secs_f64() * size as f64 * LATE);
    let (mut t, mut values): (Vec<f64>, Vec<Option<f64>>) = (Vec::new(), Vec::new());
    for chunk in samples.chunks(size) {
        let Some(last) = chunk.last() else { continue };
        let at = last.at.as_secs_f64();
        if let (Some(before), Some(late)) = (t.last().copied(), late)
            && at - before > late
        {
            t.push(thousandth(f64::midpoint(before, at)));
            values.push(None);
        }
        let sum = chunk.iter().map(|point| point.value).sum::<Option<f64>>();
        t.push(thousandth(at));
        values.push(sum.map(|sum| sum / chunk.len() as f64));
    }
    (t, values)
}

/// Response times around a disturbance, with what they were like before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RecoveryChart {
    pub(crate) id: String,
    pub(crate) t: Vec<f64>,
    /// Milliseconds, as everything here.
    pub(crate) p95: Vec<Option<f64>>,
    pub(crate) before_p50: Option<f64>,
    pub(crate) before_p95: Option<f64>,
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) recovered: Option<f64>,
}

/// The chart of `recovery`; `id` is that of its element.
pub(crate) fn recovery(run: &Run, id: String, recovery: &RecoveryReport) -> RecoveryChart {
    let end = recovery.during.end_s;
    let windows = between(&run.windows, recovery.before.start_s, end + recovery.watched_s);
    let Series { t, p95, .. } = Series::of(run, windows, MAX_POINTS);
    RecoveryChart {
        id,
        t,
        p95,
        before_p50: recovery.before.p50_ms,
        before_p95: recovery.before.p95_ms,
        start: recovery.during.start_s,
        end,
        recovered: recovery.time_s.map(|time| end + time),
    }
}

fn between(windows: &[Window], from: f64, to: f64) -> &[Window] {
    let first = windows.partition_point(|window| window.start.as_secs_f64() < from - 0.5);
    let last = windows.partition_point(|window| window.start.as_secs_f64() < to);
    &windows[first..last.max(first)]
}

/// A measure in time with its trend.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct DriftChart {
    pub(crate) id: String,
    pub(crate) of: String,
    pub(crate) unit: Unit,
    pub(crate) t: Vec<f64>,
    pub(crate) values: Vec<Option<f64>>,
    /// The trend, and the same with the ends of the interval of its slope.
    pub(crate) line: Vec<f64>,
    pub(crate) low: Vec<f64>,
    pub(crate) high: Vec<f64>,
}

/// The chart of `drift`; `id` is that of its element. `None` when what it is of is not in the record.
pub(crate) fn drift(run: &Run, id: String, drift: &DriftReport) -> Option<DriftChart> {
    let windows = between(&run.windows, drift.start_s, drift.end_s);
    let of_requests = || Series::of(run, windows, MAX_POINTS);
    let (t, values) = match drift.of.as_str() {
        "p95" => {
            let Series { t, p95, .. } = of_requests();
            (t, p95.into_iter().map(|ms| ms.map(|ms| ms / 1e3)).collect())
        }
        "throughput" => {
            let Series { t, ok, .. } = of_requests();
            (t, ok.into_iter().map(Some).collect::<Vec<_>>())
        }
        name => {
            let samples = &run.series(name)?.samples;
            let inside: Vec<Point> = samples
                .iter()
                .filter(|point| (drift.start_s..=drift.end_s).contains(&point.at.as_secs_f64()))
                .copied()
                .collect();
            points(&inside, None)
        }
    };
    let known: Vec<(f64, f64)> =
        t.iter().zip(&values).filter_map(|(t, value)| Some((*t, (*value)?))).collect();
    let per_s = drift.slope / 3600.0;
    // As Theil and Sen have it: half of the points lie above the line.
    let level = median(&mut known.iter().map(|(t, value)| value - per_s * t).collect::<Vec<_>>())?;
    let middle = median(&mut known.iter().map(|(t, _)| *t).collect::<Vec<_>>())?;
    let along =
        |slope: f64| t.iter().map(|t| level + per_s * middle + slope / 3600.0 * (t - middle)).collect();
    Some(DriftChart {
        id,
        of: drift.of.clone(),
        unit: drift.unit,
        line: along(drift.slope),
        low: along(drift.interval.0),
        high: along(drift.interval.1),
        t,
        values,
    })
}

/// The charts that belong to the findings of `report`: recoveries of phases, of faults, drifts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Findings {
    pub(crate) recoveries: Vec<RecoveryChart>,
    pub(crate) drifts: Vec<DriftChart>,
}

/// The `n`th recovery of a phase.
pub(crate) fn recovery_id(n: usize) -> String {
    format!("chart-recovery-{n}")
}

/// The `n`th fault.
pub(crate) fn fault_id(n: usize) -> String {
    format!("chart-fault-{n}")
}

/// The `n`th drift.
pub(crate) fn drift_id(n: usize) -> String {
    format!("chart-drift-{n}")
}

impl Findings {
    pub(crate) fn new(run: &Run, report: &Report) -> Self {
        let phases = report.recoveries.iter().enumerate().map(|(n, of)| recovery(run, recovery_id(n), of));
        let faults = report.faults.iter().enumerate();
        let faults = faults.map(|(n, fault)| recovery(run, fault_id(n), &fault.recovery));
        let drifts = report.drifts.iter().enumerate();
        Self {
            recoveries: phases.chain(faults).collect(),
            drifts: drifts.filter_map(|(n, of)| drift(run, drift_id(n), of)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(secs: u64, value: Option<f64>) -> Point {
        Point { at: Nanos::from_secs(secs), value }
    }

    #[test]
    fn a_gap_stays_a_gap_however_many_points_are_joined() {
        let samples: Vec<Point> = (0..4_000).map(|n| sample(n, (n != 2_001).then_some(2.0))).collect();
        let (t, values) = points(&samples, Some(Nanos::SECOND));
        assert_eq!((t.len(), values.len()), (1_000, 1_000));
        let gaps: Vec<usize> = (0..1_000).filter(|at| values[*at].is_none()).collect();
        assert_eq!(gaps, [500]);
        assert!(values.iter().flatten().all(|value| *value == 2.0));
    }

    #[test]
    fn samples_that_never_came_leave_a_gap_and_slow_monitors_none() {
        let samples = [sample(0, Some(1.0)), sample(5, Some(1.0)), sample(40, Some(3.0))];
        let (t, values) = points(&samples, Some(Nanos::from_secs(5)));
        assert_eq!(t, [0.0, 5.0, 22.5, 40.0]);
        assert_eq!(values, [Some(1.0), Some(1.0), None, Some(3.0)]);
    }
}
