//! What single pairs of runs must say.

use squall_core::{EndReason, Nanos, OutcomeKind};
use squall_record::{End, Run};
use squall_verdict::compare::{Change, Difference, Finding, Margins, Metric};
use squall_verdict::{CompareError, Comparison, compare};

use crate::run::{Requests as _, phase, plan, run, second};

const OK: OutcomeKind = OutcomeKind::Ok;

const SECONDS: u64 = 90;

/// 40 requests a second to each of two endpoints; the times of the first are multiplied.
fn steady(phase_name: &str, factor: f64) -> Run {
    let windows = (0..SECONDS).map(|number| requests(number, 0, factor)).collect();
    let marks = vec![phase(0, phase_name, 0, Some(0), SECONDS * 1_000)];
    run(plan(&[(phase_name, true)], vec![]), marks, windows)
}

/// 20 to 39 ms, in another order each second.
fn requests(number: u64, phase: u16, factor: f64) -> squall_stats::Window {
    (0..40).fold(second(number), |window, n| {
        let ms = 20 + (n * 7 + number * 3) % 20;
        let scaled = (ms as f64 * factor).round() as u64;
        window.at((0, 0), phase, OK, 1, scaled).at((1, 1), phase, OK, 1, ms)
    })
}

fn compared(a: &Run, b: &Run) -> Comparison {
    compare(a, b, &Margins::default()).unwrap()
}

/// Warnings of the comparison itself: doubts about a run by itself have tests of their own.
fn warnings(comparison: &Comparison) -> Vec<&str> {
    let all = comparison.warnings.iter().map(String::as_str);
    all.filter(|line| !line.contains("is to be read with care")).collect()
}

#[track_caller]
fn of(comparison: &Comparison, label: &str, metric: Metric) -> Change {
    let all = [&comparison.total].into_iter().chain(&comparison.endpoints);
    let subject = all.into_iter().find(|subject| subject.label == label).unwrap();
    *subject.changes.iter().find(|change| change.metric == metric).unwrap()
}

#[test]
fn one_slower_endpoint_is_named_and_the_other_is_not() {
    let comparison = compared(&steady("steady", 1.0), &steady("steady", 1.5));
    assert_eq!(comparison.finding, Finding::Regressed);
    let slower = "B is slower: p95 of GET /v1/discover/ +50.0% (95 %: ";
    assert!(comparison.sentence.starts_with(slower), "{}", comparison.sentence);
    let found: Vec<_> = comparison.endpoints.iter().map(|one| (one.label.as_str(), one.finding)).collect();
    assert_eq!(found, [("GET /v1/discover/", Finding::Regressed), ("GET /v1/stories/", Finding::Equivalent)]);
    let change = of(&comparison, "GET /v1/discover/", Metric::P50);
    assert!(change.p_adjusted < 0.001 && change.interval.0 > 0.4 && change.interval.1 < 0.6, "{change:?}");
    assert_eq!((change.a * 1e3).round(), 29.0);

    let back = compared(&steady("steady", 1.5), &steady("steady", 1.0));
    assert_eq!(back.finding, Finding::Improved);
    assert!(back.sentence.starts_with("B is faster: p95 of GET /v1/discover/ −33.3%"), "{}", back.sentence);
}

#[test]
fn the_same_is_equivalent_and_says_how_closely() {
    let (a, mut b) = (steady("steady", 1.0), steady("steady", 1.0));
    b.plan.seed = 2;
    let comparison = compared(&a, &b);
    assert_eq!(comparison.finding, Finding::Equivalent);
    assert!(
        comparison.sentence.starts_with("B is as good as A, to 5%: p95 of all requests 0.0% (95 %: "),
        "{}",
        comparison.sentence
    );
    assert_eq!(comparison.plan.len(), 1, "{:?}", comparison.plan);
    assert_eq!((comparison.plan[0].what.as_str(), comparison.plan[0].b.as_str()), ("seed", "2"));
    assert_eq!(warnings(&comparison), [""; 0]);
    assert_eq!(compared(&a, &b), comparison, "the same records, the same answer");
    let itself = compared(&a, &a);
    assert!(warnings(&itself)[0].contains("look like the same record"));
}

