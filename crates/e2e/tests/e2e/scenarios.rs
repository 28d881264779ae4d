//! The scenarios of the suite for the MueJam API against the reference API: the suite's own text, with shorter times.

use std::collections::BTreeMap;

use serde_json::{Value, from_str};
use squall_core::{ClassDemand, Dispatcher};

use crate::support::{Answer, MueJam, Place, Summary, count};

const SUITE: &str = include_str!("../../../../suites/muejam/suite.toml");
const SECRET: &str = "test_secret";

/// The suite with each of `changes` made, exactly once.
fn suite(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(SUITE.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "the suite has changed: {from}");
        text.replace(from, to)
    })
}

/// Run a profile of that suite.
fn run(place: &Place, profile: &str, changes: &[(&str, &str)]) -> (Answer, Summary) {
    let api = MueJam::start(SECRET);
    place.write("suite.toml", &suite(changes));
    let line =
        format!("run suite.toml --profile {profile} --only-summary -H {} --record a.squall", api.url());
    let answer = place.squall(&line);
    let summary = place.summary("a.squall");
    assert_eq!((summary.total("failed"), &summary.0["run"]["ended"]), (0, &"completed".into()), "{answer}");
    (answer, summary)
}

#[test]
fn the_spike_is_three_phases_of_one_run() {
    let place = Place::shared();
    let (_, summary) = run(
        &place,
        "spike",
        &[
            (
                "description = \"A sudden spike and the time after it (guide, scenario 4), as one run\"",
                "wait_factor = 0.2",
            ),
            (
                "users = 50, spawn_rate = 10, run_time = \"2m\"",
                "users = 10, spawn_rate = 20, run_time = \"4s\"",
            ),
            (
                "users = 500, spawn_rate = 100, run_time = \"3m\"",
                "users = 100, spawn_rate = 100, run_time = \"6s\"",
            ),
            (
                "users = 100, spawn_rate = 20, run_time = \"5m\"",
                "users = 20, spawn_rate = 100, run_time = \"5s\"",
            ),
        ],
    );
    let phases = summary.list("phases");
    let names: Vec<_> =
        phases.iter().map(|phase| (phase["name"].as_str().unwrap(), count(phase, "users"))).collect();
    assert_eq!(names, [("before", 10), ("spike", 100), ("after", 20)]);
    assert_eq!(count(&summary.0["run"], "peak_users"), 100);
    let second = |phase: usize, name: &str| phases[phase][name].as_f64().unwrap();
    for (phase, (start, end)) in [(0.0, 4.0), (4.0, 10.0), (10.0, 15.0)].into_iter().enumerate() {
        assert!((second(phase, "start_s") - start).abs() < 0.5, "{:#}", phases[phase]);
        assert!((second(phase, "end_s") - end).abs() < 0.5, "{:#}", phases[phase]);
        assert!(second(phase, "ramped_s") < end, "{:#}", phases[phase]);
    }
    // Ten times the users of before, five times those of after: ramps and chance leave well over half of that.
    let rate = |phase| second(phase, "completed_per_s");
    assert!(rate(1) > 5.0 * rate(0) && rate(1) > 2.5 * rate(2), "{} {} {}", rate(0), rate(1), rate(2));
    let whole: u64 = phases.iter().map(|phase| count(phase, "completed")).sum();
    assert_eq!(whole, summary.total("completed"));
}

/// Weight, and bounds of the wait in seconds, of the classes of `basic` in the order of their names.
const CLASSES: [(&str, f64, (f64, f64)); 4] = [
    ("AuthenticatedUser", 70.0, (1.0, 5.0)),
    ("HealthCheckUser", 1.0, (1.0, 2.0)),
    ("UnauthenticatedUser", 25.0, (2.0, 8.0)),
    ("WriterUser", 4.0, (5.0, 15.0)),
];

/// How many of `users` each class gets when they are dealt one by one.
fn dealt(users: u32) -> BTreeMap<String, u64> {
    let demands = CLASSES.map(|(_, weight, _)| ClassDemand { weight, fixed_count: 0 });
    let mut dispatcher = Dispatcher::new(&demands).unwrap();
    let mut dealt: BTreeMap<_, _> = CLASSES.iter().map(|(name, ..)| ((*name).to_owned(), 0)).collect();
    for _ in 0..users {
        let class = dispatcher.next_class().unwrap();
        *dealt.get_mut(CLASSES[class.index()].0).unwrap() += 1;
    }
    dealt
}

