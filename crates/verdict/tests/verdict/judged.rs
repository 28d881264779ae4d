//! Values, levels and the table.

use squall_core::{EndReason, EndpointId, ErrorClass, Nanos, OutcomeKind, UserClassId};
use squall_plan::{Comparison, Criterion, Measure, Pending, Scope};
use squall_record::Run;
use squall_stats::{ErrorCode, ErrorKey, Window};
use squall_verdict::{
    DoubtKind, FAILED, INTERRUPTED, INVALID, Judge, Overall, PASSED, Row, Standing, Totals, Verdict,
    exit_code, judge,
};

use crate::run::{Requests, below, level, phase, plan, run, second};

/// The verdict on one measured second in which `window` happened.
fn verdict_on(window: Window, criteria: Vec<Criterion>) -> Verdict {
    judge(&run(
        plan(&[("steady", true)], criteria),
        vec![phase(0, "steady", 0, Some(0), 1_000)],
        vec![window],
    ))
}

fn row_on(window: Window, criterion: Criterion) -> Row {
    verdict_on(window, vec![criterion]).rows.remove(0)
}

#[test]
fn every_measure_has_its_value() {
    let window = second(0)
        .with(0, OutcomeKind::Ok, 90, 100)
        .with(0, OutcomeKind::Ok, 9, 400)
        .with(0, OutcomeKind::Failed, 1, 5)
        .with(0, OutcomeKind::RateLimited, 100, 1);
    for (measure, shown, label) in [
        (Measure::Percentile(50.0), "100ms", "p50"),
        (Measure::Percentile(99.9), "400ms", "p99.9"),
        (Measure::Mean, "127.3ms", "mean"),
        (Measure::Max, "400ms", "max"),
        (Measure::ErrorRate, "1%", "error_rate"),
        (Measure::RateLimited, "50%", "rate_limited"),
        (Measure::Throughput, "99/s", "throughput"),
    ] {
        let row = row_on(window.clone(), below(measure.clone(), 1e9));
        assert_eq!((row.shown.as_str(), row.label.as_str(), row.at_least), (shown, label, false));
        assert_eq!((row.standing, row.since), (Standing::Pass, Some(Nanos::SECOND)));
    }
}

#[test]
fn a_scope_looks_at_its_requests_only() {
    let window = second(0).with(0, OutcomeKind::Ok, 10, 10).at((1, 1), 0, OutcomeKind::Ok, 10, 900).at(
        (1, 0),
        0,
        OutcomeKind::Ok,
        10,
        300,
    );
    let (endpoint, class) = (Some(EndpointId(0)), Some(UserClassId(1)));
    for (scope, shown, label) in [
        (Scope::default(), "900ms", "p99"),
        (Scope { endpoint, ..Scope::default() }, "300ms", "p99 GET /v1/discover/"),
        (Scope { class, ..Scope::default() }, "900ms", "p99, class writer"),
        (
            Scope { endpoint, class, phase: Some(0) },
            "300ms",
            "p99 GET /v1/discover/, class writer, phase steady",
        ),
    ] {
        let row = row_on(window.clone(), Criterion { scope, ..below(Measure::Percentile(99.0), 1.0) });
        assert_eq!((row.shown.as_str(), row.label.as_str()), (shown, label));
    }
}

#[test]
fn the_guides_levels_have_a_gap_that_fails() {
    let criterion = Criterion {
        acceptable: level(Comparison::Below, 0.02),
        failure: level(Comparison::Above, 0.05),
        ..below(Measure::ErrorRate, 0.005)
    };
    for (failed, standing, overall, code) in [
        (0, Standing::Pass, Overall::Passed, PASSED),
        (10, Standing::Degraded, Overall::Degraded, PASSED),
        (30, Standing::Gap, Overall::Failed, FAILED),
        (60, Standing::Fail, Overall::Failed, FAILED),
    ] {
        let window =
            second(0).with(0, OutcomeKind::Ok, 1_000 - failed, 10).with(0, OutcomeKind::Failed, failed, 10);
        let verdict = verdict_on(window, vec![criterion.clone()]);
        assert_eq!((verdict.rows[0].standing, verdict.overall), (standing, overall), "{failed} failed");
        let totals = Totals { failed, ..Totals::default() };
        assert_eq!(exit_code(&verdict, totals, None, None), code, "{failed} failed");
    }
}

