//! Recovery from spikes: the time against a truth, and what is said when there is none.

use squall_core::{Nanos, OutcomeKind};
use squall_plan::{ArrivalPlan, RateSegment, Spacing};
use squall_record::Run;
use squall_verdict::{Recovery, analyse};

use super::simulated::{Random, Server, closed, count, long_tailed};
use crate::run::{ms, phase, plan, run, second};

const SPIKE: f64 = 60.0;
const AFTER: f64 = 90.0;
const SECS: u64 = 150;

/// Ten seconds of ramp, 30 users to 60 s, 120 to 90 s, 40 to 150 s, against `server`.
fn spike(seed: u64, server: Server<'_>) -> Run {
    let users = |n: usize| {
        let n = n as f64;
        match n {
            n if n < 30.0 => (n / 3.0, SECS as f64),
            n if n < 40.0 => (SPIKE + (n - 29.0) / 30.0, SECS as f64),
            n => (SPIKE + (n - 29.0) / 30.0, AFTER + (120.0 - n) / 20.0),
        }
    };
    let users: Vec<_> = (0..120).map(users).collect();
    let phase_at = |at: f64| if at < SPIKE { 0 } else { 1 + u16::from(at >= AFTER) };
    let windows = closed(SECS, &users, &phase_at, server, &mut Random::new(seed));
    let mut phases = vec![
        phase(0, "calm", 0, Some(10_000), 60_000),
        phase(1, "spike", 60_000, Some(63_000), 90_000),
        phase(2, "after", 90_000, Some(94_000), 150_000),
    ];
    for (phase, users) in phases.iter_mut().zip([30, 120, 40]) {
        phase.users = users;
    }
    run(plan(&[("calm", true), ("spike", true), ("after", true)], vec![]), phases, windows)
}

fn only(run: &Run) -> Recovery {
    let [recovery] = analyse(run).recoveries.try_into().unwrap();
    assert_eq!(recovery.disturbance, "spike");
    recovery
}

fn ok(median: f64, random: &mut Random) -> (OutcomeKind, f64) {
    (OutcomeKind::Ok, long_tailed(median, random))
}

#[test]
fn the_time_agrees_with_that_of_a_server_that_stalls_and_then_works_off_its_queue() {
    for seed in 0..20 {
        let truth = Random::new(seed).between(0.0, 40.0);
        // Requests of the spike wait until the server is back and are all answered then.
        let server = |at: f64, random: &mut Random| {
            let back = AFTER + truth;
            let (outcome, took) = ok(0.1, random);
            (outcome, if (SPIKE + 5.0..back).contains(&at) { back - at + took } else { took })
        };
        let recovery = only(&spike(seed, &server));
        let time = recovery.time.unwrap().as_secs_f64();
        assert!((time - truth).abs() <= 1.5, "seed {seed}: {truth} s, found {recovery:?}");
    }
}

#[test]
fn the_time_agrees_with_that_of_a_server_that_is_slow_for_a_while() {
    for seed in 0..20 {
        let truth = Random::new(100 + seed).between(0.0, 40.0);
        let server = |at: f64, random: &mut Random| {
            let slow = (SPIKE..AFTER + truth).contains(&at);
            ok(if slow { 0.5 } else { 0.1 }, random)
        };
        let recovery = only(&spike(seed, &server));
        let time = recovery.time.unwrap().as_secs_f64();
        // The last slow answer comes a little after the last slow request.
        assert!((-1.0..=2.0).contains(&(time - truth)), "seed {seed}: {truth} s, found {recovery:?}");
    }
}

#[test]
fn the_time_agrees_with_that_of_a_server_that_refuses_for_a_while() {
    for seed in 0..20 {
        let truth = Random::new(200 + seed).between(0.0, 40.0);
        let server = |at: f64, random: &mut Random| match (SPIKE + 2.0..AFTER + truth).contains(&at) {
            true if random.uniform() < 0.3 => (OutcomeKind::Failed, 0.01),
            _ => ok(0.1, random),
        };
        let recovery = only(&spike(seed, &server));
        let time = recovery.time.unwrap().as_secs_f64();
        assert!((time - truth).abs() <= 1.5, "seed {seed}: {truth} s, found {recovery:?}");
    }
}

