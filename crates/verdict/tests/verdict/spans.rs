//! What is left out, what is kept, and the time throughput is measured over.

use squall_core::OutcomeKind;
use squall_plan::{Comparison, Criterion, Measure, Scope};
use squall_record::{PhaseMark, Run};
use squall_stats::Window;
use squall_verdict::{Row, judge};

use crate::run::{Requests, below, level, phase, plan, run, second};

const MAX: Measure = Measure::Max;

/// Seconds in which ten requests succeed, each in the response time given for it; phase by second.
fn seconds(of: impl IntoIterator<Item = (u16, u64)>) -> Vec<Window> {
    let window = |(n, (phase, ms))| second(n).with(phase, OutcomeKind::Ok, 10, ms);
    (0..).zip(of).map(window).collect()
}

fn judged(phases: Vec<PhaseMark>, windows: Vec<Window>, criteria: Vec<Criterion>) -> (Vec<Row>, Vec<String>) {
    let names: Vec<(String, bool)> =
        phases.iter().map(|phase| (phase.name.clone(), phase.measured)).collect();
    let names: Vec<_> = names.iter().map(|(name, measured)| (name.as_str(), *measured)).collect();
    let made: Run = run(plan(&names, criteria), phases, windows);
    let verdict = judge(&made);
    (verdict.rows, verdict.excluded)
}

fn throughput() -> Criterion {
    Criterion { target: level(Comparison::Above, 0.0), ..below(Measure::Throughput, 0.0) }
}

fn in_phase(phase: usize, criterion: &Criterion) -> Criterion {
    Criterion { scope: Scope { phase: Some(phase), ..Scope::default() }, ..criterion.clone() }
}

#[test]
fn warm_up_is_not_judged_and_that_is_said() {
    let phases = vec![phase(0, "warm-up", 0, Some(0), 2_000), phase(1, "steady", 2_000, Some(2_000), 4_000)];
    let windows = seconds([(0, 900), (0, 900), (1, 10), (1, 20)]);
    let (rows, excluded) =
        judged(phases, windows, vec![below(MAX, 1.0), throughput(), in_phase(0, &below(MAX, 1.0))]);
    assert_eq!(rows[0].shown, "20ms");
    assert_eq!(rows[1].value, Some(10.0), "20 requests in 2 s");
    assert_eq!(rows[2].shown, "900ms", "who asks for the warm-up gets it");
    assert_eq!(excluded, ["phase warm-up is warm-up: 2s with 20 requests, not judged"]);
}

#[test]
fn a_request_belongs_to_the_phase_it_began_in() {
    let phases = vec![phase(0, "warm-up", 0, Some(0), 1_000), phase(1, "steady", 1_000, Some(1_000), 2_000)];
    let windows =
        vec![second(0), second(1).with(0, OutcomeKind::Ok, 5, 1_900).with(1, OutcomeKind::Ok, 10, 10)];
    let (rows, _) = judged(phases, windows, vec![below(MAX, 1.0), throughput()]);
    assert_eq!((rows[0].shown.as_str(), rows[1].value), ("10ms", Some(10.0)));
}

#[test]
fn the_ramp_is_not_judged_and_that_is_said() {
    // All users are there at 2.5 s: the third window holds both, and is judged.
    let phases = vec![phase(0, "steady", 0, Some(2_500), 5_000)];
    let windows = seconds([(0, 900), (0, 800), (0, 30), (0, 20), (0, 20)]);
    let (rows, excluded) = judged(phases, windows, vec![below(MAX, 1.0), throughput()]);
    assert_eq!((rows[0].shown.as_str(), rows[1].value), ("30ms", Some(10.0)));
    assert_eq!(excluded, ["ramp of steady: 2s with 20 requests, until 10 users ran, not judged"]);
}

#[test]
fn a_phase_that_never_holds_is_judged_by_its_ramp() {
    let windows = || seconds([(0, 900), (0, 20)]);
    for (phase, said) in [
        (phase(0, "steady", 0, None, 2_000), "phase steady never reached 10 users: its ramp is judged"),
        (phase(0, "steady", 0, Some(2_000), 2_000), "phase steady did not hold 10 users: its ramp is judged"),
    ] {
        let (rows, excluded) = judged(vec![phase], windows(), vec![below(MAX, 1.0), throughput()]);
        assert_eq!((rows[0].shown.as_str(), rows[1].value), ("900ms", Some(10.0)));
        assert_eq!(excluded, [said]);
    }
}

#[test]
fn only_the_phase_that_never_holds_keeps_its_ramp() {
    let phases = vec![phase(0, "first", 0, Some(1_000), 2_000), phase(1, "second", 2_000, None, 4_000)];
    let windows = seconds([(0, 900), (0, 10), (1, 20), (1, 30)]);
    let (rows, excluded) = judged(phases, windows, vec![below(MAX, 1.0), throughput()]);
    assert_eq!((rows[0].shown.as_str(), rows[1].value), ("30ms", Some(10.0)));
    assert_eq!(excluded.len(), 2, "{excluded:?}");
}

#[test]
fn draining_is_no_time_of_throughput_and_its_answers_do_not_count() {
    let phases = vec![phase(0, "steady", 0, Some(0), 2_000)];
    let mut windows = seconds([(0, 10), (0, 10)]);
    windows.push(second(2).with(0, OutcomeKind::Ok, 100, 2_000));
    let (rows, _) = judged(phases, windows, vec![throughput(), below(MAX, 5.0)]);
    assert_eq!(rows[0].value, Some(10.0), "not 120 in 2 s, nor 120 in 3 s");
    assert_eq!(rows[1].shown, "2s", "but they were slow, and that counts");
}

#[test]
fn phases_may_change_within_a_second() {
    let phases = vec![phase(0, "first", 0, Some(0), 1_500), phase(1, "second", 1_500, Some(1_500), 3_000)];
    let windows = vec![
        second(0).with(0, OutcomeKind::Ok, 10, 10),
        second(1).with(0, OutcomeKind::Ok, 5, 10).with(1, OutcomeKind::Ok, 10, 10),
        second(2).with(0, OutcomeKind::Ok, 3, 900).with(1, OutcomeKind::Ok, 20, 10),
    ];
    let (rows, _) =
        judged(phases, windows, vec![throughput(), in_phase(0, &throughput()), in_phase(1, &throughput())]);
    assert_eq!(rows[0].value, Some(48.0 / 3.0), "a request may end in the next phase");
    assert_eq!(rows[1].value, Some(15.0 / 1.5), "of one phase counts what ended within it");
    assert_eq!(rows[2].value, Some(30.0 / 1.5));
}

#[test]
fn a_run_cut_off_is_judged_as_far_as_it_went() {
    let mut steady = phase(0, "steady", 0, Some(0), 0);
    steady.end = None;
    let (rows, excluded) =
        judged(vec![steady], seconds([(0, 10), (0, 20)]), vec![below(MAX, 1.0), throughput()]);
    assert_eq!((rows[0].shown.as_str(), rows[1].value), ("20ms", Some(10.0)));
    assert!(excluded.is_empty());
}

#[test]
fn requests_of_no_known_phase_are_not_judged_silently() {
    let phases = vec![phase(0, "steady", 0, Some(0), 1_000)];
    let windows = vec![second(0).with(0, OutcomeKind::Ok, 1, 10).with(7, OutcomeKind::Ok, 4, 900)];
    let (rows, excluded) = judged(phases, windows, vec![below(MAX, 1.0)]);
    assert_eq!(rows[0].shown, "10ms");
    assert_eq!(excluded, ["4 requests of a phase that is not described, not judged"]);
}