#[test]
fn refusals_of_a_run_without_criteria_are_counted_and_decide() {
    let plan = plan(&[("run", true)], vec![]);
    let window = second(0).with(0, OutcomeKind::Ok, 40, 10).with(1, OutcomeKind::RateLimited, 60, 1);
    let run = run(plan, vec![phase(0, "run", 0, Some(0), 1_000)], vec![window]);
    let totals = Totals::of(&run);
    assert_eq!(totals, Totals { rate_limited: 60, ..Totals::default() });
    assert_eq!(exit_code(&judge(&run), totals, None, None), FAILED);
}

#[test]
fn the_worst_row_decides() {
    let degraded =
        Criterion { acceptable: level(Comparison::Below, 1.0), ..below(Measure::Percentile(95.0), 0.05) };
    let (good, bad) = (below(Measure::ErrorRate, 0.01), below(Measure::Max, 0.001));
    let window = second(0).with(0, OutcomeKind::Ok, 10, 100);
    let overall = |criteria| verdict_on(window.clone(), criteria).overall;
    assert_eq!(overall(vec![]), Overall::NoCriteria);
    assert_eq!(overall(vec![good.clone()]), Overall::Passed);
    assert_eq!(overall(vec![good.clone(), degraded.clone()]), Overall::Degraded);
    assert_eq!(overall(vec![degraded, bad, good]), Overall::Failed);
}

#[test]
fn no_data_fails_and_says_so() {
    let only_refused = second(0).with(0, OutcomeKind::RateLimited, 10, 1);
    for measure in [Measure::Percentile(50.0), Measure::ErrorRate, Measure::Mean, Measure::Max] {
        let row = row_on(only_refused.clone(), below(measure.clone(), 1e9));
        assert_eq!((row.standing, row.value, row.since), (Standing::NoData, None, None), "{measure}");
        assert_eq!(row.shown, "no data");
    }
    let row = row_on(only_refused, below(Measure::Throughput, 1.0));
    assert_eq!(row.value, Some(0.0), "no success is a throughput, and a bad one");
    let never = Scope { phase: Some(1), ..Scope::default() };
    let plan = plan(
        &[("steady", true), ("never begun", true)],
        vec![Criterion { scope: never, ..below(Measure::Throughput, 1e9) }],
    );
    let run = run(
        plan,
        vec![phase(0, "steady", 0, Some(0), 1_000)],
        vec![second(0).with(0, OutcomeKind::Ok, 1, 1)],
    );
    assert_eq!(judge(&run).rows[0].standing, Standing::NoData);
}

#[test]
fn unanswered_requests_are_lower_bounds() {
    let window = second(0).with(0, OutcomeKind::Ok, 90, 100).with(0, OutcomeKind::TimedOut, 10, 30_000);
    let row = row_on(window, below(Measure::Percentile(95.0), 0.5));
    assert_eq!((row.standing, row.shown.as_str(), row.at_least), (Standing::Fail, "≥ 30s", true));

    let window = second(0).with(0, OutcomeKind::Ok, 5, 100).with(0, OutcomeKind::Cut, 95, 200);
    let row = row_on(window, below(Measure::Percentile(95.0), 0.5));
    assert_eq!((row.standing, row.shown.as_str()), (Standing::Gap, "≥ 200ms"), "not proven, so not passed");
    assert!(row.note.unwrap().contains("lower bound"));
}

