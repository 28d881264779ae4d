//! The open model: arrivals that come by themselves, whether or not the server keeps up.

use squall_core::{Nanos, Slot, UserClassId};
use squall_plan::{Plan, RateSegment, Spacing, VarId, Wait};
use squall_stats::Iterations;

use super::support::{self, Answer, Bench, Run, get, plan_of, user_class};
use super::{MS, assert_about, ms};
use crate::command::ArrivalSchedule;

const S: fn(u64) -> Nanos = Nanos::from_secs;

fn rate(from: f64, to: f64, users: u32, end: Nanos) -> ArrivalSchedule {
    ArrivalSchedule {
        segments: vec![RateSegment { from, to, span: None }],
        spacing: Spacing::Uniform,
        seed: 7,
        weights: vec![1.0],
        users: vec![users],
        end: Some(end),
    }
}

fn constant(rate_per_s: f64, users: u32, end: Nanos) -> ArrivalSchedule {
    rate(rate_per_s, rate_per_s, users, end)
}

/// Users who would wait for ten minutes between two tasks, if they were not needed.
fn thinkers() -> Plan {
    plan_of(vec![user_class("A", Wait::Constant(S(600)), vec![get("/x")])])
}

fn counts(offered: u64, started: u64, completed: u64, dropped: u64) -> Iterations {
    Iterations { offered, started, completed, dropped }
}

/// The greatest lag of any request, in ms.
fn worst_lag(run: &Run) -> f64 {
    let highest =
        |window: &squall_stats::Window| window.send_lag.buckets().map(|(at, _)| at.as_millis_f64()).last();
    run.windows().filter_map(highest).fold(0.0, f64::max)
}

/// A server that takes 20 ms, and answers nothing from `from` to `to`: what came meanwhile it begins then.
fn frozen(from: Nanos, to: Nanos) -> impl Fn(&support::Seen) -> Answer {
    move |request| {
        let wait = if request.now >= from && request.now < to { to - request.now } else { Nanos::ZERO };
        Answer::ok().after(wait + MS(20))
    }
}

#[test]
fn every_arrival_leaves_on_time_whatever_users_would_wait() {
    let run = Bench::new(thinkers(), |_| Answer::ok().after(MS(30)))
        .users(5)
        .arrivals(constant(100.0, 5, S(10)))
        .stop_timeout(S(1))
        .run(S(10));
    // Due at 5, 15, 25 … ms.
    for (n, moment) in run.moments().iter().enumerate() {
        assert!((moment - (n as f64 * 10.0 + 5.0)).abs() < 1.01, "{n}: {moment}");
    }
    assert_eq!(run.iterations(0, 0), counts(1000, 1000, 1000, 0));
    assert_eq!((run.summary().ok(), run.tasks()[0].runs), (1000, 1000));
    assert_about(ms(run.summary().service_percentile(99.0)), 30.0);
    assert!(ms(run.summary().percentile(100.0).map(|q| q.value)) <= 31.1);
    // Of each second, what was due in it.
    let offered: Vec<u64> =
        run.windows().take(10).map(|w| w.iterations().map(|(_, _, i)| i.offered).sum()).collect();
    assert_eq!(offered, [100; 10]);
}

#[test]
fn ramps_and_steps_offer_what_they_say() {
    let offered = |segments: Vec<RateSegment>| {
        let schedule = ArrivalSchedule { segments, ..constant(0.0, 20, S(10)) };
        let run = Bench::new(thinkers(), |_| Answer::ok()).users(20).arrivals(schedule).run(S(10));
        let total = run.iterations(0, 0);
        assert_eq!((total.started, total.dropped), (total.offered, 0));
        let of = |window: &squall_stats::Window| window.iterations().map(|(_, _, i)| i.offered).sum::<u64>();
        run.windows().take(10).map(of).collect::<Vec<_>>()
    };
    let piece = |from, to, span: Option<u64>| RateSegment { from, to, span: span.map(S) };
    // From 0 to 100 per second: (2n + 1) · 5 in second n.
    assert_eq!(offered(vec![piece(0.0, 100.0, None)]), [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]);
    let steps = vec![piece(10.0, 10.0, Some(3)), piece(0.0, 0.0, Some(2)), piece(50.0, 50.0, None)];
    assert_eq!(offered(steps), [10, 10, 10, 0, 0, 50, 50, 50, 50, 50]);
}