#[test]
fn a_spike_that_does_no_harm_is_over_at_once() {
    let recovery = only(&spike(1, &|_, random| ok(0.1, random)));
    assert_eq!(recovery.time, Some(Nanos::ZERO), "{recovery:?}");
    assert_eq!(recovery.watched, ms(60_000));
    assert!(
        recovery.sentence.starts_with("spike: requests were as before at once (p95 "),
        "{}",
        recovery.sentence
    );
    assert_eq!(
        (recovery.baseline.start, recovery.baseline.end),
        (ms(10_000), ms(60_000)),
        "without the ramp"
    );
    assert_eq!((recovery.baseline.users, recovery.during.users), (30, 120));
}

#[test]
fn a_spike_whose_users_leave_in_a_part_of_a_second_is_over_at_once() {
    // Seven requests a second and user. Of 40 users 30 leave within 300 ms: 40 × 7 / s falls to 10 × 7 / s.
    let windows = (0..SECS).map(|number| {
        let mut window = second(number);
        window.users[0] = if (60..90).contains(&number) { 40 } else { 10 };
        let user_seconds = if number == 90 { 0.3 * 25.0 + 0.7 * 10.0 } else { f64::from(window.users[0]) };
        for _ in 0..(7.0 * user_seconds) as u64 {
            let phase = if number < 60 { 0 } else { 1 + u16::from(number >= 90) };
            count(std::slice::from_mut(&mut window), phase, 0.0, OutcomeKind::Ok, 0.1);
        }
        window
    });
    let mut run = spike(8, &|_, random| ok(0.1, random));
    run.windows = windows.collect();
    for (phase, (users, ramped)) in run.phases.iter_mut().zip([(10, 100), (40, 60_300), (10, 90_300)]) {
        (phase.users, phase.ramped) = (users, Some(ms(ramped)));
    }
    let recovery = only(&run);
    assert_eq!(recovery.time, Some(Nanos::ZERO), "{recovery:?}");
    let per_user = recovery.baseline.throughput_per_user.unwrap();
    assert!((per_user - 7.0).abs() < 1e-9, "{per_user}");
}

#[test]
fn a_server_that_stays_slow_does_not_recover() {
    let server = |at: f64, random: &mut Random| ok(if at > SPIKE { 0.16 } else { 0.1 }, random);
    let recovery = only(&spike(2, &server));
    assert_eq!(recovery.time, None);
    assert!(
        recovery.sentence.starts_with("spike: did not recover within 1m: p95 is "),
        "{}",
        recovery.sentence
    );
    assert!(!recovery.sentence.contains("fail"), "errors are as before: {}", recovery.sentence);
    assert!(!recovery.sentence.contains("successes"), "throughput is: {}", recovery.sentence);
}

#[test]
fn errors_that_stay_are_named_alone() {
    let server = |at: f64, random: &mut Random| match at > SPIKE && random.uniform() < 0.04 {
        true => (OutcomeKind::Failed, 0.1),
        false => ok(0.1, random),
    };
    let sentence = only(&spike(3, &server)).sentence;
    assert!(sentence.contains("% of requests fail (before it 0%)"), "{sentence}");
    assert!(!sentence.contains("p95 is") && !sentence.contains("successes"), "{sentence}");
}

#[test]
fn throughput_that_stays_low_is_named_alone_and_rate_limited_answers_are_no_errors() {
    let server = |at: f64, random: &mut Random| match at > SPIKE && random.uniform() < 0.3 {
        true => (OutcomeKind::RateLimited, 0.1),
        false => ok(0.1, random),
    };
    let sentence = only(&spike(4, &server)).sentence;
    assert!(sentence.contains("successes a second and user (before it 0."), "{sentence}");
    assert!(!sentence.contains("p95 is") && !sentence.contains("fail"), "{sentence}");
}

#[test]
fn a_run_that_ends_too_soon_or_has_too_few_requests_says_so() {
    let mut short = spike(5, &|_, random| ok(0.1, random));
    short.windows.truncate(96);
    short.phases[2].end = Some(ms(96_000));
    let recovery = only(&short);
    assert_eq!((recovery.time, recovery.watched), (None, ms(6_000)));
    assert_eq!(recovery.sentence, "spike: only 6s after it, too short to tell");

    let mut few = spike(6, &|_, random| ok(0.1, random));
    for (number, window) in few.windows.iter_mut().enumerate().skip(90) {
        *window = second(number as u64);
        window.users[0] = 40;
    }
    let recovery = only(&few);
    assert_eq!(recovery.sentence, "spike: only 0 requests in the 1m after it, too few to tell");
}

