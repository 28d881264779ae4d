//! The `process` monitor: CPU, memory, threads and descriptors of a process of this machine, by its number or by the TCP
//! port it listens on.
//!
//! By port it follows restarts, and adds up the processes of a server that forks workers (memory that they share counts
//! once for each). A worker that comes while all others live is seen when one of them ends.

use procfs::ProcError;
use procfs::process::Process;
use squall_core::Nanos;
use squall_plan::ProcessTarget;

use crate::Error;
use crate::counters::{Counters, descriptors, has_ended, share};
use crate::port::{Found, listeners};
use crate::probe::{Probe, Reading, Sampling, at_once};

/// Watches what a [`ProcessTarget`] names.
pub(crate) struct ProcessProbe {
    target: ProcessTarget,
    watched: Vec<Watched>,
    /// Time of the last sample.
    last: Nanos,
    /// Kept for the first sample: there is nobody to tell before.
    note: Option<String>,
}

/// One process; it holds the process's folder open, so that a later process of the same number is not taken for it.
struct Watched {
    process: Process,
    start: u64,
    /// CPU time at the last sample; `None` when it had none yet.
    cpu: Option<Nanos>,
}

impl ProcessProbe {
    /// Find the process and read it once.
    ///
    /// # Errors
    /// When it is not there, or may not be read.
    pub(crate) fn prepare(monitor: &str, target: ProcessTarget) -> Result<Self, Error> {
        let name = || monitor.to_owned();
        let unreadable = |what: String, error: &ProcError| Error::Unreadable {
            monitor: name(),
            what,
            reason: error.to_string(),
        };
        let processes = match target {
            ProcessTarget::Pid(pid) => vec![open(pid).map_err(|error| refusal(monitor, pid, &error))?],
            ProcessTarget::Port(port) => {
                match listeners(port)
                    .map_err(|error| unreadable(format!("who listens on port {port}"), &error))?
                {
                    Found::Processes(processes) => processes,
                    Found::Hidden => return Err(Error::Hidden { monitor: name(), port }),
                    Found::Nobody => return Err(Error::NobodyListens { monitor: name(), port }),
                }
            }
        };
        let mut watched = Vec::with_capacity(processes.len());
        for process in processes {
            let pid = u32::try_from(process.pid).unwrap_or(0);
            let counters = Counters::read(&process).map_err(|error| refusal(monitor, pid, &error))?;
            let Some(counters) = counters else { return Err(Error::NoProcess { monitor: name(), pid }) };
            if descriptors(process.pid).is_none() {
                return Err(Error::Forbidden { monitor: name(), pid });
            }
            watched.push(Watched { process, start: counters.start, cpu: None });
        }
        let note = match (target, watched.len()) {
            (ProcessTarget::Port(port), 2..) => {
                Some(format!("{} listen on port {port}: their numbers are added up", numbers(&watched)))
            }
            _ => None,
        };
        Ok(Self { target, watched, last: Nanos::ZERO, note })
    }

    fn read(&mut self, now: Nanos) -> Result<Reading, String> {
        let mut counters = self.counters()?;
        if counters.is_none() {
            self.follow()?;
            counters = self.counters()?;
        }
        let counters = counters.ok_or_else(|| self.gone())?;
        let over = now.since(self.last);
        self.last = now;
        // Those that came since the last sample count from the next one on.
        let mut used = None;
        for (watched, counters) in self.watched.iter_mut().zip(&counters) {
            if let Some(before) = watched.cpu.replace(counters.cpu) {
                used = Some(used.unwrap_or(Nanos::ZERO) + counters.cpu.since(before));
            }
        }
        let sum = |of: fn(&Counters) -> u64| Some(counters.iter().map(of).sum::<u64>() as f64);
        let descriptors: Option<u64> =
            self.watched.iter().map(|watched| descriptors(watched.process.pid)).sum();
        Ok(Reading {
            values: vec![
                used.and_then(|used| share(used, over)),
                sum(|counters| counters.rss),
                sum(|counters| counters.threads),
                descriptors.map(|number| number as f64),
            ],
            note: self.note.take(),
        })
    }

    /// The counters of all that are watched; `None` when one of them has ended.
    fn counters(&self) -> Result<Option<Vec<Counters>>, String> {
        let read = |watched: &Watched| match Counters::read(&watched.process) {
            Ok(counters) => Ok(counters.filter(|counters| counters.start == watched.start)),
            Err(error) => Err(format!("cannot read process {}: {error}", watched.process.pid)),
        };
        if self.watched.is_empty() {
            return Ok(None);
        }
        self.watched.iter().map(read).collect()
    }

    /// Look the port up again; processes that are still there keep their marks.
    fn follow(&mut self) -> Result<(), String> {
        let ProcessTarget::Port(port) = self.target else { return Err(self.gone()) };
        let found =
            listeners(port).map_err(|error| format!("cannot read who listens on port {port}: {error}"))?;
        let processes = match found {
            Found::Processes(processes) => processes,
            Found::Hidden => {
                return Err(format!("the process that listens on port {port} is hidden from this user"));
            }
            Found::Nobody => {
                self.watched.clear();
                return Err(self.gone());
            }
        };
        let before = std::mem::take(&mut self.watched);
        let mut restarted = true;
        for process in processes {
            // One that has ended since is not among them.
            let Ok(Some(Counters { start, .. })) = Counters::read(&process) else { continue };
            let known = before.iter().find(|old| old.process.pid == process.pid && old.start == start);
            let cpu = known.and_then(|old| old.cpu);
            restarted &= known.is_none();
            self.watched.push(Watched { process, start, cpu });
        }
        // A server that replaces one of its workers is still the same server.
        if restarted && !self.watched.is_empty() {
            self.note = Some(format!("port {port} is now that of {}", numbers(&self.watched)));
        }
        Ok(())
    }

    fn gone(&self) -> String {
        match self.target {
            ProcessTarget::Pid(pid) => format!("process {pid} has ended"),
            ProcessTarget::Port(port) => format!("no process listens on port {port} any more"),
        }
    }
}

impl Probe for ProcessProbe {
    fn sample(&mut self, now: Nanos) -> Sampling<'_> {
        at_once(self.read(now))
    }
}

fn open(pid: u32) -> Result<Process, ProcError> {
    // Numbers that no process can have are those of no process.
    Process::new(i32::try_from(pid).map_err(|_| ProcError::NotFound(None))?)
}

fn refusal(monitor: &str, pid: u32, error: &ProcError) -> Error {
    let monitor = monitor.to_owned();
    match error {
        error if has_ended(error) => Error::NoProcess { monitor, pid },
        ProcError::PermissionDenied(_) => Error::Forbidden { monitor, pid },
        other => Error::Unreadable { monitor, what: format!("/proc/{pid}"), reason: other.to_string() },
    }
}

/// `process 12`, or `processes 12, 13 and 6 more`.
fn numbers(watched: &[Watched]) -> String {
    const SHOWN: usize = 3;
    let list: Vec<_> = watched.iter().take(SHOWN).map(|watched| watched.process.pid.to_string()).collect();
    let more = watched.len().saturating_sub(SHOWN);
    let noun = if watched.len() == 1 { "process" } else { "processes" };
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{noun} {}{rest}", list.join(", "))
}