#[test]
fn what_is_too_small_to_matter_is_no_finding() {
    let fast = |factor: u64| {
        let windows = (0..120).map(|number| {
            (0..30).fold(second(number), |mut window, n| {
                let micros = (1_800 + (n * 11 + number * 5) % 400) * factor / 100;
                let cell = window.cell_mut(squall_stats::CellKey {
                    phase: squall_core::PhaseId(0),
                    class: squall_core::UserClassId(0),
                    endpoint: squall_core::EndpointId(0),
                    outcome: OK,
                });
                let sample = squall_stats::Sample { response: Nanos(micros * 1_000), ..Default::default() };
                cell.record(&sample, &mut squall_stats::PageReserve::default());
                window
            })
        });
        let marks = vec![phase(0, "steady", 0, Some(0), 120_000)];
        run(plan(&[("steady", true)], vec![]), marks, windows.collect())
    };
    let comparison = compared(&fast(100), &fast(130));
    assert_eq!(comparison.finding, Finding::Equivalent, "{}", comparison.sentence);
    let p50 = of(&comparison, "all requests", Metric::P50);
    assert!(p50.difference > 0.25 && p50.margin > 0.45, "{p50:?}");
    assert_eq!(compared(&fast(100), &fast(200)).finding, Finding::Regressed, "2 ms are more than one");
}

#[test]
fn failures_are_a_regression_of_their_own() {
    let mut worse = steady("steady", 1.0);
    for number in (0..SECONDS as usize).step_by(2) {
        let window = std::mem::take(&mut worse.windows[number]);
        worse.windows[number] = window.at((1, 1), 0, OutcomeKind::Failed, 3, 1);
    }
    let comparison = compared(&steady("steady", 1.0), &worse);
    assert_eq!(comparison.finding, Finding::Regressed);
    let said = "B fails more often: error rate of GET /v1/stories/ +3.61 points (95 %: ";
    assert!(comparison.sentence.starts_with(said), "{}", comparison.sentence);
    let p95 = of(&comparison, "GET /v1/stories/", Metric::P95);
    assert_eq!(p95.finding, Finding::Equivalent, "fast failures neither improve nor worsen times");
    assert_eq!(compared(&worse, &steady("steady", 1.0)).finding, Finding::Improved);
}

#[test]
fn one_failure_in_thousands_is_nothing() {
    let mut one = steady("steady", 1.0);
    let window = std::mem::take(&mut one.windows[30]);
    one.windows[30] = window.with(0, OutcomeKind::Failed, 1, 1);
    let comparison = compared(&steady("steady", 1.0), &one);
    let rate = of(&comparison, "all requests", Metric::ErrorRate);
    assert_ne!(rate.finding, Finding::Regressed, "{rate:?}");
    assert!(rate.interval.0 <= 0.0 && rate.interval.1 < 0.003, "{rate:?}");
}

#[test]
fn unanswered_requests_are_bounds_that_make_nothing_faster() {
    let with_timeouts = || {
        let mut run = steady("steady", 1.0);
        for number in 0..SECONDS as usize {
            let window = std::mem::take(&mut run.windows[number]);
            run.windows[number] = window.with(0, OutcomeKind::TimedOut, 8, 10_000);
        }
        run
    };
    let comparison = compared(&steady("steady", 1.0), &with_timeouts());
    let p95 = of(&comparison, "GET /v1/discover/", Metric::P95);
    assert!(p95.b_at_least && !p95.a_at_least && p95.finding == Finding::Regressed, "{p95:?}");
    let back = compared(&with_timeouts(), &steady("steady", 1.0));
    assert_eq!(of(&back, "GET /v1/discover/", Metric::P95).finding, Finding::Improved);
    let both = compared(&with_timeouts(), &with_timeouts());
    assert_eq!(of(&both, "GET /v1/discover/", Metric::P95).finding, Finding::Inconclusive);
}

#[test]
fn a_run_that_answers_nothing_but_refusals_does_less() {
    let mut refused = steady("steady", 1.0);
    for (number, window) in refused.windows.iter_mut().enumerate() {
        *window = second(number as u64).with(0, OutcomeKind::RateLimited, 40, 1).at(
            (1, 1),
            0,
            OutcomeKind::RateLimited,
            40,
            1,
        );
    }
    let comparison = compare(&steady("steady", 1.0), &refused, &Margins::default());
    // Judged by itself such a run may be no test at all; if it is one, then it does less.
    match comparison {
        Ok(comparison) => {
            let throughput = of(&comparison, "all requests", Metric::Throughput);
            assert_eq!(throughput.finding, Finding::Regressed);
            assert!(comparison.sentence.starts_with("B does less: throughput of all requests −100%"));
        }
        Err(error) => assert!(matches!(error, CompareError::NotValid { run: 'B', .. }), "{error}"),
    }
}

