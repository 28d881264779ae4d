//! JUnit XML, Markdown and annotations: what a build server and a reviewer see.

use insta::assert_snapshot;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus};
use squall_core::EndReason;
use squall_record::Run;
use squall_report::{annotations, junit, markdown};
use squall_verdict::{Overall, Standing, Verdict};

use crate::sample::{self, HOSTILE};

/// What could be markup, a command, an end of a cell or a mention somewhere.
const NASTY: &str = "a|b `c`\r\n::error title=x::y @team #12 <b>&\u{1b}]0;t\u{7}\u{0} 100%";

fn parsed(run: &Run, verdict: &Verdict) -> Report {
    Report::deserialize_from_str(&junit(run, verdict).unwrap()).unwrap()
}

fn case<'r>(report: &'r Report, name: &str) -> &'r TestCase {
    let cases = &report.test_suites[0].test_cases;
    cases
        .iter()
        .find(|case| case.name.as_str() == name)
        .ok_or_else(|| format!("{name} in {cases:?}"))
        .unwrap()
}

fn bad(case: &TestCase) -> (NonSuccessKind, String) {
    let status = match &case.status {
        TestCaseStatus::NonSuccess { kind, message, .. } => {
            message.as_ref().map(|text| (*kind, text.as_str().into()))
        }
        _ => None,
    };
    status.ok_or_else(|| format!("{case:?}")).unwrap()
}

/// The run, and a verdict, in which every text that comes from elsewhere is [`NASTY`].
fn nasty() -> (Run, Verdict) {
    let mut run = sample::run();
    run.plan.name = NASTY.into();
    run.plan.profile = Some(NASTY.into());
    run.environment.target = NASTY.into();
    run.phases.iter_mut().for_each(|phase| phase.name = NASTY.into());
    run.plan.load.phases.iter_mut().for_each(|phase| phase.name = NASTY.into());
    run.faults[0].name = NASTY.into();
    run.faults[0].outcome = NASTY.into();
    run.faults[0].failed = true;
    run.end.as_mut().unwrap().reason = EndReason::Aborted(NASTY.into());
    for endpoint in &mut run.plan.endpoints {
        (endpoint.method, endpoint.name) = (NASTY.into(), NASTY.into());
    }
    let mut verdict = sample::doubted();
    verdict.doubts.iter_mut().for_each(|doubt| doubt.evidence = NASTY.into());
    for row in &mut verdict.rows {
        (row.label, row.shown, row.note) = (NASTY.into(), NASTY.into(), Some(NASTY.into()));
    }
    for pending in &mut verdict.pending {
        (pending.measure, pending.levels, pending.reason) = (NASTY.into(), NASTY.into(), NASTY.into());
    }
    verdict.excluded = vec![NASTY.into()];
    (run, verdict)
}

#[test]
fn junit_has_a_case_for_each_criterion_and_each_grave_doubt() {
    let report = parsed(&sample::run(), &sample::doubted());
    let suite = &report.test_suites[0];
    assert_eq!((report.test_suites.len(), suite.name.as_str()), (1, "muejam.spike"));
    assert!(suite.test_cases.iter().all(|case| case.classname.as_ref().unwrap().as_str() == "muejam.spike"));
    assert_eq!((suite.tests, suite.failures, suite.errors, suite.skipped), (11, 3, 2, 2));
    assert_eq!(suite.timestamp.unwrap().to_rfc3339(), "2026-11-23T13:14:00+00:00");
    assert!(matches!(case(&report, "p50").status, TestCaseStatus::Success { .. }));
    assert!(matches!(case(&report, "p95").status, TestCaseStatus::Success { .. }), "degraded passes");
    assert!(matches!(case(&report, "redis.hit_rate").status, TestCaseStatus::Skipped { .. }));
    let gap = (NonSuccessKind::Failure, "p99 is ≥ 1.05s; target < 1s, acceptable < 2s, failure > 2s".into());
    assert_eq!(bad(case(&report, "p99")), gap);
    let (kind, message) = bad(case(&report, "throughput, phase spike"));
    assert!(kind == NonSuccessKind::Failure && message.contains("no data"), "{message}");
    let (kind, message) = bad(case(&report, "doubts: nobody_logged_in"));
    assert!(kind == NonSuccessKind::Error && message.contains("4,930 of 4,960"), "{message}");
    let said = suite.system_out.as_ref().unwrap().as_str();
    assert!(said.contains("Read with care: A monitor saw nothing"), "{said}");
    assert!(said.contains("Degraded: error_rate for 30s is 1.44%"), "{said}");
}

