//! The mix that was asked for and the mix that was made.
//!
//! Weights are shares of *users*. What share of the *requests* a class makes depends on how long its users wait;
//! the two differ widely, so both are told.

use serde::{Deserialize, Serialize};
use squall_core::{TaskId, UserClassId};
use squall_plan::{Step, UserClass, Wait};
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
    /// Share of the users by weights and fixed counts, at the numbers of users that ran.
    pub users_asked: f64,
    /// Share of the user-seconds; `None` when no user ran.
    pub users_achieved: Option<f64>,
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
    let mut asked = vec![0.0; classes.len()];
    let mut ran = vec![0.0; classes.len()];
    for window in &run.windows {
        let users: u32 = window.users.iter().sum();
        let seconds = window.span.as_secs_f64();
        for (sum, share) in asked.iter_mut().zip(users_by_class(classes, f64::from(users))) {
            *sum += share * seconds;
        }
        for (sum, users) in ran.iter_mut().zip(&window.users) {
            *sum += f64::from(*users) * seconds;
        }
    }
    if asked.iter().sum::<f64>() == 0.0 {
        asked = users_by_class(classes, f64::from(run.plan.load.peak_users()));
    }
    let rates = classes.iter().zip(&asked).map(|(class, users)| match users {
        0.0 => Some(0.0),
        users => Some(users * requests_per_second(class)?),
    });
    let rates: Option<Vec<f64>> = rates.collect();
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
        requests_asked: rates.as_ref().and_then(|rates| share(rates, index)),
        requests_achieved: share(&counts, index),
        requests: requests[index],
    };
    classes.iter().enumerate().map(row).collect()
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

/// `users` dealt as asked: fixed counts first, the rest by weight. Not rounded to whole users.
fn users_by_class(classes: &[UserClass], users: f64) -> Vec<f64> {
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

/// Of one user who is answered at once; `None` when nothing slows it down.
fn requests_per_second(class: &UserClass) -> Option<f64> {
    let (mut weights, mut requests, mut thinking) = (0.0, 0.0, 0.0);
    for task in &class.tasks {
        let weight = f64::from(task.weight);
        weights += weight;
        for step in &task.steps {
            match step {
                Step::Request(_) => requests += weight,
                Step::Wait(wait) => thinking += weight * wait.mean_secs(),
            }
        }
    }
    let thinking = thinking / weights;
    let turn = match class.wait {
        Wait::Pacing(pace) => pace.as_secs_f64().max(thinking),
        ref wait => wait.mean_secs() + thinking,
    };
    let rate = requests / weights / turn;
    rate.is_finite().then_some(rate)
}

fn share(parts: &[f64], index: usize) -> Option<f64> {
    let whole: f64 = parts.iter().sum();
    (whole > 0.0).then(|| parts[index] / whole)
}
