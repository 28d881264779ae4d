//! The service as a process: its one line, its flags, its end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::send;

struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Process {
    fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_muejam-api"))
            .args([
                "--bind",
                "127.0.0.1:0",
                "--seed-users",
                "6",
                "--seed-stories",
                "21",
                "--rate-limits",
                "off",
            ])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}"));
        let address = address.trim_end().parse().unwrap();
        Self { child, out, address }
    }

    fn cpu_seconds(&self) -> f64 {
        let numbers = send(self.address, "GET", "/metrics/json", &[], "").json(200);
        numbers["process"]["cpu_seconds"].as_f64().unwrap()
    }

    /// Waits for a clean end and returns what else was printed.
    fn ended(mut self) -> String {
        assert!(self.child.wait().unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        rest
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_prints_one_line_and_ends_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("muejam.log");
    let process = Process::start(&["--log-file", log.to_str().unwrap()]);
    assert_eq!(send(process.address, "GET", "/health", &[], "").status, 200);
    let pid = Pid::from_child(&process.child);
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(process.ended(), "");
    assert!(std::fs::read_to_string(&log).unwrap().contains("/health"), "the log is complete at the end");
}

#[test]
fn it_ends_with_the_program_that_started_it() {
    let mut process = Process::start(&["--no-log-file", "--exit-with-parent"]);
    assert_eq!(send(process.address, "GET", "/health", &[], "").status, 200);
    drop(process.child.stdin.take());
    assert_eq!(process.ended(), "");
}

#[test]
fn a_cpu_flaw_burns_cpu_for_each_request() {
    let process = Process::start(&["--no-log-file", "--flaw", "cpu=20ms"]);
    let before = process.cpu_seconds();
    for _ in 0..10 {
        assert_eq!(send(process.address, "GET", "/v1/stories/sample-story", &[], "").status, 200);
    }
    let burnt = process.cpu_seconds() - before;
    assert!(burnt >= 0.2, "ten requests of 20 ms each burnt {burnt} s");
}

#[test]
fn an_unknown_flaw_is_refused_with_the_known_ones() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_muejam-api")).args(["--flaw", "slowness"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for word in ["slowness", "latency=MS", "errors=SHARE", "stall=MS@EVERY", "cpu=MS", "no-cache"] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
}