#[test]
fn with_few_requests_more_than_ten_seconds_are_looked_at() {
    // Four requests a second: 100 of them take 25 s. All fail from the spike to 22 s after it, and later again.
    let again_from = |again: u64| {
        let windows = (0..SECS).map(|number| {
            let mut window = second(number);
            window.users[0] = 10;
            let phase = if number < 60 { 0 } else { 1 + u16::from(number >= 90) };
            let fails = (60..112).contains(&number) || number >= again;
            for _ in 0..4 {
                let outcome = if fails { OutcomeKind::Failed } else { OutcomeKind::Ok };
                count(std::slice::from_mut(&mut window), phase, 0.0, outcome, 0.1);
            }
            window
        });
        let mut run = spike(7, &|_, random| ok(0.1, random));
        run.windows = windows.collect();
        only(&run).time
    };
    assert_eq!(again_from(137), Some(ms(22_000)));
    assert_eq!(again_from(136), None, "24 s without errors are 96 requests");
}

#[test]
fn only_a_phase_above_both_its_neighbours_disturbs_and_the_next_one_ends_the_watch() {
    let names = [("a", 10), ("b", 40), ("c", 20), ("d", 60), ("e", 60), ("f", 20), ("g", 30)];
    let phases = names.iter().enumerate().map(|(index, (name, users))| {
        let start = index as u64 * 20_000;
        let mut phase = phase(index as u16, name, start, Some(start), start + 20_000);
        phase.users = *users;
        phase
    });
    let windows = (0..140).map(|number| {
        let mut window = second(number);
        window.users[0] = names[(number / 20) as usize].1;
        for _ in 0..window.users[0] {
            count(std::slice::from_mut(&mut window), (number / 20) as u16, 0.0, OutcomeKind::Ok, 0.1);
        }
        window
    });
    let planned: Vec<_> = names.iter().map(|(name, _)| (*name, true)).collect();
    let run = run(plan(&planned, vec![]), phases.collect(), windows.collect());
    let recoveries = analyse(&run).recoveries;
    let told: Vec<_> = recoveries
        .iter()
        .map(|r| (r.disturbance.as_str(), r.during.start, r.during.end, r.watched, r.time))
        .collect();
    assert_eq!(
        told,
        [
            ("b", ms(20_000), ms(40_000), ms(20_000), Some(Nanos::ZERO)),
            ("d", ms(60_000), ms(100_000), ms(40_000), Some(Nanos::ZERO)),
        ]
    );
}

#[test]
fn arrivals_that_are_not_served_are_no_recovery_though_few_users_suffice() {
    // 20 a second, 80 in the spike, 30 after it; from its begin to 10 s after its end every third is dropped.
    let open = |served_again: u64| {
        let rate = |number: u64| {
            if number < 60 {
                20
            } else if number < 90 {
                80
            } else {
                30
            }
        };
        let windows = (0..SECS).map(|number| {
            let mut window = second(number);
            window.users[0] = 5;
            let phase = if number < 60 { 0 } else { 1 + u16::from(number >= 90) };
            let dropped = if (60..served_again).contains(&number) { rate(number) / 3 } else { 0 };
            for _ in 0..rate(number) - dropped {
                count(std::slice::from_mut(&mut window), phase, 0.0, OutcomeKind::Ok, 0.1);
            }
            let counts = window.iterations_mut(squall_core::PhaseId(phase), squall_core::UserClassId(0));
            counts.offered += rate(number);
            counts.started += rate(number) - dropped;
            counts.dropped += dropped;
            window
        });
        let mut run = spike(8, &|_, random| ok(0.1, random));
        run.windows = windows.collect();
        for (phase, rate) in run.plan.load.phases.iter_mut().zip([20.0, 80.0, 30.0]) {
            let segments = vec![RateSegment { from: rate, to: rate, span: None }];
            phase.arrivals = Some(ArrivalPlan { segments, spacing: Spacing::Uniform });
        }
        run.phases.iter_mut().for_each(|phase| phase.users = 5);
        only(&run)
    };
    let recovery = open(100);
    let time = recovery.time.unwrap().as_secs_f64();
    assert!((7.0..=10.0).contains(&time), "a tenth may be missing, so up to 3 of 10 s: {recovery:?}");
    assert_eq!(recovery.during.iterations.offered, 80.0);
    let sentence = open(SECS).sentence;
    assert!(sentence.ends_with("0.667 successes per iteration due (before it 1.00)"), "{sentence}");
}
