//! The windows of the judged time in their order, as they come.
//!
//! Whether a ramp is judged is known only when its phase holds (it is not) or ends (it is, for it is all there is). Until then
//! a second track runs beside the settled one, which is dropped or takes its place. So nothing is kept but what the
//! tracks themselves keep.

use std::collections::BTreeSet;

use squall_core::{Nanos, PhaseId};
use squall_record::PhaseMark;
use squall_stats::Window;

use crate::span::{Part, end, holds, part, shared};
use crate::tally::{Lens, Tally};
use crate::track::Track;

/// What is judged, and what would be if the run ended now.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    lens: Lens,
    /// One phase alone is looked at: only what completed within it counts towards its throughput.
    single: bool,
    settled: Track,
    trial: Option<(PhaseId, Track)>,
    /// Phases that ended without having held.
    kept: BTreeSet<PhaseId>,
}

impl Course {
    pub(crate) fn new(track: Track, lens: Lens, single: bool) -> Self {
        Self { lens, single, settled: track, trial: None, kept: BTreeSet::new() }
    }

    /// Add a window of which the phases that are `wanted` are judged. `phases` in the order they began.
    pub(crate) fn push(
        &mut self,
        window: &Window,
        phases: &[PhaseMark],
        wanted: impl Fn(&PhaseMark) -> bool,
    ) {
        self.settle(phases, window.start);
        let now = end(window);
        let holds = holds(window, phases);
        let (mut settled, mut trial) = (Tally::default(), Tally::default());
        let mut any = (false, false);
        for phase in phases.iter().filter(|phase| wanted(phase)) {
            let span = shared(phase, window);
            let timely = span > Nanos::ZERO || (!self.single && holds);
            let mut tally = Tally::of(window, phase.id, &self.lens, timely);
            tally.span = span;
            if span == Nanos::ZERO && tally.is_empty() {
                continue;
            }
            if part(phase, now) == Part::Hold || self.kept.contains(&phase.id) {
                if span > Nanos::ZERO {
                    self.trial.take_if(|(id, _)| *id == phase.id);
                }
                settled.add(&tally);
                any.0 = true;
            } else if span > Nanos::ZERO || self.trial.as_ref().is_some_and(|(id, _)| *id == phase.id) {
                if phase.end.is_some_and(|end| end <= now) {
                    // It ends here, and what comes after it in this window is another phase's.
                    let mut track =
                        self.trial.take().map_or_else(|| self.settled.clone(), |(_, track)| track);
                    settled.add(&tally);
                    track.push(std::mem::take(&mut settled), now);
                    self.settled = track;
                    any.0 = false;
                    self.kept.insert(phase.id);
                } else {
                    self.trial.get_or_insert_with(|| (phase.id, self.settled.clone()));
                    trial.add(&tally);
                    any.1 = true;
                }
            }
        }
        if let Some((_, track)) = self.trial.as_mut().filter(|_| any.0 || any.1) {
            trial.add(&settled);
            track.push(trial, now);
        }
        if any.0 {
            self.settled.push(settled, now);
        }
    }

    /// A phase that ended before `now` without having held is judged by its ramp.
    fn settle(&mut self, phases: &[PhaseMark], now: Nanos) {
        let over = |id: PhaseId| phases.iter().any(|p| p.id == id && p.end.is_some_and(|end| end <= now));
        if let Some((id, track)) = self.trial.take_if(|(id, _)| over(*id)) {
            self.settled = track;
            self.kept.insert(id);
        }
    }

    /// As if the run ended now.
    pub(crate) fn now(&self) -> &Track {
        self.trial.as_ref().map_or(&self.settled, |(_, track)| track)
    }

    /// Without the ramp that is going on.
    pub(crate) fn settled(&self) -> &Track {
        &self.settled
    }
}
