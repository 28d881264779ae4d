//! What the control groups of a process, of either version, let it use of the CPU, and how long they stopped it.
//!
//! The group itself and all above it can set a limit; only what is mounted here can be seen.

use std::fs;
use std::path::{Path, PathBuf};

use procfs::process::Process;
use squall_core::Nanos;

/// The groups that limit a process, none when there is no limit.
#[derive(Debug, Default)]
pub(crate) struct CpuLimits(Vec<Group>);

#[derive(Debug)]
struct Group {
    dir: PathBuf,
    version: Version,
    cores: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Version {
    One,
    Two,
}

impl CpuLimits {
    /// The limits of `process`. What cannot be read sets no limit.
    pub(crate) fn of(process: &Process) -> Self {
        let (Ok(groups), Ok(mounts)) = (process.cgroups(), process.mountinfo()) else {
            return Self::default();
        };
        let mut list = Vec::new();
        for mount in &mounts {
            let version = match &*mount.fs_type {
                "cgroup2" => Version::Two,
                "cgroup" if mount.super_options.contains_key("cpu") => Version::One,
                _ => continue,
            };
            let mine = groups.0.iter().find(|group| match version {
                Version::Two => group.hierarchy == 0,
                Version::One => group.controllers.iter().any(|controller| controller == "cpu"),
            });
            if let Some(group) = mine {
                list.extend(limiting(&mount.mount_point, &mount.root, &group.pathname, version));
            }
        }
        Self(list)
    }

    /// The tightest limit in cores.
    pub(crate) fn cores(&self) -> Option<f64> {
        self.0.iter().map(|group| group.cores).reduce(f64::min)
    }

    /// How long the process was stopped so far, summed over groups and cores; zero without a limit, `None` when that
    /// cannot be read.
    pub(crate) fn throttled(&self) -> Option<Nanos> {
        let mut sum = Nanos::ZERO;
        for group in &self.0 {
            let (key, unit) = match group.version {
                Version::One => ("throttled_time", 1),
                Version::Two => ("throttled_usec", 1_000),
            };
            let stat = fs::read_to_string(group.dir.join("cpu.stat")).ok()?;
            let value = stat.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok())?;
            sum += Nanos(value.saturating_mul(unit));
        }
        Some(sum)
    }
}

/// The groups with a limit, from that at `path` of its hierarchy up to what is mounted (`root` of it at `mounted`).
fn limiting(mounted: &Path, root: &str, path: &str, version: Version) -> Vec<Group> {
    let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(path));
    let dir = mounted.join(below.strip_prefix("/").unwrap_or(below));
    let dirs = dir.ancestors().take_while(|dir| dir.starts_with(mounted));
    dirs.filter_map(|dir| Some(Group { dir: dir.to_owned(), version, cores: cores(dir, version)? })).collect()
}

/// The limit that one group sets.
fn cores(dir: &Path, version: Version) -> Option<f64> {
    let read = |name| fs::read_to_string(dir.join(name)).ok();
    let (quota, period) = match version {
        Version::One => (read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?),
        Version::Two => {
            let text = read("cpu.max")?;
            let (quota, period) = text.trim().split_once(' ')?;
            (quota.to_owned(), period.to_owned())
        }
    };
    // No limit is `-1` in version one and `max` in version two.
    let (quota, period): (f64, f64) = (quota.trim().parse().ok()?, period.trim().parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(dir).unwrap();
        for (name, text) in files {
            fs::write(dir.join(name), text).unwrap();
        }
    }

    #[test]
    fn the_tightest_of_all_groups_above_counts() {
        let mounted = tempfile::tempdir().unwrap();
        let stat = |usec: u32| format!("usage_usec 9\nnr_throttled 3\nthrottled_usec {usec}\nnr_bursts 0\n");
        write(mounted.path(), &[("cpu.stat", "usage_usec 1\n")]);
        write(&mounted.path().join("a"), &[("cpu.max", "150000 100000\n"), ("cpu.stat", &stat(500))]);
        write(&mounted.path().join("a/b"), &[("cpu.max", "max 100000\n"), ("cpu.stat", &stat(7))]);
        write(&mounted.path().join("a/b/c"), &[("cpu.max", "400000 100000\n"), ("cpu.stat", &stat(20))]);
        let limits = CpuLimits(limiting(mounted.path(), "/", "/a/b/c", Version::Two));
        assert_eq!(limits.cores(), Some(1.5));
        assert_eq!(limits.throttled(), Some(Nanos(520_000)));
    }

    #[test]
    fn version_one_and_a_container_that_sees_only_its_own_group() {
        let mounted = tempfile::tempdir().unwrap();
        let files = [
            ("cpu.cfs_quota_us", "50000\n"),
            ("cpu.cfs_period_us", "100000\n"),
            ("cpu.stat", "nr_periods 10\nnr_throttled 2\nthrottled_time 123456\n"),
        ];
        write(mounted.path(), &files);
        let limits = CpuLimits(limiting(mounted.path(), "/docker/abc", "/docker/abc", Version::One));
        assert_eq!((limits.cores(), limits.throttled()), (Some(0.5), Some(Nanos(123_456))));
        // A hierarchy whose path means nothing here: what is mounted still counts.
        let limits = CpuLimits(limiting(mounted.path(), "/", "/docker/abc", Version::One));
        assert_eq!(limits.cores(), Some(0.5));
    }

    #[test]
    fn without_a_limit_nothing_is_throttled_and_an_unreadable_one_is_unknown() {
        let mounted = tempfile::tempdir().unwrap();
        write(mounted.path(), &[("cpu.cfs_quota_us", "-1\n"), ("cpu.cfs_period_us", "100000\n")]);
        let limits = CpuLimits(limiting(mounted.path(), "/", "/", Version::One));
        assert_eq!((limits.cores(), limits.throttled()), (None, Some(Nanos::ZERO)));
        write(mounted.path(), &[("cpu.cfs_quota_us", "1000\n")]);
        let limits = CpuLimits(limiting(mounted.path(), "/", "/", Version::One));
        assert_eq!(limits.throttled(), None, "there is a limit, but no cpu.stat");
    }
}
