//! Response times against the server's own: a server that takes a known time, asked steadily.
//!
//! The server times from the read that completed a request to the write that completed its answer. A client sees that
//! time and the way there and back, never less. What a busy machine adds, it adds at random; what a client measures
//! wrongly, it measures wrongly each time: hence the best of three runs, while "never less" holds for each.

use serde_json::Value;
use squall_bench::server::{Config, Times, spawn};

use crate::support::{Place, count, percentile};

/// Each class is an endpoint of its own; `paced` has a schedule, so response and service times are kept apart.
const SUITE: &str = r#"
schema = 1
name = "Known times"

[users.Plain]
fixed_count = 3
wait = "20ms"
tasks.t = { get = "/plain" }

[users.Short]
fixed_count = 3
wait = "25ms"
tasks.t = { get = "/delay/5ms" }

[users.Middle]
fixed_count = 5
wait = "30ms"
tasks.t = { get = "/delay/20ms" }

[users.Paced]
fixed_count = 5
wait = { pacing = "50ms" }
tasks.t = { get = "/delay/10ms/paced" }

[users.Long]
fixed_count = 13
wait = "20ms..80ms"
tasks.t = { get = "/delay/100ms" }

[users.VeryLong]
fixed_count = 45
wait = "50ms..150ms"
tasks.t = { get = "/delay/400ms" }

[profiles.steady]
users = 74
spawn_rate = 40
run_time = "16s"
stop_timeout = "5s"
"#;

const ENDPOINTS: [&str; 6] =
    ["/plain", "/delay/5ms", "/delay/20ms", "/delay/10ms/paced", "/delay/100ms", "/delay/400ms"];

/// Both sides keep three significant digits.
const ROUNDING: f64 = 0.002;

#[test]
fn percentiles_agree_with_the_servers_own() {
    let place = Place::alone();
    place.write("suite.toml", SUITE);
    let mut disagreements = Vec::new();
    for attempt in 0..3 {
        let server = spawn(Config::default()).unwrap();
        let record = format!("{attempt}.squall");
        let run =
            format!("run suite.toml --profile steady --only-summary -H {} --record {record}", server.url());
        place.squall(&run).assert(0, &[]);
        let log = server.stop().unwrap();
        let summary = place.summary(&record);
        disagreements.clear();
        for name in ENDPOINTS {
            let (ours, theirs) = (summary.endpoint(name), log.path(name).unwrap());
            assert_eq!(count(ours, "ok"), theirs.answered, "{name}");
            assert!(theirs.answered >= 1000, "{name}: {} requests support no p99", theirs.answered);
            disagreements.extend(disagreements_of(name, ours, &theirs.time));
        }
        if disagreements.is_empty() {
            return;
        }
    }
    panic!("three times out of three; the last: {disagreements:#?}");
}

/// What the client claims too much. Panics when it claims less than the server knows.
fn disagreements_of(name: &str, ours: &Value, theirs: &Times) -> Vec<String> {
    let mut found = Vec::new();
    let known = [
        (50.0, theirs.p50_ns),
        (75.0, theirs.p75_ns),
        (90.0, theirs.p90_ns),
        (95.0, theirs.p95_ns),
        (99.0, theirs.p99_ns),
    ];
    for (p, ns) in known {
        let truth = ns as f64 / 1e6;
        let claimed = percentile(ours, p, "ms");
        let text = format!("{name}: p{p} is {claimed} ms, and the server took {truth} ms");
        assert!(claimed >= truth * (1.0 - ROUNDING), "{text}");
        if claimed > truth * 1.01 + 0.3 {
            found.push(text.clone());
        }
        if name.ends_with("paced") {
            let service = percentile(ours, p, "service_ms");
            assert!(
                (truth * (1.0 - ROUNDING)..=claimed).contains(&service),
                "{text}, served in {service} ms"
            );
        }
    }
    found
}
