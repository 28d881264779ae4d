//! Users or tasks were not mixed as the weights ask, or nobody said how.
//!
//! Users are dealt to classes in a fixed order, so that their numbers may differ by rounding only. Tasks are drawn: they
//! are compared by Pearson's chi-squared test, and turns that were begun but never counted may belong to any of them.

use squall_core::{Nanos, UserClassId};
use squall_plan::{UserClass, arrival_shares, users_by_class};
use squall_stats::TaskCounts;

use super::tasks::need;
use super::{Doubt, DoubtKind, Facts, Findings, percent};
use crate::chance::{UNLIKELY, counts_differ};
use crate::span::end;

/// Users by which a class may be off: users that stop and start again do not come in the order of the first deal.
const ROUNDING: f64 = 2.0;
/// Share of what is asked by which users of a class, or runs of a task, may be off.
const SLIGHT: f64 = 0.05;

pub(super) fn off(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    unstated(facts, &mut findings);
    users(facts, &mut findings);
    arrivals(facts, &mut findings);
    tasks(facts, &mut findings);
    findings.doubt(DoubtKind::MixOff)
}

fn unstated(facts: &Facts<'_>, findings: &mut Findings) {
    let takes_part = |class: &&UserClass| class.weight > 0.0 || class.fixed_count > 0;
    let classes: Vec<_> = facts.run.plan.classes.iter().filter(takes_part).collect();
    if classes.len() >= 2 && classes.iter().all(|class| !class.weight_stated && class.fixed_count == 0) {
        let names: Vec<_> = classes.iter().map(|class| class.name.as_str()).collect();
        findings.suspect(format!(
            "No class has a weight, so all {} got the same number of users: {}.",
            classes.len(),
            names.join(", ")
        ));
    }
}

/// User-seconds of the closed model, where every user asked for is there.
fn users(facts: &Facts<'_>, findings: &mut Findings) {
    let plan = &facts.run.plan;
    let (mut asked, mut ran) = (vec![0.0; plan.classes.len()], vec![0.0; plan.classes.len()]);
    let mut time = 0.0;
    for phase in &facts.run.phases {
        let open = facts.planned(phase).is_some_and(|planned| planned.arrivals.is_some());
        let Some(ramped) = phase.ramped.filter(|_| !open) else { continue };
        let dealt = users_by_class(plan, phase.users);
        let inside = |from: Nanos, to: Nanos| from >= ramped && to <= phase.end.unwrap_or(Nanos::MAX);
        // What was told to stop at the end of the run is a second's matter, not the mix's.
        let last = facts.run.windows.last().map(end);
        for window in facts.run.windows.iter().filter(|w| inside(w.start, end(w)) && Some(end(w)) != last) {
            let seconds = window.span.as_secs_f64();
            time += seconds;
            for (sum, users) in asked.iter_mut().zip(&dealt) {
                *sum += f64::from(*users) * seconds;
            }
            for (sum, users) in ran.iter_mut().zip(&window.users) {
                *sum += f64::from(*users) * seconds;
            }
        }
    }
    if time == 0.0 || ran.iter().sum::<f64>() == 0.0 {
        return;
    }
    for ((class, asked), ran) in plan.classes.iter().zip(asked).zip(ran) {
        let (asked, ran) = (asked / time, ran / time);
        let none = asked >= 1.0 && ran == 0.0;
        if none || (asked - ran).abs() > ROUNDING.max(SLIGHT * asked) {
            findings
                .suspect(format!("{ran:.1} users of {} ran on average instead of {asked:.1}.", class.name));
        }
    }
}

/// Arrivals of the open model.
fn arrivals(facts: &Facts<'_>, findings: &mut Findings) {
    let plan = &facts.run.plan;
    let open = |id| {
        let phase = facts.run.phase(id).and_then(|phase| facts.planned(phase));
        phase.is_some_and(|phase| phase.arrivals.is_some())
    };
    let class = |index| UserClassId::from(index);
    let offered: Vec<f64> = (0..plan.classes.len())
        .map(|index| facts.run.iterations(|phase, of| of == class(index) && open(phase)).offered as f64)
        .collect();
    let all: f64 = offered.iter().sum();
    let asked: Vec<f64> = arrival_shares(&plan.classes).into_iter().map(|share| all * share).collect();
    if counts_differ(&offered, &asked, 0.0).is_some_and(|p| p < UNLIKELY) {
        let part = |((class, offered), asked): ((&UserClass, &f64), &f64)| {
            format!("{} {} instead of {}", class.name, percent(*offered, all), percent(*asked, all))
        };
        let parts: Vec<_> = plan.classes.iter().zip(&offered).zip(&asked).map(part).collect();
        findings.suspect(format!("Arrivals by class: {}.", parts.join(", ")));
    }
}

fn tasks(facts: &Facts<'_>, findings: &mut Findings) {
    let counts = facts.run.tasks();
    let mut first = 0;
    for (index, class) in facts.run.plan.classes.iter().enumerate() {
        let of_class = &counts[first..first + class.tasks.len()];
        first += class.tasks.len();
        let slack = uncounted(facts, index);
        let drawn: Vec<f64> = of_class.iter().map(|task| (task.runs + task.skipped) as f64).collect();
        let ran: Vec<f64> = of_class.iter().map(|task| task.runs as f64).collect();
        if let Some(text) = differing(class, &drawn, slack, "of the turns") {
            findings.suspect(text);
        } else if let Some(text) = differing(class, &ran, slack, "of the runs") {
            findings.suspect(format!("{text}{}", skips(facts, class, of_class)));
        }
    }
}

/// Turns of a class that were begun and never counted; each of its users may have had one where turns were not counted.
fn uncounted(facts: &Facts<'_>, class: usize) -> f64 {
    let begun = facts.run.iterations(|_, of| of.index() == class);
    if begun.started > 0 {
        return begun.started.saturating_sub(begun.completed) as f64;
    }
    let users = facts.run.windows.iter().filter_map(|window| window.users.get(class));
    users.max().map_or(0.0, |users| f64::from(*users))
}

/// The tasks of a class that differ from their weights, when that is neither chance nor slight.
fn differing(class: &UserClass, counts: &[f64], slack: f64, what: &str) -> Option<String> {
    let all: f64 = counts.iter().sum();
    let weights: f64 = class.tasks.iter().map(|task| f64::from(task.weight)).sum();
    let asked: Vec<f64> = class.tasks.iter().map(|task| all * f64::from(task.weight) / weights).collect();
    if counts_differ(counts, &asked, slack)? >= UNLIKELY {
        return None;
    }
    let off = class
        .tasks
        .iter()
        .zip(counts)
        .zip(&asked)
        .filter(|((_, n), asked)| (*n - *asked).abs() > SLIGHT * *asked);
    let parts: Vec<_> = off
        .map(|((task, n), asked)| {
            format!("{} {} instead of {}", task.name, percent(*n, all), percent(*asked, all))
        })
        .collect();
    (!parts.is_empty()).then(|| format!("Tasks of {}, {what}: {}.", class.name, parts.join(", ")))
}

fn skips(facts: &Facts<'_>, class: &UserClass, counts: &[TaskCounts]) -> String {
    let mut text = String::new();
    for (task, counts) in class.tasks.iter().zip(counts).filter(|(_, counts)| counts.skipped > 0) {
        let turns = counts.runs + counts.skipped;
        let needs: Vec<_> = task.needs.iter().map(|var| need(facts, class, *var)).collect();
        text += &format!(
            " {} was skipped in {} of {turns} turns: {}.",
            task.name,
            counts.skipped,
            needs.join("; ")
        );
    }
    text
}
