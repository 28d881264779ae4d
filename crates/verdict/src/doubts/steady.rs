//! What was measured still drifted.

use squall_core::{Nanos, PhaseId};
use squall_plan::{ArrivalPlan, Unit};
use squall_record::PhaseMark;
use squall_stats::Summary;

use super::{Doubt, DoubtKind, Facts, Findings};
use crate::span::end;
use crate::statistics::{bucket_bounds, median, trend};

/// A shorter hold says nothing about steadiness.
const SHORTEST: Nanos = Nanos::from_secs(60);
/// How often a steady measure may be taken for a drifting one.
const LEVEL: f64 = 0.01;
/// A drift over the whole hold matters from this part of the median on …
const MATTERS: f64 = 0.1;
/// … and of response times, beyond this.
const NEGLIGIBLE_SECS: f64 = 0.005;

pub(super) fn not_steady(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    for phase in facts.run.phases.iter().filter(|phase| phase.measured && !is_disturbed(facts, phase)) {
        let Some(start) = phase.ramped.map(|ramped| ramped.max(phase.start)) else { continue };
        let stop = phase.end.unwrap_or(Nanos::MAX).min(facts.measured.now());
        if stop.since(start) < SHORTEST {
            continue;
        }
        let buckets = buckets(facts, phase.id, start, stop);
        let p95 = |summary: &Summary, _| Some(summary.percentile(95.0)?.value.as_secs_f64());
        let throughput = |summary: &Summary, span| summary.throughput(span);
        let span = stop.since(start).as_secs_f64();
        for (name, unit, value, beyond) in [
            ("p95", Unit::Seconds, &p95 as &dyn Fn(&Summary, Nanos) -> Option<f64>, NEGLIGIBLE_SECS),
            ("throughput", Unit::PerSecond, &throughput, 0.0),
        ] {
            let points: Vec<_> = buckets
                .iter()
                .filter_map(|(at, span, summary)| Some((*at, value(summary, *span)?)))
                .collect();
            let Some(found) = trend(&points) else { continue };
            let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
            let Some(middle) = median(&mut values) else { continue };
            let change = found.slope * span;
            if found.p_value < LEVEL && change.abs() > MATTERS * middle + beyond {
                findings.suspect(format!(
                    "{name} {} by about {} over the {} of {} (median {}).",
                    if change > 0.0 { "rose" } else { "fell" },
                    unit.display(change.abs()),
                    stop.since(start),
                    phase.name,
                    unit.display(middle),
                ));
            }
        }
    }
    findings.doubt(DoubtKind::NotSteady)
}

/// Drift is what is asked for, or what a fault does.
fn is_disturbed(facts: &Facts<'_>, phase: &PhaseMark) -> bool {
    let arrivals = facts.planned(phase).and_then(|planned| planned.arrivals.as_ref());
    let until = phase.end.unwrap_or(Nanos::MAX);
    let faults = facts.run.faults.iter();
    arrivals.is_some_and(changes)
        || faults.into_iter().any(|f| f.start < until && f.end.unwrap_or(Nanos::MAX) > phase.start)
}

fn changes(arrivals: &ArrivalPlan) -> bool {
    let first = arrivals.segments.first().map_or(0.0, |segment| segment.from);
    arrivals.segments.iter().any(|segment| segment.from != first || segment.to != first)
}

/// The requests of a phase from `start` to `stop`: middle of the bucket in seconds, time measured, requests.
fn buckets(facts: &Facts<'_>, phase: PhaseId, start: Nanos, stop: Nanos) -> Vec<(f64, Nanos, Summary)> {
    let bounds = bucket_bounds(start, stop);
    let mut buckets: Vec<_> = bounds
        .iter()
        .map(|(from, to)| {
            let middle = f64::midpoint(from.as_secs_f64(), to.as_secs_f64());
            (middle, Nanos::ZERO, Summary::default())
        })
        .collect();
    for window in facts.run.windows.iter().filter(|w| w.start >= start && end(w) <= stop) {
        let middle = window.start + Nanos(window.span.0 / 2);
        let index = bounds.partition_point(|(_, to)| *to <= middle);
        let Some((_, span, summary)) = buckets.get_mut(index) else { continue };
        *span += window.span;
        for (key, cell) in window.cells().filter(|(key, _)| key.phase == phase) {
            summary.add(key.outcome, cell);
        }
    }
    buckets.retain(|(_, span, _)| *span > Nanos::ZERO);
    buckets
}
