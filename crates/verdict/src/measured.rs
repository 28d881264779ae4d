//! What is judged: requests and time, sorted by phase into ramp and hold.
//!
//! A request belongs to the phase in which it started, and its window says when it completed. A window counts as
//! *ramp* of a phase when it ends before the phase's users reached the number asked for. Ramp is not judged,
//! unless the phase never held: then its ramp is all there is.
//!
//! Throughput needs a span. A phase's is the time its windows share with it, from its start (or from the window
//! in which the ramp ended) to its end; draining is in no phase. Successes count towards it only when they also
//! complete within: what is answered after the load ended would make an overloaded server look fast.

use std::collections::{BTreeMap, BTreeSet};

use squall_core::{Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_record::PhaseMark;
use squall_stats::{Cell, CellKey, Iterations, Summary, Window};

use crate::samples::Stretches;
use crate::span::{Part, end, holds, part, shared};

/// Everything measured so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    cells: BTreeMap<(Part, CellKey), Tally>,
    spans: BTreeMap<(PhaseId, Part), Nanos>,
    iterations: BTreeMap<(Part, PhaseId, UserClassId), Iterations>,
    now: Nanos,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    cell: Cell,
    /// Requests completed while the phase of their start lasted.
    within_phase: u64,
    /// Requests completed while any measured phase held.
    within_measured: u64,
}

/// Which phases, and which part of each, are judged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    phases: BTreeSet<PhaseId>,
    /// Phases whose ramp is judged because they never held.
    with_ramp: BTreeSet<PhaseId>,
    /// One phase alone: only what completed within that phase counts towards its throughput.
    single: bool,
}

impl Measured {
    /// Add a window. `phases` are those begun so far, up to date to the end of the window.
    pub(crate) fn push(&mut self, window: &Window, phases: &[PhaseMark]) {
        let end = end(window);
        self.now = self.now.max(end);
        for phase in phases.iter().filter(|phase| shared(phase, window) > Nanos::ZERO) {
            *self.spans.entry((phase.id, part(phase, end))).or_default() += shared(phase, window);
        }
        let holds = holds(window, phases);
        let part_of = |own: Option<&PhaseMark>| own.map_or(Part::Ramp, |phase| part(phase, end));
        for (id, class, counts) in window.iterations() {
            let own = phases.iter().find(|phase| phase.id == id);
            self.iterations.entry((part_of(own), id, class)).or_default().merge(counts);
        }
        for (key, cell) in window.cells() {
            let own = phases.iter().find(|phase| phase.id == key.phase);
            let tally = self.cells.entry((part_of(own), *key)).or_default();
            tally.cell.merge(cell);
            if own.is_some_and(|phase| shared(phase, window) > Nanos::ZERO) {
                tally.within_phase += cell.count;
                // In a phase that never holds, all that completes within it is within what is judged.
                tally.within_measured += cell.count;
            } else if holds {
                tally.within_measured += cell.count;
            }
        }
    }

    /// The end of the last window.
    pub(crate) fn now(&self) -> Nanos {
        self.now
    }

    /// The phases among `phases` that `wanted` accepts. `single` when it is meant to be one of them.
    pub(crate) fn select(
        &self,
        phases: &[PhaseMark],
        single: bool,
        wanted: impl Fn(&PhaseMark) -> bool,
    ) -> Selection {
        let mut selection = Selection { single, ..Selection::default() };
        for phase in phases.iter().filter(|phase| wanted(phase)) {
            selection.phases.insert(phase.id);
            if self.span_of(phase.id, Part::Hold) == Nanos::ZERO {
                selection.with_ramp.insert(phase.id);
            }
        }
        selection
    }

    /// `selection` without ramps that may yet end in a hold.
    pub(crate) fn settled(&self, mut selection: Selection, phases: &[PhaseMark]) -> Selection {
        let over = |id: PhaseId| {
            phases.iter().any(|phase| phase.id == id && phase.end.is_some_and(|end| end <= self.now))
        };
        selection.with_ramp.retain(|id| over(*id));
        selection
    }

    /// The time of `selection`, as stretches of the run.
    pub(crate) fn stretches(&self, selection: &Selection, phases: &[PhaseMark]) -> Stretches {
        let chosen = phases.iter().filter(|phase| selection.phases.contains(&phase.id));
        let stretch = |phase: &PhaseMark| {
            let ramped = phase.ramped.unwrap_or(Nanos::MAX).max(phase.start);
            let start = if selection.with_ramp.contains(&phase.id) { phase.start } else { ramped };
            (start, phase.end.unwrap_or(Nanos::MAX).min(self.now))
        };
        chosen.map(stretch).filter(|(start, end)| start < end).collect()
    }