#[test]
fn few_seconds_settle_nothing_and_say_so() {
    let short = |factor, seconds| {
        let mut short = steady("steady", factor);
        short.windows.truncate(seconds);
        short.phases[0].end = Some(Nanos::from_secs(seconds as u64));
        short
    };
    for seconds in [5, 10, 29] {
        let comparison = compared(&short(1.0, seconds), &short(1.5, SECONDS as usize));
        let subjects = || [&comparison.total].into_iter().chain(&comparison.endpoints);
        let mut findings: Vec<_> = subjects().flat_map(|one| &one.changes).map(|one| one.finding).collect();
        findings.extend(subjects().map(|one| one.finding));
        findings.push(comparison.finding);
        assert!(findings.iter().all(|finding| *finding == Finding::Inconclusive), "{findings:?}");
        assert_eq!(comparison.sentence, format!("Too short to compare: {seconds} s; take minutes"));
        assert_eq!(warnings(&comparison), [""; 0], "once is enough");
    }
    assert_eq!(compared(&short(1.0, 30), &short(1.5, 30)).finding, Finding::Regressed);
}

#[test]
fn an_interval_without_bounds_is_unknown() {
    let shown = |metric, interval| {
        let change = of(&compared(&steady("steady", 1.0), &steady("steady", 1.0)), "all requests", metric);
        Change { interval, ..change }.interval_text()
    };
    for interval in [(-1.0, f64::INFINITY), (-0.9999, 1e9), (f64::NAN, 1.0)] {
        assert_eq!(shown(Metric::P95, interval), "unknown");
    }
    assert_eq!(shown(Metric::ErrorRate, (f64::NEG_INFINITY, f64::INFINITY)), "unknown");
    assert_eq!(shown(Metric::P95, (0.05, f64::INFINITY)), "+5.0 … +∞%", "a bound is worth knowing");
    assert_eq!(shown(Metric::P95, (-0.1, 0.2)), "−10.0 … +20.0%");
}

#[test]
fn percentiles_need_their_requests() {
    let mut few = steady("steady", 1.0);
    few.windows.truncate(12);
    few.phases[0].end = Some(Nanos::from_secs(12));
    let comparison = compared(&few, &few);
    let has = |label: &str, metric| {
        let all = [&comparison.total].into_iter().chain(&comparison.endpoints);
        let subject = all.into_iter().find(|subject| subject.label == label).unwrap();
        subject.changes.iter().any(|change| change.metric == metric)
    };
    assert!(has("all requests", Metric::P95) && !has("all requests", Metric::P99), "960 requests");
    assert!(has("GET /v1/stories/", Metric::P95), "480 requests");
}

/// Ramp, hold, a second phase that is a warm-up, a third that only one run has.
fn in_phases(names: &[&str], seconds: &[u64]) -> Run {
    let mut windows = Vec::new();
    let mut marks = Vec::new();
    let mut start = 0;
    for (number, (name, length)) in names.iter().zip(seconds).enumerate() {
        let end = start + length;
        // Ramps are slow, warm-ups are slower: neither may be seen in the result.
        for at in start..end {
            let factor = if name.starts_with("warm") {
                9.0
            } else if at < start + 5 {
                5.0
            } else {
                1.0
            };
            windows.push(requests(at, number as u16, factor));
        }
        marks.push(phase(number as u16, name, start * 1_000, Some((start + 5) * 1_000), end * 1_000));
        start = end;
    }
    let phases: Vec<(&str, bool)> = names.iter().map(|name| (*name, !name.starts_with("warm"))).collect();
    run(plan(&phases, vec![]), marks, windows)
}

#[test]
fn holds_of_the_same_phases_are_compared_and_the_rest_is_named() {
    let a = in_phases(&["warm-up", "steady", "spike", "after"], &[20, 65, 45, 20]);
    let b = in_phases(&["steady", "spike"], &[65, 25]);
    let comparison = compared(&a, &b);
    let stretches: Vec<_> =
        comparison.stretches.iter().map(|one| (one.phase.as_str(), one.a, one.b)).collect();
    assert_eq!(stretches, [("steady", (25.0, 85.0), (5.0, 65.0)), ("spike", (90.0, 110.0), (70.0, 90.0))]);
    assert_eq!(
        comparison.excluded,
        [
            "phase after of A, which the other run does not have",
            "the last 20s of phase spike of A, which was shorter in the other run",
            "phase warm-up of A: 20s that are not measured",
            "the ramp of phase steady of A: 5s",
            "the ramp of phase spike of A: 5s",
            "the ramp of phase steady of B: 5s",
            "the ramp of phase spike of B: 5s",
        ]
    );
    assert_eq!((comparison.a.compared_s, comparison.b.compared_s), (80.0, 80.0));
    assert_eq!(comparison.total.a_requests, 80 * 80);
    assert_eq!(comparison.finding, Finding::Equivalent, "{}", comparison.sentence);
    let plan: Vec<&str> = comparison.plan.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(plan, ["phase warm-up", "phase after"]);
    assert!(
        warnings(&comparison)[0]
            .starts_with("the runs were not asked for the same (phase warm-up; phase after)")
    );
}

