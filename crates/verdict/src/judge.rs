//! Judges a run from its windows, while it goes or afterwards.

use squall_core::Nanos;
use squall_plan::{Criterion, Pending, Plan};
use squall_record::{PhaseMark, Point, Run};
use squall_stats::Window;

use crate::case::{Case, View};
use crate::doubts::{Facts, doubts};
use crate::measured::Measured;
use crate::span::end;
use crate::{Overall, Recovery, Verdict, analyse};

/// The verdict on a record, by the criteria it was made with.
pub fn judge(run: &Run) -> Verdict {
    judge_by(run, &run.plan.criteria, &run.plan.pending)
}

/// The verdict on a record by other criteria; their scopes refer to the record's plan. `pending` are those that cannot be
/// judged.
pub fn judge_by(run: &Run, criteria: &[Criterion], pending: &[Pending]) -> Verdict {
    let mut judge = Judge::by(&run.plan, criteria, pending);
    judge.follow(run);
    let verdict = judge.verdict(&run.phases);
    let view = View { measured: &judge.measured, phases: &run.phases, settled: false, faults: &judge.faults };
    let support = judge.cases.iter().map(|case| case.support(&view)).collect();
    let doubts = doubts(&Facts::new(run, &verdict.rows, support, &judge.measured));
    Verdict { doubts, ..verdict }
}

/// Collects windows and samples and judges what it has seen: the verdict is at any time the one of a run that ends now.
///
/// Judged is the measured part: requests started in phases with `measured`, without the ramps (see
/// [`Verdict::excluded`]). A criterion on one phase looks at that phase, a warm-up too. Requests cut at the end
/// are lower bounds in percentiles and in no rate.
///
/// Windows slide along the judged time, what is not judged being cut out of it. Only what a criterion needs is kept: of
/// requests no more than its longest window, of series their samples.
#[derive(Clone, Debug)]
pub struct Judge {
    cases: Vec<Case>,
    pending: Vec<Pending>,
    measured: Measured,
    next_look: Nanos,
    faults: Vec<Recovery>,
}

impl Judge {
    /// A judge by the criteria of `plan`, who has seen nothing.
    pub fn new(plan: &Plan) -> Self {
        Self::by(plan, &plan.criteria, &plan.pending)
    }

    /// A judge by other criteria than those of `plan`, to which their scopes refer.
    pub fn by(plan: &Plan, criteria: &[Criterion], pending: &[Pending]) -> Self {
        Self {
            cases: criteria.iter().map(|criterion| Case::new(plan, criterion)).collect(),
            pending: pending.to_vec(),
            measured: Measured::default(),
            next_look: Nanos::ZERO,
            faults: Vec::new(),
        }
    }

    /// Take a window into account. `phases` are those begun so far; what is known of them must be up to date to
    /// the end of the window, or the window may be counted as ramp.
    pub fn push(&mut self, window: &Window, phases: &[PhaseMark]) {
        self.measured.push(window, phases);
        for case in &mut self.cases {
            case.push(window, phases);
        }
        let now = self.measured.now();
        // Judging costs more than counting: look every second at first, then at every hundredth of the run.
        if now >= self.next_look {
            self.next_look = now + Nanos::SECOND.max(Nanos(now.0 / 100));
            let view = View { measured: &self.measured, phases, settled: false, faults: &self.faults };
            for case in &mut self.cases {
                case.notice(&view);
            }
        }
    }

    /// Take a sample into account: `series` is its position in `Plan::series`. It counts from the window on that ends
    /// with it or later, so samples may come before their window.
    pub fn sample(&mut self, series: usize, point: Point) {
        if let Some(value) = point.value {
            for case in &mut self.cases {
                case.sample(series, point.at, value);
            }
        }
    }

    /// Why the run must stop, when a criterion that may stop it fails: one with `for` as soon as a complete window fails,
    /// any other one from 10 s of judged time and 100 requests on. Ramps do not count while they go on.
    pub fn breach(&self, phases: &[PhaseMark]) -> Option<String> {
        let view = View { measured: &self.measured, phases, settled: true, faults: &self.faults };
        self.cases.iter().find_map(|case| case.breach(&view))
    }

    /// The verdict on everything pushed so far, without doubts.
    pub fn verdict(&self, phases: &[PhaseMark]) -> Verdict {
        let view = View { measured: &self.measured, phases, settled: false, faults: &self.faults };
        let rows: Vec<_> = self.cases.iter().map(|case| case.row(&view)).collect();
        Verdict {
            overall: Overall::of(&rows),
            rows,
            pending: self.pending.clone(),
            excluded: self.measured.excluded(phases),
            doubts: Vec::new(),
        }
    }

    /// Everything a record holds, in the order in which it came.
    fn follow(&mut self, run: &Run) {
        let mut due: Vec<_> = run.series.iter().map(|series| series.samples.iter().peekable()).collect();
        for window in &run.windows {
            for (index, samples) in due.iter_mut().enumerate() {
                while let Some(point) = samples.next_if(|point| point.at <= end(window)) {
                    self.sample(index, *point);
                }
            }
            self.push(window, &run.phases);
        }
        if !run.faults.is_empty() && self.cases.iter().any(Case::wants_faults) {
            self.faults = analyse(run).faults.into_iter().map(|fault| fault.recovery).collect();
        }
    }
}
