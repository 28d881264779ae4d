//! A minute that is not one measurement but many.

use squall_muejam::{Config, Flaw, LimitMode};
use squall_verdict::{DoubtKind, Severity};

use super::{Told, patiently};
use crate::support::{MueJam, Place};

const SUITE: &str = r#"
schema = 1
[users.Reader]
wait = "100ms..200ms"
tasks.browse = { get = "/v1/discover/?tab=trending" }
[profiles.minute]
users = 6
spawn_rate = 100
run_time = "64s"
"#;

/// A run against an API with these flaws, whose time begins with the run.
fn minute(place: &Place, record: &str, flaws: &[String]) -> Told {
    patiently(place, record, || {
        let api = MueJam::start_with("test_secret", |config: &mut Config| {
            config.limits.mode = LimitMode::Off;
            config.flaws = flaws.iter().map(|flaw| flaw.parse::<Flaw>().unwrap()).collect();
        });
        place.squall(&format!(
            "run suite.toml --profile minute --only-summary -H {} --record {record}",
            api.url()
        ))
    })
}

/// Both at once, for a minute is long.
#[test]
fn a_server_that_gets_slower_all_the_time_is_not_steady() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let slower: Vec<_> =
        (0..14).map(|n| format!("latency={}@{}s..{}s", 20 + 10 * n, 5 * n, 5 * n + 5)).collect();
    let level = ["latency=80".to_owned()];
    let (drifting, steady) = std::thread::scope(|scope| {
        let drifting = scope.spawn(|| minute(&place, "drifting.squall", &slower));
        let steady = scope.spawn(|| minute(&place, "steady.squall", &level));
        (drifting.join().unwrap(), steady.join().unwrap())
    });
    let evidence = ["p95 rose by about ", "throughput fell by about ", " of run (median "];
    drifting.assert(0, &[(DoubtKind::NotSteady, Severity::Suspect, &evidence)]);
    steady.assert(0, &[]);
}