#[test]
fn live_and_from_a_record_are_the_same() {
    let mut plan = plan(&[("warm-up", false), ("steady", true)], vec![below(Measure::Percentile(95.0), 0.2)]);
    let pending =
        Pending { measure: "host.cpu".into(), levels: "< 80%".into(), reason: "needs a monitor".into() };
    plan.pending.push(pending.clone());
    let windows: Vec<_> = (0..20)
        .map(|n| second(n).with(u16::from(n >= 5), OutcomeKind::Ok, 10, if n < 12 { 100 } else { 300 }))
        .collect();
    let phases = vec![phase(0, "warm-up", 0, Some(0), 5_000), phase(1, "steady", 5_000, Some(7_000), 20_000)];

    let mut live = Judge::new(&plan);
    for window in &windows {
        let end = window.start + window.span;
        // As it was known at that moment.
        let known: Vec<_> = phases
            .iter()
            .filter(|phase| phase.start < end)
            .map(|phase| squall_record::PhaseMark {
                ramped: phase.ramped.filter(|at| *at <= end),
                end: phase.end.filter(|at| *at <= end),
                ..phase.clone()
            })
            .collect();
        live.push(window, &known);
    }
    let live = live.verdict(&phases);
    let later = judge(&run(plan, phases, windows));
    let doubts: Vec<_> = later.doubts.iter().map(|doubt| doubt.kind).collect();
    assert_eq!(doubts, [DoubtKind::TooFewSamples], "a p95 of 150 requests; doubts are for the record");
    assert_eq!(live, Verdict { doubts: vec![], ..later });
    assert_eq!(live.pending, [pending]);
    assert_eq!(live.rows[0].standing, Standing::Fail);
    assert_eq!(live.rows[0].since, Some(Nanos::from_secs(13)), "the 13th second was the first slow one");
    let json = serde_json::to_string(&live).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), live);
}

/// One second of a run in which these requests happened; failures are of this class.
fn made(windows: Vec<Window>, errors: Option<ErrorClass>) -> Run {
    let refusals = vec![below(Measure::RateLimited, 0.5)];
    let mut run =
        run(plan(&[("steady", true)], refusals), vec![phase(0, "steady", 0, Some(0), 1_000)], windows);
    if let (Some(error), Some(window)) = (errors, run.windows.first_mut()) {
        let key = ErrorKey { class: UserClassId(0), endpoint: EndpointId(0), error, code: ErrorCode(0) };
        window.errors.record(key, Nanos::ZERO, || "no".into(), || None);
    }
    run
}

fn code(run: &Run) -> u8 {
    exit_code(&judge(run), Totals::of(run), run.end.as_ref().map(|end| &end.reason), None)
}

#[test]
fn a_run_in_which_nothing_was_answered_is_not_valid_whatever_its_criteria_say() {
    let failed = || second(0).with(0, OutcomeKind::Failed, 5, 1);
    for (windows, error, valid) in [
        (vec![], None, false),
        (vec![second(0)], None, false),
        (vec![second(0).with(0, OutcomeKind::Cut, 5, 900)], None, false),
        (vec![failed()], Some(ErrorClass::ConnectRefused), false),
        (vec![second(0).with(0, OutcomeKind::TimedOut, 5, 900)], Some(ErrorClass::Timeout), false),
        (vec![failed()], Some(ErrorClass::Status), true),
        (vec![failed()], Some(ErrorClass::Check), true),
        (vec![second(0).with(0, OutcomeKind::RateLimited, 1, 1)], None, true),
        (vec![failed().with(0, OutcomeKind::Ok, 1, 1)], Some(ErrorClass::ConnectRefused), true),
    ] {
        let run = made(windows, error);
        let doubts = judge(&run).doubts;
        let found = doubts.iter().any(|doubt| doubt.kind == DoubtKind::NothingTested);
        assert_eq!(found, !valid, "{error:?}");
        assert_eq!(code(&run) == INVALID, !valid, "{error:?}");
    }
}

#[test]
fn a_signal_is_the_end_of_a_run_without_a_run_time_and_interrupts_any_other() {
    let mut run = made(vec![second(0).with(0, OutcomeKind::Ok, 5, 1)], None);
    for reason in [EndReason::Interrupted, EndReason::Terminated] {
        run.end.as_mut().unwrap().reason = reason;
        run.plan.load.phases[0].run_time = Some(Nanos::from_secs(10));
        assert_eq!((code(&run), run.reached_its_end()), (INTERRUPTED, false));
        run.plan.load.phases[0].run_time = None;
        assert_eq!((code(&run), run.reached_its_end()), (PASSED, true));
    }
}
