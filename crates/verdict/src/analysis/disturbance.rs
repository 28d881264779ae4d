//! What disturbs a run: phases with more load than the phase before and the one after.

use squall_core::Nanos;
use squall_plan::Load;
use squall_record::PhaseMark;

use super::parts::{arrivals, last_hold, load_end};
use super::seconds::Second;

/// Something after which requests should become as they were before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Disturbance {
    /// The phase or fault.
    pub(crate) name: String,
    /// When it began.
    pub(crate) start: Nanos,
    /// When it was over.
    pub(crate) end: Nanos,
    /// What it is compared with.
    pub(crate) baseline: (Nanos, Nanos),
    /// How long recovery is watched for: to the next disturbance, or the end of the load.
    pub(crate) until: Nanos,
    /// What throughput is measured by.
    pub(crate) pace: Pace,
}

/// What throughput is measured by, so that it can be compared across phases of different load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Closed model: successes per second and user.
    PerUser,
    /// Open model: successes per task iteration that was due.
    PerIteration,
}

/// The load of a phase, as far as phases compare.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Users(u32),
    /// The highest rate of arrivals, and the one it ends with.
    Rate {
        peak: f64,
        last: f64,
    },
}

/// The disturbing phases of a run, in the order of time. Phases of equal load in a row are one.
pub(crate) fn disturbing_phases(load: &Load, phases: &[PhaseMark], seconds: &[Second]) -> Vec<Disturbance> {
    let groups: Vec<&[PhaseMark]> =
        phases.chunk_by(|one, next| level(load, one) == level(load, next)).collect();
    let mut found: Vec<Disturbance> = Vec::new();
    for three in groups.windows(3) {
        let [[.., before], [first, ..], [after, ..]] = three else { continue };
        if !rises(level(load, before), level(load, first)) || !falls(level(load, first), level(load, after)) {
            continue;
        }
        // A warm-up is compared with only when there is nothing else.
        let baseline = three[0].iter().rev().find(|phase| phase.measured).unwrap_or(before);
        let open = [before, first, after].iter().any(|phase| arrivals(load, phase).is_some());
        if let Some(previous) = found.last_mut() {
            previous.until = first.start;
        }
        found.push(Disturbance {
            name: first.name.clone(),
            start: first.start,
            end: after.start,
            baseline: last_hold(load, baseline, seconds),
            until: load_end(phases, seconds),
            pace: if open { Pace::PerIteration } else { Pace::PerUser },
        });
    }
    found
}

fn level(load: &Load, phase: &PhaseMark) -> Level {
    arrivals(load, phase).map_or(Level::Users(phase.users), |arrivals| Level::Rate {
        peak: arrivals.peak(),
        last: arrivals.segments.last().map_or(0.0, |segment| segment.to),
    })
}

/// A phase of users and one of arrivals do not compare.
fn rises(before: Level, phase: Level) -> bool {
    match (before, phase) {
        (Level::Users(before), Level::Users(users)) => users > before,
        (Level::Rate { last, .. }, Level::Rate { peak, .. }) => peak > last,
        (Level::Users(_), Level::Rate { .. }) | (Level::Rate { .. }, Level::Users(_)) => false,
    }
}

/// The phase after may ramp down by itself: what counts is where it ends.
fn falls(phase: Level, after: Level) -> bool {
    rises(after, phase)
}