#[test]
fn junit_is_red_where_the_exit_code_is() {
    let all_pass = || {
        let mut verdict = Verdict { overall: Overall::Passed, ..sample::verdict() };
        verdict.rows.iter_mut().for_each(|row| row.standing = Standing::Pass);
        verdict
    };
    let count = |run: &Run, verdict: &Verdict| {
        let suite = &parsed(run, verdict).test_suites[0];
        suite.failures + suite.errors
    };
    let mut run = sample::run();
    assert_eq!(count(&run, &all_pass()), 0);
    run.end.as_mut().unwrap().reason = EndReason::Interrupted;
    assert_eq!(count(&run, &all_pass()), 1);
    assert_eq!(count(&sample::empty(), &all_pass()), 1, "cut off");
    let mut run = sample::run();
    run.faults[0].failed = true;
    assert_eq!(count(&run, &all_pass()), 1, "a fault that was not made shows nothing");
    let text = markdown(&run, &all_pass());
    assert!(
        text.starts_with("### ✗ Failed") && text.contains("A fault failed, so the run did not show"),
        "{text}"
    );
    run.faults.clear();
    assert!(markdown(&run, &all_pass()).contains("redis restarts: not made, the run ended before"));
    let none = Verdict { overall: Overall::NoCriteria, rows: vec![], ..all_pass() };
    assert_eq!(count(&sample::run(), &none), 1, "requests failed, and nobody said how many may");
    let report = parsed(&sample::short(), &none);
    assert_eq!(bad(case(&report, "every request is answered as expected")).0, NonSuccessKind::Failure);
}

#[test]
fn junit_of_nasty_names_is_xml_and_hides_nothing() {
    let (run, verdict) = nasty();
    let text = junit(&run, &verdict).unwrap();
    assert!(!text.contains(['\u{0}', '\u{1b}', '\u{7}']), "{text}");
    let report = Report::deserialize_from_str(&text).unwrap();
    let (_, message) = bad(&report.test_suites[0].test_cases[0]);
    assert!(message.contains("<b>&") && message.ends_with("100%"), "{message}");
}

#[test]
fn a_criterion_that_stopped_the_run_says_so() {
    let mut run = sample::run();
    let why = "error_rate is 7.1% for 30s, failure is > 5%";
    run.end.as_mut().unwrap().reason = EndReason::Aborted(why.into());
    let mut verdict = sample::verdict();
    verdict.rows[3].standing = Standing::Fail;
    let text = markdown(&run, &verdict);
    assert_eq!(text.matches("the run was aborted by this criterion").count(), 1, "{text}");
    assert!(text.contains("The run did not reach its end: aborted: error&#95;rate is 7.1%"), "{text}");
    let said = annotations(&run, &verdict).join("\n");
    assert!(said.contains("::error title=error_rate for 30s%3A fail::1.44%25; "), "{said}");
    assert!(said.contains("%0Athe run was aborted by this criterion"), "{said}");
    run.end.as_mut().unwrap().reason = EndReason::Aborted("the record cannot be written".into());
    assert!(markdown(&run, &verdict).contains("would abort the run"));
}

#[test]
fn a_comment_on_a_pull_request() {
    assert_snapshot!("markdown", markdown(&sample::run(), &sample::doubted()));
}

#[test]
fn names_are_neither_markdown_nor_mentions() {
    let (run, verdict) = nasty();
    let text = markdown(&run, &verdict);
    for line in text.lines() {
        assert!(!line.starts_with("::"), "{line}");
        // What Squall writes has none of these; its tables have no cell too many.
        assert!(!line.contains(['`', '\u{1b}', '\u{0}']) && !line.contains("<b>"), "{line}");
    }
    let mut columns = None;
    for line in text.lines() {
        let cells = line.starts_with('|').then(|| line.matches('|').count());
        assert!(columns.is_none() || cells.is_none() || cells == columns, "{line}");
        columns = cells;
    }
    assert!(!text.contains("@team"), "nobody is called: {text}");
    let empty = markdown(&sample::empty(), &sample::verdict());
    assert!(empty.contains("The run did not reach its end: cut off."), "{empty}");
}

#[test]
fn annotations_by_level() {
    assert_snapshot!("annotations", annotations(&sample::run(), &sample::doubted()).join("\n"));
    let passed = Verdict { overall: Overall::Passed, rows: vec![], ..sample::verdict() };
    let said = annotations(&sample::run(), &passed);
    assert_eq!(said, ["::notice title=Squall%3A Passed::0 criteria met their targets."]);
}

#[test]
fn a_name_cannot_begin_a_command() {
    let (mut run, verdict) = nasty();
    run.plan.name = HOSTILE.into();
    for line in annotations(&run, &verdict) {
        assert!(line.starts_with("::error title=") || line.starts_with("::warning title="), "{line}");
        assert!(!line.contains(['\n', '\r']), "{line:?}");
        let properties = line["::error ".len()..].split("::").next().unwrap();
        assert!(!properties.contains(',') && properties.matches(':').count() == 0, "{properties}");
    }
}
