//! What a run tells those who look at it.

use std::sync::Arc;

use squall_core::{EndReason, Nanos, PhaseId};
use squall_stats::Window;

/// Events of a run, in order. The last one is [`Event::Ended`].
#[derive(Clone, Debug)]
pub enum Event {
    /// A phase began.
    PhaseStarted {
        /// Which: index into the plan's phases.
        id: PhaseId,
        /// When.
        at: Nanos,
    },
    /// The phase's users have all been started (or stopped).
    Spawned {
        /// Which phase.
        id: PhaseId,
        /// When.
        at: Nanos,
        /// Users by class.
        users: Vec<u32>,
    },
    /// A phase ended.
    PhaseEnded {
        /// Which.
        id: PhaseId,
        /// When.
        at: Nanos,
    },
    /// A second of measurements.
    Window(Arc<Window>),
    /// No new task starts from here on.
    Stopping {
        /// Why.
        reason: EndReason,
        /// When.
        at: Nanos,
    },
    /// A part of what makes the load is gone, and what it measured last with it. The run stops, if it has not.
    WorkerLost {
        /// When that was seen.
        at: Nanos,
        /// Which, with how many users, or why: lower case, no full stop.
        note: String,
    },
    /// Something worth a line in the log.
    Warning(String),
    /// Every window has been delivered.
    Ended {
        /// Why the run ended.
        reason: EndReason,
        /// When the last user was gone.
        at: Nanos,
    },
}
