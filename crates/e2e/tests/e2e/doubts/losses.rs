//! What should have been seen and was not: by a monitor, among the errors, on the disk.

use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use rustix::process::Signal;
use squall_bench::server::{Config, spawn};
use squall_verdict::{DoubtKind, Severity};

use super::{patiently, run};
use crate::support::{Place, Running};

#[test]
fn a_monitor_whose_process_ends_is_blind() {
    let place = Place::shared();
    let server = spawn(Config::default()).unwrap();
    let told = patiently(&place, "a.squall", || {
        let mut watched = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let suite = format!(
            "schema = 1\n[users.A]\nwait = \"100ms\"\ntasks.t = {{ get = \"/\" }}\n\
             [[monitor.process]]\nname = \"cache\"\ninterval = \"200ms\"\npid = {}\n",
            watched.id()
        );
        place.write("suite.toml", &suite);
        let line =
            format!("run suite.toml -u 2 -r 100 -t 5s --only-summary -H {} --record a.squall", server.url());
        let mut running = Running::start(&mut place.command(&line));
        running.wait_for("All users spawned");
        std::thread::sleep(Duration::from_secs(2));
        watched.kill().unwrap();
        watched.wait().unwrap();
        running.finish()
    });
    let evidence = ["Monitor process.cache had no value ", " of 25 times (process.cache.", "first at 2."];
    told.assert(0, &[(DoubtKind::MonitorBlind, Severity::Suspect, &evidence)]);
}

#[test]
fn more_kinds_of_errors_than_are_kept_are_told() {
    let place = Place::shared();
    let server = spawn(Config::default()).unwrap();
    // A hundred kinds.
    let task = "tasks.t = { get = \"/status/{int(500, 599)}\", name = \"/status\" }";
    place.write("suite.toml", &format!("schema = 1\n[users.A]\nwait = \"10ms\"\n{task}\n"));
    let told = run(&place, &server.url(), "-u 4 -r 100 -t 3s");
    let evidence = ["errors came beyond the 64 kinds that are kept apart."];
    told.assert(1, &[(DoubtKind::Overflowed, Severity::Suspect, &evidence)]);
    let kept: u64 = told.summary.errors().iter().map(|(_, count)| count).sum();
    assert!(kept < told.summary.total("failed"), "but they are all counted: {:#}", told.summary.0["total"]);
}

/// Somebody else writes into the record, and the machine sleeps meanwhile: when it wakes up, more seconds are due at once
/// than the writer's queue can hold. The writer waits for 5 s before it says that it cannot write, and sleep is no wait.
#[test]
fn seconds_that_had_to_be_joined_are_told() {
    let place = Place::shared();
    place.write("suite.toml", "schema = 1\n[users.A]\nwait = \"50ms\"\ntasks.t = { get = \"/\" }\n");
    let mut answered = 0;
    let told = patiently(&place, "a.squall", || {
        let server = spawn(Config::default()).unwrap();
        let line =
            format!("run suite.toml -u 2 -r 100 -t 16s --only-summary -H {} --record a.squall", server.url());
        let mut running = Running::start(&mut place.command(&line));
        running.wait_for("All users spawned");
        let other = Connection::open(place.path("a.squall")).unwrap();
        other.busy_timeout(Duration::from_secs(1)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        running.signal(Signal::STOP);
        std::thread::sleep(Duration::from_secs(12));
        running.signal(Signal::CONT);
        std::thread::sleep(Duration::from_secs(1));
        other.execute_batch("ROLLBACK").unwrap();
        drop(other);
        let answer = running.finish();
        answered = server.stop().unwrap().answered;
        answer
    });
    let evidence = ["seconds were joined to the one before."];
    told.assert(0, &[(DoubtKind::WriterFellBehind, Severity::Suspect, &evidence)]);
    assert_eq!(told.summary.total("ok"), answered, "and nothing is lost");
}
