//! The server as a program, and its freezes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use squall_bench::server::{Config, Log, Stall, spawn};

use crate::server::Client;

#[test]
fn freezes_for_as_long_as_told_and_says_when() {
    let stall = Stall { length: Duration::from_millis(150), period: Duration::from_millis(400) };
    let server = spawn(Config { stall: Some(stall), ..Config::default() }).unwrap();
    let mut client = Client::connect(server.addr());
    let mut slowest = 0;
    while server.log().unwrap().stalls.len() < 2 {
        let before = squall_bench::server::monotonic_ns();
        client.get("/");
        slowest = slowest.max(squall_bench::server::monotonic_ns() - before);
    }
    let log = server.stop().unwrap();
    let [first, second] = [log.stalls[0], log.stalls[1]];
    assert!(first.0 - log.started_ns >= 400_000_000, "{log:?}");
    assert!(second.0 - log.started_ns >= 800_000_000, "{log:?}");
    assert!(second.1 - log.started_ns >= 950_000_000, "{log:?}");
    assert_eq!(log.received, log.answered);
}

#[test]
fn the_program_writes_its_log_at_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.json");
    let mut child = Command::new(env!("CARGO_BIN_EXE_bench-server"))
        .args(["--body", "3", "--log"])
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addr = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
    let mut client = Client::connect(addr);
    assert_eq!(client.get("/a").body, b"xxx");
    assert_eq!(client.get("/b").body, b"xxx");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let log: Log = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!((log.received, log.answered, log.paths.len()), (2, 2, 2));
}
