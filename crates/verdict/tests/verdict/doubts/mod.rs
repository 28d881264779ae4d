//! Every doubt, provoked, and next to it the near miss that must not raise it.

mod generator;
mod load;
mod losses;
mod refusals;
mod steady;

use squall_core::{EndpointId, ErrorClass, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_plan::{Criterion, Measure, Plan, Wait};
use squall_record::{Run, Series};
use squall_stats::{ErrorCode, ErrorKey, TaskCounts, Window};
use squall_verdict::{Doubt, DoubtKind, Severity, judge};

use crate::run::{Requests, below, class, phase, plan, request, run, second, task};

/// Length of a clean run, in seconds.
const SECONDS: u64 = 120;

/// A plan of two classes with stated weights: 7 readers with two tasks and 3 writers with one.
fn clean_plan(criteria: Vec<Criterion>) -> Plan {
    let wait = Wait::Constant(Nanos::from_millis(100));
    let mut plan = plan(&[("steady", true)], criteria);
    plan.load.phases[0].run_time = Some(Nanos::from_secs(SECONDS));
    plan.classes = vec![
        class(
            "reader",
            3.0,
            wait,
            vec![task("list", 3, vec![request(0)]), task("open", 1, vec![request(1)])],
        ),
        class("writer", 1.0, wait, vec![task("write", 1, vec![request(1)])]),
    ];
    plan
}

/// A run of `plan` in which nothing is wrong: 80 requests a second, each class as many as its users make.
fn clean_run(plan: Plan) -> Run {
    let windows =
        (0..SECONDS).map(|n| {
            let mut window = second(n);
            // Response times come and go, without a trend.
            let ms = 20 + n * 7 % 5;
            window = window
                .at((0, 0), 0, OutcomeKind::Ok, 48, ms)
                .at((0, 1), 0, OutcomeKind::Ok, 16, ms + 1)
                .at((1, 1), 0, OutcomeKind::Ok, 16, ms + 2);
            window.users = vec![7, 3];
            window.tasks = [48, 16, 16].map(|runs| TaskCounts { runs, skipped: 0 }).to_vec();
            window.started = 80;
            window.send_lag.record_n(Nanos::from_millis(1), 80);
            window.loop_lag.record_n(Nanos::from_millis(1), 100);
            for (class, n) in [(0, 64), (1, 16)] {
                let counts = window.iterations_mut(PhaseId(0), UserClassId(class));
                (counts.offered, counts.started, counts.completed) = (n, n, n);
            }
            window
        });
    let mut run = run(plan, vec![phase(0, "steady", 0, Some(0), SECONDS * 1_000)], windows.collect());
    run.series = run
        .plan
        .series()
        .into_iter()
        .map(|planned| Series { name: planned.name, unit: planned.unit, samples: Vec::new() })
        .collect();
    run
}

fn clean() -> Run {
    clean_run(clean_plan(vec![]))
}

fn doubts(run: &Run) -> Vec<Doubt> {
    judge(run).doubts
}

/// The severity and evidence of one kind of doubt about `run`, if there is one.
fn doubt(run: &Run, kind: DoubtKind) -> Option<(Severity, String)> {
    let mut found = doubts(run).into_iter().filter(|doubt| doubt.kind == kind);
    let first = found.next().map(|doubt| (doubt.severity, doubt.evidence));
    assert!(found.next().is_none(), "a kind is told once");
    first
}

/// Only this kind of doubt, and this severe.
fn only(run: &Run, kind: DoubtKind, severity: Severity) -> String {
    let all = doubts(run);
    assert_eq!(all.iter().map(|doubt| doubt.kind).collect::<Vec<_>>(), [kind], "{all:?}");
    assert_eq!(all[0].severity, severity, "{all:?}");
    all[0].evidence.clone()
}

fn none(run: &Run) {
    assert_eq!(doubts(run), []);
}

/// `n` errors in a window, of a class at an endpoint.
fn errors(window: &mut Window, site: (u16, u16), error: ErrorClass, code: u32, n: u64) {
    let (class, endpoint) = (UserClassId(site.0), EndpointId(site.1));
    let key = ErrorKey { class, endpoint, error, code: ErrorCode(code) };
    for _ in 0..n {
        window.errors.record(key, window.start, || format!("{error} {code}"), || None);
    }
}

#[test]
fn a_clean_run_has_none() {
    none(&clean());
    none(&clean_run(clean_plan(vec![
        below(Measure::Percentile(99.0), 1.0),
        below(Measure::ErrorRate, 0.01),
        below(Measure::RateLimited, 0.01),
    ])));
}

#[test]
fn the_gravest_come_first() {
    let mut run = clean();
    run.merged_windows = 1;
    run.windows[3].send_lag.record_n(Nanos::from_millis(80), 2_000);
    let found: Vec<_> = doubts(&run).into_iter().map(|doubt| (doubt.severity, doubt.kind)).collect();
    assert_eq!(
        found,
        [
            (Severity::Invalid, DoubtKind::GeneratorSaturated),
            (Severity::Suspect, DoubtKind::WriterFellBehind)
        ]
    );
}
