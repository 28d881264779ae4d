//! What can be known to fail before there is load.

use thiserror::Error;

/// Why something cannot be watched. `monitor` is its name in the plan.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The process to be watched is not there.
    #[error("{monitor}: there is no process {pid}")]
    NoProcess {
        /// Which monitor.
        monitor: String,
        /// The process asked for.
        pid: u32,
    },
    /// The port to be watched is nobody's.
    #[error("{monitor}: no process listens on TCP port {port} of this machine")]
    NobodyListens {
        /// Which monitor.
        monitor: String,
        /// The port asked for.
        port: u16,
    },
    /// Somebody has the port, but the kernel does not say who.
    #[error(
        "{monitor}: the process that listens on TCP port {port} is hidden from this user: run squall as that process's \
         user or as root, or watch it by its pid"
    )]
    Hidden {
        /// Which monitor.
        monitor: String,
        /// The port asked for.
        port: u16,
    },
    /// The process may not be looked into.
    #[error("{monitor}: no permission to read /proc/{pid}: run squall as that process's user or as root")]
    Forbidden {
        /// Which monitor.
        monitor: String,
        /// The process asked for.
        pid: u32,
    },
    /// Anything else that the kernel did not tell.
    #[error("{monitor}: cannot read {what}: {reason}")]
    Unreadable {
        /// Which monitor.
        monitor: String,
        /// What was to be read.
        what: String,
        /// What the kernel said.
        reason: String,
    },
}
