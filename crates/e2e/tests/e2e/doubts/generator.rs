//! A generator that gets too little of the machine, and the counterpart: a server that is slow, which is its own fault.

use std::time::Duration;

use rustix::process::Signal;
use squall_bench::server::{Config, spawn};
use squall_verdict::{DoubtKind, Severity};

use super::{Told, now, run};
use crate::support::{Answer, Place, Running, squall};

const SUITE: &str = r#"
schema = 1
[users.Plain]
wait = "20ms"
tasks.t = { get = "/plain" }
[users.Paced]
weight = 0
wait = { pacing = "50ms" }
tasks.t = { get = "/delay/5ms/paced" }
[users.Slow]
weight = 0
wait = "200ms"
tasks.t = { get = "/delay/50ms" }
[profiles.open]
rate = "200/s"
users = 200
run_time = "4s"
mix = { Paced = 1 }
"#;

#[test]
fn a_generator_that_gets_no_time_says_so() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let server = spawn(Config::default()).unwrap();
    let line = format!(
        "run suite.toml Plain -u 5 -r 100 -t 4s --only-summary -H {} --record a.squall",
        server.url()
    );
    let mut running = Running::start(&mut place.command(&line));
    running.wait_for("All users spawned");
    let until = now() + Duration::from_secs(3);
    while until > now() {
        running.signal(Signal::STOP);
        std::thread::sleep(Duration::from_millis(50));
        running.signal(Signal::CONT);
        std::thread::sleep(Duration::from_millis(150));
    }
    let told = Told::by(&place, running.finish(), "a.squall");
    let evidence = ["Loop lag p99 is ", "5ms at most can be neglected", "heartbeats came later"];
    told.assert(3, &[(DoubtKind::GeneratorSaturated, Severity::Invalid, &evidence)]);
}

#[test]
fn a_generator_without_descriptors_says_so() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let server = spawn(Config::default()).unwrap();
    let line = format!(
        "ulimit -n 64 && exec {} run suite.toml Slow -u 200 -r 200 -t 4s --only-summary -H {} --record a.squall",
        squall().display(),
        server.url()
    );
    let output = place.program("/bin/sh".as_ref()).args(["-c", &line]).output().unwrap();
    let told = Told::by(&place, Answer::of(&output), "a.squall");
    let evidence = ["requests failed for want of ports or descriptors"];
    told.assert(3, &[(DoubtKind::GeneratorSaturated, Severity::Invalid, &evidence)]);
}

/// What a frozen server makes wait is late by its fault, whether users keep a schedule or strangers arrive.
#[test]
fn a_server_that_freezes_is_no_fault_of_the_generator() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    for options in ["Paced -u 10 -r 1000 -t 4s", "--profile open"] {
        let server =
            spawn(Config { stall: Some("600ms@1500ms".parse().unwrap()), ..Config::default() }).unwrap();
        let told = run(&place, &server.url(), options);
        told.assert(0, &[]);
        assert!(server.stop().unwrap().stalls.len() >= 2, "{options}: it froze");
        std::fs::remove_file(place.path("a.squall")).unwrap();
    }
}
