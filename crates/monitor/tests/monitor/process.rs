//! The process monitor, on children.

use std::collections::BTreeMap;

use squall_core::Nanos;
use squall_plan::ProcessTarget;

use crate::helpers::{Guard, announce, listen_if_asked, process, start};

/// User and system time of a process in seconds, read by other means than the monitor's.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |position: usize| fields[position].parse::<f64>().unwrap();
    // A tick is 10 ms on every Linux there is for users.
    (ticks(11) + ticks(12)) / 100.0
}

#[test]
fn the_cpu_of_a_busy_process_is_what_the_kernel_counts() {
    const TIMES: u32 = 12;
    let child = Guard::sh("while :; do :; done");
    let before = cpu_seconds(child.pid());
    let mut watch = start(vec![process("process", ProcessTarget::Pid(child.pid()), 250)]);
    let seen: f64 = (0..TIMES).map(|_| watch.sample("process.cpu").1.unwrap() * 0.25).sum();
    let counted = cpu_seconds(child.pid()) - before;
    assert!(counted > 0.1, "the child hardly ran: {counted} s");
    // The first reading is a little after `before`, the last a little before the end; both are parts of an interval.
    assert!((seen - counted).abs() < 0.3 + 0.15 * counted, "seen {seen} s, counted {counted} s");
}

#[test]
fn a_process_that_sleeps_uses_memory_and_descriptors_and_no_cpu() {
    let child = Guard::sh("exec 3</dev/null 4</dev/null; exec sleep 1000");
    let mut watch = start(vec![process("process.api", ProcessTarget::Pid(child.pid()), 50)]);
    let mut values = BTreeMap::new();
    // The first samples may be those of the shell before it became `sleep`.
    watch.until("process.api.cpu", |value| value == Some(0.0));
    for _ in 0..40 {
        let (name, _, value) = watch.next();
        values.insert(name, value.unwrap());
    }
    assert_eq!(values["process.api.threads"], 1.0);
    assert_eq!(values["process.api.cpu"], 0.0);
    // Standard input, output, error, the two that it was given; a test runner may add a few of its own.
    assert!((5.0..50.0).contains(&values["process.api.fds"]), "{values:?}");
    assert!((50e3..50e6).contains(&values["process.api.rss"]), "{values:?}");
    assert_eq!(values.len(), 4);
}

#[test]
fn growing_memory_is_seen_in_bytes() {
    // `read` holds the shell until its input ends, `x` doubles to 16 MiB.
    let child = Guard::sh(
        "x=0123456789abcdef; i=0; while [ $i -lt 20 ]; do x=$x$x; i=$((i+1)); done; while :; do sleep 1; done",
    );
    let mut watch = start(vec![process("process", ProcessTarget::Pid(child.pid()), 50)]);
    watch.until("process.rss", |value| value.is_some_and(|bytes| bytes > 16e6));
}

#[test]
fn the_end_of_a_process_is_a_gap_and_one_warning() {
    let mut child = Guard::sh("exec sleep 1000");
    let pid = child.pid();
    let mut watch = start(vec![process("process", ProcessTarget::Pid(pid), 20)]);
    assert!(watch.sample("process.rss").1.is_some());
    // Killed, but not collected: a zombie has ended as well.
    child.child.kill().unwrap();
    let (gone, _) = watch.until("process.rss", |value| value.is_none());
    for number in 1..10 {
        assert_eq!(watch.sample("process.rss"), (gone + Nanos::from_millis(20 * number), None), "gaps go on");
    }
    child.end();
    assert_eq!(watch.sample("process.threads").1, None);
    let about_it: Vec<_> = watch.warnings.iter().filter(|text| text.contains("has ended")).collect();
    assert_eq!(about_it, [&format!("monitor process: process {pid} has ended")], "{:?}", watch.warnings);
}

#[test]
fn a_restart_behind_a_port_is_followed() {
    const NAME: &str = "process::a_restart_behind_a_port_is_followed";
    if listen_if_asked() {
        return;
    }
    let (mut first, port) = Guard::listener(NAME, 0);
    let mut watch = start(vec![process("process", ProcessTarget::Port(port), 20)]);
    watch.until("process.cpu", |value| value.is_some());
    assert!(watch.sample("process.rss").1.is_some());
    first.end();
    watch.until("process.rss", |value| value.is_none());
    let (second, _) = Guard::listener(NAME, port);
    watch.until("process.rss", |value| value.is_some());
    watch.until("process.cpu", |value| value.is_some());
    let expected = [
        format!("monitor process: no process listens on port {port} any more"),
        "monitor process: answers again".to_owned(),
        format!("monitor process: port {port} is now that of process {}", second.pid()),
    ];
    let said: Vec<_> = watch.warnings.iter().filter(|text| !text.contains("in time")).cloned().collect();
    // The child is looked up while it starts, so it may answer again because the machine was busy: more than once.
    assert_eq!(said[0], expected[0]);
    assert!(expected[1..].iter().all(|text| said.contains(text)), "{said:?}");
}

#[test]
fn workers_that_share_a_socket_are_added_up() {
    const NAME: &str = "process::workers_that_share_a_socket_are_added_up";
    if std::env::var_os("SQUALL_TEST_LISTEN").is_some() {
        // The worker: a process that has inherited nothing but the socket, on its standard input.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let theirs = std::os::fd::OwnedFd::from(listener.try_clone().unwrap());
        let _worker = Guard::over(std::process::Command::new("sleep").arg("1000").stdin(theirs));
        announce(&listener);
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        return;
    }
    let (mut master, port) = Guard::listener(NAME, 0);
    let mut watch = start(vec![
        process("process.all", ProcessTarget::Port(port), 50),
        process("process.master", ProcessTarget::Pid(master.pid()), 50),
    ]);
    let all = watch.sample("process.all.threads").1.unwrap();
    let alone = watch.sample("process.master.threads").1.unwrap();
    assert_eq!(all, alone + 1.0, "one thread of the worker");
    assert!(watch.warnings[0].contains("their numbers are added up"), "{:?}", watch.warnings);
    // Its input ends, so it ends its worker and itself.
    drop(master.child.stdin.take());
    watch.until("process.all.threads", |value| value.is_none());
}
