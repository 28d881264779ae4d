//! Signals as a run understands them. Once listened for, they end nothing by themselves until the process ends.

use std::io;

use squall_core::EndReason;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

const MAIN: &str = "squall.main";
/// `SIGXFSZ` of Linux: a file would grow beyond `ulimit -f`.
const FILE_TOO_LARGE: i32 = 25;

/// The signals that stop a run.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listen from now on. Takes a Tokio runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        // Listened for and never looked at: the write that goes too far fails, as on a full disk, instead of ending
        // the process in the middle of it.
        let _ = signal(SignalKind::from_raw(FILE_TOO_LARGE))?;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next of them, as the reason to stop.
    pub(crate) async fn next(&mut self) -> EndReason {
        tokio::select! {
            _ = self.interrupt.recv() => EndReason::Interrupted,
            _ = self.terminate.recv() => {
                info!(target: MAIN, "Got SIGTERM signal");
                EndReason::Terminated
            }
            _ = self.hang_up.recv() => {
                info!(target: MAIN, "Got SIGHUP signal");
                EndReason::Terminated
            }
        }
    }
}
