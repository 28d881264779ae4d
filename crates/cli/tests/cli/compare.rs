//! `squall compare`: what it prints, what it refuses, and what the shell sees, on records made by hand. Real runs are
//! compared in `crates/e2e`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use squall_core::{EndReason, EndpointId, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_record::{Header, PhaseMark, Record, Writer};
use squall_stats::{CellKey, PageReserve, Sample, Window};

use crate::support::Place;

const SECONDS: u64 = 40;

/// What is in a record: 40 seconds, 60 requests in each.
struct Made {
    /// Response times are multiplied by it.
    factor: f64,
    outcome: OutcomeKind,
    endpoint: &'static str,
}

const USUAL: Made = Made { factor: 1.0, outcome: OutcomeKind::Ok, endpoint: "/books" };

/// A record with the plan of the sample of the record's own tests.
fn record(place: &Place, name: &str, made: &Made) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../record/tests/golden/v2.squall");
    let sample = Record::open(&sample).unwrap();
    let mut plan = sample.plan;
    plan.monitors.clear();
    plan.faults.clear();
    plan.criteria.clear();
    plan.endpoints[0].name = made.endpoint.into();
    let (classes, tasks) = (plan.classes.len(), plan.tasks().count());
    let header =
        Header { plan, settings: Value::Null, environment: sample.environment, started: sample.started };
    let path = place.path(name);
    loop {
        let writer = Writer::create(&path, &header).unwrap();
        writer.phase(PhaseMark {
            id: PhaseId(0),
            name: "steady".into(),
            start: Nanos::ZERO,
            ramped: Some(Nanos::ZERO),
            end: Some(Nanos::from_secs(SECONDS)),
            measured: true,
            users: 10,
        });
        for second in 0..SECONDS {
            writer.window(Arc::new(window(second, made, classes, tasks)));
            std::thread::sleep(Duration::from_millis(2));
        }
        writer.finish(EndReason::Completed, Nanos::from_secs(SECONDS)).unwrap();
        // A slow disk joins seconds; what is tested here needs them apart.
        if Record::open(&path).unwrap().merged_windows == 0 {
            return;
        }
        std::fs::remove_file(&path).unwrap();
    }
}

fn window(second: u64, made: &Made, classes: usize, tasks: usize) -> Window {
    let mut window = Window::new(classes, tasks);
    (window.seq, window.start, window.span) = (second, Nanos::from_secs(second), Nanos::SECOND);
    window.tasks.iter_mut().for_each(|task| task.runs = 60);
    window.started = 60;
    let key =
        CellKey { phase: PhaseId(0), class: UserClassId(0), endpoint: EndpointId(0), outcome: made.outcome };
    let cell = window.cell_mut(key);
    for n in 0..60 {
        let ms = (20 + (n * 7 + second * 3) % 20) as f64 * made.factor;
        let sample = Sample { response: Nanos::from_secs_f64(ms / 1e3), attempts: 1, ..Sample::default() };
        cell.record(&sample, &mut PageReserve::default());
    }
    window
}

/// A place with two records of the same and one that is slower.
fn place() -> Place {
    let place = Place::new();
    record(&place, "a.squall", &USUAL);
    record(&place, "same.squall", &USUAL);
    record(&place, "slower.squall", &Made { factor: 1.3, ..USUAL });
    place
}

#[test]
fn the_first_line_and_the_exit_code_say_it() {
    let place = place();
    for (line, code, first) in [
        ("compare a.squall same.squall", 0, "B is as good as A, to 5%: p95 of all requests 0.0% (95 %: "),
        ("compare a.squall slower.squall", 1, "B is slower: p95 of all requests +30.0% (95 %: "),
        ("compare slower.squall a.squall", 0, "B is faster: p95 of all requests −23.1% (95 %: "),
        (
            "compare a.squall slower.squall --margin 40%",
            0,
            "B is as good as A, to 40%: p95 of all requests +30.0%",
        ),
    ] {
        let answer = place.squall(line);
        answer.assert(code, &[]);
        assert!(answer.stdout.starts_with(first), "{line}\n{}", answer.stdout);
        assert_eq!(answer.stderr, "", "{line}");
    }
}

#[test]
fn as_data_and_as_a_page() {
    let place = place();
    let answer =
        place.squall("compare a.squall slower.squall --format json --margin 10% --html out/both.html");
    answer.assert(1, &[]);
    let comparison: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(comparison["format"], json!(1));
    assert_eq!(comparison["finding"], json!("regressed"));
    assert_eq!(comparison["margin"], json!(0.1));
    assert_eq!(comparison["a"]["compared_s"], json!(40.0));
    let p95 = &comparison["total"]["changes"][1];
    assert_eq!((&p95["metric"], &p95["finding"]), (&json!("p95"), &json!("regressed")));
    assert!((p95["difference"].as_f64().unwrap() - 0.3).abs() < 0.01, "{p95:#}");
    let page = place.read("out/both.html");
    assert!(page.contains("✗ Regressed") && page.contains("B is slower: p95 of all requests +30.0%"));
}

#[test]
fn what_is_no_pair_of_records_is_refused_with_a_remedy() {
    let place = Place::new();
    record(&place, "a.squall", &USUAL);
    place.write("text.squall", "not a record");
    for (line, texts) in [
        ("compare", vec!["<A>", "<B>"]),
        ("compare a.squall", vec!["<B>"]),
        ("compare a.squall none.squall", vec!["none.squall cannot be read", "help: name a saved run"]),
        ("compare text.squall a.squall", vec!["text.squall cannot be read", "is not a record of squall"]),
        ("compare a.squall a.squall --margin 5", vec!["`5` is not a value of --margin", "`--margin 5%`"]),
        ("compare a.squall a.squall --margin 0%", vec!["`0%` is not a value of --margin"]),
        ("compare a.squall a.squall --html a.squall", vec!["a.squall"]),
        ("compare a.squall a.squall --format xml", vec!["'xml'"]),
    ] {
        let answer = place.squall(line);
        answer.assert(2, &texts);
        assert_eq!(answer.stdout, "", "{line}");
    }
    place.squall("report a.squall --format json").assert(0, &[]);
}

#[test]
fn runs_of_different_suites_have_nothing_to_compare() {
    let place = Place::new();
    record(&place, "a.squall", &USUAL);
    record(&place, "other.squall", &Made { endpoint: "/films", ..USUAL });
    let texts = ["the runs have no endpoint in common", "help: compare two runs of one suite"];
    place.squall("compare a.squall other.squall").assert(2, &texts);
}

#[test]
fn a_run_that_tested_nothing_is_not_compared() {
    let place = Place::new();
    record(&place, "a.squall", &USUAL);
    record(&place, "cut.squall", &Made { outcome: OutcomeKind::Cut, ..USUAL });
    for (line, run) in
        [("compare a.squall cut.squall", 'B'), ("compare cut.squall a.squall --format json", 'A')]
    {
        let answer = place.squall(line);
        let text = format!("run {run} is not valid: No request was answered.");
        answer.assert(3, &[&text, "cut.squall", "help: See that the target is up"]);
        assert_eq!(answer.stdout, "");
    }
}