#[test]
fn phases_of_other_names_are_compared_with_a_warning() {
    let comparison = compared(&steady("normal", 1.0), &steady("peak", 1.5));
    assert_eq!(comparison.finding, Finding::Regressed);
    let line = "no phase has the same name in both runs: normal of A is compared with peak of B";
    assert!(comparison.warnings.iter().any(|warning| warning == line), "{:?}", comparison.warnings);
    assert_eq!(comparison.stretches[0].phase, "normal / peak");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let good = steady("steady", 1.0);
    let mut elsewhere = steady("steady", 1.0);
    elsewhere.plan.endpoints.iter_mut().for_each(|endpoint| endpoint.name += "other/");
    assert_eq!(compare(&good, &elsewhere, &Margins::default()).unwrap_err(), CompareError::NothingInCommon);

    let nothing = run(plan(&[("steady", true)], vec![]), vec![phase(0, "steady", 0, Some(0), 9_000)], vec![]);
    let error = compare(&good, &nothing, &Margins::default()).unwrap_err();
    assert!(matches!(error, CompareError::NotValid { run: 'B', .. }), "{error}");
    assert!(error.to_string().starts_with("run B is not valid: No request was answered."), "{error}");

    let mut warmed = steady("warm-up", 1.0);
    warmed.end = Some(End { reason: EndReason::Interrupted, at: Nanos::from_secs(60) });
    assert_eq!(
        compare(&warmed, &good, &Margins::default()).unwrap_err(),
        CompareError::NothingMeasured { run: 'A' }
    );
}

#[test]
fn an_endpoint_of_one_run_only_is_left_out_of_the_total() {
    let mut b = steady("steady", 1.0);
    b.plan.endpoints[1].name = "/v2/stories/".into();
    let comparison = compared(&steady("steady", 1.0), &b);
    assert_eq!((comparison.total.a_requests, comparison.endpoints.len()), (40 * SECONDS, 0));
    let plan: Vec<_> = comparison.plan.iter().map(|one| (one.what.as_str(), one.a.as_str())).collect();
    assert_eq!(
        plan,
        [
            ("endpoint GET /v1/stories/ (not compared)", "requested"),
            ("endpoint GET /v2/stories/ (not compared)", "not requested")
        ]
    );
}

#[test]
fn machines_and_load_that_differ_are_named() {
    let (a, mut b) = (steady("steady", 1.0), steady("steady", 1.0));
    b.environment.cpus = 8;
    b.environment.cgroup_cpus = Some(1.5);
    b.plan.load.phases[0].users = 20;
    b.plan.classes[0].weight = 1.0;
    b.windows[3] = requests(3, 0, 2.0);
    let comparison = compared(&a, &b);
    let rows = |list: &[Difference]| -> Vec<String> {
        list.iter().map(|one| format!("{}: {} / {}", one.what, one.a, one.b)).collect()
    };
    assert_eq!(
        rows(&comparison.environment),
        ["processors: unknown / 8", "processors the control group allows: no limit / 1.5"]
    );
    assert_eq!(rows(&comparison.plan), ["users of phase steady: 10 / 20", "weight of class reader: 3 / 1"]);
    assert_eq!(
        warnings(&comparison),
        [
            "the runs were not asked for the same (users of phase steady; weight of class reader): what differs may come from there"
        ]
    );
}

#[test]
fn the_rest_of_the_time_is_told_where_time_would_settle_it() {
    use super::simulation::{LogNormal, System, twins};
    let system = System { rate: 40.0, median_ms: 80.0, wander: 0.1, rho: 0.8 };
    let times = LogNormal::new(0.5);
    let (a, b) = (&twins(system, &times, 120, 1, &[1.0])[0], &twins(system, &times, 120, 2, &[1.0])[0]);
    let comparison = compared(a, b);
    assert_eq!(comparison.finding, Finding::Inconclusive);
    let minutes = comparison.more_minutes.unwrap();
    assert!((2.0..600.0).contains(&minutes), "{minutes}: a minute and a half are far too short for 5 %");
    assert!(comparison.sentence.contains(" more of each run would settle it"), "{}", comparison.sentence);
}
