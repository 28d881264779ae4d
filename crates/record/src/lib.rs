//! The saved run: one SQLite file, written as the run goes.
//!
//! [`Writer`] stores a run while it happens, on a thread of its own; [`Record`] reads one back, whether it ended
//! well or was cut off. The file knows nothing of how a run is made or judged.
//!
//! Invariants: writing never blocks the run; a window is stored whole or not at all; what a newer version wrote
//! is refused, not guessed at; secrets never reach the file, because `squall_plan::Secret` masks itself.

mod blob;
mod environment;
mod error;
mod queue;
mod reader;
mod rows;
mod run;
mod schema;
mod store;
mod windows;
mod writer;

pub use environment::Environment;
pub use error::Error;
pub use reader::Record;
pub use run::{End, FaultMark, LogLevel, LogLine, Mark, MarkKind, PhaseMark, Point, Run, Series};
pub use writer::{Header, Writer};
