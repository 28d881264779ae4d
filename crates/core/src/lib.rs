//! The vocabulary every other crate shares: run time, ids, outcomes, and load schedules as pure functions.
//!
//! Nothing here reads a clock, opens a socket or knows another crate of the project.

mod arrivals;
mod dispatch;
mod end;
mod id;
mod nanos;
mod outcome;
mod schedule;
mod slots;

pub use arrivals::{Arrival, Arrivals, RateCurve, RatePiece, Stepping};
pub use dispatch::{ClassDemand, Dispatcher, NoUsers};
pub use end::EndReason;
pub use id::{EndpointId, PhaseId, Slot, TaskId, UserClassId};
pub use nanos::Nanos;
pub use outcome::{ErrorClass, Fault, Outcome, OutcomeKind};
pub use schedule::Ramp;
pub use slots::SlotLeases;
