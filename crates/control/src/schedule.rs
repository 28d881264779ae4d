//! From phases to assignments: who starts and stops when, as a pure function of the plan.

use squall_core::{ClassDemand, Dispatcher, Nanos, NoUsers, PhaseId, Ramp, SlotLeases};
use squall_engine::{Assignment, Change};
use squall_plan::Plan;

/// One phase of the run, planned to the last user.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseSchedule {
    /// What the workers are told.
    pub assignment: Assignment,
    /// When the asked number of users is reached; `None` when the phase ends before.
    pub ramped: Option<Nanos>,
    /// Users by class at the end of the phase.
    pub users: Vec<u32>,
    /// When the phase ends; `None` for an open-ended last phase.
    pub end: Option<Nanos>,
}

/// Plan every phase. Users are dealt to classes in Locust's order and stopped last in, first out.
///
/// # Errors
/// [`NoUsers`] when no class has a weight or a fixed count.
pub fn schedule(plan: &Plan) -> Result<Vec<PhaseSchedule>, NoUsers> {
    let demands: Vec<_> = (plan.classes.iter())
        .map(|class| ClassDemand { weight: class.weight, fixed_count: class.fixed_count })
        .collect();
    let mut dispatcher = Dispatcher::new(&demands)?;
    let mut leases = SlotLeases::new(plan.classes.len());
    let mut start = Nanos::ZERO;
    let mut schedules = Vec::with_capacity(plan.load.phases.len());
    for (index, phase) in plan.load.phases.iter().enumerate() {
        let end = phase.run_time.map(|run_time| start + run_time);
        let ramp = Ramp { start, from: leases.users(), to: phase.users, rate: phase.spawn_rate };
        let mut changes = Vec::with_capacity(ramp.changes() as usize);
        let mut complete = true;
        for n in 0..ramp.changes() {
            let due = ramp.due(n);
            if end.is_some_and(|end| due >= end) {
                complete = false;
                break;
            }
            let slot = if ramp.to > ramp.from {
                // With fixed counts only, there may be fewer users than asked for.
                let Some(class) = dispatcher.next_class() else { break };
                leases.lease(class)
            } else {
                let Some(slot) = leases.release_last() else { break };
                dispatcher.released(slot.class);
                slot
            };
            changes.push(Change { due, slot, start: ramp.to > ramp.from });
        }
        let ramped = complete.then(|| changes.last().map_or(start, |change| change.due));
        schedules.push(PhaseSchedule {
            assignment: Assignment { at: start, phase: PhaseId::from(index), changes },
            ramped,
            users: leases.users_by_class(),
            end,
        });
        start = end.unwrap_or(Nanos::MAX);
    }
    Ok(schedules)
}
