//! One timer descriptor for everything that is due later, exact to microseconds where epoll's own timeout is a millisecond late.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::io::read;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

#[derive(Debug)]
pub(super) struct Timer {
    descriptor: OwnedFd,
    armed_ns: Option<u64>,
}

impl Timer {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let descriptor =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        registry.register(&mut SourceFd(&descriptor.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { descriptor, armed_ns: None })
    }

    /// Lets the timer's token be reported at `at_ns` of the monotonic clock, instead of any earlier choice.
    pub(super) fn arm(&mut self, at_ns: u64) -> io::Result<()> {
        if self.armed_ns == Some(at_ns) {
            return Ok(());
        }
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let at = Timespec { tv_sec: (at_ns / 1_000_000_000) as i64, tv_nsec: (at_ns % 1_000_000_000) as i64 };
        let spec = Itimerspec { it_interval: zero, it_value: at };
        timerfd_settime(&self.descriptor, TimerfdTimerFlags::ABSTIME, &spec)?;
        self.armed_ns = Some(at_ns);
        Ok(())
    }

    /// To be called when the token was reported.
    pub(super) fn fired(&mut self) {
        self.armed_ns = None;
        // Clears the count of expirations; nothing to read means that a later `arm` has cleared it.
        let _ = read(&self.descriptor, &mut [0_u8; 8]);
    }
}
