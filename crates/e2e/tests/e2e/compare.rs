//! Two runs against each other: the same API twice, and one that waits half as long again for everything but its health.

use serde_json::Value;
use squall_muejam::{Config, Flaw, LimitMode};

use crate::support::{MueJam, Place, Urgent};

const SUITE: &str = r#"
schema = 1
name = "Twice"

[users.Reader]
wait = "20ms..60ms"
[users.Reader.tasks]
discover = { weight = 3, get = "/v1/discover/" }
search = { weight = 1, get = "/v1/search/stories?q=a", name = "search" }
health = { weight = 1, get = "/health" }

[profiles.short]
users = 6
spawn_rate = 100
run_time = "34s"
"#;

/// A machine that is busy in one of two runs makes them differ: equals must look equal once in so many tries.
const TRIES: usize = 4;

/// A record of a run against an API that waits so long before each answer.
fn record(place: &Place, latency_ms: u32, name: &str) {
    let flaw: Flaw = format!("latency={latency_ms}").parse().unwrap();
    let mut config = Config { flaws: vec![flaw], ..Config::default() };
    config.limits.mode = LimitMode::Off;
    let api = MueJam::with(config);
    let run = format!("run suite.toml --profile short --only-summary -H {} --record {name}", api.url());
    // Whether a run passes does not matter; that it is one does.
    place.calm(&run);
    assert!(place.path(name).is_file(), "{run}");
}

#[test]
fn a_slower_api_is_a_regression_and_the_same_is_none() {
    let place = Place::alone();
    place.write("suite.toml", SUITE);
    let _urgent = Urgent::ask();
    record(&place, 40, "a.squall");
    record(&place, 60, "slower.squall");
    let answer = place.squall("compare a.squall slower.squall --html both.html");
    answer.assert(1, &[]);
    assert!(answer.stdout.starts_with("B is slower: "), "{answer}");
    assert!(place.read("both.html").contains("✗ Regressed"));

    let answer = place.squall("compare a.squall slower.squall --format json");
    let comparison: Value = serde_json::from_str(&answer.stdout).unwrap();
    let endpoint = |label: &str| {
        let all = comparison["endpoints"].as_array().unwrap();
        all.iter().find(|endpoint| endpoint["label"] == label).unwrap()
    };
    let discover = endpoint("GET /v1/discover/");
    assert_eq!(discover["finding"], "regressed", "{discover:#}");
    let median = &discover["changes"][0];
    let difference = median["difference"].as_f64().unwrap();
    assert!((0.3..=0.6).contains(&difference), "20 ms more on 40 ms and a little: {median:#}");
    assert_ne!(endpoint("GET /health")["finding"], "regressed", "health does not wait: {comparison:#}");

    let again = (0..TRIES).map(|number| {
        let name = format!("again-{number}.squall");
        record(&place, 40, &name);
        place.squall(&format!("compare a.squall {name}"))
    });
    let mut last = None;
    for answer in again {
        if answer.code == Some(0) {
            return;
        }
        last = Some(answer);
    }
    panic!("the same API is worse each time: {}", last.unwrap());
}
