//! The mix that was asked for and the mix that was made.
//!
//! Weights are shares of *users*. What share of the *requests* a class makes depends on how long its users wait;
//! the two differ widely, so both are told. In the open model weights are shares of *arrivals*, whoever serves them.

use serde::{Deserialize, Serialize};
use squall_core::{PhaseId, TaskId, UserClassId};
use squall_plan::{UserClass, arrival_shares, class_pace};
use squall_record::Run;

/// Shares of classes and of the tasks within them; all shares are numbers from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mix {
    /// In the plan's order.
    pub classes: Vec<ClassMix>,
    /// In the plan's order: by `TaskId`.
    pub tasks: Vec<TaskMix>,
}

/// Shares of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMix {
    /// Which.
    pub class: UserClassId,
    /// Its name.
    pub name: String,
    /// Share of the users by weights and fixed counts, at the numbers of users that ran. In a run that was open all the
    /// time, of the arrivals.
    pub users_asked: f64,
    /// Share of the user-seconds, in the closed model where there was any; `None` when no user ran.
    pub users_achieved: Option<f64>,
    /// Share of the arrivals by weights; `None` when nothing arrived by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals_asked: Option<f64>,
    /// Share of the arrivals as they came; `None` when nothing arrived by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals_achieved: Option<f64>,
    /// Share of the requests that waits and tasks would make if every answer came at once; `None` when a class
    /// never waits.
    pub requests_asked: Option<f64>,
    /// Share of the requests; `None` when there were none.
    pub requests_achieved: Option<f64>,
    /// Requests, whatever became of them.
    pub requests: u64,
}

/// Shares of one task within its class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskMix {
    /// Which.
    pub task: TaskId,
    /// Its class.
    pub class: UserClassId,
    /// Its name.
    pub name: String,
    /// Share of the class's runs by weight.
    pub asked: f64,
    /// Share of the class's runs; `None` when there were none. A skipped turn is no run.
    pub achieved: Option<f64>,
    /// Times it ran to its end.
    pub runs: u64,
    /// Times it was its turn and something it needs was missing.
    pub skipped: u64,
}

impl Mix {
    /// The mix of a record, over the whole run.
    pub fn of(run: &Run) -> Self {
        Self { classes: classes(run), tasks: tasks(run) }
    }
}

fn classes(run: &Run) -> Vec<ClassMix> {
    let classes = &run.plan.classes;
    let (mut asked, ran) = user_seconds(run);
    let arriving = arrival_shares(classes);
    let arrived: Vec<f64> = (0..classes.len()).map(|class| arrived(run, class)).collect();
    let arrivals: f64 = arrived.iter().sum();
    let only_arrivals = arrivals > 0.0 && run.windows.iter().all(|window| is_open(run, window.phase));
    if asked.iter().sum::<f64>() == 0.0 {
        asked = asked_users(classes, f64::from(run.plan.load.peak_users()));
    }
    let rate = |((class, users), arriving): ((&UserClass, &f64), &f64)| {
        let pace = class_pace(class, 0.0);
        // Users of the open model make no requests of their own accord.
        let by_users = if only_arrivals || *users == 0.0 { 0.0 } else { users * pace.per_user };
        let rate = by_users + arrivals * arriving * pace.requests_per_iteration;
        rate.is_finite().then_some(rate)
    };
    let rates: Option<Vec<f64>> = classes.iter().zip(&asked).zip(&arriving).map(rate).collect();
    if only_arrivals {
        asked.clone_from(&arriving);
    }
    let by_class = run.summaries(|key| Some(key.class));
    let requests: Vec<u64> = (0..classes.len())
        .map(|index| by_class.get(&UserClassId::from(index)).map_or(0, |s| s.completed() + s.cut()))
        .collect();
    let counts: Vec<f64> = requests.iter().map(|&requests| requests as f64).collect();
    let row = |(index, class): (usize, &UserClass)| ClassMix {
        class: UserClassId::from(index),
        name: class.name.clone(),
        users_asked: share(&asked, index).unwrap_or(0.0),
        users_achieved: share(&ran, index),
        arrivals_asked: (arrivals > 0.0).then(|| arriving[index]),
        arrivals_achieved: share(&arrived, index),
        requests_asked: rates.as_ref().and_then(|rates| share(rates, index)),
        requests_achieved: share(&counts, index),
        requests: requests[index],
    };
    classes.iter().enumerate().map(row).collect()
}

