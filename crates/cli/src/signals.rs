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
    /// Ctrl-\: it would leave faults as they are and lose what was not written yet.
    quit: Signal,
    /// `None` when whoever started the process (`nohup`) wants it to outlive its terminal.
    hang_up: Option<Signal>,
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
            quit: signal(SignalKind::quit())?,
            hang_up: if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) },
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
            _ = self.quit.recv() => {
                info!(target: MAIN, "Got SIGQUIT signal");
                EndReason::Terminated
            }
            () = received(self.hang_up.as_mut()) => {
                info!(target: MAIN, "Got SIGHUP signal");
                EndReason::Terminated
            }
        }
    }
}

/// Waits for ever without a signal to wait for.
async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => _ = signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Was the process started with `SIGHUP` ignored? Listening would undo that.
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // `SIGHUP` is signal 1, the lowest bit.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
