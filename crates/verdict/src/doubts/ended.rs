//! The record ends without an end.

use super::{Doubt, DoubtKind, Facts, Findings};

pub(super) fn cut_off(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    if facts.run.was_cut_off() {
        findings.invalid(format!("It stops after {}, and nobody wrote down why.", facts.run.duration()));
    }
    findings.doubt(DoubtKind::CutOff)
}
