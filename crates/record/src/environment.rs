//! The machine a run was made on: numbers of two runs compare only where this does.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where the load came from. What cannot be found out is empty, zero or `None`; nothing here is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Version of squall.
    pub squall_version: String,
    /// Base URL of the target, without user name and password.
    pub target: String,
    /// Name of the machine.
    pub hostname: String,
    /// The distribution, e.g. `Debian GNU/Linux 13 (trixie)`.
    pub os: String,
    /// Name and release of the kernel.
    pub kernel: String,
    /// Instruction set.
    pub arch: String,
    /// Model of the processor.
    pub cpu_model: String,
    /// Logical processors of the machine.
    pub cpus: u32,
    /// Memory of the machine, in bytes.
    pub memory_bytes: u64,
    /// Processors the control group allows; `None` for no limit.
    pub cgroup_cpus: Option<f64>,
    /// Memory the control group allows, in bytes; `None` for no limit.
    pub cgroup_memory_bytes: Option<u64>,
    /// Open files the process may have; `None` for no limit.
    pub fd_limit: Option<u64>,
}

impl Environment {
    /// This machine, about to load `target` (a base URL). Reads `/proc` and `/sys`.
    pub fn capture(target: &str) -> Self {
        let uname = rustix::system::uname();
        let text = |value: &std::ffi::CStr| value.to_string_lossy().into_owned();
        let cpuinfo = read("/proc/cpuinfo");
        let cgroups = own_cgroups(Path::new("/sys/fs/cgroup"), &read("/proc/self/cgroup"));
        let name = format!("{} {}", text(uname.sysname()), text(uname.release()));
        Self {
            squall_version: env!("CARGO_PKG_VERSION").to_owned(),
            target: without_credentials(target),
            hostname: text(uname.nodename()),
            os: os_name(&read("/etc/os-release")).unwrap_or_else(|| text(uname.sysname())),
            kernel: name,
            arch: text(uname.machine()),
            cpu_model: field(&cpuinfo, "model name").unwrap_or_default().to_owned(),
            cpus: cpuinfo.lines().filter(|line| line.starts_with("processor")).count() as u32,
            memory_bytes: memory(&read("/proc/meminfo")).unwrap_or(0),
            cgroup_cpus: cgroups
                .iter()
                .filter_map(|dir| cpu_limit(&read(dir.join("cpu.max"))))
                .reduce(f64::min),
            cgroup_memory_bytes: cgroups
                .iter()
                .filter_map(|dir| read(dir.join("memory.max")).trim().parse().ok())
                .min(),
            fd_limit: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
        }
    }
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The value of the first `key : value` line.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim()).next()
}

fn os_name(os_release: &str) -> Option<String> {
    let line = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_owned())
}

fn memory(meminfo: &str) -> Option<u64> {
    let kibibytes: u64 = field(meminfo, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The directories of the process's control group (v2) and of all above it: each of them can set a limit.
fn own_cgroups(root: &Path, proc_self_cgroup: &str) -> Vec<PathBuf> {
    let Some(path) = proc_self_cgroup.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return Vec::new();
    };
    root.join(path).ancestors().take_while(|dir| dir.starts_with(root)).map(Path::to_owned).collect()
}

/// Processors from `cpu.max`: `<quota> <period>` in microseconds, or `max <period>`.
fn cpu_limit(cpu_max: &str) -> Option<f64> {
    let (quota, period) = cpu_max.trim().split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then(|| quota / period)
}

fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_of_the_test_is_described() {
        let here = Environment::capture("http://me:secret@127.0.0.1:8000/api");
        assert_eq!(here.target, "http://127.0.0.1:8000/api");
        assert!(here.cpus > 0 && here.memory_bytes > 1 << 20, "{here:?}");
        assert!(!here.hostname.is_empty() && !here.kernel.is_empty(), "{here:?}");
    }

    #[test]
    fn limits_are_read_in_the_kernels_notation() {
        assert_eq!(cpu_limit("150000 100000\n"), Some(1.5));
        assert_eq!(cpu_limit("max 100000\n"), None);
        assert_eq!(cpu_limit(""), None);
        assert_eq!(memory("MemTotal:       16314672 kB\nMemFree: 1 kB\n"), Some(16_314_672 * 1024));
        assert_eq!(os_name("ID=debian\nPRETTY_NAME=\"Debian 13\"\n").as_deref(), Some("Debian 13"));
    }

    #[test]
    fn every_group_up_to_the_root_can_limit() {
        let dirs = own_cgroups(Path::new("/sys/fs/cgroup"), "0::/a/b\n");
        let expected = ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"].map(PathBuf::from);
        assert_eq!(dirs, expected);
    }

    #[test]
    fn only_the_credentials_of_a_url_are_dropped() {
        for (url, shown) in [
            ("http://host", "http://host"),
            ("https://a:b@host:1/x@y", "https://host:1/x@y"),
            ("http://host/x@y", "http://host/x@y"),
            ("host", "host"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
