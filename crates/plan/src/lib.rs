//! The checked, serialisable run: what a suite emits, a record stores and the engine compiles.
//!
//! A [`Plan`] holds no nonsense: every name is resolved to an index into a table of the plan, every unit is
//! applied, every weight is finite. It knows nothing of files, sockets or threads. Secrets serialise as `***`.

mod criteria;
mod fault;
mod feasibility;
mod http;
mod load;
mod monitor;
mod pace;
mod scenario;
mod secret;
mod template;
mod unit;

pub use criteria::{Comparison, Criterion, Function, Level, Measure, Pending, Scope};
pub use fault::FaultPlan;
pub use feasibility::{Feasibility, PhaseCeiling, ThroughputCheck, feasibility, feasibility_with};
pub use http::{ClientCertificate, HttpSettings, StatusSet};
pub use load::{ArrivalPlan, Load, PhasePlan, RateSegment, Spacing};
pub use monitor::{Monitor, MonitorKind, ProcessTarget, SeriesPlan};
pub use pace::{ClassPace, arrival_shares, class_pace, users_by_class};
pub use scenario::{
    Auth, AuthKind, Body, Capture, CaptureSource, Check, Endpoint, Expect, Feed, FeedOrder, JwtAlgorithm,
    RequestStep, SourceRange, Step, Task, UserClass, VarId, Wait,
};
pub use secret::Secret;
pub use template::{Escape, Part, PickFrom, Slot, Template};
pub use unit::Unit;

use serde::{Deserialize, Serialize};

/// One run, complete: what to send, as whom, how much of it, and how to judge it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the suite.
    pub name: String,
    /// The profile that was chosen, if one was.
    pub profile: Option<String>,
    /// Base URL of the target: scheme, host, optional port and path prefix.
    pub host: String,
    /// Seed of every random choice; the same plan and seed make the same choices.
    pub seed: u64,
    /// Settings of the HTTP client.
    pub http: HttpSettings,
    /// Data feeds, referenced by index.
    pub feeds: Vec<Feed>,
    /// Ways to log in, referenced by index.
    pub auths: Vec<Auth>,
    /// Classes of virtual users, sorted by name: their position is their `UserClassId`.
    pub classes: Vec<UserClass>,
    /// Every (method, name) under which requests are grouped: the position is the `EndpointId`.
    pub endpoints: Vec<Endpoint>,
    /// The load over time.
    pub load: Load,
    /// What is judged, in the order of the suite.
    pub criteria: Vec<Criterion>,
    /// Criteria the suite asks for that this version cannot judge; listed in `check` and in reports.
    pub pending: Vec<Pending>,
    /// What is watched while the load runs.
    #[serde(default)]
    pub monitors: Vec<Monitor>,
    /// What is broken on purpose while the load runs, in rising order of `at`.
    #[serde(default)]
    pub faults: Vec<FaultPlan>,
}

impl Plan {
    /// Every series of every monitor; the position is the number of the series in a record.
    pub fn series(&self) -> Vec<SeriesPlan> {
        let of = |(index, monitor): (usize, &Monitor)| {
            let name = monitor.name.clone();
            let series = monitor.kind.series().iter();
            series.map(move |(part, unit)| SeriesPlan {
                name: format!("{name}.{part}"),
                unit: *unit,
                monitor: index,
            })
        };
        self.monitors.iter().enumerate().flat_map(of).collect()
    }

    /// Every task with the class it belongs to; the position is the `TaskId`.
    pub fn tasks(&self) -> impl Iterator<Item = (&UserClass, &Task)> {
        self.classes.iter().flat_map(|class| class.tasks.iter().map(move |task| (class, task)))
    }
}
