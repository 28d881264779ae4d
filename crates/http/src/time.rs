//! Time as the caller gives it: this crate neither reads a clock nor owns a timer.

use std::task::{Context, Poll};

use squall_core::Nanos;

/// The run's clock.
pub trait Clock {
    /// Now, since the start of the run. Never goes back.
    fn now(&self) -> Nanos;
}

impl<F: Fn() -> Nanos> Clock for F {
    fn now(&self) -> Nanos {
        self()
    }
}

/// One re-armable deadline of one virtual user, kept by the caller (an entry of a per-thread timer wheel).
///
/// `send` arms it at its start and around connecting, and polls it at each point where it would wait, after IO.
pub trait Deadline {
    /// Replaces the moment at which the deadline expires. [`Nanos::MAX`] disarms it.
    fn arm(&self, at: Nanos);

    /// Ready once the armed moment has passed; otherwise the task of `cx` is woken when it has.
    fn poll_expired(&self, cx: &mut Context<'_>) -> Poll<()>;
}
