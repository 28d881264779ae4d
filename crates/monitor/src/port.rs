//! Which processes listen on a TCP port of this machine.

use std::collections::HashSet;

use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, Process};
use procfs::{ProcError, ProcResult};

/// What a search for listeners found.
pub(crate) enum Found {
    /// The processes that hold a listening socket of that port: one, or the many of a server that forks workers.
    Processes(Vec<Process>),
    /// There is such a socket, but whoever has it may not be looked into.
    Hidden,
    Nobody,
}

/// Look through all sockets, then through all processes for those that have them.
///
/// # Errors
/// When the kernel does not tell.
pub(crate) fn listeners(port: u16) -> ProcResult<Found> {
    let mut sockets = listening(procfs::net::tcp(), port)?;
    sockets.extend(listening(procfs::net::tcp6(), port)?);
    if sockets.is_empty() {
        return Ok(Found::Nobody);
    }
    // Processes come and go while they are looked through, and not all of them may be: those are not it.
    let processes: Vec<_> =
        procfs::process::all_processes()?.flatten().filter(|process| holds(process, &sockets)).collect();
    Ok(if processes.is_empty() { Found::Hidden } else { Found::Processes(processes) })
}

/// The inodes of the listening sockets. A machine without IPv6 has no table of it.
fn listening(table: ProcResult<Vec<TcpNetEntry>>, port: u16) -> ProcResult<HashSet<u64>> {
    match table {
        Err(ProcError::NotFound(_)) => Ok(HashSet::new()),
        Err(error) => Err(error),
        Ok(entries) => Ok(entries
            .iter()
            .filter(|entry| entry.state == TcpState::Listen && entry.local_address.port() == port)
            .map(|entry| entry.inode)
            .collect()),
    }
}

fn holds(process: &Process, sockets: &HashSet<u64>) -> bool {
    let Ok(mut descriptors) = process.fd() else { return false };
    descriptors.any(
        |fd| matches!(fd, Ok(fd) if matches!(fd.target, FDTarget::Socket(inode) if sockets.contains(&inode))),
    )
}
