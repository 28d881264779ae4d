//! What control asks of a worker, whether it is this process, another one, or somebody else's program.

use squall_core::Nanos;
use squall_engine::{Assignment, RunClock, WorkerEvent};

/// One process's share of a run.
pub trait Worker: Send + 'static {
    /// Add to what is due.
    fn assign(&mut self, assignment: &Assignment);
    /// Start no new task; with a `timeout` of zero, cut the users at once.
    fn stop(&mut self, timeout: Nanos);
    /// Cut every user that is still busy.
    fn cut(&mut self);
    /// Deliver the last window and end.
    fn finish(&mut self);
    /// The next event. Cancel safe.
    fn next(&mut self) -> impl Future<Output = WorkerEvent> + Send;
    /// The clock of the run.
    fn clock(&self) -> RunClock;
}

impl Worker for squall_engine::Worker {
    fn assign(&mut self, assignment: &Assignment) {
        Self::assign(self, assignment);
    }

    fn stop(&mut self, timeout: Nanos) {
        Self::stop(self, timeout);
    }

    fn cut(&mut self) {
        Self::cut(self);
    }

    fn finish(&mut self) {
        Self::finish(self);
    }

    fn next(&mut self) -> impl Future<Output = WorkerEvent> + Send {
        Self::next(self)
    }

    fn clock(&self) -> RunClock {
        Self::clock(self)
    }
}
