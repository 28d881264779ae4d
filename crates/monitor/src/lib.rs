//! Probes of the target and of the generator itself, sampled beside the load.
//!
//! [`Monitors::prepare`] tries everything that can be known to fail before there is load; [`Monitors::start`] samples
//! on a thread of its own until the [`Watch`] is dropped. What samples mean, whether they are stored and what a gap
//! says about the run is for others to decide.
//!
//! Invariants: a monitor delivers, for every multiple of its interval, exactly one sample of each of its series, a value
//! or a gap; a probe that fails is a gap and one warning, never an end of the run; the time comes from the caller's clock.
//!
//! To add a kind of monitor: a `Probe` in a file of its own, and its line in `prepare`.

mod cgroup;
mod counters;
mod error;
mod generator;
mod port;
mod probe;
mod process;
mod schedule;
mod watch;

pub use error::Error;
pub use watch::{MonitorEvent, Monitors, Watch};
