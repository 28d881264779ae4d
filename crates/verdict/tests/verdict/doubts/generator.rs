//! The generator's own health; a slow server is not its fault.

use squall_core::{ErrorClass, Nanos, OutcomeKind};
use squall_plan::Monitor;
use squall_record::{Point, Run};
use squall_verdict::{DoubtKind, Severity};

use super::{SECONDS, clean, clean_plan, clean_run, doubt, errors, none, only};
use crate::run::{Requests, phase};

const KIND: DoubtKind = DoubtKind::GeneratorSaturated;

#[test]
fn late_requests_are_invalid_beyond_chance_only() {
    // 80 requests a second for 120 s. 96 late ones are 1 %; beyond chance are some more than that.
    for (late, ms, raised) in [(96, 50, false), (115, 50, false), (140, 50, true), (2_000, 4, false)] {
        let mut run = clean();
        for n in 0..late {
            run.windows[n % 120].send_lag.record(Nanos::from_millis(ms));
        }
        if raised {
            let evidence = only(&run, KIND, Severity::Invalid);
            assert!(evidence.starts_with("Send lag p99 is 50"), "{evidence}");
            assert!(evidence.contains("140 of 9740 requests"), "{evidence}");
        } else {
            none(&run);
        }
    }
}

#[test]
fn a_late_thread_is_invalid() {
    let mut run = clean();
    run.windows[7].loop_lag.record_n(Nanos::from_millis(30), 400);
    let evidence = only(&run, KIND, Severity::Invalid);
    assert!(evidence.starts_with("Loop lag p99 is 30") && evidence.contains("5ms"), "{evidence}");
}

#[test]
fn lags_are_measured_by_the_response_times() {
    // 5 % of 2 s are 100 ms: 50 ms of lag do not matter where the server takes that long, and a stalled server is no
    // matter of the generator.
    let slow = |run: &mut Run| {
        for window in &mut run.windows {
            *window = std::mem::take(window).with(0, OutcomeKind::Ok, 5, 2_000);
        }
    };
    let mut run = clean();
    slow(&mut run);
    none(&run);
    run.windows[7].send_lag.record_n(Nanos::from_millis(50), 2_000);
    none(&run);
    run.windows[7].send_lag.record_n(Nanos::from_millis(150), 2_000);
    assert!(only(&run, KIND, Severity::Invalid).contains("p99 is 150"));
}

#[test]
fn only_what_is_judged_has_to_be_on_time() {
    let mut run = clean();
    run.phases = vec![
        phase(0, "warm-up", 0, Some(0), 10_000),
        phase(1, "steady", 10_000, Some(10_000), SECONDS * 1_000),
    ];
    run.windows[3].send_lag.record_n(Nanos::from_millis(80), 2_000);
    assert_eq!(doubt(&run, KIND), None);
    run.windows[30].send_lag.record_n(Nanos::from_millis(80), 2_000);
    assert_eq!(doubt(&run, KIND).unwrap().0, Severity::Invalid);
}

#[test]
fn a_few_late_of_a_few_are_chance() {
    let mut run = clean();
    run.windows.truncate(1);
    run.windows[0].send_lag.record(Nanos::from_millis(80));
    assert_eq!(doubt(&run, KIND), None, "one of 81");
}

#[test]
fn no_ports_or_descriptors_is_invalid_whoever_fails_otherwise() {
    let mut run = clean();
    errors(&mut run.windows[9], (0, 0), ErrorClass::ConnectRefused, 0, 40);
    assert_eq!(doubt(&run, KIND), None);
    errors(&mut run.windows[9], (0, 0), ErrorClass::Generator, 24, 3);
    let (severity, evidence) = doubt(&run, KIND).unwrap();
    assert_eq!(severity, Severity::Invalid);
    assert!(
        evidence.contains("3 requests failed for want of ports or descriptors: generator 24"),
        "{evidence}"
    );
}

/// A clean run during which the generator used so much CPU, or was stopped so much.
fn watched(name: &str, value: f64) -> Run {
    let mut plan = clean_plan(vec![]);
    plan.monitors = vec![Monitor::generator()];
    let mut run = clean_run(plan);
    let series = run.series.iter_mut().find(|series| series.name == name).unwrap();
    series.samples = (0..SECONDS).map(|n| Point { at: Nanos::from_secs(n), value: Some(value) }).collect();
    run
}

#[test]
fn a_busy_or_throttled_generator_is_suspect() {
    none(&watched("generator.cpu", 0.89));
    assert!(only(&watched("generator.cpu", 0.95), KIND, Severity::Suspect).contains("95%"));
    none(&watched("generator.throttled", 0.04));
    assert!(only(&watched("generator.throttled", 0.2), KIND, Severity::Suspect).contains("20% of the time"));
    let mut run = watched("generator.cpu", 0.99);
    run.windows[7].loop_lag.record_n(Nanos::from_millis(30), 400);
    let evidence = only(&run, KIND, Severity::Invalid);
    assert!(evidence.starts_with("Loop lag") && evidence.contains("99% of the CPU"), "{evidence}");
}

#[test]
fn a_generator_that_was_idle_and_late_was_kept_by_something_else() {
    let late = |name: &str, cpu| {
        let mut run = watched(name, cpu);
        run.windows[7].loop_lag.record_n(Nanos::from_millis(30), 400);
        only(&run, KIND, Severity::Invalid)
    };
    let told = "The generator itself used only 12 % of its processor: something else kept this machine busy.";
    let evidence = late("generator.cpu", 0.12);
    assert!(evidence.starts_with("Loop lag") && evidence.ends_with(told), "{evidence}");
    assert!(!late("generator.cpu", 0.5).contains("something else"));
    // Nobody knows what it used.
    assert!(!late("generator.throttled", 0.0).contains("something else"));
}
