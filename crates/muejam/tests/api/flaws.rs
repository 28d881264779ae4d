//! Each flaw is a defect in the real path: a client feels it. Times are only ever bounded from below.

use std::time::{Duration, Instant};

use serde_json::Value;
use squall_muejam::{Config, Flaw, LogConfig};

use crate::client::{Server, config};

const STORY: &str = "/v1/stories/sample-story";

fn flawed(flaws: &[&str]) -> Server {
    let flaws = flaws.iter().map(|flaw| flaw.parse::<Flaw>().unwrap()).collect();
    Server::start(Config { flaws, ..config() })
}

#[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let result = run();
    (started.elapsed(), result)
}

#[test]
fn latency_delays_each_api_request() {
    let server = flawed(&["latency=120ms"]);
    for path in [STORY, "/nowhere"] {
        let (took, _) = timed(|| server.get(path));
        assert!(took >= Duration::from_millis(120), "{path} took {took:?}");
    }
}

#[test]
fn a_flaw_with_a_time_comes_and_goes_and_the_log_says_when() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muejam.log");
    let flaws = ["latency=150ms@500ms..2s", "errors=1@500ms..2s"].map(|flaw| flaw.parse().unwrap());
    let log = Some(LogConfig::at(&path));
    let server = Server::start(Config { flaws: flaws.to_vec(), log, ..config() });
    let mut last = 200;
    let mut changes = Vec::new();
    let mut asked = Duration::ZERO;
    while changes.len() < 2 {
        assert!(asked < Duration::from_secs(60), "{changes:?}");
        let (took, answer) = timed(|| server.get(STORY));
        if answer.status == 500 {
            assert!(took >= Duration::from_millis(150), "{took:?}");
        }
        if answer.status != last {
            changes.push(answer.status);
        }
        asked += took;
        last = answer.status;
    }
    assert_eq!(changes, [500, 200], "it comes and it goes");
    server.stop();

    // Time of the answer and how long it took: what a test needs to know when the service itself was slow.
    let lines: Vec<Value> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let answered = |line: &Value| -> jiff::Timestamp { line["timestamp"].as_str().unwrap().parse().unwrap() };
    let requests = lines.iter().filter(|line| line["event_type"] == "api_request");
    let (slow, fast): (Vec<_>, Vec<_>) = requests.partition(|line| line["status_code"] == 500);
    assert!(slow.iter().all(|line| line["response_time_ms"].as_f64().unwrap() >= 150.0), "{slow:?}");
    let recovered = answered(fast.last().unwrap());
    assert!(slow.iter().all(|line| answered(line) <= recovered), "{recovered}");
}

#[test]
fn errors_fail_their_share_and_spare_health() {
    let server = flawed(&["errors=0.5"]);
    let failed = (0..60).filter(|_| server.get(STORY).status == 500).count();
    assert!((10..=50).contains(&failed), "{failed} of 60 failed at a share of a half");
    let server = flawed(&["errors=1"]);
    assert_eq!(server.get(STORY).code(500), "INTERNAL_ERROR");
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(flawed(&["errors=0"]).get(STORY).status, 200);
}

#[test]
fn a_stall_holds_every_answer_back() {
    // Stalled three quarters of the time: asking without a pause must run into it, whatever is asked for.
    let server = flawed(&["stall=300ms@400ms"]);
    for path in [STORY, "/health", "/metrics"] {
        let mut asked = Duration::ZERO;
        loop {
            let (took, answer) = timed(|| server.get(path));
            assert_eq!(answer.status, 200, "what waits is answered in the end");
            asked += took;
            if took >= Duration::from_millis(200) {
                break;
            }
            assert!(asked < Duration::from_secs(10), "{path} was never held back");
        }
    }
}

#[test]
fn without_a_cache_each_request_reaches_the_database() {
    let server = flawed(&["no-cache"]);
    for _ in 0..5 {
        assert_eq!(server.get(STORY).header("x-cache-hit"), Some("0"));
    }
    let numbers = server.get("/metrics/json").json(200);
    assert_eq!(numbers["database"]["statements"]["story_by_slug"]["count"], 5);
    assert_eq!(numbers["cache"]["hits"], 0);
}

#[test]
fn several_flaws_work_at_once() {
    let server = flawed(&["latency=60ms", "errors=1"]);
    let (took, answer) = timed(|| server.get(STORY));
    assert!(answer.status == 500 && took >= Duration::from_millis(60), "{} after {took:?}", answer.status);
}
