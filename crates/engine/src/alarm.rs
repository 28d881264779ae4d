//! What wakes a thread's loop at a given moment.

#[cfg(test)]
use std::cell::Cell;
use std::os::fd::OwnedFd;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use squall_core::Nanos;
use tokio::io::unix::AsyncFd;
#[cfg(test)]
use tokio::sync::Notify;

use crate::clock::RunClock;

/// An alarm that can be set anew at any time.
pub(crate) enum Alarm {
    /// Exact to some ten microseconds; for real runs.
    Timerfd(AsyncFd<OwnedFd>),
    /// The runtime's own timer, which a paused runtime moves on; for tests.
    #[cfg(test)]
    Runtime { at: Cell<tokio::time::Instant>, changed: Notify },
}

impl Alarm {
    /// An alarm of the kernel's. Needs a tokio runtime with IO.
    #[expect(
        deprecated,
        reason = "an owned descriptor cannot be closed behind its back; the replacement is unsafe"
    )]
    pub(crate) fn timerfd() -> std::io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self::Timerfd(AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?))
    }

    /// Go off at `at`, and no longer at the moment set before.
    pub(crate) fn set(&self, clock: &RunClock, at: Nanos) {
        match self {
            Self::Timerfd(fd) => {
                // Zero would disarm it.
                let span = at.since(clock.now()).max(Nanos(1));
                let value = Timespec {
                    tv_sec: (span.0 / Nanos::SECOND.0).min(i64::MAX as u64) as i64,
                    tv_nsec: (span.0 % Nanos::SECOND.0) as i64,
                };
                let timer = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
                timerfd_settime(fd.get_ref(), TimerfdTimerFlags::empty(), &timer)
                    .expect("the descriptor is a timer and the time is normalised");
            }
            #[cfg(test)]
            Self::Runtime { at: current, changed } => {
                current.set(clock.instant(at));
                changed.notify_waiters();
            }
        }
    }

    /// Wait until it goes off, or was set anew.
    pub(crate) async fn wait(&self) {
        match self {
            Self::Timerfd(fd) => {
                let Ok(mut guard) = fd.readable().await else { return };
                let mut expirations = [0u8; 8];
                // An error means that it was set anew in between: the loop looks at the clock anyway.
                let _ = rustix::io::read(fd.get_ref(), &mut expirations);
                guard.clear_ready();
            }
            #[cfg(test)]
            Self::Runtime { at, changed } => {
                tokio::select! {
                    () = tokio::time::sleep_until(at.get()) => {}
                    () = changed.notified() => {}
                }
            }
        }
    }
}
