//! `kill -9` in the middle of a run: the record holds everything up to the last second that was written.

use std::time::Duration;

use rustix::process::Signal;
use squall_bench::server::{Config, monotonic_ns, spawn};

use crate::support::{Place, Running};

const SUITE: &str = r#"
schema = 1
name = "Killed"
[users.Steady]
wait = "20ms"
tasks.t = { get = "/delay/1ms" }
"#;

#[test]
fn a_killed_run_is_reported_up_to_its_last_second() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let server = spawn(Config { samples: true, ..Config::default() }).unwrap();
    let line = format!("run suite.toml -u 5 -r 50 --only-summary -H {} --record a.squall", server.url());
    let mut running = Running::start(&mut place.command(&line));
    running.wait_for("All users spawned");
    std::thread::sleep(Duration::from_millis(5600));
    let killed = monotonic_ns();
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, None, "a signal ended it");
    let log = server.stop().unwrap();

    let files = place.squall("report a.squall --html r.html --csv r --csv-full-history");
    files.assert(0, &[]);
    let summary = place.summary("a.squall");
    assert_eq!(summary.0["run"]["ended"], "cut off");
    assert_eq!(summary.0["run"]["complete"], false);
    // The window that was open is lost, and at most one more that was on its way to the disk.
    let kept = summary.total("completed");
    let before = killed - 2_000_000_000;
    let sure = log.samples.iter().filter(|sample| sample.read_ns < before).count() as u64;
    assert!(sure > 500, "{sure}");
    assert!((sure..=log.received).contains(&kept), "{kept}: {sure} to {}", log.received);
    assert_eq!(summary.total("failed"), 0);

    let page = place.read("r.html");
    assert!(page.starts_with("<!") && page.contains("cut off"), "the page says that the run has no end");
    let mut stats = csv::Reader::from_path(place.path("r_stats.csv")).unwrap();
    let requests = stats.headers().unwrap().iter().position(|name| name == "Request Count").unwrap();
    let rows: Vec<_> = stats.records().map(Result::unwrap).collect();
    let aggregated = rows.iter().find(|row| row.iter().any(|field| field == "Aggregated")).unwrap();
    assert_eq!(aggregated[requests], kept.to_string());
    assert!(place.read("r_stats_history.csv").lines().count() > 8, "a row a second for both names");
}
