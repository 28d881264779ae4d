//! A task of the plan was never run.

use squall_plan::{Step, Task, UserClass, VarId, users_by_class};

use super::{Doubt, DoubtKind, Facts, Findings, counted};
use crate::chance::UNLIKELY;

pub(super) fn never_ran(facts: &Facts<'_>) -> Option<Doubt> {
    let run = facts.run;
    let mut findings = Findings::default();
    let counts = run.tasks();
    let mut first = 0;
    let most = run.phases.iter().map(|phase| phase.users).max().unwrap_or(0).max(run.peak_users());
    let dealt = users_by_class(&run.plan, most);
    for (index, class) in run.plan.classes.iter().enumerate() {
        let of_class = &counts[first..first + class.tasks.len()];
        first += class.tasks.len();
        if class.weight <= 0.0 && class.fixed_count == 0 {
            continue;
        }
        let turns: u64 = of_class.iter().map(|task| task.runs + task.skipped).sum();
        let begun = run.iterations(|_, of| of.index() == index).started;
        if turns == 0 && (begun > 0 || run.windows.iter().all(|window| window.started == 0)) {
            // Begun and not finished is not never; and where nothing was sent at all, that is the matter.
            continue;
        }
        let weights: f64 = class.tasks.iter().map(|task| f64::from(task.weight)).sum();
        for (task, counts) in class.tasks.iter().zip(of_class).filter(|(_, counts)| counts.runs == 0) {
            let name = format!("{}.{}", class.name, task.name);
            // Draws are independent: P(no run) = (1 − share)^turns ≤ e^−expected, which is 0.001 at 6.9.
            let expected = turns as f64 * f64::from(task.weight) / weights;
            if counts.skipped > 0 {
                let skipped = counted(counts.skipped, "time");
                let needs: Vec<_> = task.needs.iter().map(|var| need(facts, class, *var)).collect();
                findings
                    .invalid(format!("{name} was skipped {skipped} and never ran: {}.", needs.join("; ")));
            } else if (-expected).exp() < UNLIKELY {
                findings
                    .invalid(format!("{name} never ran, although about {expected:.0} turns were its own."));
            } else if dealt.get(index) == Some(&0) {
                let users = counted(u64::from(most), "user");
                findings.suspect(format!("{name} never ran: of {users} none is a {}.", class.name));
            } else {
                findings.suspect(format!(
                    "{name} never ran; with {} of its class this may be chance.",
                    counted(turns, "turn")
                ));
            }
        }
    }
    findings.doubt(DoubtKind::TaskNeverRan)
}

/// What a variable is and where it should come from.
pub(super) fn need(facts: &Facts<'_>, class: &UserClass, var: VarId) -> String {
    let name = class.vars.get(usize::from(var.0)).map_or("?", String::as_str);
    let of_task =
        |task: &Task| captured_at(facts, &task.steps, var).map(|at| format!("{} ({at})", task.name));
    let mut sources: Vec<_> = class.tasks.iter().filter_map(of_task).collect();
    sources.extend(captured_at(facts, &class.on_start, var).map(|at| format!("on_start ({at})")));
    match sources.as_slice() {
        [] => format!("it needs {name}, which nothing captures"),
        sources => format!("it needs {name}, to be captured by {}", sources.join(" or ")),
    }
}

/// The request among `steps` that captures `var`.
fn captured_at(facts: &Facts<'_>, steps: &[Step], var: VarId) -> Option<String> {
    let request = steps.iter().find_map(|step| match step {
        Step::Request(request) if request.captures.iter().any(|capture| capture.var == var) => Some(request),
        _ => None,
    })?;
    let endpoint = facts.run.plan.endpoints.get(request.endpoint.index())?;
    Some(format!("{} {}", endpoint.method, endpoint.name))
}
