//! Runs a client pinned to its core and learns what it cost.

use std::fs::{File, OpenOptions, read_to_string};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, bail, ensure};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::Value;

use super::{Args, CLIENT_CORE};

/// A client under way.
#[derive(Debug)]
pub(super) struct Client {
    child: Child,
    name: String,
    talk: Talk,
}

/// How a client ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub status: ExitStatus,
    /// User and system time of all its threads, in seconds.
    pub cpu_s: f64,
    /// What it printed.
    pub talk: String,
}

impl Client {
    /// Starts `command` on the clients' core.
    pub(super) fn start(program: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let talk = Talk::new()?;
        let name = program.display().to_string();
        let child = Command::new("taskset")
            .args(["--cpu-list", &CLIENT_CORE.to_string()])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(talk.file()?)
            .stderr(talk.file()?)
            .spawn()
            .with_context(|| format!("failed to start {name}"))?;
        Ok(Self { child, name, talk })
    }

    /// Resident memory in bytes.
    pub(super) fn resident(&self) -> anyhow::Result<u64> {
        let status = read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line
            .and_then(|line| line.trim().strip_suffix(" kB"))
            .and_then(|kib| kib.trim().parse::<u64>().ok());
        Ok(kib.with_context(|| format!("{} has ended:\n{}", self.name, self.talk.text()))? * 1024)
    }

    /// Asks it to stop.
    pub(super) fn terminate(&self) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::TERM)?)
    }

    /// Waits for its end.
    pub(super) fn wait(mut self) -> anyhow::Result<Ended> {
        let pid = Pid::from_child(&self.child);
        // Not reaped yet, its account can still be read.
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
        let stat = read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let cpu_s =
            cpu_seconds(&stat).with_context(|| format!("unexpected format of /proc/pid/stat: {stat}"))?;
        Ok(Ended { status: self.child.wait()?, cpu_s, talk: self.talk.text() })
    }
}

/// User and system time from a line of `/proc/pid/stat`: fields 14 and 15, in ticks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second field, the name, may hold anything; it ends at the last parenthesis.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some((user + system) as f64 / clock_ticks_per_second() as f64)
}

/// Starts `squall run` with a profile of a suite of `bench/suites`, and with `more` arguments, saving the run in `record`.
pub(super) fn squall(
    args: &Args,
    suite: &str,
    profile: &str,
    host: &str,
    record: &Path,
    more: &[&str],
) -> anyhow::Result<Client> {
    let suite = format!("bench/suites/{suite}.toml");
    let record = record.to_str().context("the temporary directory's name is no text")?;
    let run = [
        "run",
        &suite,
        "--profile",
        profile,
        "--host",
        host,
        "--headless",
        "--only-summary",
        "--record",
        record,
    ];
    Client::start(&args.binaries.join("squall"), &[&run[..], more].concat())
}

/// Fails unless squall has at least run: a criterion or a doubt about the result is for whoever looks at the numbers.
pub(super) fn ensure_ran(ended: &Ended) -> anyhow::Result<()> {
    ensure!(
        matches!(ended.status.code(), Some(0 | 1 | 3)),
        "squall ended with {}:\n{}",
        ended.status,
        ended.talk
    );
    Ok(())
}

/// A saved run as `squall report --format json` tells it.
pub(super) fn report(args: &Args, record: &Path) -> anyhow::Result<Value> {
    let squall = args.binaries.join("squall");
    let output = Command::new(&squall).arg("report").arg(record).args(["--format", "json"]).output()?;
    if output.stdout.is_empty() {
        bail!("squall report ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("squall report did not print JSON")
}

/// What a client prints, in a file, because a pipe that nobody reads would stop it.
#[derive(Debug)]
struct Talk(tempfile::NamedTempFile);

impl Talk {
    fn new() -> anyhow::Result<Self> {
        Ok(Self(tempfile::NamedTempFile::new()?))
    }

    fn file(&self) -> anyhow::Result<File> {
        Ok(OpenOptions::new().append(true).open(self.0.path())?)
    }

    fn text(&self) -> String {
        read_to_string(self.0.path()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let ticks = clock_ticks_per_second() as f64;
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert_eq!(cpu_seconds(stat), Some(200.0 / ticks));
        assert_eq!(cpu_seconds("42 (a"), None);
    }
}
