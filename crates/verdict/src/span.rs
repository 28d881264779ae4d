//! Which time belongs to which phase, and to which part of it.

use squall_core::Nanos;
use squall_record::PhaseMark;
use squall_stats::Window;

/// Part of a phase in which a window lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The users are not yet, or not any more, as many as asked for.
    Ramp,
    /// They are.
    Hold,
}

/// The end of a window.
pub(crate) fn end(window: &Window) -> Nanos {
    window.start + window.span
}

/// A window that ends at `end` is *ramp* of a phase when the phase's users reached the number asked for no earlier.
pub(crate) fn part(phase: &PhaseMark, end: Nanos) -> Part {
    if phase.ramped.is_some_and(|ramped| ramped < end) { Part::Hold } else { Part::Ramp }
}

/// The time a window shares with a phase.
pub(crate) fn shared(phase: &PhaseMark, window: &Window) -> Nanos {
    phase.end.unwrap_or(Nanos::MAX).min(end(window)).since(phase.start.max(window.start))
}

/// Does a measured phase hold in this window?
pub(crate) fn holds(window: &Window, phases: &[PhaseMark]) -> bool {
    phases.iter().any(|phase| {
        phase.measured && shared(phase, window) > Nanos::ZERO && part(phase, end(window)) == Part::Hold
    })
}
