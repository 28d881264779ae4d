//! The verdict as reports show it: levels and values as a suite writes them.

use serde::Serialize;
use squall_core::{EndReason, Nanos};
use squall_plan::{Level, Pending};
use squall_record::Run;
use squall_verdict::{Doubt, DoubtKind, Overall, Row, Severity, Standing, Verdict};

use crate::show;

/// Can the run be believed?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// Nothing speaks against it.
    Valid,
    /// To be read with care.
    Suspect,
    /// Its result is not valid, whatever its criteria say.
    NotValid,
}

/// What the run is worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictReport {
    /// `valid`, `suspect` or `not_valid`: the gravest of the doubts.
    pub validity: Validity,
    /// Why the run is not to be believed, or only with care, the gravest first; usually none.
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
    /// Which.
    #[serde(skip)]
    kind: DoubtKind,
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
    /// The worst sliding window of this length is judged; `null` for the whole.
    pub for_s: Option<f64>,
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
    /// 95 % confidence interval of the value, in its unit; `null` where it is not known.
    pub interval: Option<(f64, f64)>,
    /// The interval as a person reads it: `498–530ms`.
    pub interval_shown: Option<String>,
    /// The value as a person reads it.
    pub shown: String,
    /// `pass`, `degraded`, `gap`, `fail` or `no_data`.
    pub standing: Standing,
    /// The run time since which it stands so.
    pub since_s: Option<f64>,
    /// What one should know about the standing.
    pub note: Option<String>,
    /// The run stops when this fails while it goes.
    pub abort: bool,
    /// It did stop the run.
    pub aborted_run: bool,
}

impl VerdictReport {
    pub(super) fn new(run: &Run, verdict: &Verdict) -> Self {
        let worst = verdict.doubts.iter().map(|doubt| doubt.severity).max();
        Self {
            validity: match worst {
                None => Validity::Valid,
                Some(Severity::Suspect) => Validity::Suspect,
                Some(Severity::Invalid) => Validity::NotValid,
            },
            doubts: verdict.doubts.iter().map(DoubtReport::new).collect(),
            overall: verdict.overall,
            criteria: verdict.rows.iter().map(|row| CriterionReport::new(run, row)).collect(),
            pending: verdict.pending.clone(),
            excluded: verdict.excluded.clone(),
        }
    }

    /// The doubts of this severity.
    pub(crate) fn doubts(&self, severity: Severity) -> impl Iterator<Item = &DoubtReport> {
        self.doubts.iter().filter(move |doubt| doubt.severity == severity)
    }

    /// One sentence that says why.
    pub fn sentence(&self) -> String {
        let all = self.criteria.len();
        let list = |wanted: &dyn Fn(Standing) -> bool| {
            let of = self.criteria.iter().filter(|row| wanted(row.standing));
            of.map(|row| {
                let verb = if row.standing == Standing::NoData { "has" } else { "is" };
                format!("{} {verb} {}", row.title(), row.shown)
            })
            .collect::<Vec<_>>()
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
            kind: doubt.kind,
            doubt: doubt.kind.name(),
            severity: doubt.severity,
            sentence: doubt.kind.sentence(),
            evidence: doubt.evidence.clone(),
            remedy: doubt.kind.remedy(),
        }
    }

    /// What is wrong and what was seen, in a line.
    pub(crate) fn told(&self) -> String {
        self.kind.told(&self.evidence)
    }
}

impl CriterionReport {
    fn new(run: &Run, row: &Row) -> Self {
        let criterion = &row.criterion;
        let unit = criterion.measure.unit();
        let level = |level: Option<Level>| level.map(|level| level.display(unit));
        Self {
            label: row.label.clone(),
            for_s: criterion.hold.map(Nanos::as_secs_f64),
            target: level(criterion.target),
            acceptable: level(criterion.acceptable),
            failure: level(criterion.failure),
            value: row.value,
            at_least: row.at_least,
            interval: row.interval,
            interval_shown: row.interval.map(|interval| show::interval(unit, interval)),
            shown: row.shown.clone(),
            standing: row.standing,
            since_s: row.since.map(Nanos::as_secs_f64),
            note: row.note.clone(),
            abort: criterion.abort,
            aborted_run: stopped(run, row),
        }
    }

    /// What is judged, and how: `p95 GET /v1/discover/ for 30s`.
    pub fn title(&self) -> String {
        match self.for_s {
            Some(secs) => format!("{} for {}", self.label, Nanos::from_secs_f64(secs)),
            None => self.label.clone(),
        }
    }

    /// The value with its confidence interval: `512ms (95 %: 498–530ms)`.
    pub(crate) fn measured(&self) -> String {
        match &self.interval_shown {
            Some(interval) => format!("{} (95 %: {interval})", self.shown),
            None => self.shown.clone(),
        }
    }

    /// The levels in one line: `target < 500ms, acceptable < 1s`.
    pub(crate) fn levels(&self) -> String {
        let named = [("target", &self.target), ("acceptable", &self.acceptable), ("failure", &self.failure)];
        let given = named.into_iter().filter_map(|(name, level)| Some(format!("{name} {}", level.as_ref()?)));
        given.collect::<Vec<_>>().join(", ")
    }

    /// What one should know beside value and standing; empty without any.
    pub(crate) fn remarks(&self) -> Vec<&str> {
        let abort = match (self.aborted_run, self.abort) {
            (true, _) => Some("the run was aborted by this criterion"),
            (false, true) => Some("would abort the run"),
            (false, false) => None,
        };
        self.note.as_deref().into_iter().chain(abort).collect()
    }
}

/// Does the reason for which `run` stopped itself name this criterion? The judge says `LABEL is VALUE for WINDOW, …`.
fn stopped(run: &Run, row: &Row) -> bool {
    let Some(EndReason::Aborted(why)) = run.end.as_ref().map(|end| &end.reason) else { return false };
    let window = row.criterion.hold.map(|hold| format!(" for {hold},")).unwrap_or_default();
    row.criterion.abort && why.starts_with(&format!("{} is ", row.label)) && why.contains(&window)
}
