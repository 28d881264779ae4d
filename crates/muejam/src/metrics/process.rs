//! What the operating system knows about this process and its disk. A number that cannot be read is left out.

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// This process, now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) open_fds: Option<usize>,
    pub(crate) max_fds: Option<u64>,
}

impl Process {
    pub(crate) fn read() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            cpu_seconds: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            resident_bytes: resident_bytes(),
            open_fds: std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            max_fds: getrlimit(Resource::Nofile).current,
        }
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Space on the disk of the working directory, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk {
    pub(crate) total: u64,
    pub(crate) used: u64,
    pub(crate) free: u64,
}

impl Disk {
    pub(crate) fn read() -> Option<Self> {
        let stat = rustix::fs::statvfs(".").ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        let (total, free) = (bytes(stat.f_blocks), bytes(stat.f_bavail));
        Some(Self { total, used: total.saturating_sub(bytes(stat.f_bfree)), free })
    }

    /// Share in use of what an ordinary user could use, as `df` counts it.
    pub(crate) fn used_percent(self) -> f64 {
        let usable = self.used + self.free;
        if usable == 0 { 0.0 } else { 100.0 * self.used as f64 / usable as f64 }
    }
}

/// Lets this process open as many descriptors as the system allows it: each connection is one.
pub(crate) fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused only where the hard limit is not ours to use; then the soft one stays.
    let _ = setrlimit(Resource::Nofile, limit);
}
