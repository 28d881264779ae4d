//! Every flaw of the demo is caught, and the demo says what by.

use crate::support::{Answer, Place};

/// The demo with a flaw, which has to be seen.
#[track_caller]
fn flaw(name: &str, code: i32, texts: &[&str]) -> Answer {
    let place = Place::shared();
    let answer = place.calm(&format!("demo --flaw {name}"));
    answer.assert(code, texts);
    answer.assert(code, &["What you saw: ", &format!("The exit code is {code}.")]);
    assert!(place.summary("squall-demo.squall").total("completed") > 100, "{answer}");
    answer
}

#[test]
fn latency_fails_by_its_percentile() {
    flaw("latency", 1, &["FAILED", "p95 is 1.2"]);
}

#[test]
fn errors_fail_by_their_rate() {
    flaw("errors", 1, &["FAILED", "error_rate is "]);
}

#[test]
fn a_stall_is_charged_to_every_request_that_was_due() {
    flaw("stall", 1, &["FAILED", "p95 is "]);
}

#[test]
fn a_leak_is_seen_in_the_process() {
    flaw("leak", 1, &["FAILED", "max(process.rss) is "]);
}

#[test]
fn what_a_rate_limiter_hides_is_doubted() {
    flaw("rate-limit", 3, &["NOT VALID", "A rate limiter hides what the server can do."]);
}

#[test]
fn a_run_without_logins_is_doubted() {
    flaw("no-login", 3, &["NOT VALID", "Nobody was logged in."]);
}

#[test]
fn one_identity_for_all_is_doubted() {
    flaw("one-identity", 3, &["Many users look like one to the server.", "the same token"]);
}

#[test]
fn a_task_that_never_runs_is_doubted() {
    flaw("never-runs", 3, &["NOT VALID", "A task never ran.", "it needs slugs"]);
}

#[test]
fn an_impossible_target_is_said_before_and_after() {
    let answer = flaw("impossible", 1, &["a criterion cannot be met: ", "cannot be reached with this load."]);
    let (before, after) = answer.stderr.split_once("Ramping to").unwrap();
    assert!(before.contains("a criterion cannot be met") && after.contains("FAILED"), "{answer}");
}