#[test]
fn poisson_arrivals_are_as_many_as_they_should_be_and_never_even() {
    let schedule = |seed| ArrivalSchedule { spacing: Spacing::Poisson, seed, ..constant(100.0, 50, S(60)) };
    let moments = |seed| {
        let run = Bench::new(thinkers(), |_| Answer::ok()).users(50).arrivals(schedule(seed)).run(S(60));
        let counted = run.iterations(0, 0);
        assert_eq!((counted.offered, counted.dropped), (run.served(), 0));
        run.moments()
    };
    let one = moments(1);
    // 6000 with a standard error of 77.
    assert!((5770..6230).contains(&one.len()), "{}", one.len());
    let short = one.windows(2).filter(|pair| pair[1] - pair[0] < 5.0).count() as f64 / one.len() as f64;
    // 1 − e^(−½) = 39 % of the gaps are shorter than half the mean; the clock of this test ticks in milliseconds.
    assert!((0.33..0.46).contains(&short), "{short}");
    assert_eq!(one, moments(1));
    assert_ne!(one, moments(2));
}

#[test]
fn what_waits_for_a_stalled_server_is_charged_exactly_and_is_not_our_lag() {
    // Ten users, 50 arrivals per second, and no answer from 5 s to 6 s: the first ten of 50 are sent, 40 wait.
    let run = Bench::new(thinkers(), frozen(S(5), S(6)))
        .users(10)
        .arrivals(constant(50.0, 10, S(10)))
        .stop_timeout(S(1))
        .run(S(10));
    assert_eq!(run.iterations(0, 0), counts(500, 500, 500, 0));
    // Due at 5.01, 5.03 … s. The first ten come back at 6.02 s; those that wait follow ten at a time, 20 ms each.
    let mut expected: Vec<f64> = Vec::new();
    let mut free = [0.0f64; 10];
    for n in 0..500u32 {
        let due = f64::from(n) * 20.0 + 10.0;
        let first = free.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
        let sent = due.max(free[first]);
        let done = if (5000.0..6000.0).contains(&sent) { 6020.0 } else { sent + 20.0 };
        free[first] = done;
        expected.push(done - due);
    }
    expected.sort_by(f64::total_cmp);
    let summary = run.summary();
    for (rank, expected) in (1..=500u32).zip(&expected) {
        // The middle of the rank, so that rounding does not choose the neighbour.
        let percentile = (f64::from(rank) - 0.5) / 5.0;
        let measured = ms(summary.percentile(percentile).map(|quantile| quantile.value));
        // The paused clock of the runtime ticks in milliseconds.
        let slack = 3.0 + expected * 0.001;
        assert!((measured - expected).abs() <= slack, "p{percentile}: {measured} instead of {expected}");
    }
    assert!(expected[499] > 1000.0 && expected[449] > 20.5, "the freeze was there: {expected:?}");
    assert!(worst_lag(&run) <= 1.01, "{} ms", worst_lag(&run));
    assert!(ms(summary.service_percentile(97.5)) < 22.0, "a naive tool sees ten slow requests of 500");
}

#[test]
fn beyond_its_bound_what_waits_is_dropped() {
    // Two users and a server that never answers in time: 20 may wait.
    let mut plan = thinkers();
    plan.http.timeout = S(60);
    let run = Bench::new(plan, |_| Answer::never()).users(2).arrivals(constant(10.0, 2, S(5))).run(S(5));
    assert_eq!(run.iterations(0, 0), counts(50, 2, 0, 48), "28 beyond the bound, and 20 at the end");
    let last_of_phase = run.windows().nth(4).unwrap();
    let dropped: u64 = last_of_phase.iterations().map(|(_, _, i)| i.dropped).sum();
    assert_eq!(dropped, 10, "the fifth second drops what arrives in it");
    assert_eq!(run.summary().cut(), 2);
}

