//! Coordinated omission: a server that freezes, and users who have a schedule.
//!
//! Of the requests that are due while the server is frozen, a tool that times from sending sees one for each user: the
//! others leave late and are answered at once. What their senders waited for is arithmetic.

use squall_bench::accuracy::stall_wait_ns;
use squall_bench::server::{Config, spawn};

use crate::support::{Place, percentile};

/// 10 users × 20/s for 18 s: 3600 requests due, 600 of them in the three freezes, of which 30 are sent in time.
const SUITE: &str = r#"
schema = 1
name = "Freezes"
[users.Paced]
wait = { pacing = "50ms" }
tasks.t = { get = "/" }
[profiles.paced]
users = 10
spawn_rate = 1000
run_time = "18s"
stop_timeout = "5s"
"#;

#[test]
fn response_times_tell_of_freezes_that_service_times_hide() {
    let place = Place::alone();
    place.write("suite.toml", SUITE);
    let server = spawn(Config { stall: Some("1000ms@5s".parse().unwrap()), ..Config::default() }).unwrap();
    let run = format!("run suite.toml --profile paced --only-summary -H {} --record a.squall", server.url());
    place.squall(&run).assert(0, &[]);
    let log = server.stop().unwrap();
    let summary = place.summary("a.squall");
    let total = &summary.0["total"];

    assert!((3590..=3610).contains(&summary.total("ok")), "what was due was sent: {total:#}");
    let from = log.first_request_ns;
    for p in [95.0, 99.0] {
        let truth = stall_wait_ns(&log, from, from + 18_000_000_000, p / 100.0) as f64 / 1e6;
        assert!(truth > 600.0, "the freezes were there: p{p} {truth} ms");
        let response = percentile(total, p, "ms");
        // A freeze does not begin in step with the users, who ask every 50 ms; and the backlog is worked off in a few
        // milliseconds, in which the last of it waits.
        assert!((response - truth).abs() < 40.0, "p{p}: {response} ms, by arithmetic {truth} ms");
        let service = percentile(total, p, "service_ms");
        assert!(service < truth / 4.0, "p{p}: a naive tool would say {service} ms instead of {truth} ms");
    }
    assert!(percentile(total, 50.0, "ms") < 20.0, "most of the time it answers at once: {total:#}");
}
