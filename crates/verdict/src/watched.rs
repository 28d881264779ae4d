//! The windows a criterion on recovery needs: all of them, with nothing but the requests it looks at.

use squall_core::Nanos;
use squall_plan::Load;
use squall_record::PhaseMark;
use squall_stats::Window;

use crate::Recovery;
use crate::analysis::recoveries;
use crate::level::Value;
use crate::span::end;
use crate::tally::Lens;
use crate::track::worse;

/// Everything a criterion looks at, second by second.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    load: Load,
    percentile: f64,
    windows: Vec<Window>,
}

impl Watched {
    /// For recoveries by a `percentile` (0 to 100) of response time.
    pub(crate) fn new(load: &Load, percentile: f64) -> Self {
        Self { load: load.clone(), percentile, windows: Vec::new() }
    }

    /// Keep what `lens` sees of a window.
    pub(crate) fn push(&mut self, window: &Window, lens: &Lens) {
        let mut kept = Window::new(window.users.len(), 0);
        (kept.seq, kept.start, kept.span, kept.phase) = (window.seq, window.start, window.span, window.phase);
        kept.users.clone_from(&window.users);
        for (key, cell) in window.cells().filter(|(key, _)| lens.sees(key)) {
            kept.cell_mut(*key).merge(cell);
        }
        for (phase, class, counts) in window.iterations() {
            if lens.scope.class.is_none_or(|only| only == class) {
                kept.iterations_mut(phase, class).merge(counts);
            }
        }
        self.windows.push(kept);
    }

    /// The longest recovery from the phase `only`, or from any phase and from any of `faults`, with what is to be said about
    /// it; a lower bound where there was none so far. `faults` are known for the 95th percentile of all requests.
    pub(crate) fn longest(
        &self,
        phases: &[PhaseMark],
        only: Option<&str>,
        faults: &[Recovery],
    ) -> Option<(Value, String)> {
        // As it was known at the end of the last window, so that a record says what the run did.
        let now = self.windows.last().map_or(Nanos::ZERO, end);
        let known: Vec<_> = phases
            .iter()
            .filter(|phase| phase.start < now)
            .map(|phase| PhaseMark {
                ramped: phase.ramped.filter(|at| *at <= now),
                end: phase.end.filter(|at| *at <= now),
                ..phase.clone()
            })
            .collect();
        let found = recoveries(&self.load, &self.windows, &known, self.percentile, &|_| true);
        let of_phases = found.iter().filter(|one| only.is_none_or(|only| only == one.disturbance));
        let of_faults = faults.iter().filter(|_| only.is_none());
        let value = |one: &Recovery| Value {
            value: one.time.unwrap_or(one.watched).as_secs_f64(),
            at_least: one.time.is_none(),
        };
        of_phases.chain(of_faults).fold(None, |longest: Option<(Value, String)>, one| {
            let new = (value(one), one.sentence.clone());
            Some(match longest {
                None => new,
                Some(old) => {
                    let said = if new.0.value > old.0.value { new.1 } else { old.1 };
                    (worse(true, old.0, new.0), said)
                }
            })
        })
    }
}