#[test]
fn what_waits_longer_than_a_request_may_is_dropped() {
    // One user, answers after 400 ms, ten arrivals in the first second, which may wait for half a second.
    let mut plan = thinkers();
    plan.http.timeout = MS(500);
    let run = Bench::new(plan, |_| Answer::ok().after(MS(400)))
        .users(1)
        .arrivals(constant(10.0, 1, S(1)))
        .stop_timeout(S(1))
        .run(S(3));
    // Due at 50, 150 … 950 ms. The user is free at 450 (takes 150), 850 (450 is the first not yet too late), 1250 (850).
    assert_eq!(run.iterations(0, 0), counts(10, 4, 4, 6));
    let slowest = ms(run.summary().percentile(100.0).map(|q| q.value));
    assert!((795.0..=805.0).contains(&slowest), "{slowest}");
}

#[test]
fn only_the_first_request_of_an_arrival_is_late_with_it() {
    // Two requests of 100 ms each, and one user.
    let mut task = get("/x");
    task.steps.push(task.steps[0].clone());
    let plan = plan_of(vec![user_class("A", Wait::Constant(Nanos::ZERO), vec![task])]);
    let mut schedule = constant(10.0, 1, MS(300));
    schedule.segments[0].span = Some(MS(300));
    let run = Bench::new(plan, |_| Answer::ok().after(MS(100))).users(1).arrivals(schedule).run(S(1));
    // Due at 50, 150, 250 ms; served from 50, 250 and 450 ms: first requests take 100, 200 and 300 ms, second ones 100.
    let mut times: Vec<_> = Vec::new();
    for (value, count) in run.summary().response_times().buckets() {
        times.extend((0..count).map(|_| (value.as_millis_f64() / 10.0).round() * 10.0));
    }
    assert_eq!(times, [100.0, 100.0, 100.0, 100.0, 200.0, 300.0]);
}

#[test]
fn phases_change_between_users_and_arrivals() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(MS(100)), vec![get("/x")])]);
    // Users at their own pace, then 20 arrivals per second, then users again.
    let run = Bench::new(plan, |_| Answer::ok())
        .users(4)
        .phase(S(2), Some(constant(20.0, 4, S(4))))
        .phase(S(4), None)
        .run(S(6));
    let in_second = |second: f64| {
        run.moments().iter().filter(|at| (second..second + 1.0).contains(&(**at / 1000.0))).count()
    };
    assert_eq!([0.0, 1.0, 2.0, 3.0].map(in_second), [40, 40, 20, 20]);
    // From 4.0 s on users wait first, as after a task.
    assert!((32..=40).contains(&in_second(4.0)) && (38..=40).contains(&in_second(5.0)));
    assert_eq!(run.iterations(1, 0), counts(40, 40, 40, 0));
    for phase in [0, 2] {
        let closed = run.iterations(phase, 0);
        assert!(closed.offered == closed.started && closed.dropped == 0, "{closed:?}");
        assert!(closed.started - closed.completed <= 4, "{closed:?}");
    }
    // Service times are told apart where a schedule is, and nowhere else.
    let services = |phase: u16| {
        run.windows()
            .flat_map(squall_stats::Window::cells)
            .any(|(key, cell)| key.phase.0 == phase && cell.service.is_some())
    };
    assert_eq!([0, 1, 2].map(services), [false, true, false]);
}

#[test]
fn users_who_think_serve_what_arrives_and_idle_ones_go_on_by_themselves() {
    let run = Bench::new(thinkers(), |_| Answer::ok())
        .users(3)
        .phase(S(10), Some(constant(10.0, 3, S(12))))
        .phase(S(12), None)
        .run(S(700));
    // At first, then 20 arrivals, then each again ten minutes after the phase.
    assert_eq!(run.served(), 3 + 20 + 3);
    assert_eq!(run.moments()[23..], [612_000.0; 3]);
}

