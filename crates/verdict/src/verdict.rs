//! The outcome of judging: a table, one row a criterion.

use std::fmt;

use serde::{Deserialize, Serialize};
use squall_core::Nanos;
use squall_plan::{Criterion, Pending, Plan};

use crate::{Doubt, Severity};

/// What a run is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// One for each criterion, in the order of the suite.
    pub rows: Vec<Row>,
    /// All of them together.
    pub overall: Overall,
    /// Criteria of the suite that this version cannot judge.
    pub pending: Vec<Pending>,
    /// What was recorded but not judged, and what was judged though one would not expect it, in words.
    pub excluded: Vec<String>,
    /// Why the run is not to be believed, whatever its criteria say, the gravest first; empty while it goes on.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
}

/// A criterion and how the run stands against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was asked.
    pub criterion: Criterion,
    /// The measure and what it looks at, e.g. `p95 GET /v1/discover/`.
    pub label: String,
    /// In the unit of the measure (seconds, a share from 0 to 1, requests per second); `None` without data.
    pub value: Option<f64>,
    /// 95 % confidence interval of the value, where it is known: percentiles and trends.
    #[serde(default)]
    pub interval: Option<(f64, f64)>,
    /// True when `value` is only a lower bound, because requests were never answered.
    pub at_least: bool,
    /// The value as a person reads it: `512ms`, `≥ 30s`, `no data`.
    pub shown: String,
    /// How the value stands against the levels.
    pub standing: Standing,
    /// The run time since which it stands so, to 1 % of the run (1 s at best); `None` without data.
    pub since: Option<Nanos>,
    /// What one should know about the standing, e.g. that only a lower bound is known.
    pub note: Option<String>,
}

/// How a value stands against the levels of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The target is met.
    Pass,
    /// Only the acceptable level is met.
    Degraded,
    /// No level is met, or it cannot be known whether one is. Fails.
    Gap,
    /// The failure level is met, or there is none and what is asked is not met.
    Fail,
    /// Nothing was measured. Fails.
    NoData,
}

/// All criteria together: the worst of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    /// Every criterion passes.
    Passed,
    /// Some are only acceptable.
    Degraded,
    /// Some fail.
    Failed,
    /// The suite has none.
    NoCriteria,
}

impl Verdict {
    /// True when the result is not valid, whatever the criteria say.
    pub fn is_invalid(&self) -> bool {
        self.doubts.iter().any(|doubt| doubt.severity == Severity::Invalid)
    }
}

impl Standing {
    /// Does it fail the run?
    pub fn fails(self) -> bool {
        matches!(self, Self::Gap | Self::Fail | Self::NoData)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Degraded => "degraded",
            Self::Gap => "gap",
            Self::Fail => "fail",
            Self::NoData => "no data",
        })
    }
}

impl fmt::Display for Overall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::NoCriteria => "no criteria",
        })
    }
}

impl Overall {
    /// The worst of `rows`.
    pub(crate) fn of(rows: &[Row]) -> Self {
        let any = |wanted: fn(Standing) -> bool| rows.iter().any(|row| wanted(row.standing));
        match () {
            () if rows.is_empty() => Self::NoCriteria,
            () if any(Standing::fails) => Self::Failed,
            () if any(|standing| standing == Standing::Degraded) => Self::Degraded,
            () => Self::Passed,
        }
    }
}

/// The measure of `criterion` and what it looks at, e.g. `p95 GET /v1/discover/, class reader, phase peak`.
pub(crate) fn label(plan: &Plan, criterion: &Criterion) -> String {
    let scope = criterion.scope;
    let mut label = criterion.measure.to_string();
    if let Some(endpoint) = scope.endpoint.and_then(|id| plan.endpoints.get(id.index())) {
        label += &format!(" {} {}", endpoint.method, endpoint.name);
    }
    if let Some(class) = scope.class.and_then(|id| plan.classes.get(id.index())) {
        label += &format!(", class {}", class.name);
    }
    if let Some(phase) = scope.phase.and_then(|index| plan.load.phases.get(index)) {
        label += &format!(", phase {}", phase.name);
    }
    label
}
