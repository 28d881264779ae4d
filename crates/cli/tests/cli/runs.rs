//! Short runs against servers that answer as told.

use std::io::{BufRead, BufReader, Read as _};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use squall_testkit::{ScriptedServer, Step};

use crate::support::{Place, SUITE, broken, healthy, limiting};

#[test]
fn a_run_writes_everything_that_was_asked_for() {
    let server = healthy();
    let place = Place::new();
    let answer = place.squall(&format!(
        "-f suite.toml -H {} -u 4 -r 20 -t 2s --headless --json --html out/r-{{u}}-{{r}}-{{t}}.html --csv out/r",
        server.url()
    ));
    answer.assert(
        0,
        &[
            "squall.main: Starting Squall ",
            "squall.main: Run time limit set to 2 seconds",
            "squall.runners: Ramping to 4 users at a rate of 20.00 per second",
            "squall.runners: All users spawned: {\"Buyer\": 1, \"Reader\": 3} (4 total users)",
            "squall.runners: --run-time limit reached, shutting down",
            "squall.main: Shutting down (exit code 0)",
            "Response time percentiles (approximated)",
        ],
    );
    let entries: Vec<Value> = serde_json::from_str(&answer.stdout).unwrap();
    let sent: u64 = entries.iter().map(|entry| entry["num_requests"].as_u64().unwrap()).sum();
    assert!(sent > 0 && sent <= server.requests() as u64, "{sent} of {}", server.requests());
    assert!(place.read("out/r-4-20-2.html").starts_with("<!"), "an HTML page");
    for file in ["stats", "stats_history", "failures", "exceptions"] {
        assert!(place.read(&format!("out/r_{file}.csv")).contains(','), "{file}");
    }
    assert!(place.read("out/r_stats.csv").contains(&format!("Aggregated,{sent},0,")));
    let records = place.files(".squall");
    assert!(records.len() == 1 && records[0].starts_with("small-shop-20"), "{records:?}");
    let wal_left = place.files("-wal");
    assert_eq!(wal_left, [""; 0], "a finished record is one file");
}

#[test]
fn after_a_reset_the_files_written_live_say_what_the_record_says() {
    let server = healthy();
    let place = Place::new();
    let line = format!(
        "run suite.toml -H {} -u 4 -r 1.5 -t 4s --reset-stats --record a.squall --csv live",
        server.url()
    );
    place.squall(&line).assert(0, &["Resetting stats"]);
    place.squall("report a.squall --csv again").assert(0, &[]);
    assert_eq!(place.read("live_stats.csv"), place.read("again_stats.csv"));
    let all = place.squall("report a.squall --format json").stdout;
    let all: Value = serde_json::from_str(&all).unwrap();
    let counted = place.read("live_stats.csv");
    let counted = counted.lines().find_map(|line| line.strip_prefix(",Aggregated,")).unwrap();
    let counted: u64 = counted.split(',').next().unwrap().parse().unwrap();
    assert!(counted < all["total"]["completed"].as_u64().unwrap(), "the ramp is left out: {counted}");
}

#[test]
fn a_saved_run_is_rendered_again() {
    let server = healthy();
    let place = Place::new();
    let line = format!("run suite.toml --profile strict -H {} --record a.squall --json", server.url());
    let first = place.squall(&line);
    first.assert(0, &[]);
    assert_eq!(place.squall("report a.squall --json").stdout, first.stdout);
    let tables = place.squall("report a.squall");
    tables.assert(0, &[]);
    assert!(
        tables.stdout.contains("error_rate") && tables.stdout.contains("Aggregated"),
        "{}",
        tables.stdout
    );
    let summary: Value = serde_json::from_str(&place.squall("report a.squall --format json").stdout).unwrap();
    assert!(summary.is_object());
    let files = place.squall("report a.squall --html again/r.html --csv again/r");
    files.assert(0, &[]);
    assert_eq!(files.stdout, "");
    assert!(place.path("again/r.html").exists() && place.path("again/r_stats.csv").exists());
}

#[test]
fn failed_requests_decide_without_criteria_and_criteria_decide_with_them() {
    let server = broken();
    let place = Place::new();
    let run = |options: &str| {
        place.squall(&format!("run suite.toml -H {} -u 2 -r 10 -t 1s {options}", server.url()))
    };
    run("").assert(1, &["Shutting down (exit code 1)"]);
    run("--exit-code-on-error 0").assert(0, &[]);
    run("--exit-code-on-error 42").assert(42, &[]);
    run("--profile strict --exit-code-on-error 0").assert(1, &["error_rate"]);
}

#[test]
fn refused_requests_fail_a_run_that_nobody_judges() {
    let place = Place::new();
    let run = |server: &ScriptedServer, options: &str| {
        place.squall(&format!("run suite.toml -H {} -u 2 -r 10 -t 1s {options}", server.url()))
    };
    let seldom = limiting(50);
    let unjudged = "without `--profile` no criteria are judged; profiles with criteria: `strict`";
    run(&seldom, "").assert(1, &[unjudged]);
    run(&seldom, "--exit-code-on-error 42").assert(42, &[]);
    let judged = run(&seldom, "--profile strict");
    judged.assert(0, &["error_rate"]);
    assert!(!judged.said().contains("no criteria are judged"), "{}", judged.stderr);
    let often = limiting(3);
    for options in ["--exit-code-on-error 0", "--profile strict"] {
        run(&often, options).assert(3, &["A rate limiter hides what the server can do"]);
    }
}