#[test]
fn what_waits_outlives_a_phase_of_arrivals_but_not_the_open_model() {
    // A server that answers nothing before 3 s. One user; three arrivals in the first phase and three in the second.
    let server = |request: &support::Seen| Answer::ok().after((MS(2500) - request.now).max(MS(1)));
    let phases = || {
        Bench::new(thinkers(), server)
            .users(1)
            .arrivals(constant(3.0, 1, S(1)))
            .phase(S(1), Some(constant(3.0, 1, S(2))))
    };
    let on = phases().phase(S(2), Some(constant(0.0, 1, S(4)))).stop_timeout(S(1)).run(S(4));
    assert_eq!((on.iterations(0, 0), on.iterations(1, 0)), (counts(3, 3, 3, 0), counts(3, 3, 3, 0)));
    let closed = phases().phase(S(2), None).stop_timeout(S(1)).run(S(4));
    assert_eq!((closed.iterations(0, 0), closed.iterations(1, 0)), (counts(3, 1, 1, 2), counts(3, 0, 0, 3)));
}

#[test]
fn a_user_who_is_stopped_while_idle_leaves_at_once_and_the_others_serve() {
    let slot = |index| Slot { class: UserClassId(0), index };
    let mut plan = thinkers();
    plan.load.stop_timeout = S(5);
    plan.classes[0].on_stop = get("/bye").steps;
    let run =
        Bench::new(plan, |request| Answer::ok().after(if request.path == "/bye" { S(2) } else { MS(1) }))
            .users(3)
            .arrivals(constant(10.0, 3, S(6)))
            .stop(S(2), slot(2))
            .stop(S(2), slot(1))
            .run(S(6));
    assert_eq!(run.users_by_window()[..5], [3, 3, 3, 3, 1]);
    assert_eq!(run.iterations(0, 0), counts(60, 60, 60, 0), "those on their way out are given nothing");
    assert_eq!(run.paths().iter().filter(|path| *path == "/bye").count(), 2);
}

