//! The service as a process: its one line, its flags, its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

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

    /// Resident memory in bytes, as the kernel counts it.
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix("kB").unwrap().trim().parse::<f64>().unwrap() * 1024.0
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
#[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
fn a_leak_takes_real_memory_at_its_rate() {
    const RATE: f64 = 40e6;
    let process = Process::start(&["--no-log-file", "--flaw", "leak=40MB/s"]);
    // The first requests warm it up; they are not what grows.
    assert_eq!(send(process.address, "GET", "/v1/discover/", &[], "").status, 200);
    let (started, before) = (Instant::now(), process.resident());
    while started.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let grown = process.resident() - before;
    // The clock is read after the memory: on a busy machine a little more was due than could be seen.
    let due = RATE * started.elapsed().as_secs_f64();
    assert!((0.8 * due - 2e6..1.1 * due + 4e6).contains(&grown), "grown by {grown} bytes, due were {due}");
}

#[test]
fn without_a_leak_memory_stays() {
    let process = Process::start(&["--no-log-file"]);
    assert_eq!(send(process.address, "GET", "/v1/discover/", &[], "").status, 200);
    let before = process.resident();
    for _ in 0..100 {
        send(process.address, "GET", "/v1/discover/", &[], "").json(200);
    }
    let grown = process.resident() - before;
    assert!(grown < 8e6, "grown by {grown} bytes in 100 requests");
}

#[test]
fn a_crash_ends_the_process_and_its_connections_at_its_time() {
    let mut process = Process::start(&["--no-log-file", "--flaw", "crash-at=2s", "--flaw", "latency=60s"]);
    assert_eq!(send(process.address, "GET", "/health", &[], "").status, 200);
    // A request that is under way when the process dies has no answer.
    let mut waiting = TcpStream::connect(process.address).unwrap();
    waiting.write_all(b"GET /v1/discover/ HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // Closed or reset: the kernel decides.
    let _ = waiting.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    let status = process.child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}");
    assert!(TcpStream::connect(process.address).is_err(), "nobody listens any more");
}

#[test]
fn an_unknown_flaw_is_refused_with_the_known_ones() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_muejam-api")).args(["--flaw", "slowness"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for word in [
        "slowness",
        "latency=MS",
        "errors=SHARE",
        "stall=MS@EVERY",
        "cpu=MS",
        "no-cache",
        "leak=SIZE/TIME",
        "crash-at=TIME",
    ] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
}
