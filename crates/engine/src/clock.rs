//! The one clock: monotonic run time, anchored once to wall time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use squall_core::Nanos;
use tokio::time::Instant;

/// Run time since an origin that all threads of a worker share.
///
/// Under a paused tokio runtime it shows the runtime's time, which makes tests exact.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    origin: Instant,
    wall_origin: SystemTime,
}

impl RunClock {
    /// A clock whose zero is now.
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    pub fn start() -> Self {
        Self { origin: Instant::now(), wall_origin: SystemTime::now() }
    }

    /// Now, since the origin.
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    pub fn now(&self) -> Nanos {
        Nanos::from(Instant::now().saturating_duration_since(self.origin))
    }

    /// The runtime's instant of a moment of the run.
    #[cfg(test)]
    pub(crate) fn instant(&self, at: Nanos) -> Instant {
        self.origin + Duration::from(at)
    }

    /// Wall time of the origin.
    pub fn wall_origin(&self) -> SystemTime {
        self.wall_origin
    }

    /// Wall time of a moment of the run, as the span since the Unix epoch.
    pub(crate) fn since_epoch(&self, at: Nanos) -> Duration {
        self.wall_origin.duration_since(UNIX_EPOCH).unwrap_or_default() + Duration::from(at)
    }
}

impl squall_http::Clock for RunClock {
    fn now(&self) -> Nanos {
        Self::now(self)
    }
}
