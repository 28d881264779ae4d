//! What turns a plan into load: compiled programs, virtual users, worker threads, the one clock.
//!
//! A [`Worker`] is one process's share of a run. Each of its threads owns everything it writes: connections,
//! random generators, buffers, statistics. Commands reach a thread by message; windows leave it by message, one a
//! second; nothing else is shared. The engine knows nothing of command lines, web servers or file syntax.

mod alarm;
mod clock;
mod command;
mod identity;
mod outcome;
mod program;
#[cfg(test)]
mod tests;
mod thread;
mod timers;
mod user;
mod worker;

pub use clock::RunClock;
pub use command::{ArrivalSchedule, Assignment, Change};
pub use identity::IdentityError;
pub use program::CompileError;
pub use worker::{ReadyWorker, StartError, Worker, WorkerConfig, WorkerEvent};
