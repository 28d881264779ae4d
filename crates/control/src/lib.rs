//! The run itself: phases, dispatch of users to workers, stopping, and the stream of events.
//!
//! Only this crate plans. Everything a worker does follows from the assignments it is given; everything that
//! looks at a run (record, console, web) reads the one stream of events.

mod event;
mod run;
mod schedule;
mod worker;

pub use event::Event;
pub use run::{Handle, Options, Prepared, StartError, Started};
pub use schedule::{PhaseSchedule, schedule};
pub use squall_engine::RunClock;
pub use worker::Worker;
