//! More throughput is asked for than the load can make.
//!
//! By Little's law N = X · (R + Z), in the form of the interactive response time law (Denning & Buzen 1978, *The Operational
//! Analysis of Queueing Network Models*, § 5): N users who think for Z on average between requests that take R on average make
//! X = N / (R + Z) requests a second. R is no less than zero, and no less than the fastest answers of the run: only a server
//! faster than this one ever was could break that bound. A median would not do, for half of the answers beat it.

use squall_core::{Nanos, OutcomeKind};
use squall_plan::{Plan, UserClass, class_pace, feasibility_with};
use squall_stats::Window;

use super::{Doubt, DoubtKind, Facts, Findings};
use crate::Standing;

pub(super) fn impossible(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    let criteria = facts.rows.iter().map(|row| row.criterion.clone()).collect();
    let plan = Plan { criteria, ..facts.run.plan.clone() };
    let at_once = feasibility_with(&plan, &[]).checks;
    let as_seen = feasibility_with(&plan, &fastest(facts)).checks;
    for (at_once, as_seen) in at_once.into_iter().zip(as_seen) {
        let Some(row) = facts.rows.get(at_once.criterion) else { continue };
        // What was reached can be reached, whatever the plan says of it.
        if as_seen.possible || row.standing == Standing::Pass {
            continue;
        }
        let check = if at_once.possible { as_seen } else { at_once };
        findings.suspect(format!("{}: {}.", row.label, check.text));
    }
    findings.doubt(DoubtKind::TargetImpossible)
}

/// The least mean response time of each class in seconds: if each of its requests took as long as the fastest one to that
/// endpoint.
fn fastest(facts: &Facts<'_>) -> Vec<f64> {
    let mut fastest = vec![Nanos::MAX; facts.run.plan.endpoints.len()];
    for (key, cell) in facts.run.windows.iter().flat_map(Window::cells) {
        if key.outcome == OutcomeKind::Ok
            && let Some(least) = fastest.get_mut(key.endpoint.index())
        {
            *least = cell.response_min.min(*least);
        }
    }
    let least = |class: &UserClass| {
        let pace = class_pace(class, 0.0);
        let known = pace.endpoints_per_iteration.iter().filter_map(|(endpoint, requests)| {
            let least = fastest.get(endpoint.index()).filter(|least| **least < Nanos::MAX)?;
            Some(requests * least.as_secs_f64())
        });
        known.sum::<f64>() / pace.requests_per_iteration
    };
    facts.run.plan.classes.iter().map(least).collect()
}