    /// How long `selection` lasted.
    pub(crate) fn span(&self, selection: &Selection) -> Nanos {
        let spans = self.spans.iter().filter(|((phase, part), _)| selection.has(*phase, *part));
        spans.fold(Nanos::ZERO, |sum, (_, span)| sum + *span)
    }

    /// Task iterations of `selection`, of one class or all.
    pub(crate) fn iterations(&self, selection: &Selection, class: Option<UserClassId>) -> Iterations {
        let mut sum = Iterations::default();
        for ((part, phase, of), counts) in &self.iterations {
            if selection.has(*phase, *part) && class.is_none_or(|class| class == *of) {
                sum.merge(counts);
            }
        }
        sum
    }

    /// The requests of `selection` that `filter` lets through.
    pub(crate) fn summary(&self, selection: &Selection, filter: impl Fn(&CellKey) -> bool) -> Summary {
        let mut summary = Summary::default();
        for ((_, key), tally) in self.selected(selection).filter(|((_, key), _)| filter(key)) {
            summary.add(key.outcome, &tally.cell);
        }
        summary
    }

    /// How many requests of `selection` `filter` lets through, whatever became of them.
    pub(crate) fn count(&self, selection: &Selection, filter: impl Fn(&CellKey) -> bool) -> u64 {
        self.selected(selection).filter(|((_, key), _)| filter(key)).map(|(_, tally)| tally.cell.count).sum()
    }

    /// Successes a second over the time of `selection`; `None` when there was no time.
    pub(crate) fn throughput(&self, selection: &Selection, filter: impl Fn(&CellKey) -> bool) -> Option<f64> {
        let span = self.span(selection);
        let ok =
            self.selected(selection).filter(|((_, key), _)| key.outcome == OutcomeKind::Ok && filter(key));
        let ok: u64 =
            ok.map(|(_, t)| if selection.single { t.within_phase } else { t.within_measured }).sum();
        (span > Nanos::ZERO).then(|| ok as f64 / span.as_secs_f64())
    }

    /// What a reader must know about what `select` left out of the measured part, or kept.
    pub(crate) fn excluded(&self, phases: &[PhaseMark]) -> Vec<String> {
        let mut lines = Vec::new();
        for phase in phases {
            let ramp = self.span_of(phase.id, Part::Ramp);
            let hold = self.span_of(phase.id, Part::Hold);
            let requests = |parts: &[Part]| {
                let cells = self
                    .cells
                    .iter()
                    .filter(|((part, key), _)| key.phase == phase.id && parts.contains(part));
                cells.map(|(_, tally)| tally.cell.count).sum::<u64>()
            };
            let PhaseMark { name, users, .. } = phase;
            if !phase.measured {
                let requests = requests(&[Part::Ramp, Part::Hold]);
                let span = ramp + hold;
                let what = if *users == 0 { "ramp-down" } else { "warm-up" };
                lines.push(format!("phase {name} is {what}: {span} with {requests} requests, not judged"));
            } else if hold == Nanos::ZERO && ramp > Nanos::ZERO {
                let reached = match phase.ramped {
                    None => format!("never reached {users} users"),
                    Some(_) => format!("did not hold {users} users"),
                };
                lines.push(format!("phase {name} {reached}: its ramp is judged"));
            } else if ramp > Nanos::ZERO {
                let requests = requests(&[Part::Ramp]);
                lines.push(format!(
                    "ramp of {name}: {ramp} with {requests} requests, until {users} users ran, not judged"
                ));
            }
        }
        let known = |key: &CellKey| phases.iter().any(|phase| phase.id == key.phase);
        let lost: u64 =
            self.cells.iter().filter(|((_, key), _)| !known(key)).map(|(_, t)| t.cell.count).sum();
        if lost > 0 {
            lines.push(format!("{lost} requests of a phase that is not described, not judged"));
        }
        lines
    }

    fn selected<'a>(
        &'a self,
        selection: &'a Selection,
    ) -> impl Iterator<Item = (&'a (Part, CellKey), &'a Tally)> {
        self.cells.iter().filter(|((part, key), _)| selection.has(key.phase, *part))
    }

    fn span_of(&self, phase: PhaseId, part: Part) -> Nanos {
        self.spans.get(&(phase, part)).copied().unwrap_or(Nanos::ZERO)
    }
}

impl Selection {
    fn has(&self, phase: PhaseId, part: Part) -> bool {
        self.phases.contains(&phase) && (part == Part::Hold || self.with_ramp.contains(&phase))
    }
}
