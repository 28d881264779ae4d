//! Ramp-up, hold and ramp-down of every phase.
//!
//! In the closed model users make the parts, in the open model the arrival rate does (after the users that are to serve
//! it are there). Draining is in no phase, so it is in no part.

use squall_core::Nanos;
use squall_plan::{ArrivalPlan, Load};
use squall_record::{PhaseMark, Run};

use super::seconds::Second;
use super::stretch::stretch;
use super::{PartKind, PhasePart};

/// What is over so soon was no ramp.
const AT_ONCE: Nanos = Nanos::from_millis(20);

/// A part of a phase: which, and when.
pub(crate) type Bounds = (PartKind, Nanos, Nanos);

/// All parts of a run, in the order of time.
pub(super) fn parts(run: &Run, seconds: &[Second]) -> Vec<PhasePart> {
    let mut parts = Vec::new();
    for phase in &run.phases {
        let bounds = bounds(&run.plan.load, phase, seconds);
        let holds = bounds.iter().any(|(kind, ..)| *kind == PartKind::Hold);
        for (kind, start, end) in bounds {
            let measured = phase.measured && (kind == PartKind::Hold || !holds);
            let stretch = stretch(seconds, start, end);
            parts.push(PhasePart { phase: phase.name.clone(), kind, measured, stretch });
        }
    }
    parts
}

/// The parts of `phase`, in the order of time; each is longer than nothing.
pub(crate) fn bounds(load: &Load, phase: &PhaseMark, seconds: &[Second]) -> Vec<Bounds> {
    let end = phase.end.unwrap_or_else(|| last_moment(seconds));
    let mut bounds = Vec::new();
    let arrivals = arrivals(load, phase);
    // Arrivals come whether or not all users are there to serve them.
    let never = if arrivals.is_some() { phase.start } else { end };
    let ramped = phase.ramped.unwrap_or(never).min(end);
    // Users who start at once, as those of arrivals do, still take a moment: that is no ramp.
    let ramped = if ramped.since(phase.start) < AT_ONCE { phase.start } else { ramped };
    if ramped > phase.start {
        let before = seconds.partition_point(|second| second.end <= phase.start).checked_sub(1);
        let before = before.map_or(0, |index| seconds[index].users);
        let kind = if phase.users < before { PartKind::RampDown } else { PartKind::RampUp };
        bounds.push((kind, phase.start, ramped));
    }
    match arrivals {
        Some(arrivals) => by_rate(arrivals, phase.start, ramped, end, &mut bounds),
        None => bounds.push((PartKind::Hold, ramped, end)),
    }
    bounds.retain(|(_, start, end)| end > start);
    bounds
}

/// The last stretch in which the load of `phase` did not change; the whole phase when there is none of a second.
pub(crate) fn last_hold(load: &Load, phase: &PhaseMark, seconds: &[Second]) -> (Nanos, Nanos) {
    let whole = (phase.start, phase.end.unwrap_or_else(|| last_moment(seconds)));
    let bounds = bounds(load, phase, seconds).into_iter().rev();
    let mut holds =
        bounds.filter(|(kind, start, end)| *kind == PartKind::Hold && end.since(*start) >= Nanos::SECOND);
    holds.next().map_or(whole, |(_, start, end)| (start, end))
}

/// The arrivals of `phase`. By name: live edits insert phases.
pub(crate) fn arrivals<'a>(load: &'a Load, phase: &PhaseMark) -> Option<&'a ArrivalPlan> {
    load.phases.iter().find(|planned| planned.name == phase.name)?.arrivals.as_ref()
}

/// When the load was over: the end of the last phase, or of the last second while it lasts.
pub(crate) fn load_end(phases: &[PhaseMark], seconds: &[Second]) -> Nanos {
    phases.last().and_then(|phase| phase.end).unwrap_or_else(|| last_moment(seconds))
}

fn last_moment(seconds: &[Second]) -> Nanos {
    seconds.last().map_or(Nanos::ZERO, |second| second.end)
}

/// A part for each segment of the rate, from the moment `ready` when the users are there; neighbours that rise (or fall)
/// both are one, and so are those that hold the same rate.
fn by_rate(arrivals: &ArrivalPlan, start: Nanos, ready: Nanos, end: Nanos, bounds: &mut Vec<Bounds>) {
    let mut at = start;
    let mut last: Option<(PartKind, f64)> = None;
    for segment in &arrivals.segments {
        let until = segment.span.map_or(end, |span| at + span).min(end);
        let kind = match segment.to.total_cmp(&segment.from) {
            std::cmp::Ordering::Greater => PartKind::RampUp,
            std::cmp::Ordering::Equal => PartKind::Hold,
            std::cmp::Ordering::Less => PartKind::RampDown,
        };
        let continues = last.is_some_and(|(before, rate)| before == kind && rate == segment.from);
        match bounds.last_mut().filter(|(before, _, end)| continues && *before == kind && *end == at) {
            Some((_, _, end)) => *end = until,
            None => bounds.push((kind, at.max(ready), until)),
        }
        last = Some((kind, segment.to));
        at = until;
    }
}
