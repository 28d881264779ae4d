//! How users are dealt to classes, and how fast a user of a class can go: waits and requests of its tasks, averaged over
//! their weights.
//!
//! These are upper bounds: tasks skipped for what they need count as run.

use serde::Serialize;
use squall_core::{ClassDemand, Dispatcher, EndpointId};

use crate::{Plan, Step, UserClass, Wait};

/// The pace of a user of a class when the server answers in no time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassPace {
    /// The class.
    pub name: String,
    /// Mean wait between two tasks, in seconds; for pacing, the pace.
    pub mean_wait_secs: f64,
    /// Requests of a task, on average over the weights.
    pub requests_per_iteration: f64,
    /// The least mean time from the start of a task to the start of the next, in seconds.
    pub iteration_secs: f64,
    /// Most requests per second of one user; infinite (JSON: null) when it does not wait.
    pub per_user: f64,
    /// The same by endpoint, for the endpoints the class's tasks use.
    pub by_endpoint: Vec<(EndpointId, f64)>,
    /// Requests of a task by endpoint, on average over the weights.
    #[serde(skip)]
    pub endpoints_per_iteration: Vec<(EndpointId, f64)>,
}

/// The share of each class among arrivals, by weight; the position is the `UserClassId`. A class with a fixed count has
/// none: that is a number of users, and suites refuse it where tasks arrive.
pub fn arrival_shares(classes: &[UserClass]) -> Vec<f64> {
    let weight = |class: &UserClass| if class.fixed_count > 0 { 0.0 } else { class.weight };
    let whole: f64 = classes.iter().map(weight).sum();
    classes.iter().map(|class| if whole > 0.0 { weight(class) / whole } else { 0.0 }).collect()
}

/// How `users` users are dealt to the classes of `plan`; the position is the `UserClassId`.
pub fn users_by_class(plan: &Plan, users: u32) -> Vec<u32> {
    let demands: Vec<ClassDemand> = plan
        .classes
        .iter()
        .map(|class| ClassDemand { weight: class.weight, fixed_count: class.fixed_count })
        .collect();
    let mut counts = vec![0; demands.len()];
    let Ok(mut dispatcher) = Dispatcher::new(&demands) else { return counts };
    for _ in 0..users {
        let Some(class) = dispatcher.next_class() else { break };
        counts[class.index()] += 1;
    }
    counts
}

/// The pace of a user of `class` when every request takes `latency` seconds.
pub fn class_pace(class: &UserClass, latency: f64) -> ClassPace {
    let weights: f64 = class.tasks.iter().map(|t| f64::from(t.weight)).sum();
    let mut requests = 0.0;
    let mut thinking = 0.0;
    let mut endpoints_per_iteration: Vec<(EndpointId, f64)> = Vec::new();
    for task in &class.tasks {
        let share = f64::from(task.weight) / weights;
        for step in &task.steps {
            match step {
                Step::Wait(wait) => thinking += share * wait.mean_secs(),
                Step::Request(request) => {
                    requests += share;
                    match endpoints_per_iteration.iter_mut().find(|(id, _)| *id == request.endpoint) {
                        Some((_, sum)) => *sum += share,
                        None => endpoints_per_iteration.push((request.endpoint, share)),
                    }
                }
            }
        }
    }
    let mean_wait_secs = class.wait.mean_secs();
    let busy = thinking + requests * latency;
    let iteration_secs = match class.wait {
        Wait::Pacing(_) => mean_wait_secs.max(busy),
        _ => mean_wait_secs + busy,
    };
    let by_endpoint =
        endpoints_per_iteration.iter().map(|(id, of)| (*id, per(*of, iteration_secs))).collect();
    ClassPace {
        name: class.name.clone(),
        mean_wait_secs,
        requests_per_iteration: requests,
        iteration_secs,
        per_user: per(requests, iteration_secs),
        by_endpoint,
        endpoints_per_iteration,
    }
}

/// `events / seconds`, where nothing stays nothing.
fn per(events: f64, seconds: f64) -> f64 {
    if events == 0.0 { 0.0 } else { events / seconds }
}
