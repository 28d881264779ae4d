//! What control tells a worker, and what a worker tells control.

use std::sync::Arc;

use squall_core::{Nanos, PhaseId, Slot};
use squall_plan::{RateSegment, Spacing};
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
    /// Open model: when task iterations arrive. `None` lets the users set the pace.
    pub arrivals: Option<Arc<ArrivalSchedule>>,
}

/// When task iterations arrive during a phase, and for which class. The same schedule makes the same arrivals, on however
/// many threads the users run.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrivalSchedule {
    /// The rate over time, from the start of the phase on.
    pub segments: Vec<RateSegment>,
    /// How arrivals are spaced.
    pub spacing: Spacing,
    /// Of the run; the phase makes it a seed of its own.
    pub seed: u64,
    /// By class: shares of the arrivals.
    pub weights: Vec<f64>,
    /// By class: users of the phase, slots `0..users`. Arrivals are dealt to the threads that run them.
    pub users: Vec<u32>,
    /// When the last one may be due, exclusively; `None` for a phase that is stopped from outside.
    pub end: Option<Nanos>,
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

/// What a thread gets of an assignment.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) at: Nanos,
    pub(crate) phase: PhaseId,
    pub(crate) changes: Vec<Change>,
    pub(crate) arrivals: Option<ArrivalShare>,
}

/// A schedule of arrivals, and whose each of them is.
#[derive(Clone, Debug)]
pub(crate) struct ArrivalShare {
    pub(crate) schedule: Arc<ArrivalSchedule>,
    /// By class and slot: the thread that runs it.
    pub(crate) owners: Arc<Vec<Vec<usize>>>,
}

/// Commands to a thread.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Append to the plan of what is due.
    Assign(Share),
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
