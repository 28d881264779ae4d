//! A comparison as text, JSON and page, on two made-up runs of which the second is slower in one endpoint.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::Value;
use squall_core::{EndpointId, Nanos, OutcomeKind};
use squall_record::Run;
use squall_report::compare::{html, json, text};
use squall_report::console::Style;
use squall_stats::{CellKey, PageReserve, Sample, TaskCounts, Window};
use squall_verdict::Comparison;
use squall_verdict::compare::Margins;

use crate::sample::{self, HOSTILE};

/// The sample run, in which requests of one endpoint take `factor` times as long. The sample is hurt by its spike; what is
/// compared here are its calm phases, without their failures.
fn run(factor: f64) -> Run {
    let mut run = sample::run();
    run.phases[2].measured = false;
    run.plan.load.phases[2].measured = false;
    for window in &mut run.windows {
        *window = slowed(window, factor);
    }
    run
}

fn slowed(window: &Window, factor: f64) -> Window {
    let mut slowed = Window::new(window.users.len(), window.tasks.len());
    (slowed.seq, slowed.start, slowed.span) = (window.seq, window.start, window.span);
    (slowed.users, slowed.tasks) = (window.users.clone(), window.tasks.clone());
    (slowed.phase, slowed.started) = (window.phase, window.started);
    // The task that never runs would make the run invalid.
    slowed.tasks[7] = TaskCounts { runs: 1, skipped: 0 };
    for (key, cell) in window.cells().filter(|(key, _)| key.outcome == OutcomeKind::Ok) {
        let factor = if key.endpoint == EndpointId(1) { factor } else { 1.0 };
        for (value, n) in cell.response.midpoints() {
            let sample = Sample {
                response: Nanos((value.0 as f64 * factor) as u64),
                attempts: 1,
                ..Sample::default()
            };
            let key = CellKey { outcome: OutcomeKind::Ok, ..*key };
            (0..n).for_each(|_| slowed.cell_mut(key).record(&sample, &mut PageReserve::default()));
        }
    }
    slowed
}

fn pair() -> (Run, Run, Comparison) {
    let (a, mut b) = (run(1.0), run(2.0));
    b.started = "2026-11-24T13:14:00Z".parse().unwrap();
    b.environment.cgroup_cpus = Some(4.0);
    b.plan.seed = 43;
    let comparison = squall_verdict::compare(&a, &b, &Margins::default()).unwrap();
    (a, b, comparison)
}

/// Doubts about a run by itself are worded elsewhere.
fn without_doubts(mut comparison: Comparison) -> Comparison {
    comparison.warnings.retain(|line| !line.contains("is to be read with care"));
    comparison
}

#[test]
fn as_text() {
    let (_, _, comparison) = pair();
    let mut out = Vec::new();
    text(&without_doubts(comparison), Style::default(), &mut out).unwrap();
    assert_snapshot!("compare_text", String::from_utf8(out).unwrap());
}

#[test]
fn as_json() {
    let (_, _, comparison) = pair();
    let mut out = Vec::new();
    json(&without_doubts(comparison), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with("}\n"));
    let mut value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["endpoints"].as_array().unwrap().len(), 8);
    // One of each is enough to see the shape; all of them are in the text.
    value["endpoints"].as_array_mut().unwrap().retain(|endpoint| endpoint["finding"] == "regressed");
    value["total"]["changes"].as_array_mut().unwrap().truncate(1);
    rounded(&mut value);
    assert_snapshot!("compare_json", serde_json::to_string_pretty(&value).unwrap());
}

/// Three digits: the last ones are those of the machine's logarithm.
fn rounded(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:.2e}", number.as_f64().unwrap());
            *value = text.parse::<f64>().unwrap().into();
        }
        Value::Array(list) => list.iter_mut().for_each(rounded),
        Value::Object(map) => map.values_mut().for_each(rounded),
        _ => {}
    }
}

#[test]
fn as_a_page() {
    let (a, b, comparison) = pair();
    let mut out = Vec::new();
    html(&comparison, &a, &b, &mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    // Left behind for the eye: `target/tmp/compare.html`.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare.html"), &page).unwrap();
    for text in [
        "✗ Regressed",
        "B is slower: p95 of GET /v1/stories/{slug} +100% (95 %: ",
        "processors the control group allows",
        "seed",
        "phase warm-up of A: 15s that are not measured",
        "Content-Security-Policy\" content=\"default-src 'none'",
    ] {
        assert!(page.contains(text), "missing: {text}");
    }
    for fetch in ["url(", "@import", "fetch(", "XMLHttpRequest", " src="] {
        assert!(!page.contains(fetch), "{fetch}");
    }
    assert!(!page.contains("NaN"));
    let start = page.find("id=\"data\">").unwrap() + "id=\"data\">".len();
    let end = start + page[start..].find("</script>").unwrap();
    let data: Value = serde_json::from_str(&page[start..end]).unwrap();
    let labels: Vec<&str> =
        data["subjects"].as_array().unwrap().iter().map(|s| s["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["all requests", "GET /v1/stories/{slug}"], "curves of what was found");
    // Three holds one after the other: 41 s, 27 s, 9 s.
    let points = data["t"].as_array().unwrap().len();
    assert!((75..=79).contains(&points), "{points}");
    for side in ["a", "b"] {
        let rates = data["subjects"][0][side]["ok"].as_array().unwrap();
        let known: Vec<f64> = rates.iter().filter_map(Value::as_f64).collect();
        assert_eq!(known.len(), points, "no hole: {rates:?}");
    }
    let at = |side: &str| {
        let levels = data["subjects"][1][side]["levels"].as_array().unwrap();
        let level = levels.iter().find(|level| level[0].as_f64().unwrap() >= 1.0).unwrap();
        level[1].as_f64().unwrap()
    };
    assert!((at("b") / at("a") - 2.0).abs() < 0.05, "p90 twice as long: {} {}", at("a"), at("b"));
}

#[test]
fn names_of_a_suite_cannot_become_markup() {
    let (mut a, mut b) = (run(1.0), run(2.0));
    for run in [&mut a, &mut b] {
        run.plan.name = HOSTILE.into();
        run.plan.endpoints[1].name = HOSTILE.into();
        run.phases[1].name = HOSTILE.into();
    }
    b.environment.target = HOSTILE.into();
    b.plan.profile = Some(HOSTILE.into());
    let comparison = squall_verdict::compare(&a, &b, &Margins::default()).unwrap();
    let mut out = Vec::new();
    html(&comparison, &a, &b, &mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    assert_eq!(page.matches("<script").count(), 3, "the data, uPlot and ours");
    assert_eq!(page.matches("</script").count(), 3);
    assert!(!page.contains("<img"));
}
