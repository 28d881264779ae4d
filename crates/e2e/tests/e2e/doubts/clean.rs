//! Runs with nothing to doubt: an alarm here is a false one.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use super::{patiently, run_fresh};
use crate::support::{MueJam, Place, Running};

fn api() -> MueJam {
    MueJam::start("test_secret")
}

fn muejam_suite() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suites/muejam/suite.toml");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_clean_run_has_no_doubts() {
    let place = Place::alone();
    place.write("suite.toml", &muejam_suite());
    let told = run_fresh(&place, api, "--profile smoke");
    told.assert(0, &[]);
    assert_eq!(told.summary.0["verdict"]["overall"], "passed");
    assert!(told.summary.total("ok") > 500 && told.summary.total("failed") == 0, "{}", told.answer);
}

#[test]
fn a_rush_of_strangers_has_no_doubts() {
    let place = Place::alone();
    place.write("suite.toml", &muejam_suite());
    run_fresh(&place, api, "--profile rush").assert(0, &[]);
}

#[test]
fn an_interrupted_run_is_not_doubted_for_its_end() {
    let place = Place::shared();
    place.write("suite.toml", &muejam_suite());
    let told = patiently(&place, "a.squall", || {
        let api = api();
        let line =
            format!("run suite.toml --profile smoke -t 1h --only-summary -H {} --record a.squall", api.url());
        let mut running = Running::start(&mut place.command(&line));
        running.wait_for("All users spawned");
        std::thread::sleep(Duration::from_secs(5));
        running.signal(Signal::INT);
        running.finish()
    });
    told.assert(130, &[]);
}
