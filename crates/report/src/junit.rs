//! The verdict as JUnit XML, for systems that show test results: a suite for the run, a case for each criterion.
//!
//! Where the process exits with an error, the file has a failure or an error; no case passes that was not judged.

use std::io;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};
use squall_record::Run;
use squall_verdict::{Overall, Severity, Standing, Verdict};

use crate::report::{CriterionReport, DoubtReport, FaultReport, Report};
use crate::show::{self, plain};

/// The verdict on `run` as JUnit XML. Criteria that fail, lie in the gap or have no data are failures; doubts that make the
/// result not valid, and an end before its time, are errors; criteria that wait for a later version are skipped.
///
/// # Errors
/// When the XML cannot be written.
pub fn junit(run: &Run, verdict: &Verdict) -> io::Result<String> {
    let report = Report::new(run, verdict);
    let name = match &report.run.profile {
        Some(profile) => format!("{}.{profile}", report.run.suite),
        None => report.run.suite.clone(),
    };
    let mut suite = TestSuite::new(clean(&name));
    suite.set_time(run.duration().into());
    suite.timestamp = report.run.started.parse().ok();
    for (key, value) in [
        ("headline", report.headline().word().to_lowercase()),
        ("target", report.run.target.clone()),
        ("seed", report.run.seed.to_string()),
        ("squall", report.run.squall_version.clone()),
    ] {
        suite.add_property(Property::new(key, clean(&value)));
    }
    let cases = cases(&report).into_iter().map(|(title, status)| {
        let mut case = TestCase::new(clean(&title), status);
        case.set_classname(clean(&name));
        case
    });
    suite.add_test_cases(cases);
    let said = said(&report);
    if !said.is_empty() {
        suite.set_system_out(said);
    }
    let mut junit = quick_junit::Report::new("squall");
    junit.timestamp = suite.timestamp;
    junit.time = suite.time;
    junit.add_test_suite(suite);
    junit.to_string().map_err(io::Error::other)
}

/// Names and texts come from suites and servers: their control characters must neither break the XML nor hide what
/// follows them.
fn clean(text: &str) -> String {
    plain(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn cases(report: &Report) -> Vec<(String, TestCaseStatus)> {
    let verdict = &report.verdict;
    let mut cases: Vec<(String, TestCaseStatus)> = Vec::new();
    for doubt in verdict.doubts(Severity::Invalid) {
        let message = doubt.told();
        cases.push((format!("doubts: {}", doubt.doubt), error("not valid", &message, doubt.remedy)));
    }
    if !report.run.complete {
        let message = format!("the run did not reach its end: {}", report.run.ended);
        cases.push(("the run reaches its end".into(), error("incomplete", &message, "")));
    }
    cases.extend(verdict.criteria.iter().map(|row| (row.title(), criterion(row))));
    cases.extend(report.faults.iter().map(|fault| (format!("fault: {}", fault.name), made(fault))));
    if verdict.overall == Overall::NoCriteria {
        cases.push(("every request is answered as expected".into(), requests(report)));
    }
    for pending in &verdict.pending {
        let mut status = TestCaseStatus::skipped();
        status.set_message(clean(&format!("{}: {}", pending.levels, pending.reason)));
        cases.push((pending.measure.clone(), status));
    }
    cases
}

fn error(kind: &str, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind).set_message(clean(message));
    if !description.is_empty() {
        status.set_description(clean(description));
    }
    status
}

fn failure(kind: &str, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(kind).set_message(clean(message)).set_description(description);
    status
}

fn criterion(row: &CriterionReport) -> TestCaseStatus {
    if !row.standing.fails() {
        return TestCaseStatus::success();
    }
    let message = format!("{} is {}; {}", row.title(), row.measured(), row.levels());
    let mut lines = vec![format!("standing: {}", row.standing)];
    if row.standing == Standing::Gap {
        lines.push("neither acceptable nor a failure: nobody said that it is good enough".into());
    }
    lines.extend(row.since_s.map(|since| format!("since: {}", show::seconds(since))));
    lines.extend(row.remarks().into_iter().map(|remark| format!("note: {}", clean(remark))));
    failure(&row.standing.to_string(), &message, &lines.join("\n"))
}

/// A fault that was not made as it should tests nothing.
fn made(fault: &FaultReport) -> TestCaseStatus {
    if fault.failed {
        failure("fault", &format!("its commands failed: {}", fault.outcome), "")
    } else {
        TestCaseStatus::success()
    }
}

/// Without criteria a run fails by its requests, as its exit code does.
fn requests(report: &Report) -> TestCaseStatus {
    let total = &report.total;
    if total.failed + total.rate_limited == 0 {
        return TestCaseStatus::success();
    }
    let message = format!(
        "of {} requests {} failed and {} were refused by a rate limiter",
        show::count(total.completed),
        show::count(total.failed),
        show::count(total.rate_limited)
    );
    failure("fail", &message, "the run had no criteria")
}

/// What does not fail, and has to be known all the same.
fn said(report: &Report) -> String {
    let care = |doubt: &DoubtReport| format!("Read with care: {} {}", clean(&doubt.told()), doubt.remedy);
    let mut lines: Vec<String> = report.verdict.doubts(Severity::Suspect).map(care).collect();
    for row in report.verdict.criteria.iter().filter(|row| row.standing == Standing::Degraded) {
        lines.push(clean(&format!("Degraded: {} is {}; {}", row.title(), row.measured(), row.levels())));
    }
    let missing = report.faults_not_made.iter();
    lines.extend(missing.map(|name| clean(&format!("Not made, because the run ended before: fault {name}"))));
    lines.extend(report.verdict.excluded.iter().map(|text| format!("Note: {}", clean(text))));
    lines.join("\n")
}
