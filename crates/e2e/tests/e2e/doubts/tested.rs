//! Runs that tested nothing, or asked for what their load cannot make.

use std::net::TcpListener;

use squall_verdict::{DoubtKind, Severity};

use super::run;
use crate::support::{MueJam, Place, Running};

#[test]
fn a_run_without_an_answer_tested_nothing() {
    let place = Place::shared();
    let suite = "schema = 1\n[users.Hopeful]\nwait = \"100ms\"\ntasks.t = { get = \"/\" }\n\
                 [users.Patient]\nweight = 0\ntasks.t = { steps = [{ wait = \"1m\" }, { get = \"/\" }] }\n";
    place.write("suite.toml", suite);
    // Nobody listens there any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let host = format!("http://{address}");
    let told = run(&place, &host, "Hopeful -u 2 -r 10 -t 2s");
    let evidence = ["requests were begun"];
    told.assert(3, &[(DoubtKind::NothingTested, Severity::Invalid, &evidence)]);
    assert!(told.summary.total("failed") > 10, "they were: {:#}", told.summary.0["total"]);

    std::fs::remove_file(place.path("a.squall")).unwrap();
    let told = run(&place, &host, "Patient -u 2 -r 10 -t 2s --stop-timeout 1");
    told.assert(3, &[(DoubtKind::NothingTested, Severity::Invalid, &["0 requests were begun"])]);
}

/// The guide's arithmetic, with a tenth of its users, waits and target.
const GUIDE: &str = r#"
schema = 1
[users.Reader]
wait = "100ms..500ms"
headers = { X-Forwarded-For = "2001:db8::{user.index}" }
tasks.browse = { get = "/v1/discover/?tab=trending" }
[profiles.guide]
users = 10
spawn_rate = 100
run_time = "4s"
[profiles.guide.criteria]
throughput = { target = "> 100/s", acceptable = "> 10/s" }
[profiles.met]
users = 10
spawn_rate = 100
run_time = "4s"
criteria = { throughput = "> 10/s" }
"#;

#[test]
fn a_throughput_beyond_arithmetic_is_impossible() {
    let place = Place::shared();
    place.write("suite.toml", GUIDE);
    let api = MueJam::start("test_secret");
    let said = place.squall("check suite.toml --profile guide -H http://127.0.0.1:1");
    assert!(format!("{said}").contains("33"), "10 users who wait for 0.3 s make 33 a second: {said}");
    let told = run(&place, api.url(), "--profile guide");
    // Only acceptable, which the exit code does not tell from a pass; so it has to be said.
    told.assert(0, &[(DoubtKind::TargetImpossible, Severity::Suspect, &["throughput", "33"])]);

    std::fs::remove_file(place.path("a.squall")).unwrap();
    run(&place, api.url(), "--profile met").assert(0, &[]);
}

#[test]
fn a_run_that_was_killed_is_a_part_of_one() {
    let place = Place::shared();
    place.write("suite.toml", GUIDE);
    let api = MueJam::start("test_secret");
    let line = format!("run suite.toml --profile met --only-summary -H {} --record a.squall", api.url());
    let mut running = Running::start(&mut place.command(&line));
    running.wait_for("All users spawned");
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    running.signal(rustix::process::Signal::KILL);
    running.finish();
    let again = place.squall("verdict a.squall");
    assert_eq!(again.code, Some(3), "{again}");
    let doubts = &place.summary("a.squall").0["verdict"]["doubts"];
    assert_eq!(doubts[0]["doubt"], DoubtKind::CutOff.name(), "{doubts:#}");
    assert_eq!(doubts[0]["severity"], "invalid", "{doubts:#}");
}
