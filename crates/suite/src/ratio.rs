//! Which share of the users each class has, and which share of its work each task: Locust's task ratio.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use squall_plan::Plan;

use squall_plan::users_by_class;

/// Shares of classes and tasks. Serialises as Locust's `--show-task-ratio-json` prints it, in the order of
/// the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRatio {
    /// Tasks as shares of their class.
    pub per_class: Vec<ClassRatio>,
    /// Tasks as shares of everything.
    pub total: Vec<ClassRatio>,
}

/// The share of a class and of its tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRatio {
    /// The class.
    pub name: String,
    /// Its share of the users, from 0 to 1.
    pub ratio: f64,
    /// Its tasks and their shares, from 0 to 1.
    pub tasks: Vec<(String, f64)>,
}

/// The task ratio of `plan` at its largest number of users.
pub fn task_ratio(plan: &Plan) -> TaskRatio {
    let users = users_by_class(plan, plan.load.peak_users());
    let all = f64::from(users.iter().sum::<u32>().max(1));
    let ratios = |whole: bool| {
        let classes = plan.classes.iter().zip(&users);
        classes
            .map(|(class, users)| {
                let ratio = f64::from(*users) / all;
                let of = if whole { ratio } else { 1.0 };
                let weights: f64 = class.tasks.iter().map(|t| f64::from(t.weight)).sum();
                let tasks = class.tasks.iter().map(|t| (t.name.clone(), of * f64::from(t.weight) / weights));
                ClassRatio { name: class.name.clone(), ratio, tasks: tasks.collect() }
            })
            .collect()
    };
    TaskRatio { per_class: ratios(false), total: ratios(true) }
}

impl Serialize for TaskRatio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("per_class", &Classes(&self.per_class))?;
        map.serialize_entry("total", &Classes(&self.total))?;
        map.end()
    }
}

struct Classes<'a>(&'a [ClassRatio]);

impl Serialize for Classes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|class| (&class.name, Class(class))))
    }
}

struct Class<'a>(&'a ClassRatio);

impl Serialize for Class<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("ratio", &self.0.ratio)?;
        map.serialize_entry("tasks", &Tasks(&self.0.tasks))?;
        map.end()
    }
}

struct Tasks<'a>(&'a [(String, f64)]);

impl Serialize for Tasks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, ratio)| (name, Task { ratio: *ratio })))
    }
}

#[derive(Serialize)]
struct Task {
    ratio: f64,
}
