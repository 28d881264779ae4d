//! From phases to assignments: who starts and stops when, as a pure function of the plan.

use std::sync::Arc;

use squall_core::{ClassDemand, Dispatcher, Nanos, NoUsers, PhaseId, Ramp, SlotLeases};
use squall_engine::{ArrivalSchedule, Assignment, Change};
use squall_plan::{ArrivalPlan, Plan, arrival_shares};

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
        let users = leases.users_by_class();
        let arrivals = phase.arrivals.as_ref().map(|arrivals| Arc::new(arrive(plan, arrivals, &users, end)));
        schedules.push(PhaseSchedule {
            assignment: Assignment { at: start, phase: PhaseId::from(index), changes, arrivals },
            ramped,
            users,
            end,
        });
        start = end.unwrap_or(Nanos::MAX);
    }
    Ok(schedules)
}

/// What arrives in a phase.
fn arrive(plan: &Plan, arrivals: &ArrivalPlan, users: &[u32], end: Option<Nanos>) -> ArrivalSchedule {
    ArrivalSchedule {
        segments: arrivals.segments.clone(),
        spacing: arrivals.spacing,
        seed: plan.seed,
        weights: arrival_shares(&plan.classes),
        users: users.to_vec(),
        end,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use squall_plan::{HttpSettings, Load, PhasePlan, RateSegment, Spacing, UserClass, Wait};

    use super::*;

    fn plan_of(phases: &[(u32, f64, u64)], weights: &[(f64, u32)]) -> Plan {
        let class = |(index, &(weight, fixed_count)): (usize, &(f64, u32))| UserClass {
            weight_stated: true,
            name: format!("Class{index}"),
            weight,
            fixed_count,
            wait: Wait::Constant(Nanos::ZERO),
            auth: None,
            source: None,
            headers: Vec::new(),
            vars: Vec::new(),
            on_start: Vec::new(),
            tasks: Vec::new(),
            on_stop: Vec::new(),
        };
        let phase = |(index, &(users, spawn_rate, secs)): (usize, &(u32, f64, u64))| PhasePlan {
            name: format!("phase {index}"),
            users,
            spawn_rate,
            run_time: Some(Nanos::from_secs(secs)),
            measured: true,
            arrivals: None,
        };
        Plan {
            faults: Vec::new(),
            monitors: Vec::new(),
            name: "test".into(),
            profile: None,
            host: "http://127.0.0.1".into(),
            seed: 1,
            http: HttpSettings::default(),
            feeds: Vec::new(),
            auths: Vec::new(),
            classes: weights.iter().enumerate().map(class).collect(),
            endpoints: Vec::new(),
            load: Load { phases: phases.iter().enumerate().map(phase).collect(), stop_timeout: Nanos::ZERO },
            criteria: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// The guide's spike: 50, 500, 100 users over 2, 3 and 5 minutes.
    pub(crate) fn spike_plan() -> Plan {
        let phases = [(50, 10.0, 120), (500, 100.0, 180), (100, 20.0, 300)];
        plan_of(&phases, &[(70.0, 0), (1.0, 0), (25.0, 0), (4.0, 0)])
    }

    #[test]
    fn a_phase_that_ends_before_its_ramp_goes_on_from_where_it_was() {
        let phases = schedule(&plan_of(&[(100, 1.0, 10), (5, 100.0, 10)], &[(1.0, 0)])).unwrap();
        assert_eq!(phases[0].ramped, None);
        assert_eq!(phases[0].users, [10]);
        assert_eq!(phases[1].assignment.changes.len(), 5);
        assert_eq!(phases[1].users, [5]);
    }

    #[test]
    fn arrivals_are_dealt_by_weight_among_the_users_of_their_phase() {
        let segments = vec![RateSegment { from: 5.0, to: 9.0, span: None }];
        let arrivals = ArrivalPlan { segments: segments.clone(), spacing: Spacing::Poisson };
        let mut plan =
            plan_of(&[(10, 1e6, 10), (20, 1e6, 10), (20, 1e6, 10)], &[(3.0, 0), (0.0, 2), (1.0, 0)]);
        plan.load.phases[1].arrivals = Some(arrivals.clone());
        let phases = schedule(&plan).unwrap();
        assert!(phases[0].assignment.arrivals.is_none() && phases[2].assignment.arrivals.is_none());
        let open = phases[1].assignment.arrivals.as_ref().unwrap();
        assert_eq!((&open.segments, open.spacing, open.seed), (&segments, Spacing::Poisson, plan.seed));
        assert_eq!(open.weights, [0.75, 0.0, 0.25], "a fixed count is no share");
        assert_eq!((open.users.clone(), open.end), (phases[1].users.clone(), Some(Nanos::from_secs(20))));
        assert_eq!(open.users.iter().sum::<u32>(), 20);
        assert!(phases[1].ramped.unwrap() < Nanos::from_millis(10_001));
    }

    #[test]
    fn fixed_counts_alone_leave_the_other_users_out() {
        let phases = schedule(&plan_of(&[(10, 10.0, 10)], &[(0.0, 3)])).unwrap();
        assert_eq!(phases[0].users, [3]);
        assert!(phases[0].ramped.is_some());
        assert_eq!(schedule(&plan_of(&[(10, 10.0, 10)], &[(0.0, 0)])), Err(NoUsers));
    }
}