#[test]
fn the_basic_mix_is_the_one_that_was_asked_for() {
    const FACTOR: f64 = 0.2;
    const SECONDS: f64 = 20.0;
    let place = Place::shared();
    let (answer, summary) = run(
        &place,
        "basic",
        &[(
            "users = 100\nspawn_rate = 10\nrun_time = \"5m\"",
            "users = 100\nspawn_rate = 100\nrun_time = \"20s\"\nwait_factor = 0.2",
        )],
    );
    // Visitors without an address of their own, a shared token or a wrong `sub` would show up here.
    assert_eq!(summary.total("rate_limited"), 0, "{answer}");

    let said = answer.stderr.lines().find(|line| line.contains("All users spawned")).unwrap();
    let (from, to) = (said.find('{').unwrap(), said.rfind('}').unwrap());
    let users: BTreeMap<String, u64> = from_str(&said[from..=to]).unwrap();
    assert_eq!(users, dealt(100));
    assert_eq!(users.values().copied().collect::<Vec<_>>(), [70, 1, 25, 4]);

    let answer_s = summary.0["total"]["mean_ms"].as_f64().unwrap() / 1e3;
    let tasks = summary.0["mix"]["tasks"].as_array().unwrap();
    let classes = summary.0["mix"]["classes"].as_array().unwrap();
    for (name, users, (low, high)) in CLASSES {
        let class = classes.iter().find(|class| class["name"] == name).unwrap();
        let of_class: Vec<&Value> = tasks.iter().filter(|task| task["class"] == class["class"]).collect();
        let turns = |task: &Value| (count(task, "runs") + count(task, "skipped")) as f64;
        let all: f64 = of_class.iter().copied().map(turns).sum();
        // A renewal process that begins with an event: T/μ + 1/2 + σ²/2μ² events, with variance T·σ²/μ³. Users begin
        // half a second late on average, and answers take their time.
        let (mean, deviation) =
            (FACTOR * (low + high) / 2.0 + answer_s, FACTOR * (high - low) / 12_f64.sqrt());
        let time = SECONDS - 0.5;
        let squared = (deviation / mean).powi(2);
        let expected = users * (time / mean + 0.5 + squared / 2.0);
        let chance = (users * time / mean * squared).sqrt();
        // Five deviations of chance (one false alarm in a million), and 3 % for what is not equally fast everywhere.
        let tolerance = 5.0 * chance + 0.03 * expected;
        assert!(
            (all - expected).abs() < tolerance,
            "{name}: {all} turns, {expected:.0} ± {tolerance:.0} expected"
        );

        for task in of_class {
            let asked = task["asked"].as_f64().unwrap();
            let tolerance = 5.0 * (all * asked * (1.0 - asked)).sqrt() + 1.0;
            let difference = (turns(task) - all * asked).abs();
            assert!(difference < tolerance, "{name}: {task:#} of {all}, {tolerance:.1} allowed");
        }
        // One request for each turn that was not skipped, and one for each writer's start.
        let runs: u64 = tasks.iter().filter(|t| t["class"] == class["class"]).map(|t| count(t, "runs")).sum();
        let starts = if name == "WriterUser" { 4 } else { 0 };
        let requests = count(class, "requests");
        // A run that ends cuts at most one request of each user.
        assert!(
            (runs + starts..=runs + starts + users as u64).contains(&requests),
            "{name}: {requests} of {runs}"
        );
    }
}

#[test]
fn limits_refuse_the_hasty_and_let_health_checks_pass() {
    let place = Place::shared();
    let (answer, summary) = run(
        &place,
        "limited",
        &[(
            "users = 20\nspawn_rate = 10\nrun_time = \"2m\"",
            "users = 20\nspawn_rate = 20\nrun_time = \"10s\"\nwait_factor = 0.2",
        )],
    );
    answer.assert(0, &[]);
    let hasty = summary.endpoint("/v1/discover/ [hasty]");
    // 18 users with an identity of their own, each let through a hundred times in the minute, and then no more.
    assert_eq!(count(hasty, "ok"), 1800, "{hasty:#}");
    assert!(count(hasty, "rate_limited") > 300, "{hasty:#}");
    assert_eq!(count(hasty, "rate_limited"), summary.total("rate_limited"));
    for name in ["/health", "/health/ready"] {
        let health = summary.endpoint(name);
        assert!(count(health, "ok") > 10, "{health:#}");
        assert_eq!(count(health, "ok"), count(health, "completed"), "{health:#}");
    }
}
