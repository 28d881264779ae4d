//! Arrivals that nobody served are in no percentile and no error rate: without them a run looks better than it was.

use squall_plan::Measure;
use squall_stats::Iterations;

use super::{Doubt, DoubtKind, Facts, Findings, covers, percent};

/// Share of the arrivals from which on what is left says little.
const INVALID: f64 = 0.05;
/// Share from which on it deserves a word.
const SUSPECT: f64 = 0.01;

pub(super) fn dropped(facts: &Facts<'_>) -> Option<Doubt> {
    // Where a criterion asks for them, drops are a result and hide nothing.
    let asked_for = facts.asked_for(&Measure::Dropped);
    let phases = &facts.run.phases;
    // A run of which nothing is judged is looked at as a whole.
    let any = phases.iter().any(|phase| phase.measured);
    let judged = |id| !any || phases.iter().any(|phase| phase.id == id && phase.measured);
    let counts = facts.run.iterations(|phase, class| {
        judged(phase) && !asked_for.iter().any(|scope| covers(scope, phase, class))
    });
    let share = counts.dropped_share().filter(|share| *share >= SUSPECT)?;
    let Iterations { offered, dropped, .. } = counts;
    let evidence = format!(
        "{dropped} of {offered} arrivals ({}) found no free user in time and were given up.",
        percent(dropped as f64, offered as f64)
    );
    let mut findings = Findings::default();
    if share > INVALID {
        findings.invalid(evidence);
    } else {
        findings.suspect(evidence);
    }
    findings.doubt(DoubtKind::ArrivalsDropped)
}
