//! The generator's own monitor, ports of this process, and the thread itself.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use squall_core::Nanos;
use squall_plan::{Monitor, ProcessTarget};

use crate::helpers::{process, start};

#[test]
fn the_process_behind_a_port_is_found_on_both_families() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(address) else {
            assert_eq!(address, "[::1]:0", "only IPv6 may be missing");
            continue;
        };
        let port = listener.local_addr().unwrap().port();
        let mut watch = start(vec![
            process("process.port", ProcessTarget::Port(port), 50),
            process("process.pid", ProcessTarget::Pid(std::process::id()), 50),
        ]);
        let by_port = watch.sample("process.port.rss").1.unwrap();
        let by_pid = watch.sample("process.pid.rss").1.unwrap();
        assert!((by_port / by_pid - 1.0).abs() < 0.5, "{by_port} and {by_pid} bytes of the same process");
    }
}

#[test]
fn the_generator_sees_its_own_work() {
    let done = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&done);
    let worker = thread::spawn(move || {
        while !theirs.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    let mut watch = start(vec![Monitor { interval: Nanos::from_millis(200), ..Monitor::generator() }]);
    let values: Vec<_> = (0..4 * 4).map(|_| watch.next()).collect();
    done.store(true, Ordering::Relaxed);
    worker.join().unwrap();
    let of = |name: &str| -> Vec<f64> {
        values.iter().filter(|(series, ..)| series == name).map(|(_, _, value)| value.unwrap()).collect()
    };
    let cpu = of("generator.cpu");
    assert_eq!(cpu.len(), 4);
    assert!(cpu.iter().all(|share| (0.0..1.2).contains(share)), "shares of all cores: {cpu:?}");
    // The thread that spins has one core of at most 1024, shared with whatever else runs.
    assert!(cpu.iter().sum::<f64>() > 0.0, "{cpu:?}");
    assert!(of("generator.rss").iter().all(|bytes| *bytes > 1e6), "{values:?}");
    assert!(of("generator.fds").iter().all(|fds| *fds >= 3.0), "{values:?}");
    assert!(of("generator.throttled").iter().all(|share| (0.0..=1.0).contains(share)), "{values:?}");
}

#[test]
fn monitors_keep_their_own_intervals_and_their_places() {
    let me = ProcessTarget::Pid(std::process::id());
    let mut watch = start(vec![
        process("process.slow", me, 150),
        Monitor { interval: Nanos::from_millis(50), ..Monitor::generator() },
    ]);
    let mut slow = Vec::new();
    let mut fast = Vec::new();
    while slow.len() < 4 || fast.len() < 12 {
        match watch.next() {
            (name, at, _) if name == "process.slow.threads" => slow.push(at),
            (name, at, _) if name == "generator.throttled" => fast.push(at),
            (name, ..) => assert!(name.starts_with("process.slow.") || name.starts_with("generator.")),
        }
    }
    let multiples =
        |of: u64, up_to: usize| (1..=up_to as u64).map(|n| Nanos::from_millis(n * of)).collect::<Vec<_>>();
    assert_eq!(slow, multiples(150, slow.len()));
    assert_eq!(fast, multiples(50, fast.len()));
}

#[test]
fn dropping_the_watch_ends_its_thread() {
    // Other tests of this process have such threads, too; those that appear here end sooner or later as well.
    let threads = || -> Vec<String> {
        let names = std::fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
        names
            .filter(|task| {
                std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "squall-monitor")
            })
            .map(|task| task.display().to_string())
            .collect()
    };
    let before = threads();
    let mut watch = start(vec![Monitor { interval: Nanos::from_millis(20), ..Monitor::generator() }]);
    watch.next();
    let mine: Vec<_> = threads().into_iter().filter(|thread| !before.contains(thread)).collect();
    assert!(!mine.is_empty(), "there is a thread of that name");
    drop(watch);
    for _ in 0..2_000 {
        if mine.iter().all(|thread| !threads().contains(thread)) {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("the thread goes on: {mine:?}");
}
