//! Judges a run from its windows, while it goes or afterwards.

use squall_core::Nanos;
use squall_plan::{Criterion, Measure, Pending, Plan, Unit};
use squall_record::{PhaseMark, Run};
use squall_stats::{CellKey, Quantile, Window};

use crate::doubt::doubts;
use crate::level::{self, Value};
use crate::measured::Measured;
use crate::verdict::label;
use crate::{Overall, Row, Standing, Verdict};

/// The verdict on a record.
pub fn judge(run: &Run) -> Verdict {
    let mut judge = Judge::new(&run.plan);
    for window in &run.windows {
        judge.push(window, &run.phases);
    }
    Verdict { doubts: doubts(run), ..judge.verdict(&run.phases) }
}

/// Collects windows and judges what it has seen: the verdict is at any time the one of a run that ends now.
///
/// Judged is the measured part: requests started in phases with `measured`, without the ramps (see
/// [`Verdict::excluded`]). A criterion on one phase looks at that phase, a warm-up too. Requests cut at the end
/// are lower bounds in percentiles and in no rate.
#[derive(Clone, Debug)]
pub struct Judge {
    cases: Vec<Case>,
    pending: Vec<Pending>,
    measured: Measured,
    next_look: Nanos,
}

/// One criterion and what was seen of it.
#[derive(Clone, Debug)]
struct Case {
    criterion: Criterion,
    label: String,
    /// The one phase it looks at. By name: live edits insert phases, so that the order of the run is not the order
    /// of the plan.
    phase: Option<String>,
    /// The last standing that was seen, and since when.
    seen: Option<(Standing, Nanos)>,
}

impl Judge {
    /// A judge by the criteria of `plan`, who has seen nothing.
    pub fn new(plan: &Plan) -> Self {
        let case = |criterion: &Criterion| Case {
            criterion: criterion.clone(),
            label: label(plan, criterion),
            phase: criterion
                .scope
                .phase
                .map(|index| plan.load.phases.get(index).map(|phase| phase.name.clone()).unwrap_or_default()),
            seen: None,
        };
        Self {
            cases: plan.criteria.iter().map(case).collect(),
            pending: plan.pending.clone(),
            measured: Measured::default(),
            next_look: Nanos::ZERO,
        }
    }

    /// Take a window into account. `phases` are those begun so far; what is known of them must be up to date to
    /// the end of the window, or the window may be counted as ramp.
    pub fn push(&mut self, window: &Window, phases: &[PhaseMark]) {
        self.measured.push(window, phases);
        let now = self.measured.now();
        // Judging costs more than counting: look every second at first, then at every hundredth of the run.
        if now >= self.next_look {
            self.next_look = now + Nanos::SECOND.max(Nanos(now.0 / 100));
            for case in &mut self.cases {
                let (value, standing, _) = case.look(&self.measured, phases);
                if case.seen.is_none_or(|(before, _)| before != standing) {
                    case.seen = value.map(|_| (standing, now));
                }
            }
        }
    }

    /// The verdict on everything pushed so far.
    pub fn verdict(&self, phases: &[PhaseMark]) -> Verdict {
        let rows: Vec<_> = self.cases.iter().map(|case| case.row(&self.measured, phases)).collect();
        Verdict {
            overall: Overall::of(&rows),
            rows,
            pending: self.pending.clone(),
            excluded: self.measured.excluded(phases),
            doubts: Vec::new(),
        }
    }
}

impl Case {
    fn row(&self, measured: &Measured, phases: &[PhaseMark]) -> Row {
        let (value, standing, note) = self.look(measured, phases);
        let since = self.seen.filter(|(before, _)| *before == standing).map(|(_, at)| at);
        let unit = self.criterion.measure.unit();
        Row {
            criterion: self.criterion.clone(),
            label: self.label.clone(),
            value: value.map(|value| value.value),
            interval: None,
            at_least: value.is_some_and(|value| value.at_least),
            shown: value.map_or_else(|| "no data".to_owned(), |value| shown(unit, value)),
            standing,
            since: value.map(|_| since.unwrap_or(measured.now())),
            note,
        }
    }

    fn look(&self, measured: &Measured, phases: &[PhaseMark]) -> (Option<Value>, Standing, Option<String>) {
        let value = self.value(measured, phases);
        let (standing, note) = level::standing(&self.criterion, value);
        (value, standing, note)
    }

    fn value(&self, measured: &Measured, phases: &[PhaseMark]) -> Option<Value> {
        let scope = self.criterion.scope;
        let filter = |key: &CellKey| {
            scope.endpoint.is_none_or(|endpoint| endpoint == key.endpoint)
                && scope.class.is_none_or(|class| class == key.class)
        };
        let selection = measured.select(phases, self.phase.is_some(), |phase| match &self.phase {
            Some(name) => *name == phase.name,
            None => phase.measured,
        });
        let exact = |value: Option<f64>| value.map(|value| Value { value, at_least: false });
        let bound = |quantile: Option<Quantile>| {
            quantile.map(|q| Value { value: q.value.as_secs_f64(), at_least: q.at_least })
        };
        let summary = || measured.summary(&selection, filter);
        match &self.criterion.measure {
            &Measure::Percentile(percentile) => bound(summary().percentile(percentile)),
            Measure::Max => bound(summary().max()),
            Measure::Mean => exact(summary().mean().map(Nanos::as_secs_f64)),
            Measure::ErrorRate => exact(summary().error_rate()),
            Measure::RateLimited => exact(summary().rate_limited_share()),
            Measure::Throughput => exact(measured.throughput(&selection, filter)),
            Measure::Dropped | Measure::Series(..) | Measure::Of(..) => None,
        }
    }
}

fn shown(unit: Unit, value: Value) -> String {
    let text = unit.display(value.value);
    if value.at_least { format!("≥ {text}") } else { text }
}
