use std::fs;
use std::path::Path;

use squall_record::Run;
use squall_report::html::render;
use squall_verdict::Verdict;

use crate::sample::{self, HOSTILE};

fn rendered(run: &Run) -> String {
    judged(run, &sample::verdict())
}

fn judged(run: &Run, verdict: &Verdict) -> String {
    let mut out = Vec::new();
    render(run, verdict, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The page without its own scripts and styles.
fn markup(page: &str) -> String {
    let mut rest = page;
    let mut text = String::new();
    while let Some(start) = ["<script", "<style"].iter().filter_map(|tag| rest.find(tag)).min() {
        text += &rest[..start];
        let end = if rest[start..].starts_with("<style") { "</style>" } else { "</script>" };
        rest = &rest[start + rest[start..].find(end).unwrap() + end.len()..];
    }
    text + rest
}

fn data(page: &str) -> serde_json::Value {
    let start = page.find("id=\"data\">").unwrap() + "id=\"data\">".len();
    let end = start + page[start..].find("</script>").unwrap();
    serde_json::from_str(&page[start..end]).unwrap()
}

#[test]
fn everything_of_the_run_is_on_the_page() {
    let page = rendered(&sample::run());
    // Left behind for the eye: `target/tmp/report.html`.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html"), &page).unwrap();
    let page = markup(&page);
    for text in [
        "✗ Failed",
        "✓ pass",
        "≈ degraded",
        "✗ gap",
        "? no data",
        "only a lower bound is known",
        "3 of 6 criteria not met: p99 is ≥ 1.05s; ",
        "p95 GET /v1/search/stories",
        "redis.hit_rate",
        "needs a probe of the cache",
        "/v1/stories/{slug}",
        "status 503, expected 200-399",
        "503 Service Unavailable: {&quot;error&quot;:&quot;pool exhausted&quot;}",
        "never ran",
        "≥ 30,000",
        "Service times",
        "not measured",
        "AMD EPYC 7B13",
        "http://staging.muejam.example:8000 (--host)",
        "ramping to 20 users",
        "2026-11-23 13:14:00 UTC",
        "error_rate for 30s",
        "would abort the run",
        "95 %: 571–612.4ms",
        "Task iterations per second",
        "redis restarts",
        "process.api.rss",
        "The generator itself",
    ] {
        assert!(page.contains(text), "missing: {text}");
    }
}

#[test]
fn doubts_stand_between_the_verdict_and_the_first_number() {
    let page = judged(&sample::run(), &sample::doubted());
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("doubted.html"), &page).unwrap();
    let page = markup(&page);
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("missing: {text}"));
    let order = [
        "✗ Not valid",
        "4,930 of 4,960 requests with credentials",
        "Check the tokens: issuer",
        "Author.update_story was skipped 505 times.",
        "Read with care: ",
        "process.api had no data for 8s",
        "aria-label=\"Key figures\"",
    ];
    assert!(order.map(place).is_sorted(), "{:?}", order.map(place));
    let doubts = &page[place("Why the result is not valid")..place("aria-label=\"Key figures\"")];
    assert!(!doubts.contains("<details"), "nothing of it is folded away");
}

#[test]
fn gaps_of_what_was_watched_are_gaps_in_its_chart() {
    let data = data(&rendered(&sample::run()));
    let charts = data["watched"].as_array().unwrap();
    let named = |monitor: &str, label: &str| {
        let lines = charts.iter().filter(|chart| chart["monitor"] == monitor);
        let mut lines = lines.flat_map(|chart| chart["lines"].as_array().unwrap());
        lines.find(|line| line["label"] == label).unwrap().clone()
    };
    let rss = named("process.api", "rss");
    let missing = rss["values"].as_array().unwrap().iter().filter(|value| value.is_null()).count();
    assert_eq!(missing, 8);
    assert_eq!(rss["t"].as_array().unwrap().len(), 161);
    assert!(named("generator", "cpu")["values"].as_array().unwrap().iter().all(|value| !value.is_null()));
    // Threads and descriptors are both counts; memory has a chart of its own.
    assert_eq!(charts.iter().filter(|chart| chart["monitor"] == "process.api").count(), 3);
}

