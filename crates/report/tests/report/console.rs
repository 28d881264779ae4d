use insta::assert_snapshot;
use squall_record::Run;
use squall_report::console::{Style, summary};
use squall_verdict::{Doubt, DoubtKind, Overall, Severity, Standing, Verdict};

use crate::sample;

fn rendered(run: &Run, style: Style) -> String {
    judged(run, &sample::verdict(), style)
}

fn judged(run: &Run, verdict: &Verdict, style: Style) -> String {
    let mut out = Vec::new();
    summary(run, verdict, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_tables_at_the_end() {
    assert_snapshot!("summary", rendered(&sample::run(), Style::default()));
}

#[test]
fn a_run_without_a_request_has_tables_too() {
    let text = rendered(&sample::empty(), Style::default());
    assert!(text.contains("         Aggregated"), "{text}");
    assert!(text.contains("The run did not reach its end: cut off."), "{text}");
    assert!(text.contains("no data"), "{text}");
}

#[test]
fn colours_are_only_added_and_only_when_asked_for() {
    let run = sample::run();
    let plain = rendered(&run, Style::default());
    let colourful = rendered(&run, Style { colour: true, ..Style::default() });
    assert!(!plain.contains('\x1b'));
    assert!(colourful.contains("\x1b[31mFAILED\x1b[0m"));
    let mut stripped = colourful;
    for code in ["\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"] {
        stripped = stripped.replace(code, "");
    }
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&stripped), words(&plain));
}

#[test]
fn names_give_way_on_a_narrow_terminal() {
    let text = rendered(&sample::short(), Style { columns: Some(120), colour: false });
    let head = text.lines().next().unwrap();
    assert_eq!(
        head.chars().count(),
        8 + 1 + 36 + "  # reqs      # fails |    Avg     Min     Max    Med |   req/s  failures/s".len()
    );
}

#[test]
fn what_does_not_count_is_not_called_passed() {
    let passed = Verdict { overall: Overall::Passed, rows: vec![], ..sample::verdict() };
    let console = |run: &Run, verdict: &Verdict| {
        let mut out = Vec::new();
        summary(run, verdict, Style::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let page = |run: &Run, verdict: &Verdict| {
        let mut out = Vec::new();
        squall_report::html::render(run, verdict, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let mut run = sample::short();
    assert!(console(&run, &passed).contains("PASSED · ") && page(&run, &passed).contains("✓ Passed"));
    let nothing_tested = Doubt {
        kind: DoubtKind::NothingTested,
        severity: Severity::Invalid,
        evidence: "7 requests were begun.".into(),
    };
    let doubtful = Verdict { doubts: vec![nothing_tested], ..passed.clone() };
    for text in [console(&run, &doubtful), page(&run, &doubtful)] {
        assert!(
            text.contains("No request was answered.") && text.contains("7 requests were begun."),
            "{text}"
        );
        assert!(text.contains("NOT VALID · ") || text.contains("✗ Not valid"), "{text}");
        assert!(!text.contains("PASSED") && !text.contains("✓ Passed"), "{text}");
    }
    run.end.as_mut().unwrap().reason = squall_core::EndReason::Terminated;
    for text in [console(&run, &passed), page(&run, &passed)] {
        assert!(text.contains("not a verdict on the whole run. Up to then: passed."), "{text}");
        assert!(!text.contains("interrupted: not a verdict"), "the headline says so: {text}");
        assert!(!text.contains("PASSED") && !text.contains("✓ Passed"), "{text}");
    }
    run.end.as_mut().unwrap().reason = squall_core::EndReason::Aborted("disk full".into());
    for text in [console(&run, &passed), page(&run, &passed)] {
        assert!(text.contains("the run stopped itself: not a verdict on the whole run"), "{text}");
        assert!(!text.contains("PASSED") && !text.contains("✓ Passed"), "{text}");
    }
}

#[test]
fn a_run_interrupted_before_anything_was_judged_says_only_that() {
    let mut run = sample::run();
    run.end.as_mut().unwrap().reason = squall_core::EndReason::Terminated;
    let mut verdict = sample::verdict();
    for row in &mut verdict.rows {
        (row.value, row.standing) = (None, Standing::NoData);
    }
    let text = judged(&run, &verdict, Style::default());
    let line = text.lines().find(|line| line.starts_with("INTERRUPTED")).unwrap();
    assert_eq!(line, "INTERRUPTED · before anything was judged.");
    assert!(!text.contains("not met"), "{text}");
}

#[test]
fn doubts_are_the_first_and_the_last_thing_one_reads() {
    let text = judged(&sample::run(), &sample::doubted(), Style::default());
    let first: Vec<&str> = text.lines().take(2).collect();
    assert_eq!(first[0], "Not valid: Nobody was logged in. A task never ran.");
    assert_eq!(first[1], "Read with care: A monitor saw nothing for a part of the run.");
    let (_, end) = text.split_once("\nNOT VALID · Nobody was logged in. A task never ran.\n").unwrap();
    let lines: Vec<&str> = end.lines().collect();
    assert_eq!(lines.len(), 6, "each with its evidence and its remedy: {end}");
    assert!(lines[0].starts_with("Not valid: Nobody was logged in. 4,930 of 4,960 requests"), "{end}");
    assert!(lines[1].starts_with("  → Check the tokens"), "{end}");
    assert!(
        lines[4].starts_with("Read with care: A monitor saw nothing for a part of the run: process.api"),
        "{end}"
    );
}

#[test]
fn a_suspect_run_keeps_its_verdict() {
    let mut verdict = sample::doubted();
    verdict.doubts.retain(|doubt| doubt.severity == Severity::Suspect);
    let text = judged(&sample::run(), &verdict, Style::default());
    assert!(text.contains("\nFAILED · 3 of 6 criteria not met"), "{text}");
    assert!(!text.contains("NOT VALID") && text.contains("Read with care: "), "{text}");
}
