//! What control tells a worker, and what a worker tells control.

use squall_core::{Nanos, PhaseId, Slot};
use squall_stats::Window;

/// From `at` on, requests belong to `phase`, and users start and stop as `changes` say. A worker told its
/// assignments needs nobody to know what is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// When it takes effect.
    pub at: Nanos,
    /// The phase that begins.
    pub phase: PhaseId,
    /// In rising order of `due`.
    pub changes: Vec<Change>,
}

/// One user starts or stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub due: Nanos,
    /// Who.
    pub slot: Slot,
    /// True to start, false to stop.
    pub start: bool,
}

/// Commands to a thread.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Append to the plan of what is due.
    Assign(Assignment),
    /// Start no new task. A `timeout` of zero cuts the users at once; otherwise `Cut` follows when it is over.
    Stop { timeout: Nanos },
    /// Cut every user now.
    Cut,
    /// All threads are idle: cut the last window and end.
    Finish,
}

/// What a thread reports.
#[derive(Debug)]
pub(crate) enum Report {
    /// One second of measurements; the last one of a thread is shorter.
    Window {
        /// Which thread.
        thread: usize,
        /// What it measured.
        window: Box<Window>,
        /// No more windows follow from this thread.
        last: bool,
    },
    /// After a stop: the thread has no users left.
    Idle {
        /// Which thread.
        thread: usize,
    },
    /// The thread ended without having delivered its last window.
    Died {
        /// Which thread.
        thread: usize,
    },
    /// Something worth a line in the log; not per request.
    Warning(String),
}
