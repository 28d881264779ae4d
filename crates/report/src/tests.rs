//! Findings that a short sample cannot have by itself: a leak, a spike that never ended, a fault that failed.

use std::collections::BTreeSet;

use serde_json::Value;
use squall_core::Nanos;
use squall_plan::Unit;
use squall_verdict::{Analyses, Drift, FaultEffect, Recovery, Stretch};

use crate::report::Report;
use crate::{console, html, markdown};

#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "../tests/report/sample.rs"]
mod sample;

use sample::HOSTILE;

fn stretch(from: u64, to: u64, p95: f64) -> Stretch {
    Stretch {
        start: Nanos::from_secs(from),
        end: Nanos::from_secs(to),
        users: 60,
        completed: 1_500,
        throughput: 35.0,
        throughput_per_user: Some(0.58),
        p50: Some(p95 / 2.5),
        p95: Some(p95),
        p99: Some(p95 * 1.4),
        error_rate: Some(0.001),
        ..Stretch::default()
    }
}

fn recovery(name: &str, secs: Option<u64>) -> Recovery {
    Recovery {
        disturbance: name.into(),
        baseline: stretch(19, 60, 0.172),
        during: stretch(60, 100, 0.675),
        time: secs.map(Nanos::from_secs),
        watched: Nanos::from_secs(45),
        sentence: format!("{name}: a sentence about it"),
    }
}

fn drift(of: &str, unit: Unit, slope: f64, leak: bool) -> Drift {
    Drift {
        of: of.into(),
        unit,
        start: Nanos::from_secs(19),
        end: Nanos::from_secs(145),
        slope,
        interval: (slope * 0.93, slope * 1.06),
        p_value: if leak { 0.000_02 } else { 0.4 },
        significant: leak,
        leak,
        time_to_limit: leak.then(|| Nanos::from_secs(7_200)),
        sentence: format!("{of}: a sentence about its trend"),
    }
}

fn analyses(name: &str) -> Analyses {
    Analyses {
        parts: Vec::new(),
        recoveries: vec![recovery("spike", Some(12)), recovery(name, None)],
        drifts: vec![
            drift("process.api.rss", Unit::Bytes, 1.44e9, true),
            drift("p95", Unit::Seconds, 0.02, false),
            drift("throughput", Unit::PerSecond, -0.4, false),
            drift(name, Unit::Count, 3.0, true),
        ],
        faults: vec![FaultEffect {
            name: name.into(),
            failed: true,
            outcome: format!("exit code 1: {name}"),
            after: None,
            recovery: recovery(name, None),
        }],
    }
}

fn page(name: &str) -> String {
    let run = sample::run();
    let report = Report::with(&run, &sample::verdict(), &analyses(name));
    let mut page = Vec::new();
    html::page_of(&run, report, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

#[test]
fn the_page_tells_of_leaks_recoveries_and_failed_faults() {
    let page = page("cache gone");
    for text in [
        "✓ recovered after 12s",
        "✗ no recovery seen",
        "✗ leak",
        "1.4GB/h",
        "1.3–1.5GB/h",
        "p = &lt;0.001",
        "2h",
        "steady",
        "✗ its commands failed",
        "exit code 1: cache gone",
        "process.api.rss: a sentence about its trend",
        "id=\"chart-drift-0\"",
        "id=\"chart-recovery-1\"",
        "id=\"chart-fault-0\"",
    ] {
        assert!(page.contains(text), "missing: {text}");
    }
}

#[test]
fn names_of_findings_cannot_become_markup() {
    let page = page(HOSTILE);
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (3, 3));
    assert!(!page.contains("<img"));
}

#[test]
fn a_trend_runs_through_the_middle_of_its_points() {
    let run = sample::run();
    let report = Report::with(&run, &sample::verdict(), &analyses("x"));
    let findings = crate::chart::Findings::new(&run, &report);
    assert_eq!(findings.drifts.len(), 3, "what is not in the record has no chart");
    let rss = &findings.drifts[0];
    let known = rss.values.iter().zip(&rss.line).filter_map(|(value, line)| Some((*value)?.total_cmp(line)));
    let above = known.clone().filter(|side| side.is_gt()).count();
    assert_eq!(above, known.count() / 2);
    let at = |column: &[f64]| (column[0], column[column.len() - 1]);
    let (line, low, high) = (at(&rss.line), at(&rss.low), at(&rss.high));
    assert!(
        low.0 > line.0 && low.1 < line.1 && high.0 < line.0 && high.1 > line.1,
        "they cross in the middle"
    );
    let rise = (line.1 - line.0) / (rss.t[rss.t.len() - 1] - rss.t[0]) * 3600.0;
    assert!((rise / 1.44e9 - 1.0).abs() < 1e-9, "{rise}");
    let spike = &findings.recoveries[0];
    assert_eq!((spike.start, spike.end, spike.recovered), (60.0, 100.0, Some(112.0)));
    assert_eq!((spike.t[0], *spike.t.last().unwrap()), (20.0, 145.0));
}

#[test]
fn console_and_markdown_tell_of_them_in_a_line_each() {
    let report = Report::with(&sample::run(), &sample::verdict(), &analyses("cache gone"));
    let text = console::findings_of(&report);
    for line in [
        "Recovery: spike: a sentence about it",
        "Fault: cache gone: its commands failed: exit code 1: cache gone",
        "Leak: process.api.rss: a sentence about its trend",
        "Drift: p95: a sentence about its trend",
    ] {
        assert!(text.lines().any(|found| found == line), "missing {line} in {text}");
    }
    let text = markdown::markdown_of(&report);
    assert!(text.contains("- **Leak:** process.api.rss: a sentence about its trend\n"), "{text}");
    assert!(!text.contains("p95: a sentence"), "what is steady is no news: {text}");
}

/// What `path` leads to, e.g. `verdict.criteria[]`, whose brackets stand for the first of a list.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(value, |value, key| match key.strip_suffix("[]") {
        Some(key) => &value[key][0],
        None => &value[key],
    })
}

/// The words of `text` in backticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_guide_lists_the_keys_of_the_summary() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/results.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let (_, section) = guide.split_once("\n## The JSON summary\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<(&str, &str)> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .filter(|(object, _)| !matches!(*object, "object" | "`settings`"))
        .collect();
    let mut all = analyses("cache gone");
    all.parts = squall_verdict::analyse(&sample::run()).parts;
    let report = Report::with(&sample::run(), &sample::doubted(), &all);
    let report = serde_json::to_value(report).unwrap();
    let keys = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
    let mut seen = BTreeSet::new();
    for (objects, listed) in rows {
        let mut listed: BTreeSet<String> = quoted(listed).into_iter().map(str::to_owned).collect();
        if objects == "the whole" {
            assert_eq!(listed, keys(&report));
            continue;
        }
        for object in quoted(objects) {
            match object {
                "endpoints[]" | "phases[]" => listed.extend(keys(&report["total"])),
                "parts[]" => listed.extend(keys(&report["recoveries"][0]["before"])),
                "faults[]" => listed.extend(keys(&report["recoveries"][0])),
                _ => {}
            }
            assert_eq!(listed, keys(at(&report, object)), "{object}");
            seen.insert(object.split(['.', '[']).next().unwrap().to_owned());
        }
    }
    let objects = keys(&report).into_iter().filter(|key| report[key].is_object() || report[key].is_array());
    let missing: Vec<String> = objects
        .filter(|key| !matches!(key.as_str(), "settings" | "faults_not_made") && !seen.contains(key))
        .collect();
    assert_eq!(missing, [""; 0], "every object has a row");
}
