//! Percentiles that rest on nothing.

use squall_bench::server::{Config, spawn};
use squall_verdict::{DoubtKind, Severity};

use super::run;
use crate::support::Place;

const SUITE: &str = r#"
schema = 1
[users.Reader]
wait = "100ms"
tasks.t = { get = "/" }
[criteria.ambitious]
p99 = "< 5s"
p50 = "< 5s"
[criteria.modest]
p50 = "< 5s"
[profiles.ambitious]
users = 3
spawn_rate = 100
run_time = "3s"
criteria = "ambitious"
[profiles.modest]
users = 3
spawn_rate = 100
run_time = "3s"
criteria = "modest"
"#;

#[test]
fn a_percentile_of_too_few_requests_is_suspect() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let server = spawn(Config::default()).unwrap();
    let told = run(&place, &server.url(), "--profile ambitious");
    let evidence = ["p99 rests on ", " of 1000 needed; they do not say where it ends."];
    told.assert(0, &[(DoubtKind::TooFewSamples, Severity::Suspect, &evidence)]);
    assert!((20..200).contains(&told.summary.total("ok")), "{:#}", told.summary.0["total"]);

    std::fs::remove_file(place.path("a.squall")).unwrap();
    run(&place, &server.url(), "--profile modest").assert(0, &[]);
}
