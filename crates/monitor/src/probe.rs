//! What every kind of monitor is to the schedule.

use std::pin::Pin;

use squall_core::Nanos;

/// Something that can be asked for its numbers.
///
/// A probe may wait (for a server, a file); the schedule drops an answer that takes too long, so a probe must bear being
/// dropped half way and asked anew. One that reads `/proc` answers at once.
pub(crate) trait Probe {
    /// The numbers at run time `now`, in the order of `MonitorKind::series`.
    ///
    /// # Errors
    /// In words, why there are none; the next sample asks again.
    fn sample(&mut self, now: Nanos) -> Sampling<'_>;
}

/// An answer under way.
pub(crate) type Sampling<'a> = Pin<Box<dyn Future<Output = Result<Reading, String>> + 'a>>;

/// An answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// One for each series; `None` where this sample has none.
    pub(crate) values: Vec<Option<f64>>,
    /// Something that whoever reads the numbers should know.
    pub(crate) note: Option<String>,
}

/// The answer of a probe that does not wait.
pub(crate) fn at_once<'a>(answer: Result<Reading, String>) -> Sampling<'a> {
    Box::pin(std::future::ready(answer))
}
