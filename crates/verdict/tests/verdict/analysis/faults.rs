//! Faults: before, during, after, and the way back.

use squall_core::{Nanos, OutcomeKind};
use squall_record::{FaultMark, Run};
use squall_verdict::analyse;

use crate::run::{Requests, ms, phase, plan, run, second};

fn fault(name: &str, start: u64, end: Option<u64>) -> FaultMark {
    FaultMark {
        id: 0,
        name: name.into(),
        start: ms(start),
        end: end.map(ms),
        failed: false,
        outcome: "exit status 0".into(),
    }
}

/// Two minutes of 50 requests a second, all of which fail in the given seconds.
fn broken(seconds: std::ops::Range<u64>, faults: Vec<FaultMark>) -> Run {
    let windows = (0..120).map(|number| {
        let outcome = if seconds.contains(&number) { OutcomeKind::Failed } else { OutcomeKind::Ok };
        let mut window = second(number).with(0, outcome, 50, 20);
        window.users = vec![25, 25];
        window
    });
    let phases = vec![phase(0, "steady", 0, Some(5_000), 120_000)];
    let mut run = run(plan(&[("steady", true)], vec![]), phases, windows.collect());
    run.faults = faults;
    run
}

#[test]
fn a_fault_is_seen_before_during_and_after() {
    let run = broken(40..67, vec![fault("database gone", 40_000, Some(60_000))]);
    let [effect] = analyse(&run).faults.try_into().unwrap();
    let recovery = &effect.recovery;
    assert_eq!((recovery.baseline.start, recovery.baseline.end), (ms(20_000), ms(40_000)));
    assert_eq!((recovery.during.start, recovery.during.end), (ms(40_000), ms(60_000)));
    assert_eq!(recovery.baseline.error_rate, Some(0.0));
    assert_eq!(recovery.during.error_rate, Some(1.0));
    assert_eq!(recovery.time, Some(ms(7_000)));
    assert_eq!(recovery.watched, ms(60_000));
    assert!(recovery.sentence.starts_with("database gone: requests were as before 7s after its end"));
    let run = broken(40..67, vec![fault("database gone", 40_000, Some(60_022))]);
    let sentence = &analyse(&run).faults[0].recovery.sentence;
    assert!(sentence.starts_with("database gone: requests were as before 7s after its end"), "{sentence}");
    let after = effect.after.unwrap();
    assert_eq!((after.start, after.end), (ms(60_000), ms(80_000)));
    assert_eq!(
        (effect.name.as_str(), effect.failed, effect.outcome.as_str()),
        ("database gone", false, "exit status 0")
    );
}

#[test]
fn a_blow_is_compared_with_the_ten_seconds_before_it_and_watched_up_to_the_next_fault() {
    let faults = vec![fault("kill one", 30_000, Some(30_000)), fault("kill two", 50_000, Some(50_200))];
    let effects = analyse(&broken(30..40, faults)).faults;
    let [one, two] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((one.recovery.baseline.start, one.recovery.baseline.end), (ms(20_000), ms(30_000)));
    assert_eq!((one.recovery.during.error_rate, one.recovery.watched), (Some(1.0), ms(19_000)));
    // It is over a second after it came, at 31 s; the last failure is in the second that ends at 40 s.
    assert_eq!(one.recovery.time, Some(ms(9_000)));
    assert_eq!(two.recovery.time, Some(Nanos::ZERO));
    assert_eq!(two.recovery.baseline.end, ms(50_000));
}

#[test]
fn the_ramp_is_not_what_a_fault_is_compared_with() {
    let run = broken(20..30, vec![fault("early", 20_000, Some(60_000))]);
    let [effect] = analyse(&run).faults.try_into().unwrap();
    assert_eq!(effect.recovery.baseline.start, ms(5_000));
}

#[test]
fn a_fault_that_lasts_to_the_end_has_no_after() {
    let run = broken(100..120, vec![fault("for good", 100_000, None)]);
    let [effect] = analyse(&run).faults.try_into().unwrap();
    assert_eq!((effect.after, effect.recovery.time), (None, None));
    assert_eq!(effect.recovery.watched, Nanos::ZERO);
    assert_eq!(effect.recovery.during.error_rate, Some(1.0));
    assert_eq!(effect.recovery.sentence, "for good: lasted to the end of the load");
}
