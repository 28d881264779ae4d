//! Users that are not mixed as they should be.

use squall_bench::server::{Config, spawn};
use squall_verdict::{DoubtKind, Severity};

use super::run;
use crate::support::Place;

/// Of the guide's four kinds, 70, 25, 4 and 1 of 100 users; the published scripts leave it out.
fn guide(weights: [&str; 4]) -> String {
    let names = ["AuthenticatedUser", "HealthCheckUser", "UnauthenticatedUser", "WriterUser"];
    let class = |(name, weight): (&str, &str)| {
        format!("[users.{name}]\n{weight}\nwait = \"100ms\"\ntasks.t = {{ get = \"/{name}\" }}\n")
    };
    let classes: String = names.into_iter().zip(weights).map(class).collect();
    format!("schema = 1\n{classes}")
}

#[test]
fn weights_that_were_forgotten_are_missed() {
    let place = Place::shared();
    let server = spawn(Config::default()).unwrap();
    place.write("suite.toml", &guide([""; 4]));
    let evidence = ["No class has a weight, so all 4 got the same number of users", "WriterUser"];
    let expected = [(DoubtKind::MixOff, Severity::Suspect, &evidence[..])];
    run(&place, &server.url(), "-u 20 -r 1000 -t 3s").assert(0, &expected);

    for weights in [["weight = 70", "weight = 1", "weight = 25", "weight = 4"], ["weight = 1"; 4]] {
        std::fs::remove_file(place.path("a.squall")).unwrap();
        place.write("suite.toml", &guide(weights));
        run(&place, &server.url(), "-u 100 -r 1000 -t 3s").assert(0, &[]);
    }
}

/// Users without a row of their own do not start.
const ROWS: &str = r#"
schema = 1
[data]
accounts = { values = ["anna", "otto"], order = "unique" }
[users.Guest]
weight = 1
wait = "50ms"
tasks.t = { get = "/guest" }
[users.Member]
weight = 1
wait = "50ms"
tasks.t = { get = "/member/{accounts}", name = "/member" }
"#;

#[test]
fn users_that_never_came_are_missed() {
    let place = Place::shared();
    let server = spawn(Config::default()).unwrap();
    place.write("suite.toml", ROWS);
    let evidence = ["2.0 users of Member ran on average instead of 8.0."];
    let expected = [(DoubtKind::MixOff, Severity::Suspect, &evidence[..])];
    run(&place, &server.url(), "-u 16 -r 1000 -t 4s").assert(0, &expected);
}
