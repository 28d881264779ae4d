//! What was sent, counted on both sides: nothing lost, nothing invented.

use std::time::Duration;

use rustix::process::Signal;
use squall_bench::server::{Config, Handle, spawn};
use squall_testkit::{ScriptedServer, Step};

use crate::support::{Place, Running, percentile};

const SUITE: &str = r#"
schema = 1
name = "Counts"
[users.Hammer]
tasks.t = { get = "/delay/100ms" }
[users.Quick]
weight = 0
tasks.t = { get = "/" }
[users.Slow]
weight = 0
wait = "20ms"
tasks.t = { get = "/" }

[profiles.million]
users = 2000
spawn_rate = 1000
stop_timeout = "30s"

[profiles.cut]
users = 50
spawn_rate = 1000
stop_timeout = "0s"

[profiles.slow]
users = 2
spawn_rate = 10
run_time = "2s"
stop_timeout = "5s"
mix = { Slow = 1 }
"#;

/// Waits until the server has read so many requests.
fn wait_for_requests(server: &Handle, requests: u64) {
    while server.log().unwrap().received < requests {
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_million_requests_and_a_graceful_end_are_counted_to_the_last() {
    let place = Place::alone();
    place.write("suite.toml", SUITE);
    let server = spawn(Config::default()).unwrap();
    let run =
        format!("run suite.toml --profile million --only-summary -H {} --record a.squall", server.url());
    let running = Running::start(&mut place.command(&run));
    wait_for_requests(&server, 1_000_000);
    running.signal(Signal::INT);
    running.finish().assert(130, &["Stopping: interrupted"]);
    let log = server.stop().unwrap();
    let summary = place.summary("a.squall");
    eprintln!("{:#}\n{:#?}", summary.0["total"], log.time);
    assert!(log.received >= 1_000_000);
    assert_eq!((log.received, log.malformed), (log.answered, 0));
    for name in ["attempts", "completed", "ok"] {
        assert_eq!(summary.total(name), log.received, "{name}");
    }
    assert_eq!((summary.total("cut"), summary.total("failed")), (0, 0));
    assert_eq!(summary.total("connections"), log.connections);
    let p = percentile(&summary.0["total"], 99.99, "ms");
    assert!(p > 0.0);
}

#[test]
fn requests_cut_at_the_end_are_those_the_server_may_have_read() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let server = spawn(Config::default()).unwrap();
    let run = format!("run suite.toml --profile cut --only-summary -H {} --record a.squall", server.url());
    let running = Running::start(&mut place.command(&run));
    wait_for_requests(&server, 1000);
    running.signal(Signal::INT);
    running.finish().assert(130, &[]);
    let received = server.stop().unwrap().received;
    let summary = place.summary("a.squall");
    let (completed, cut) = (summary.total("completed"), summary.total("cut"));
    assert!((1..=50).contains(&cut), "50 users wait for an answer nearly always, and {cut} were cut");
    assert!((completed..=completed + cut).contains(&received), "{received} of {completed} + {cut}");
    assert_eq!((summary.total("attempts"), summary.total("failed")), (completed + cut, 0));
}

#[test]
fn redirects_are_exchanges_of_their_own_and_one_request_to_the_user() {
    let moved = Step::send("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
    let server = ScriptedServer::start(vec![
        Step::ReadRequest,
        moved,
        Step::ReadRequest,
        Step::ok("here"),
        Step::Again,
    ]);
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let run = format!("run suite.toml --profile slow --only-summary -H {} --record a.squall", server.url());
    place.squall(&run).assert(0, &[]);
    let summary = place.summary("a.squall");
    assert_eq!(summary.total("attempts"), server.requests() as u64);
    assert_eq!(summary.total("attempts"), 2 * summary.total("ok"));
    assert!(summary.total("ok") > 50, "{:#}", summary.0["total"]);
}

#[test]
fn a_connection_that_the_server_has_left_is_replaced_and_not_a_failure() {
    let server = ScriptedServer::start(vec![Step::ReadRequest, Step::ok("fine"), Step::Close]);
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let run = format!("run suite.toml --profile slow --only-summary -H {} --record a.squall", server.url());
    place.squall(&run).assert(0, &[]);
    let summary = place.summary("a.squall");
    assert!(summary.total("ok") > 50, "{:#}", summary.0["total"]);
    assert_eq!((summary.total("ok"), summary.total("failed")), (server.requests() as u64, 0));
    assert_eq!(summary.total("connections"), server.connections() as u64);
}
