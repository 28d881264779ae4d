//! Reasons not to believe a run, whatever its criteria say: a test that did not test can neither pass nor fail.
//!
//! One file for one idea; each gets the facts and says nothing, or one doubt with what it was seen by. What could be chance
//! is not told: see [`crate::chance`].

mod arrivals;
mod ended;
mod generator;
mod kind;
mod limits;
mod login;
mod losses;
mod mix;
mod steady;
mod support;
mod target;
mod tasks;
mod tested;

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use squall_core::{Nanos, PhaseId, UserClassId};
use squall_plan::{Measure, PhasePlan, RequestStep, Scope, Step, UserClass};
use squall_record::{PhaseMark, Run};
use squall_stats::{CellKey, Summary, Window};

use crate::Row;
use crate::case::{Reading, base};
use crate::measured::{Measured, Selection};
use crate::samples::Stretches;
use crate::span::end;

pub use kind::DoubtKind;

/// A reason not to believe a run, with what it was seen by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// Which.
    pub kind: DoubtKind,
    /// How much it takes away.
    pub severity: Severity,
    /// What was seen: numbers and names, as one sentence or more.
    pub evidence: String,
}

/// How much a [`Doubt`] takes away from a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The result is to be read with care.
    Suspect,
    /// The result is not valid.
    Invalid,
}

/// What doubts are made of.
pub(crate) struct Facts<'a> {
    run: &'a Run,
    rows: &'a [Row],
    /// For each row on a percentile: which percentile, and what it rests on.
    support: Vec<Option<(f64, Reading)>>,
    measured: &'a Measured,
    judged: Selection,
    stretches: Stretches,
}

/// Everything there is to doubt, the gravest first.
pub(crate) fn doubts(facts: &Facts<'_>) -> Vec<Doubt> {
    let finders: [fn(&Facts<'_>) -> Option<Doubt>; 16] = [
        tested::nothing_tested,
        ended::cut_off,
        generator::saturated,
        target::impossible,
        tasks::never_ran,
        mix::off,
        login::nobody,
        limits::masked,
        arrivals::dropped,
        limits::one_identity,
        support::too_few,
        losses::worker_lost,
        losses::monitor_blind,
        losses::overflowed,
        losses::writer_fell_behind,
        steady::not_steady,
    ];
    let mut doubts: Vec<_> = finders.iter().filter_map(|find| find(facts)).collect();
    doubts.sort_by_key(|doubt| Reverse(doubt.severity));
    doubts
}

/// Does `scope` look at this phase and class?
fn covers(scope: &Scope, phase: PhaseId, class: UserClassId) -> bool {
    scope.phase.is_none_or(|index| index == phase.index()) && scope.class.is_none_or(|only| only == class)
}

impl<'a> Facts<'a> {
    /// Of `run`, judged as `rows` say; `support` is what each row rests on.
    pub(crate) fn new(
        run: &'a Run,
        rows: &'a [Row],
        support: Vec<Option<(f64, Reading)>>,
        measured: &'a Measured,
    ) -> Self {
        let judged = measured.select(&run.phases, false, |phase| phase.measured);
        let stretches = measured.stretches(&judged, &run.phases);
        Self { run, rows, support, measured, judged, stretches }
    }

    /// The requests that are judged; all of them in a run of which nothing is.
    fn summary(&self, filter: impl Fn(&CellKey) -> bool) -> Summary {
        if self.stretches.is_empty() {
            self.run.summary(filter)
        } else {
            self.measured.summary(&self.judged, filter)
        }
    }

    /// Where criteria on `measure` look: what they ask for is a result there.
    fn asked_for(&self, measure: &Measure) -> Vec<Scope> {
        let criteria = self.rows.iter().map(|row| &row.criterion);
        criteria
            .filter(|criterion| base(&criterion.measure) == measure)
            .map(|criterion| criterion.scope)
            .collect()
    }

    /// Is this moment judged?
    fn judges(&self, at: Nanos) -> bool {
        self.stretches.is_empty() || self.stretches.iter().any(|(start, end)| (*start..*end).contains(&at))
    }

    /// The windows that are judged in part at least; all of them in a run of which nothing is.
    fn windows(&self) -> impl Iterator<Item = &Window> {
        self.run.windows.iter().filter(|window| {
            let overlaps = |(from, to): &(Nanos, Nanos)| end(window).min(*to) > window.start.max(*from);
            self.stretches.is_empty() || self.stretches.iter().any(overlaps)
        })
    }

    /// A phase as it was planned; `None` for a live edit.
    fn planned(&self, phase: &PhaseMark) -> Option<&PhasePlan> {
        self.run.plan.load.phases.iter().find(|planned| planned.name == phase.name)
    }
}

/// What was found for one kind of doubt.
#[derive(Default)]
struct Findings(Vec<(Severity, String)>);

impl Findings {
    fn invalid(&mut self, sentence: impl Into<String>) {
        self.0.push((Severity::Invalid, sentence.into()));
    }

    fn suspect(&mut self, sentence: impl Into<String>) {
        self.0.push((Severity::Suspect, sentence.into()));
    }

    /// One doubt as grave as the gravest finding; `None` when there are no findings.
    fn doubt(mut self, kind: DoubtKind) -> Option<Doubt> {
        self.0.sort_by_key(|(severity, _)| Reverse(*severity));
        let severity = self.0.first()?.0;
        let evidence = self.0.into_iter().map(|(_, sentence)| sentence).collect::<Vec<_>>().join(" ");
        Some(Doubt { kind, severity, evidence })
    }
}

/// Every request a user of `class` may make.
fn requests(class: &UserClass) -> impl Iterator<Item = &RequestStep> {
    let of_tasks = class.tasks.iter().flat_map(|task| &task.steps);
    class.on_start.iter().chain(of_tasks).chain(&class.on_stop).filter_map(|step| match step {
        Step::Request(request) => Some(&**request),
        Step::Wait(_) => None,
    })
}

/// A share as a person reads it.
fn percent(part: f64, whole: f64) -> String {
    squall_plan::Unit::Share.display(part / whole)
}

/// `1 request`, `2 requests`.
fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
