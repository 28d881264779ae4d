//! What was measured still drifted: looked at is what analyses of drifts look at, in every hold that is judged.

use squall_core::Nanos;
use squall_plan::{ArrivalPlan, Unit};
use squall_record::PhaseMark;

use super::{Doubt, DoubtKind, Facts, Findings};
use crate::analysis::{COURSES, FEWEST, holds, seconds};
use crate::statistics::{median, trend};

/// How often a steady measure may be taken for a drifting one.
const LEVEL: f64 = 0.01;
/// A drift over the whole hold matters from this part of the median on …
const MATTERS: f64 = 0.1;
/// … and of response times, beyond this.
const NEGLIGIBLE_SECS: f64 = 0.005;

pub(super) fn not_steady(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    let seconds = seconds(&facts.run.windows, &facts.run.phases, &|_| true);
    for (phase, start, stop) in holds(facts.run, &seconds).filter(|hold| !is_disturbed(facts, hold.0)) {
        let span = stop.since(start);
        for course in &COURSES {
            let points = course.points(&seconds, start, stop);
            let Some(found) = trend(&points).filter(|_| points.len() >= FEWEST) else { continue };
            let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
            let Some(middle) = median(&mut values) else { continue };
            let change = found.slope * span.as_secs_f64();
            let beyond = if course.unit == Unit::Seconds { NEGLIGIBLE_SECS } else { 0.0 };
            if found.p_value < LEVEL && change.abs() > MATTERS * middle + beyond {
                findings.suspect(format!(
                    "{} {} by about {} over the {span} of {} (median {}).",
                    course.name,
                    if change > 0.0 { "rose" } else { "fell" },
                    course.unit.display(change.abs()),
                    phase.name,
                    course.unit.display(middle),
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
