//! What should have been seen and was not.

use squall_core::{ErrorClass, Nanos};
use squall_plan::{Monitor, MonitorKind, ProcessTarget};
use squall_record::{Mark, MarkKind, Point, Run};
use squall_verdict::{DoubtKind, Severity};

use super::{SECONDS, clean, clean_plan, clean_run, doubt, errors, none, only};

#[test]
fn a_lost_worker_is_invalid() {
    let mut run = clean();
    let mark =
        |kind| Mark { at: Nanos::from_secs(12), kind, note: "worker-1 is gone with 5 of 10 users".into() };
    run.marks = vec![mark(MarkKind::Reset)];
    none(&run);
    run.marks.push(mark(MarkKind::WorkerLost));
    let evidence = only(&run, DoubtKind::WorkerLost, Severity::Invalid);
    assert_eq!(evidence, "At 12s: worker-1 is gone with 5 of 10 users.");
}

#[test]
fn a_record_without_an_end_is_a_part_of_a_run() {
    let mut run = clean();
    run.end = None;
    let evidence = only(&run, DoubtKind::CutOff, Severity::Invalid);
    assert_eq!(evidence, "It stops after 2m, and nobody wrote down why.");
}

/// A clean run that watches a process and the generator every second; `keep` says which samples there are, and which of
/// them have a value.
fn watched(keep: impl Fn(u64) -> Option<bool>) -> Run {
    let mut plan = clean_plan(vec![]);
    let kind = MonitorKind::Process(ProcessTarget::Port(8_000));
    plan.monitors =
        vec![Monitor::generator(), Monitor { name: "process.api".into(), interval: Nanos::SECOND, kind }];
    let mut run = clean_run(plan);
    for series in run.series.iter_mut().filter(|series| series.name.starts_with("process.api")) {
        let point = |n| Some(Point { at: Nanos::from_secs(n), value: keep(n)?.then_some(1.0) });
        series.samples = (0..=SECONDS).filter_map(point).collect();
    }
    run
}

#[test]
fn a_blind_monitor_is_suspect() {
    // No samples at all of the generator are no doubt: it watches itself when it can.
    none(&watched(|_| Some(true)));
    none(&watched(|n| Some(n > 0)));
    none(&watched(|n| (n < 119).then_some(true)));
    none(&watched(|n| Some(!(50..52).contains(&n))));
    none(&watched(|n| Some(n % 25 != 3)));
    for run in [
        watched(|n| Some(!(50..53).contains(&n))),
        watched(|n| (!(50..53).contains(&n)).then_some(true)),
        watched(|n| Some(n % 15 != 3)),
        watched(|n| (n < 110).then_some(true)),
        watched(|_| None),
    ] {
        only(&run, DoubtKind::MonitorBlind, Severity::Suspect);
    }
    // Users who take long to finish are not waited for by monitors.
    let mut run = watched(|n| (n < 100).then_some(true));
    run.phases[0].end = Some(Nanos::from_secs(100));
    assert_eq!(doubt(&run, DoubtKind::MonitorBlind), None);
    let run = watched(|n| Some(!(50..80).contains(&n)));
    let evidence = only(&run, DoubtKind::MonitorBlind, Severity::Suspect);
    assert_eq!(
        evidence,
        "Monitor process.api had no value 30 of 120 times (process.api.cpu, process.api.rss, process.api.threads, \
         process.api.fds), first at 50s, 30s at the longest."
    );
}

#[test]
fn kinds_of_errors_beyond_those_kept_are_suspect() {
    let mut run = clean();
    for code in 0..64 {
        errors(&mut run.windows[3], (0, 0), ErrorClass::Check, code, 1);
    }
    none(&run);
    errors(&mut run.windows[4], (0, 0), ErrorClass::Check, 64, 7);
    let evidence = only(&run, DoubtKind::Overflowed, Severity::Suspect);
    assert_eq!(evidence, "7 errors came beyond the 64 kinds that are kept apart.");
}

#[test]
fn joined_seconds_are_suspect() {
    let mut run = clean();
    run.merged_windows = 3;
    let evidence = only(&run, DoubtKind::WriterFellBehind, Severity::Suspect);
    assert_eq!(evidence, "3 seconds were joined to the one before.");
}
