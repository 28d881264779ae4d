//! A directory of its own for each test, the binary run in it, its answers, and the programs it is tested with.

mod answer;
mod api_log;
mod binary;
mod muejam;
mod place;
mod running;
mod urgent;

pub(crate) use answer::{Answer, Summary, count, percentile};
pub(crate) use api_log::bad_until;
pub(crate) use binary::{program, squall};
pub(crate) use muejam::MueJam;
pub(crate) use place::Place;
pub(crate) use running::Running;
pub(crate) use urgent::Urgent;