#[test]
fn what_comes_from_a_target_or_a_suite_cannot_become_markup() {
    let mut run = sample::run();
    run.plan.name = HOSTILE.into();
    run.plan.profile = Some(HOSTILE.into());
    run.environment.target = HOSTILE.into();
    run.environment.hostname = HOSTILE.into();
    run.phases[1].name = HOSTILE.into();
    for endpoint in &mut run.plan.endpoints {
        endpoint.method = HOSTILE.into();
        endpoint.name = HOSTILE.into();
    }
    for class in &mut run.plan.classes {
        class.name = HOSTILE.into();
        class.tasks.iter_mut().for_each(|task| task.name = HOSTILE.into());
    }
    run.series.iter_mut().for_each(|series| series.name = HOSTILE.into());
    run.plan.monitors.iter_mut().for_each(|monitor| monitor.name = HOSTILE.into());
    for fault in &mut run.faults {
        (fault.name, fault.outcome, fault.failed) = (HOSTILE.into(), HOSTILE.into(), true);
    }
    run.plan.faults[0].name = HOSTILE.into();
    run.plan.load.phases[2].name = HOSTILE.into();
    run.phases[2].name = HOSTILE.into();
    run.end.as_mut().unwrap().reason = squall_core::EndReason::Aborted(HOSTILE.into());
    let mut verdict = sample::doubted();
    verdict.doubts.iter_mut().for_each(|doubt| doubt.evidence = HOSTILE.into());
    for pending in &mut verdict.pending {
        (pending.measure, pending.levels, pending.reason) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
    }
    for row in &mut verdict.rows {
        (row.label, row.shown, row.note) = (HOSTILE.into(), HOSTILE.into(), Some(HOSTILE.into()));
    }
    verdict.excluded.push(HOSTILE.into());
    let mut page = Vec::new();
    render(&run, &verdict, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert_eq!(page.matches("<script").count(), 3, "the data, uPlot and ours");
    assert_eq!(page.matches("</script").count(), 3);
    assert!(!page.contains("<img"), "no sample became an element");
    let data = data(&page);
    assert_eq!(data["report"]["run"]["suite"], HOSTILE, "escaped, not altered");
    assert_eq!(data["classes"][0], HOSTILE);
}

#[test]
fn the_file_stands_alone() {
    let page = rendered(&sample::run());
    let markup = markup(&page);
    let tags = markup.split('<').filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag);
    for tag in tags {
        for reference in [" src", "link ", "iframe", "object", "embed", "base", "url("] {
            assert!(!tag.contains(reference) && !tag.starts_with(reference), "<{tag}>");
        }
    }
    let links: Vec<&str> = markup.split("href=\"").skip(1).collect();
    assert!(links.len() > 3 && links.iter().all(|link| link.starts_with('#')), "{links:?}");
    for fetch in ["url(", "@import", "fetch(", "XMLHttpRequest", "importScripts", "WebSocket("] {
        assert!(!page.contains(fetch), "{fetch}");
    }
    assert!(page.contains("Content-Security-Policy\" content=\"default-src 'none'"));
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}

#[test]
fn a_run_without_a_request_still_makes_a_page() {
    let page = rendered(&sample::empty());
    assert!(page.contains("The run ended before anything was measured."));
    assert!(page.contains("The run did not reach its end: cut off."));
    assert!(!markup(&page).contains("NaN"));
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty.html"), &page).unwrap();
}

#[test]
fn a_long_run_stays_small() {
    let mut run = sample::run();
    let pattern = run.windows.clone();
    run.windows = (0..1_200)
        .map(|seq| {
            let mut window = pattern[seq as usize % (pattern.len() - 1)].clone();
            (window.seq, window.start) = (seq, squall_core::Nanos::from_secs(seq));
            window
        })
        .collect();
    let page = rendered(&run);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert!(data(&page)["series"]["t"].as_array().unwrap().len() <= 1_000);
}
