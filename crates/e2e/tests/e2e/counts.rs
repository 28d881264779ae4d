//! What was sent, counted on both sides: nothing lost, nothing invented.

use std::time::Duration;

use rustix::process::Signal;
use squall_bench::server::{Config, Handle, spawn};
use squall_testkit::{ScriptedServer, Step};

use crate::support::{Place, Running, percentile};

const SUITE: &str = r#"
schema = 1
name = "Counts"

# Three of ten thousand requests take half a second.
[users.Many.tasks]
fast = { weight = 9997, get = "/delay/20ms", name = "all" }
slow = { weight = 3, get = "/delay/500ms", name = "all" }

[users.Waiting]
weight = 0
tasks.t = { get = "/delay/100ms" }

[users.Quick]
weight = 0
tasks.t = { get = "/" }

[users.Slow]
weight = 0
wait = "20ms"
tasks.t = { get = "/" }

[profiles.million]
users = 700
spawn_rate = 1000
stop_timeout = "30s"
mix = { Many = 1 }

[profiles.cut]
users = 50
spawn_rate = 1000
stop_timeout = "0s"
mix = { Waiting = 1 }

[profiles.cut_quick]
users = 50
spawn_rate = 1000
stop_timeout = "0s"
mix = { Quick = 1 }

[profiles.slow]
users = 2
spawn_rate = 10
run_time = "2s"
stop_timeout = "5s"
mix = { Slow = 1 }
"#;

/// Waits until the server has read so many requests.
fn wait_for_requests(server: &Handle, requests: u64) {
    // A log with samples is a copy of them all: not too often.
    while server.log().unwrap().received < requests {
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_million_requests_are_counted_to_the_last_and_timed_to_the_ten_thousandth() {
    let place = Place::alone();
    place.write("suite.toml", SUITE);
    let server = spawn(Config { samples: true, ..Config::default() }).unwrap();
    let run =
        format!("run suite.toml --profile million --only-summary -H {} --record a.squall", server.url());
    let running = Running::start(&mut place.command(&run));
    wait_for_requests(&server, 1_000_000);
    running.signal(Signal::INT);
    running.finish().assert_counted(0, &["Stopping: interrupted"]);
    let log = server.stop().unwrap();
    let summary = place.summary("a.squall");
    assert_eq!((log.received, log.malformed), (log.answered, 0));
    for name in ["attempts", "completed", "ok"] {
        assert_eq!(summary.total(name), log.received, "{name}");
    }
    assert_eq!((summary.total("cut"), summary.total("failed")), (0, 0));
    assert_eq!(summary.total("connections"), log.connections);

    let mut took: Vec<f64> = log.samples.iter().map(|sample| f64::from(sample.took_ns) / 1e6).collect();
    took.sort_by(f64::total_cmp);
    for p in [50.0, 95.0, 99.0, 99.9, 99.99] {
        let truth = took[(took.len() as f64 * p / 100.0) as usize];
        let claimed = percentile(&summary.0["total"], p, "ms");
        assert!(claimed >= truth * 0.998, "p{p} is {claimed} ms, and the server took {truth} ms");
        // A hundred requests lie beyond p99.99, three hundred take half a second: what a busy machine adds to some
        // is small against that. At the other percentiles it is not, at this load; `truth` tests them without any.
        if p == 99.99 {
            assert!(truth > 500.0, "{truth}");
            assert!(claimed <= truth * 1.01 + 0.3, "p{p} is {claimed} ms, and the server took {truth} ms");
        }
    }
}

#[test]
fn requests_cut_at_the_end_are_those_the_server_may_have_read() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    // Users who wait for an answer nearly always, and users who are cut in the middle of anything.
    for (profile, cut_at_least) in [("cut", 1), ("cut_quick", 0)] {
        let server = spawn(Config::default()).unwrap();
        let record = format!("{profile}.squall");
        let line = format!(
            "run suite.toml --profile {profile} --only-summary -H {} --record {record}",
            server.url()
        );
        let running = Running::start(&mut place.command(&line));
        wait_for_requests(&server, 1000);
        running.signal(Signal::INT);
        running.finish().assert_counted(0, &[]);
        let received = server.stop().unwrap().received;
        let summary = place.summary(&record);
        let (completed, cut) = (summary.total("completed"), summary.total("cut"));
        assert!((cut_at_least..=50).contains(&cut), "{profile}: {cut} were cut");
        assert!(
            (completed..=completed + cut).contains(&received),
            "{profile}: {received} of {completed} + {cut}"
        );
        assert_eq!((summary.total("attempts"), summary.total("failed")), (completed + cut, 0), "{profile}");
    }
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
    place.squall(&run).assert_counted(0, &[]);
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
    place.squall(&run).assert_counted(0, &[]);
    let summary = place.summary("a.squall");
    assert!(summary.total("ok") > 50, "{:#}", summary.0["total"]);
    assert_eq!((summary.total("ok"), summary.total("failed")), (server.requests() as u64, 0));
    assert_eq!(summary.total("connections"), server.connections() as u64);
}
