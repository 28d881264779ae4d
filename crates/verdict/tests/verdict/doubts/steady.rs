//! Drift of what was measured.

use squall_core::{Nanos, OutcomeKind};
use squall_plan::{ArrivalPlan, RateSegment, Spacing};
use squall_record::{FaultMark, Run};
use squall_verdict::{DoubtKind, Severity};

use super::{clean, clean_plan, clean_run, doubt, none, only};
use crate::run::{Requests, second};

const KIND: DoubtKind = DoubtKind::NotSteady;

/// The clean run with other requests: how many in a second, and in which time.
fn made(of: impl Fn(u64) -> (u64, u64)) -> Run {
    let mut run = clean_run(clean_plan(vec![]));
    for window in &mut run.windows {
        let (n, ms) = of(window.start.whole_secs());
        let mut fresh = second(window.start.whole_secs()).with(0, OutcomeKind::Ok, n, ms);
        (fresh.users, fresh.tasks) = (window.users.clone(), window.tasks.clone());
        *window = fresh;
    }
    run
}

#[test]
fn a_measure_that_drifts_is_suspect() {
    let evidence = only(&made(|n| (80, 100 + n)), KIND, Severity::Suspect);
    assert!(
        evidence.starts_with("p95 rose by about 12") && evidence.contains("over the 2m of steady"),
        "{evidence}"
    );
    let evidence = only(&made(|n| (200 - n, 100)), KIND, Severity::Suspect);
    assert!(evidence.starts_with("throughput fell by about 12"), "{evidence}");
}

#[test]
fn what_is_slight_or_comes_and_goes_is_steady() {
    none(&clean());
    none(&made(|n| (80, 1_000 + n / 2)));
    none(&made(|n| (80, 10 + n / 30)));
    none(&made(|n| (80 + n * 37 % 11, 100 + n * 53 % 41)));
    none(&made(|n| (1_000 + n / 2, 100)));
}

#[test]
fn too_short_a_hold_is_not_looked_at() {
    let mut run = made(|n| (80, 100 + n));
    run.phases[0].ramped = Some(Nanos::from_secs(61));
    assert_eq!(doubt(&run, KIND), None);
    run.phases[0].ramped = Some(Nanos::from_secs(60));
    assert!(doubt(&run, KIND).is_some());
    run.phases[0].measured = false;
    assert_eq!(doubt(&run, KIND), None, "a warm-up may drift");
}

#[test]
fn a_phase_that_is_disturbed_on_purpose_is_not_looked_at() {
    let mut run = made(|n| (80, 100 + n));
    run.faults = vec![FaultMark {
        id: 0,
        name: "stop the cache".into(),
        start: Nanos::from_secs(30),
        end: Some(Nanos::from_secs(60)),
        failed: false,
        outcome: String::new(),
    }];
    assert_eq!(doubt(&run, KIND), None);
    run.faults.clear();
    assert!(doubt(&run, KIND).is_some());
    for (to, raised) in [(80.0, true), (160.0, false)] {
        let segments = vec![RateSegment { from: 80.0, to, span: None }];
        run.plan.load.phases[0].arrivals = Some(ArrivalPlan { segments, spacing: Spacing::Uniform });
        assert_eq!(doubt(&run, KIND).is_some(), raised, "{to}");
    }
}
