//! Ramp-up, hold and ramp-down.

use squall_core::{Nanos, OutcomeKind};
use squall_plan::{ArrivalPlan, RateSegment, Spacing};
use squall_verdict::{IterationRates, PartKind, analyse};

use crate::run::{Requests, ms, phase, plan, run, second};

type Told = (String, PartKind, bool, Nanos, Nanos);

fn told(run: &squall_record::Run) -> Vec<Told> {
    let parts = analyse(run).parts.into_iter();
    parts.map(|part| (part.phase, part.kind, part.measured, part.stretch.start, part.stretch.end)).collect()
}

fn part(phase: &str, kind: PartKind, measured: bool, start: u64, end: u64) -> Told {
    (phase.into(), kind, measured, ms(start), ms(end))
}

#[test]
fn users_make_the_parts_of_a_phase() {
    use PartKind::{Hold, RampDown, RampUp};
    let mut phases = vec![
        phase(0, "warm", 0, Some(0), 10_000),
        phase(1, "peak", 10_000, Some(14_000), 30_000),
        phase(2, "down", 30_000, Some(36_000), 40_000),
        phase(3, "never", 40_000, None, 50_000),
    ];
    for (phase, users) in phases.iter_mut().zip([10, 50, 20, 90]) {
        phase.users = users;
    }
    let users = |number: u64| match number {
        0..10 => 10,
        10..14 => 10 * (number as u32 - 8),
        14..30 => 50,
        30..36 => 50 - 5 * (number as u32 - 29),
        36..40 => 20,
        _ => 30,
    };
    // Two seconds of draining follow.
    let windows = (0..52).map(|number| {
        let mut window = second(number).with(0, OutcomeKind::Ok, u64::from(users(number)), 100);
        window.users = vec![users(number) - 1, 1];
        window
    });
    let run = run(
        plan(&[("warm", false), ("peak", true), ("down", true), ("never", true)], vec![]),
        phases,
        windows.collect(),
    );
    assert_eq!(
        told(&run),
        [
            part("warm", Hold, false, 0, 10_000),
            part("peak", RampUp, false, 10_000, 14_000),
            part("peak", Hold, true, 14_000, 30_000),
            part("down", RampDown, false, 30_000, 36_000),
            part("down", Hold, true, 36_000, 40_000),
            part("never", RampUp, true, 40_000, 50_000),
        ]
    );
    let hold = &analyse(&run).parts[2].stretch;
    assert_eq!((hold.users, hold.completed, hold.throughput), (50, 800, 50.0));
    assert_eq!(hold.error_rate, Some(0.0));
    assert!((hold.p95.unwrap() - 0.1).abs() < 0.001, "{hold:?}");
    assert!((hold.throughput_per_user.unwrap() - 1.0).abs() < 0.001, "{hold:?}");
}

#[test]
fn requests_are_told_apart_by_how_they_ended() {
    let windows = (0..10).map(|number| {
        let window = second(number).with(0, OutcomeKind::Ok, 6, 100).with(0, OutcomeKind::Failed, 2, 5);
        let mut window = window.with(0, OutcomeKind::RateLimited, 2, 1).with(0, OutcomeKind::Cut, 1, 50);
        let counts = window.iterations_mut(squall_core::PhaseId(0), squall_core::UserClassId(1));
        (counts.offered, counts.started, counts.completed, counts.dropped) = (9, 8, 7, 1);
        window
    });
    let run =
        run(plan(&[("all", true)], vec![]), vec![phase(0, "all", 0, Some(0), 10_000)], windows.collect());
    let stretch = &analyse(&run).parts[0].stretch;
    assert_eq!((stretch.completed, stretch.throughput), (100, 6.0));
    assert_eq!((stretch.error_rate, stretch.rate_limited), (Some(0.25), Some(0.2)));
    assert_eq!(stretch.throughput_per_user, None, "no users");
    let iterations = IterationRates { offered: 9.0, started: 8.0, completed: 7.0, dropped: 1.0 };
    assert_eq!(stretch.iterations, iterations);
    assert!(stretch.p50.unwrap() > 0.099, "neither refusals nor cut requests make it faster");
}

#[test]
fn the_rate_makes_the_parts_of_an_open_phase() {
    use PartKind::{Hold, RampDown, RampUp};
    let segment = |from, to, secs| RateSegment { from, to, span: Some(Nanos::from_secs(secs)) };
    let segments = vec![
        segment(0.0, 50.0, 5),
        segment(50.0, 80.0, 5),
        segment(80.0, 80.0, 10),
        segment(100.0, 100.0, 10),
        RateSegment { from: 100.0, to: 0.0, span: None },
    ];
    let mut plan = plan(&[("open", true)], vec![]);
    plan.load.phases[0].arrivals = Some(ArrivalPlan { segments, spacing: Spacing::Uniform });
    // Users who are all there at once still take a moment, and that is no part.
    let at_once = vec![phase(0, "open", 0, Some(1), 40_000)];
    let started_at_once = run(plan.clone(), at_once, (0..40).map(second).collect());
    assert_eq!(told(&started_at_once)[0], part("open", RampUp, false, 0, 10_000));
    let run = run(plan, vec![phase(0, "open", 0, Some(1_000), 40_000)], (0..40).map(second).collect());
    assert_eq!(
        told(&run),
        [
            part("open", RampUp, false, 0, 1_000),
            part("open", RampUp, false, 1_000, 10_000),
            part("open", Hold, true, 10_000, 20_000),
            part("open", Hold, true, 20_000, 30_000),
            part("open", RampDown, false, 30_000, 40_000),
        ]
    );
}
