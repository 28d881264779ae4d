//! The numbers the kernel keeps of one process.

use std::os::linux::fs::MetadataExt as _;
use std::path::PathBuf;

use procfs::ProcError;
use procfs::process::Process;
use squall_core::Nanos;

/// One process at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters {
    /// CPU time it has used, user and system, its finished children not among it.
    pub(crate) cpu: Nanos,
    /// Resident memory in bytes, pages shared with others included.
    pub(crate) rss: u64,
    pub(crate) threads: u64,
    /// When it started: with its number, this says which process it is.
    pub(crate) start: u64,
}

impl Counters {
    /// `None` when the process has ended, also when nobody has collected its end yet.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub(crate) fn read(process: &Process) -> Result<Option<Self>, ProcError> {
        let read = || {
            let stat = process.stat()?;
            // `statm`, because the memory in `stat` is an estimate on machines of many cores.
            let pages = process.statm()?.resident;
            Ok((stat, pages))
        };
        let (stat, pages) = match read() {
            Ok(numbers) => numbers,
            Err(error) if has_ended(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        if matches!(stat.state, 'Z' | 'X' | 'x') {
            return Ok(None);
        }
        let ticks = stat.utime.saturating_add(stat.stime);
        let cpu = u128::from(ticks) * 1_000_000_000 / u128::from(procfs::ticks_per_second().max(1));
        Ok(Some(Self {
            cpu: Nanos(u64::try_from(cpu).unwrap_or(u64::MAX)),
            rss: pages.saturating_mul(procfs::page_size()),
            threads: u64::try_from(stat.num_threads).unwrap_or(0),
            start: stat.starttime,
        }))
    }
}

/// Open descriptors of a process; `None` when they may not be counted.
pub(crate) fn descriptors(pid: i32) -> Option<u64> {
    let dir: PathBuf = format!("/proc/{pid}/fd").into();
    // Since Linux 6.2 the folder's size is their number; before it is 0 and they are counted one by one.
    match std::fs::metadata(&dir).ok()?.st_size() {
        0 => std::fs::read_dir(&dir).ok().map(|entries| entries.count() as u64),
        number => Some(number),
    }
}

/// What the kernel says of a process that is no more.
pub(crate) fn has_ended(error: &ProcError) -> bool {
    const NO_SUCH_PROCESS: i32 = 3;
    match error {
        ProcError::NotFound(_) => true,
        ProcError::Io(error, _) => error.raw_os_error() == Some(NO_SUCH_PROCESS),
        _ => false,
    }
}

/// CPU time as a share of one core over the time between two moments.
pub(crate) fn share(used: Nanos, over: Nanos) -> Option<f64> {
    (over > Nanos::ZERO).then(|| used.as_secs_f64() / over.as_secs_f64())
}