#[test]
fn users_take_turns_and_begin_with_what_they_do_at_the_start() {
    let mut plan = thinkers();
    plan.classes[0].on_start = get("/hello").steps;
    support::request_of(&mut plan.classes[0].tasks[0]).url = support::url("/", squall_plan::Slot::UserId);
    let run = Bench::new(plan, |request| {
        Answer::ok().after(if request.path == "/hello" { MS(300) } else { MS(1) })
    })
    .users(3)
    .arrivals(constant(10.0, 3, S(1)))
    .run(S(2));
    let paths = run.paths();
    assert!(paths[..3].iter().all(|path| path == "/hello"), "{paths:?}");
    let served: Vec<_> = paths[3..].iter().map(String::as_str).collect();
    assert_eq!(served.len(), 10);
    assert_eq!(served.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    assert!(served[3..].windows(4).all(|four| four[0] == four[3]), "in turn: {served:?}");
    // Those of 50, 150 and 250 ms waited for the users, who were busy: 250, 150 and 50 ms.
    let late =
        run.summary().response_times().buckets().filter(|(at, _)| *at > MS(45)).map(|(_, n)| n).sum::<u64>();
    assert_eq!(late, 3 + 3, "three greetings and three who waited");
    assert!(worst_lag(&run) <= 1.01, "waiting for a server is no lag of ours: {} ms", worst_lag(&run));
}

#[test]
fn classes_serve_their_shares_and_one_without_users_drops_its_own() {
    let class = |name: &str| user_class(name, Wait::Constant(S(600)), vec![get(&format!("/{name}"))]);
    let plan = plan_of(vec![class("a"), class("b"), class("c")]);
    let mut bench = Bench::new(plan, |_| Answer::ok()).users(4);
    for index in 0..2 {
        bench = bench.start(Nanos::ZERO, Slot { class: UserClassId(1), index });
    }
    let mut schedule = constant(100.0, 4, S(10));
    schedule.weights = vec![70.0, 25.0, 5.0];
    schedule.users = vec![4, 2, 0];
    let run = bench.arrivals(schedule).run(S(10));
    assert_eq!(run.iterations(0, 0), counts(700, 700, 700, 0));
    assert_eq!(run.iterations(0, 1), counts(250, 250, 250, 0));
    assert_eq!(run.iterations(0, 2), counts(50, 0, 0, 50));
}

#[test]
fn a_skipped_task_is_completed_and_a_cut_one_is_not() {
    let mut view = get("/view");
    view.needs = vec![VarId(0)];
    let mut class = user_class("A", Wait::Constant(Nanos::ZERO), vec![view]);
    class.vars = vec!["slug".into()];
    let run = Bench::new(plan_of(vec![class]), |_| Answer::ok())
        .users(1)
        .arrivals(constant(10.0, 1, S(1)))
        .run(S(2));
    assert_eq!((run.iterations(0, 0), run.tasks()[0].skipped), (counts(10, 10, 10, 0), 10));

    let run =
        Bench::new(thinkers(), |_| Answer::never()).users(5).arrivals(constant(10.0, 5, S(1))).run(MS(300));
    assert_eq!((run.iterations(0, 0), run.summary().cut()), (counts(3, 3, 0, 0), 3));
}

#[test]
fn a_user_counts_its_own_tasks_as_offered_and_begun() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(MS(100)), vec![get("/x")])]);
    let run = Bench::new(plan, |_| Answer::ok().after(MS(100))).users(2).run(MS(1050));
    // At 0, 200, 400, 600, 800 and 1000 ms; the last two are cut.
    assert_eq!(run.iterations(0, 0), counts(12, 12, 10, 0));
}

#[test]
fn a_stall_once_in_a_period_gives_the_distribution_that_arithmetic_gives() {
    // 20 ms of service; no answer from 5.0 to 5.4 s of every 10 s (4 %). 250 arrivals per second: the 80 users take what
    // is due in the first 320 ms of a stall, the rest waits for them; all of it is answered 20 ms after the stall, or 40.
    let (period, length, users) = (S(10), MS(400), 80);
    let run = Bench::new(thinkers(), move |request| {
        let into = Nanos(request.now.0 % period.0);
        let stalled = into >= S(5) && into < S(5) + length;
        Answer::ok().after(MS(20) + if stalled { S(5) + length - into } else { Nanos::ZERO })
    })
    .users(users)
    .arrivals(constant(250.0, users, S(100)))
    .stop_timeout(S(2))
    .run(S(100));
    assert_eq!(run.iterations(0, 0), counts(25_000, 25_000, 25_000, 0));
    // What is due `left` before the end of a stall takes `left` + 20 ms, and 20 ms more if it found no user.
    let mut times: Vec<f64> = (0..2500u32)
        .map(|n| {
            let left = 5400.0 - (f64::from(n) * 4.0 + 2.0);
            let stalled = (0.0..400.0).contains(&left);
            let queued = stalled && left < 400.0 - 4.0 * f64::from(users);
            20.0 + if stalled { left } else { 0.0 } + if queued { 20.0 } else { 0.0 }
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let summary = run.summary();
    for percentile in [5.0, 50.0, 95.0, 96.1, 96.5, 97.0, 98.0, 99.0, 99.5, 99.9] {
        let expected = times[(percentile / 100.0 * 2500.0) as usize];
        let measured = ms(summary.percentile(percentile).map(|q| q.value));
        assert!(
            (measured - expected).abs() <= 5.0 + expected * 0.02,
            "p{percentile}: {measured}, by arithmetic {expected}"
        );
    }
    assert!(worst_lag(&run) <= 1.01, "{} ms", worst_lag(&run));
}
