//! What can be known to go wrong before the first request: a name that does not resolve, an output that cannot be
//! written, fewer descriptors or ports than users.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use squall_plan::Plan;
use squall_plan::users_by_class;
use url::Url;

use crate::errors::Problem;

/// Descriptors beside one for every user: the record, the outputs, the log, timers and the like of each thread.
const OTHER_DESCRIPTORS: u64 = 128;

/// Does the name of the target resolve?
pub(crate) fn resolve_host(host: &str) -> Result<(), Problem> {
    let unusable = || {
        Problem::new(format!("`{host}` is not a target"))
            .help("give a base URL such as http://localhost:8000 with --host")
    };
    let url = Url::parse(host).map_err(|_| unusable())?;
    let name = url.host_str().ok_or_else(unusable)?;
    let port = url.port_or_known_default().ok_or_else(unusable)?;
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let found = (name, port).to_socket_addrs().map(|mut addresses| addresses.next().is_some());
    let problem = Problem::new(format!("the target's name `{name}` does not resolve"))
        .help("check the spelling and the network, or give another target with --host");
    match found {
        Ok(true) => Ok(()),
        Ok(false) => Err(problem),
        Err(error) => Err(problem.cause(error)),
    }
}

/// Can `path` be written? Makes the directories above it, leaves no file behind and harms none that is there.
pub(crate) fn writable(path: &Path, option: &str) -> Result<(), Problem> {
    // Whoever reads a pipe would be given its end by the probe, and without a reader the probe would wait for one.
    let found = fs::metadata(path);
    if found.as_ref().is_ok_and(|data| data.file_type().is_fifo()) {
        return Ok(());
    }
    let existed = found.is_ok();
    let attempt = make_parent(path)
        .and_then(|()| OpenOptions::new().create(true).append(true).open(path).map(drop))
        .and_then(|()| if existed { Ok(()) } else { fs::remove_file(path) });
    attempt.map_err(|error| unwritable(path, option).cause(error))
}

/// The message for an output that cannot be written.
pub(crate) fn unwritable(path: &Path, option: &str) -> Problem {
    Problem::new(format!("{} cannot be written", path.display()))
        .help(format!("give {option} a path in a directory you may write to"))
}

/// Make the directories above `path`.
pub(crate) fn make_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => fs::create_dir_all(parent),
        _ => Ok(()),
    }
}

/// What this machine may have too little of for `plan`. Raises the descriptor limit as far as it goes.
pub(crate) fn shortages(plan: &Plan) -> Vec<String> {
    let ports = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
    let ports = ports.as_deref().and_then(port_count);
    let users = u64::from(plan.load.peak_users());
    let descriptors = raise_descriptor_limit();
    descriptor_shortage(users, descriptors)
        .into_iter()
        .chain(ports.and_then(|ports| port_shortage(plan, ports)))
        .collect()
}

/// The limit in force afterwards; `None` for no limit.
fn raise_descriptor_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

fn descriptor_shortage(users: u64, limit: Option<u64>) -> Option<String> {
    let limit = limit.filter(|limit| users + OTHER_DESCRIPTORS > *limit)?;
    let enough = limit.saturating_sub(OTHER_DESCRIPTORS);
    Some(format!(
        "{users} users need more open files than this process may have ({limit}): about {enough} of them will get a \
         connection; raise the hard limit (ulimit -Hn)"
    ))
}

/// `32768\t60999` is 28232 ports.
fn port_count(range: &str) -> Option<u64> {
    let mut bounds = range.split_whitespace().map(str::parse::<u64>);
    let (low, high) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
    Some(high.checked_sub(low)? + 1)
}

/// A connection needs a port of its own for each (source address, target). Users without an address of their own
/// share one.
fn port_shortage(plan: &Plan, ports: u64) -> Option<String> {
    let mut users_at: BTreeMap<Option<IpAddr>, u64> = BTreeMap::new();
    for (class, users) in plan.classes.iter().zip(users_by_class(plan, plan.load.peak_users())) {
        let addresses = class.source.map_or(1, |range| u64::from(range.count.max(1)));
        let first = class.source.map(|range| range.first);
        *users_at.entry(first).or_default() += u64::from(users).div_ceil(addresses);
    }
    let most = users_at.into_values().max().unwrap_or(0);
    (most > ports).then(|| {
        format!(
            "{most} users share one source address, and there are {ports} local ports for it: widen \
             net.ipv4.ip_local_port_range, or give the users addresses of their own with `source`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_descriptors_are_said() {
        assert_eq!(descriptor_shortage(100, Some(1024)), None);
        assert_eq!(descriptor_shortage(1_000_000, None), None);
        let said = descriptor_shortage(1000, Some(1024)).unwrap();
        assert!(said.contains("1000 users") && said.contains("about 896"), "{said}");
    }

    #[test]
    fn the_kernels_port_range_is_counted_with_both_ends() {
        assert_eq!(port_count("32768\t60999\n"), Some(28_232));
        assert_eq!(port_count("60999 32768"), None);
        assert_eq!(port_count(""), None);
    }

    #[test]
    fn users_with_addresses_of_their_own_share_no_ports() {
        let shortage = |source: &str| {
            let text = format!(
                "schema = 1\nhost = \"http://127.0.0.1\"\n[users.A]\n{source}\n[users.A.tasks]\nt = {{ get = \"/\" }}\n\
                 [profiles.p]\nusers = 50000"
            );
            let suite = squall_suite::parse(&text, "s.toml", Path::new(""), &|_| None).unwrap();
            let selection = squall_suite::Selection { profile: Some("p".to_owned()), ..Default::default() };
            port_shortage(&suite.plan(&selection).unwrap().plan, 28_232)
        };
        assert!(
            shortage("").unwrap().starts_with("50000 users share one source address, and there are 28232")
        );
        assert_eq!(shortage("source = \"127.1.0.0/16\""), None);
    }

    #[test]
    fn hosts_resolve_or_say_why_not() {
        for host in ["http://127.0.0.1:1", "http://[::1]:1/api", "https://127.0.0.1"] {
            assert!(resolve_host(host).is_ok(), "{host}");
        }
        for host in ["127.0.0.1", "http://", "unix:/x", "http://no-such-name.invalid"] {
            assert!(resolve_host(host).is_err(), "{host}");
        }
    }

    #[test]
    fn a_probe_makes_directories_and_leaves_no_file() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("a/b/report.html");
        writable(&path, "--html").unwrap();
        assert!(path.parent().unwrap().is_dir() && !path.exists());
        fs::write(&path, "kept").unwrap();
        writable(&path, "--html").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
        assert!(writable(&path.join("below-a-file"), "--html").is_err());
    }
}
