//! Response times against the server's own: a server that takes a known time, asked steadily.
//!
//! The server times from the read that completed a request to the write that completed its answer. A client sees that
//! time and the way there and back, never less. What a busy machine adds, it adds now here, now there; what a client
//! measures wrongly, it measures wrongly each time. So "never less" must hold in each run, and "hardly more" for each
//! percentile in one of a few runs; on a quiet machine the first will do.

use std::collections::BTreeSet;

use serde_json::Value;
use squall_bench::server::{Config, Times, spawn};

use crate::support::{Place, Urgent, count, percentile};

/// Each class is an endpoint of its own; `paced` has a schedule, so response and service times are kept apart.
const SUITE: &str = r#"
schema = 1
name = "Known times"

[users.Plain]
fixed_count = 5
wait = "20ms"
tasks.t = { get = "/plain" }

[users.Short]
fixed_count = 5
wait = "25ms"
tasks.t = { get = "/delay/5ms" }

[users.Middle]
fixed_count = 8
wait = "30ms"
tasks.t = { get = "/delay/20ms" }

[users.Paced]
fixed_count = 8
wait = { pacing = "50ms" }
tasks.t = { get = "/delay/10ms/paced" }

[users.Long]
fixed_count = 20
wait = "20ms..80ms"
tasks.t = { get = "/delay/100ms" }

[users.VeryLong]
fixed_count = 70
wait = "50ms..150ms"
tasks.t = { get = "/delay/400ms" }

[profiles.steady]
users = 116
spawn_rate = 100
run_time = "10s"
stop_timeout = "5s"
"#;

const ENDPOINTS: [&str; 6] =
    ["/plain", "/delay/5ms", "/delay/20ms", "/delay/10ms/paced", "/delay/100ms", "/delay/400ms"];

/// Both sides keep three significant digits.
const ROUNDING: f64 = 0.002;

/// How often the machine may be too busy.
const RUNS: usize = 5;

#[test]
fn percentiles_agree_with_the_servers_own() {
    let place = Place::alone();
    place.write("suite.toml", SUITE);
    // What has not agreed yet; and the last word about it.
    let mut open: BTreeSet<String> =
        ENDPOINTS.iter().flat_map(|name| PERCENTILES.map(|p| key(name, p))).collect();
    let mut last = Vec::new();
    for run in 0..RUNS {
        let server = spawn(Config::default()).unwrap();
        let _urgent = Urgent::ask();
        let record = format!("{run}.squall");
        let line =
            format!("run suite.toml --profile steady --only-summary -H {} --record {record}", server.url());
        place.squall(&line).assert(0, &[]);
        let log = server.stop().unwrap();
        let summary = place.summary(&record);
        last.clear();
        for name in ENDPOINTS {
            let (ours, theirs) = (summary.endpoint(name), log.path(name).unwrap());
            assert_eq!(count(ours, "ok"), theirs.answered, "{name}");
            assert!(theirs.answered >= 1000, "{name}: {} requests support no p99", theirs.answered);
            for p in PERCENTILES {
                match agrees(name, p, ours, &theirs.time) {
                    Ok(()) => drop(open.remove(&key(name, p))),
                    Err(text) if open.contains(&key(name, p)) => last.push(text),
                    Err(_) => {}
                }
            }
        }
        if open.is_empty() {
            return;
        }
    }
    panic!("in each of {RUNS} runs; in the last: {last:#?}");
}

const PERCENTILES: [f64; 5] = [50.0, 75.0, 90.0, 95.0, 99.0];

fn key(name: &str, p: f64) -> String {
    format!("{name} p{p}")
}

/// Does the client claim no more than the server took and the network may add? Panics when it claims less.
fn agrees(name: &str, p: f64, ours: &Value, theirs: &Times) -> Result<(), String> {
    let known = [theirs.p50_ns, theirs.p75_ns, theirs.p90_ns, theirs.p95_ns, theirs.p99_ns];
    let truth = known[PERCENTILES.iter().position(|one| *one == p).unwrap()] as f64 / 1e6;
    let claimed = percentile(ours, p, "ms");
    let text = format!("{name}: p{p} is {claimed} ms, and the server took {truth} ms");
    assert!(claimed >= truth * (1.0 - ROUNDING), "{text}");
    if name.ends_with("paced") {
        let service = percentile(ours, p, "service_ms");
        assert!((truth * (1.0 - ROUNDING)..=claimed).contains(&service), "{text}, served in {service} ms");
    }
    if claimed <= truth * 1.01 + 0.3 { Ok(()) } else { Err(text) }
}
