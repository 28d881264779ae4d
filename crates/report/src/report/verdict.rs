//! The verdict as reports show it: levels and values as a suite writes them.

use serde::Serialize;
use squall_plan::{Level, Pending};
use squall_verdict::{Doubt, Overall, Row, Severity, Standing, Verdict};

/// What the run is worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictReport {
    /// Why the run is not to be believed, whatever its criteria say; usually none.
    pub doubts: Vec<DoubtReport>,
    /// `passed`, `degraded`, `failed` or `no_criteria`.
    pub overall: Overall,
    /// One for each criterion, in the order of the suite.
    pub criteria: Vec<CriterionReport>,
    /// Criteria of the suite that this version cannot judge.
    pub pending: Vec<Pending>,
    /// What was recorded but not judged, in words.
    pub excluded: Vec<String>,
}

/// A reason not to believe the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DoubtReport {
    /// Its stable name: `nothing_tested`.
    pub doubt: &'static str,
    /// `invalid` or `suspect`.
    pub severity: Severity,
    /// What is wrong.
    pub sentence: &'static str,
    /// What was seen.
    pub evidence: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// A criterion and how the run stands against it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CriterionReport {
    /// The measure and what it looks at, e.g. `p95 GET /v1/discover/`.
    pub label: String,
    /// What one hopes for, e.g. `< 500ms`.
    pub target: Option<String>,
    /// What one can live with.
    pub acceptable: Option<String>,
    /// What one cannot live with.
    pub failure: Option<String>,
    /// In seconds, a share from 0 to 1, or requests per second; `null` without data.
    pub value: Option<f64>,
    /// The true value is this or more.
    pub at_least: bool,
    /// The value as a person reads it.
    pub shown: String,
    /// `pass`, `degraded`, `gap`, `fail` or `no_data`.
    pub standing: Standing,
    /// The run time since which it stands so.
    pub since_s: Option<f64>,
    /// What one should know about the standing.
    pub note: Option<String>,
}

impl VerdictReport {
    pub(super) fn new(verdict: &Verdict) -> Self {
        Self {
            doubts: verdict.doubts.iter().map(DoubtReport::new).collect(),
            overall: verdict.overall,
            criteria: verdict.rows.iter().map(CriterionReport::new).collect(),
            pending: verdict.pending.clone(),
            excluded: verdict.excluded.clone(),
        }
    }

    /// One sentence that says why.
    pub fn sentence(&self) -> String {
        let all = self.criteria.len();
        let list = |wanted: &dyn Fn(Standing) -> bool| {
            let of = self.criteria.iter().filter(|row| wanted(row.standing));
            of.map(|row| format!("{} is {}", row.label, row.shown)).collect::<Vec<_>>()
        };
        let judged = |rows: &[String], what: &str| {
            let shown = rows.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
            let more = rows.len().saturating_sub(3);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!("{} of {} {what}: {shown}{more}.", rows.len(), criteria(all))
        };
        match self.overall {
            Overall::NoCriteria => "The run had no criteria, so nothing was judged.".into(),
            Overall::Passed => {
                format!("{} met {}.", criteria(all), if all == 1 { "its target" } else { "their targets" })
            }
            Overall::Degraded => judged(&list(&|s| s == Standing::Degraded), "only acceptable"),
            Overall::Failed => judged(&list(&Standing::fails), "not met"),
        }
    }
}

fn criteria(n: usize) -> String {
    if n == 1 { "1 criterion".into() } else { format!("{n} criteria") }
}

impl DoubtReport {
    fn new(doubt: &Doubt) -> Self {
        Self {
            doubt: doubt.kind.name(),
            severity: doubt.severity,
            sentence: doubt.kind.sentence(),
            evidence: doubt.evidence.clone(),
            remedy: doubt.kind.remedy(),
        }
    }
}

impl CriterionReport {
    fn new(row: &Row) -> Self {
        let unit = row.criterion.measure.unit();
        let level = |level: Option<Level>| level.map(|level| level.display(unit));
        Self {
            label: row.label.clone(),
            target: level(row.criterion.target),
            acceptable: level(row.criterion.acceptable),
            failure: level(row.criterion.failure),
            value: row.value,
            at_least: row.at_least,
            shown: row.shown.clone(),
            standing: row.standing,
            since_s: row.since.map(squall_core::Nanos::as_secs_f64),
            note: row.note.clone(),
        }
    }
}
