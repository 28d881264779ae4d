//! What came of the faults that were made: before, during, after, and the way back.

use squall_core::Nanos;
use squall_record::{FaultMark, Run};

use super::FaultEffect;
use super::disturbance::{Disturbance, Pace, disturbing_phases};
use super::parts::{arrivals, load_end};
use super::recovery::recovery;
use super::seconds::Second;
use super::stretch::stretch;

/// Before and after a fault as much time is looked at as it lasted, but no less and no more than this.
const LEAST: Nanos = Nanos::from_secs(10);
/// See [`LEAST`].
const MOST: Nanos = Nanos::from_secs(60);

/// The effects of every fault, in the order they began.
pub(super) fn effects(run: &Run, seconds: &[Second]) -> Vec<FaultEffect> {
    let end = load_end(&run.phases, seconds);
    let phases = disturbing_phases(&run.plan.load, &run.phases, seconds);
    let begins: Vec<_> =
        phases.iter().map(|phase| phase.start).chain(run.faults.iter().map(|f| f.start)).collect();
    run.faults.iter().map(|fault| effect(run, seconds, fault, end, &begins)).collect()
}

/// The effect of `fault`. The load ended at `end`; `begins` are those of all disturbances.
fn effect(run: &Run, seconds: &[Second], fault: &FaultMark, end: Nanos, begins: &[Nanos]) -> FaultEffect {
    // A blow that takes no time has its effect in the second it comes.
    let over = fault.end.unwrap_or(end).max(fault.start + Nanos::SECOND).min(end.max(fault.start));
    let length = over.since(fault.start).clamp(LEAST, MOST);
    let next = begins.iter().copied().filter(|begin| *begin >= over && *begin > fault.start).min();
    let until = next.unwrap_or(end).min(end).max(over);
    let (from, to) = before(run, fault.start, length);
    let open = run.phases.iter().any(|phase| {
        let meets = phase.start < until && phase.end.unwrap_or(end) > from;
        meets && arrivals(&run.plan.load, phase).is_some()
    });
    let disturbance = Disturbance {
        name: fault.name.clone(),
        start: fault.start,
        end: over,
        baseline: (from, to),
        until,
        pace: if open { Pace::PerIteration } else { Pace::PerUser },
    };
    let mut recovery = recovery(seconds, &disturbance, 95.0);
    let lasted = fault.end.is_none_or(|fault_end| fault_end >= end);
    if lasted {
        recovery.sentence = format!("{}: lasted to the end of the load", fault.name);
    }
    let after_end = (over + length).min(until);
    let after =
        (!lasted && after_end.since(over) >= Nanos::SECOND).then(|| stretch(seconds, over, after_end));
    FaultEffect {
        name: fault.name.clone(),
        failed: fault.failed,
        outcome: fault.outcome.clone(),
        after,
        recovery,
    }
}

/// What to compare with: `length` before `start`, without the ramp of its phase and what an earlier fault did, as long as
/// the least is left.
fn before(run: &Run, start: Nanos, length: Nanos) -> (Nanos, Nanos) {
    let from = Nanos(start.0.saturating_sub(length.0));
    let ramps = run.phases.iter().filter(|phase| phase.start <= start).filter_map(|phase| phase.ramped);
    let faults = run.faults.iter().filter_map(|fault| fault.end);
    let clean = ramps.chain(faults).filter(|at| *at > from && start.since(*at) >= LEAST).max();
    (clean.unwrap_or(from), start)
}
