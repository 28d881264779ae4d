//! Each flaw is a defect in the real path: a client feels it. Times are only ever bounded from below.

use std::time::{Duration, Instant};

use squall_muejam::{Config, Flaw};

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