/// User-seconds of each class, as asked at the numbers of users that ran and as they ran; of the closed model, where there
/// was any.
fn user_seconds(run: &Run) -> (Vec<f64>, Vec<f64>) {
    let classes = &run.plan.classes;
    let open: Vec<bool> = run.windows.iter().map(|window| is_open(run, window.phase)).collect();
    let any_closed = open.iter().any(|open| !open);
    let (mut asked, mut ran) = (vec![0.0; classes.len()], vec![0.0; classes.len()]);
    for (window, _) in run.windows.iter().zip(open).filter(|(_, open)| !(any_closed && *open)) {
        let users: u32 = window.users.iter().sum();
        let seconds = window.span.as_secs_f64();
        for (sum, share) in asked.iter_mut().zip(asked_users(classes, f64::from(users))) {
            *sum += share * seconds;
        }
        for (sum, users) in ran.iter_mut().zip(&window.users) {
            *sum += f64::from(*users) * seconds;
        }
    }
    (asked, ran)
}

/// Arrivals of a class.
fn arrived(run: &Run, class: usize) -> f64 {
    run.iterations(|phase, of| of.index() == class && is_open(run, Some(phase))).offered as f64
}

fn tasks(run: &Run) -> Vec<TaskMix> {
    let counts = run.tasks();
    let mut mix = Vec::with_capacity(counts.len());
    for (index, class) in run.plan.classes.iter().enumerate() {
        let first = mix.len();
        let of_class = &counts[first..first + class.tasks.len()];
        let weights: Vec<f64> = class.tasks.iter().map(|task| f64::from(task.weight)).collect();
        let runs: Vec<f64> = of_class.iter().map(|task| task.runs as f64).collect();
        mix.extend(class.tasks.iter().enumerate().map(|(position, task)| TaskMix {
            task: TaskId::from(first + position),
            class: UserClassId::from(index),
            name: task.name.clone(),
            asked: share(&weights, position).unwrap_or(0.0),
            achieved: share(&runs, position),
            runs: of_class[position].runs,
            skipped: of_class[position].skipped,
        }));
    }
    mix
}

/// `users` dealt as asked: fixed counts first, the rest by weight. Not rounded to whole users, unlike
/// [`squall_plan::users_by_class`], which says who really ran: of few users, shares of whole ones are not what was asked.
fn asked_users(classes: &[UserClass], users: f64) -> Vec<f64> {
    let fixed: f64 = classes.iter().map(|class| f64::from(class.fixed_count)).sum();
    let weights: f64 = classes.iter().filter(|class| class.fixed_count == 0).map(|class| class.weight).sum();
    let rest = (users - fixed).max(0.0);
    let dealt = |class: &UserClass| match class.fixed_count {
        0 if weights > 0.0 => rest * class.weight / weights,
        0 => 0.0,
        count => f64::from(count) * (users / fixed).min(1.0),
    };
    classes.iter().map(dealt).collect()
}

/// Do tasks arrive by themselves in this phase?
fn is_open(run: &Run, phase: Option<PhaseId>) -> bool {
    let name = phase.and_then(|id| run.phase(id)).map(|phase| &phase.name);
    run.plan.load.phases.iter().any(|planned| name == Some(&planned.name) && planned.arrivals.is_some())
}

fn share(parts: &[f64], index: usize) -> Option<f64> {
    let whole: f64 = parts.iter().sum();
    (whole > 0.0).then(|| parts[index] / whole)
}