#[test]
fn both_forms_take_the_same_options() {
    let server = healthy();
    let place = Place::new();
    let line = format!("-H {} -t 1s --record a.squall --seed 7 --threads 1", server.url());
    place.squall(&format!("-f suite.toml {line}")).assert(0, &["The run is saved in a.squall"]);
    let summary: Value = serde_json::from_str(&place.squall("report a.squall --format json").stdout).unwrap();
    assert_eq!(summary["run"]["seed"], 7);
    assert_eq!(summary["settings"]["threads"]["value"][0], "1");
}

#[test]
fn phases_are_named_and_say_whether_users_come_or_stay() {
    const PHASES: &str = r#"
[profiles.phased]
phases = [
    { name = "warm", users = 1, spawn_rate = 5, run_time = "1s", warmup = true },
    { name = "peak", users = 3, spawn_rate = 30, run_time = "1s" },
    { name = "steady", users = 3, spawn_rate = 15, run_time = "1s" },
]
"#;
    let server = healthy();
    let place = Place::new();
    place.write("suite.toml", &format!("{SUITE}{PHASES}"));
    let line = format!("run suite.toml --profile phased -H {} --html {{u}}-{{r}}-{{t}}.html", server.url());
    let answer = place.squall(&line);
    answer.assert(
        0,
        &[
            "Phase warm: ramping to 1 users at a rate of 5.00 per second",
            "Phase peak: ramping to 3 users at a rate of 30.00 per second",
            "Phase steady: holding 3 users",
        ],
    );
    assert!(!answer.said().contains("Phase steady: ramping"), "{}", answer.stderr);
    assert!(place.path("3-30-3.html").exists(), "the rate of the phase that reaches the peak");
}

#[test]
fn quiet_runs() {
    let server = healthy();
    let place = Place::new();
    let run = |options: &str| {
        let answer = place.squall(&format!("run suite.toml -H {} -u 1 -t 2s {options}", server.url()));
        answer.assert(0, &[]);
        assert_eq!(answer.stdout, "");
        answer.stderr
    };
    let tables = |text: &str| text.matches("Type     Name").count();
    assert!(tables(&run("")) > tables(&run("--only-summary")));
    let instead = run("--json-file stats --only-summary");
    assert_eq!(tables(&instead), 0, "{instead}");
    assert!(serde_json::from_str::<Value>(&place.read("stats.json")).unwrap().is_array());
    assert_eq!(run("--skip-log-setup"), "");
    let logged = run("--logfile logs/run.log");
    assert!(!logged.contains("Starting Squall") && tables(&logged) > 0, "{logged}");
    assert!(place.read("logs/run.log").contains("INFO/squall.main: Starting Squall"));
}

#[test]
fn the_missing_web_interface_is_said_once() {
    let server = healthy();
    let answer = Place::new()
        .squall(&format!("-f suite.toml -H {} -t 1s --autostart --web-port 8090 --headless", server.url()));
    answer.assert(0, &["--autostart, --web-port ignored: the web interface comes with a later version"]);
    assert_eq!(answer.said().matches("web interface").count(), 1);
}

/// A run that goes on until it is stopped, once its users are there.
fn endless(place: &Place, url: &str, options: &str) -> (Child, BufReader<std::process::ChildStderr>) {
    let line = format!("run suite.toml -H {url} -u 2 -r 10 -s 1h --record a.squall --only-summary {options}");
    let mut command = place.command(&line);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    wait_for(&mut stderr, "All users spawned");
    (child, stderr)
}

pub(crate) fn wait_for(stderr: &mut impl BufRead, text: &str) {
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the run ended early");
    }
}

#[test]
fn signals_end_a_run_in_good_order() {
    let server = healthy();
    let (interrupted, terminated) = ("Stopping: interrupted", "Stopping: terminated");
    for (options, signal, code, reason) in [
        ("-t 1h", Signal::INT, 130, interrupted),
        ("-t 1h", Signal::TERM, 130, terminated),
        // Without a run time there is no other end, so it is one.
        ("", Signal::INT, 0, interrupted),
        ("", Signal::TERM, 0, terminated),
    ] {
        let place = Place::new();
        let (mut child, mut stderr) = endless(&place, &server.url(), options);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{said}");
        assert!(said.contains(reason) && said.contains("Aggregated"), "{said}");
        place.squall("report a.squall").assert(0, &[]);
    }
}

#[test]
fn a_second_interrupt_cuts_what_would_take_an_hour() {
    let server = ScriptedServer::start(vec![Step::ReadRequest, Step::Hang]);
    let place = Place::new();
    let (mut child, mut stderr) = endless(&place, &server.url(), "-t 1h");
    let interrupt = |child: &Child| kill_process(Pid::from_child(child), Signal::INT).unwrap();
    interrupt(&child);
    wait_for(&mut stderr, "Stopping: interrupted");
    assert!(child.try_wait().unwrap().is_none(), "users may finish within an hour");
    interrupt(&child);
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    let run: Value = serde_json::from_str(&place.squall("report a.squall --format json").stdout).unwrap();
    assert!(run.to_string().contains("\"cut\":2"), "{run:#}");
}
