//! What should have been seen and was not: by a monitor, among the errors, on the disk.

use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use squall_bench::server::{Config, spawn};
use squall_verdict::{DoubtKind, Severity};

use super::{Told, now, run};
use crate::support::{Place, Running};

#[test]
fn a_monitor_whose_process_ends_is_blind() {
    let place = Place::shared();
    let server = spawn(Config::default()).unwrap();
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
    let told = Told::by(&place, running.finish(), "a.squall");
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

/// How long a lock on the record is held: the writer waits for 5 s before it says that it cannot write.
const HELD: Duration = Duration::from_secs(4);

/// Somebody else writes into the record, for longer than its writer's queue can hold.
#[test]
fn seconds_that_had_to_be_joined_are_told() {
    let place = Place::shared();
    let server = spawn(Config::default()).unwrap();
    place.write("suite.toml", "schema = 1\n[users.A]\nwait = \"50ms\"\ntasks.t = { get = \"/\" }\n");
    let line =
        format!("run suite.toml -u 2 -r 100 -t 26s --only-summary -H {} --record a.squall", server.url());
    let mut running = Running::start(&mut place.command(&line));
    running.wait_for("All users spawned");
    let other = Connection::open(place.path("a.squall")).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    for _ in 0..5 {
        seize(&other);
        std::thread::sleep(HELD);
        other.execute_batch("ROLLBACK").unwrap();
    }
    let told = Told::by(&place, running.finish(), "a.squall");
    let evidence = ["joined to the one before."];
    told.assert(0, &[(DoubtKind::WriterFellBehind, Severity::Suspect, &evidence)]);
    assert_eq!(told.summary.total("ok"), server.stop().unwrap().answered, "and nothing is lost");
}

/// Take the lock as soon as the writer has written something since it was taken last.
fn seize(other: &Connection) {
    let version = || other.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    let deadline = now() + Duration::from_secs(10);
    // Looking does not hold the writer up; between this second and the next of its queue is the moment.
    while version() == before || other.execute_batch("BEGIN IMMEDIATE").is_err() {
        assert!(deadline > now(), "the writer writes nothing");
    }
}
