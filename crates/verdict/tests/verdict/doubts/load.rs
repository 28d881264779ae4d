//! What was asked for, and whether that is what came: throughput, tasks, mix, samples.

use squall_core::{EndpointId, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_plan::{
    ArrivalPlan, Capture, CaptureSource, Comparison, Criterion, Measure, Plan, RateSegment, Scope, Spacing,
    Step, VarId, Wait,
};
use squall_record::Run;
use squall_stats::{Iterations, TaskCounts};
use squall_verdict::{DoubtKind, Severity};

use super::{clean, clean_plan, clean_run, doubt, doubts, none, only};
use crate::run::{Requests, below, level, request};

fn throughput(value: f64) -> Criterion {
    Criterion { target: level(Comparison::Above, value), ..below(Measure::Throughput, 0.0) }
}

#[test]
fn a_target_beyond_what_users_can_make_is_suspect() {
    // Ten users who wait 100 ms make at most 100 requests a second, and with the fastest answers seen (20 ms) 83.
    for (asked, raised, said) in [
        (79.0, false, ""),
        (82.0, false, ""),
        (90.0, true, "at most 83 requests/s with answers as fast as they came"),
        (120.0, true, "even if the server answers in no time"),
    ] {
        let run = clean_run(clean_plan(vec![throughput(asked)]));
        if raised {
            let evidence = only(&run, DoubtKind::TargetImpossible, Severity::Suspect);
            assert!(evidence.starts_with("throughput: ") && evidence.contains(said), "{evidence}");
        } else {
            none(&run);
        }
    }
}

#[test]
fn what_was_reached_was_possible_and_what_is_acceptable_counts_without_a_target() {
    let acceptable =
        |value| Criterion { target: None, acceptable: level(Comparison::AtLeast, value), ..throughput(0.0) };
    none(&clean_run(clean_plan(vec![acceptable(81.0)])));
    only(&clean_run(clean_plan(vec![acceptable(200.0)])), DoubtKind::TargetImpossible, Severity::Suspect);
    // The endpoint gets a part of what there is; the writers alone make less than all.
    let of = |scope| clean_run(clean_plan(vec![Criterion { scope, ..throughput(70.0) }]));
    let endpoint = Scope { endpoint: Some(EndpointId(0)), ..Scope::default() };
    only(&of(endpoint), DoubtKind::TargetImpossible, Severity::Suspect);
    let class = Scope { class: Some(UserClassId(1)), ..Scope::default() };
    only(&of(class), DoubtKind::TargetImpossible, Severity::Suspect);
    // A plan without waits in which more was made than the arithmetic of the waits allows.
    let mut plan = clean_plan(vec![throughput(79.0)]);
    for class in &mut plan.classes {
        class.wait = Wait::Constant(Nanos::from_secs(1));
    }
    none(&clean_run(plan));
}

/// Readers open what they have listed before.
fn needy_plan() -> Plan {
    let mut plan = clean_plan(vec![]);
    plan.classes[0].vars = vec!["slugs".into()];
    plan.classes[0].tasks[1].needs = vec![VarId(0)];
    let Step::Request(list) = &mut plan.classes[0].tasks[0].steps[0] else { panic!("a request") };
    let source = CaptureSource::JsonPath("$.data[*].slug".into());
    list.captures = vec![Capture { var: VarId(0), source, required: false }];
    plan
}

fn tasks(run: &mut Run, counts: [(u64, u64); 3]) {
    for window in &mut run.windows {
        window.tasks = counts.map(|(runs, skipped)| TaskCounts { runs, skipped }).to_vec();
    }
}

#[test]
fn a_task_that_is_always_skipped_is_invalid_and_its_need_is_named() {
    let mut run = clean_run(needy_plan());
    tasks(&mut run, [(48, 0), (0, 16), (16, 0)]);
    let (severity, evidence) = doubt(&run, DoubtKind::TaskNeverRan).unwrap();
    assert_eq!(severity, Severity::Invalid);
    assert_eq!(
        evidence,
        "reader.open was skipped 1920 times and never ran: it needs slugs, to be captured by list (GET /v1/discover/)."
    );
    run.windows[50].tasks[1].runs = 1;
    assert_eq!(doubt(&run, DoubtKind::TaskNeverRan), None, "once is not never");
    // Nothing captures it.
    let mut plan = needy_plan();
    plan.classes[0].tasks[0].steps = vec![request(0)];
    let mut run = clean_run(plan);
    tasks(&mut run, [(48, 0), (0, 16), (16, 0)]);
    assert!(doubt(&run, DoubtKind::TaskNeverRan).unwrap().1.contains("which nothing captures"));
}

#[test]
fn a_task_that_never_ran_is_invalid_when_it_should_have() {
    // A quarter of the turns is its own: of 28 turns 7, of 24 only 6.
    for (turns, severity) in [(28, Severity::Invalid), (24, Severity::Suspect)] {
        let mut run = clean();
        run.windows.truncate(1);
        tasks(&mut run, [(turns, 0), (0, 0), (16, 0)]);
        let (found, evidence) = doubt(&run, DoubtKind::TaskNeverRan).unwrap();
        assert_eq!(found, severity, "{evidence}");
        assert!(evidence.starts_with("reader.open never ran"), "{evidence}");
    }
}

#[test]
fn a_task_that_was_begun_and_not_finished_is_not_one_that_never_ran() {
    let mut run = clean();
    run.windows.truncate(1);
    tasks(&mut run, [(48, 0), (16, 0), (0, 0)]);
    run.windows[0].iterations_mut(PhaseId(0), UserClassId(1)).completed = 0;
    assert_eq!(doubt(&run, DoubtKind::TaskNeverRan), None);
    *run.windows[0].iterations_mut(PhaseId(0), UserClassId(1)) = Iterations::default();
    assert_eq!(doubt(&run, DoubtKind::TaskNeverRan).unwrap().0, Severity::Suspect);
    // Nobody sent anything: that is told by another doubt.
    let mut nothing = clean();
    nothing.windows = vec![crate::run::second(0)];
    let kinds: Vec<_> = doubts(&nothing).into_iter().map(|doubt| doubt.kind).collect();
    assert_eq!(kinds, [DoubtKind::NothingTested]);
}

#[test]
fn a_class_without_a_user_is_told_and_one_that_takes_no_part_is_not() {
    let mut plan = clean_plan(vec![]);
    plan.classes[1].weight = 0.01;
    let mut run = clean_run(plan);
    tasks(&mut run, [(48, 0), (16, 0), (0, 0)]);
    for window in &mut run.windows {
        window.users = vec![10, 0];
        *window.iterations_mut(PhaseId(0), UserClassId(1)) = Iterations::default();
    }
    let evidence = only(&run, DoubtKind::TaskNeverRan, Severity::Suspect);
    assert_eq!(evidence, "writer.write never ran: of 10 users none is a writer.");
    run.plan.classes[1].weight = 0.0;
    none(&run);
}

#[test]
fn users_who_are_not_as_asked_are_suspect() {
    for (users, raised) in [([7, 3], false), ([5, 5], false), ([4, 6], true), ([7, 0], true)] {
        let mut run = clean();
        run.windows.iter_mut().for_each(|window| window.users = users.to_vec());
        let found = doubt(&run, DoubtKind::MixOff);
        assert_eq!(found.is_some(), raised, "{users:?}: {found:?}");
    }
    let mut run = clean();
    run.windows.iter_mut().for_each(|window| window.users = vec![9, 0]);
    assert!(
        only(&run, DoubtKind::MixOff, Severity::Suspect)
            .contains("0.0 users of writer ran on average instead of 3.0")
    );
    // A ramp is not the mix.
    let mut run = clean();
    run.phases[0].ramped = Some(Nanos::from_secs(40));
    run.windows[..40].iter_mut().for_each(|window| window.users = vec![1, 0]);
    none(&run);
}

#[test]
fn nobody_said_how_to_mix() {
    let unstated = |stated: [bool; 2], fixed: u32| {
        let mut plan = clean_plan(vec![]);
        for (class, stated) in plan.classes.iter_mut().zip(stated) {
            class.weight_stated = stated;
        }
        plan.classes[1].fixed_count = fixed;
        clean_run(plan)
    };
    let evidence = only(&unstated([false, false], 0), DoubtKind::MixOff, Severity::Suspect);
    assert_eq!(evidence, "No class has a weight, so all 2 got the same number of users: reader, writer.");
    none(&unstated([true, false], 0));
    none(&unstated([false, false], 2));
    let mut run = unstated([false, false], 0);
    run.plan.classes[1].weight = 0.0;
    assert_eq!(
        doubt(&run, DoubtKind::MixOff).map(|(_, text)| text.contains("No class")),
        Some(false),
        "one is no mix"
    );
}

#[test]
fn tasks_that_differ_from_their_weights_are_suspect() {
    // 64 turns a second, 7680 in all; three to one is asked for.
    for (counts, raised) in [
        ([(48, 0), (16, 0), (16, 0)], false),
        ([(47, 0), (17, 0), (16, 0)], false),
        ([(45, 0), (19, 0), (16, 0)], true),
        ([(32, 0), (32, 0), (16, 0)], true),
    ] {
        let mut run = clean();
        tasks(&mut run, counts);
        let found = doubt(&run, DoubtKind::MixOff);
        assert_eq!(found.is_some(), raised, "{counts:?}: {found:?}");
    }
    let mut run = clean();
    tasks(&mut run, [(32, 0), (32, 0), (16, 0)]);
    assert_eq!(
        only(&run, DoubtKind::MixOff, Severity::Suspect),
        "Tasks of reader, of the turns: list 50% instead of 75%, open 50% instead of 25%."
    );
    // The same in few turns is chance, and so it is when that many were never counted.
    run.windows.truncate(1);
    tasks(&mut run, [(7, 0), (5, 0), (16, 0)]);
    assert_eq!(doubt(&run, DoubtKind::MixOff), None);
    tasks(&mut run, [(32, 0), (32, 0), (16, 0)]);
    assert!(doubt(&run, DoubtKind::MixOff).is_some());
    run.windows[0].iterations_mut(PhaseId(0), UserClassId(0)).completed = 40;
    assert_eq!(doubt(&run, DoubtKind::MixOff), None);
}

#[test]
fn skipped_turns_are_named_when_they_change_the_mix() {
    let mut run = clean_run(needy_plan());
    tasks(&mut run, [(48, 0), (8, 8), (16, 0)]);
    let evidence = only(&run, DoubtKind::MixOff, Severity::Suspect);
    assert!(evidence.starts_with("Tasks of reader, of the runs: "), "{evidence}");
    assert!(evidence.contains("open was skipped in 960 of 1920 turns: it needs slugs"), "{evidence}");
    // A user's first turns, before it has listed anything.
    tasks(&mut run, [(48, 0), (16, 0), (16, 0)]);
    run.windows[0].tasks[1] = TaskCounts { runs: 4, skipped: 12 };
    none(&run);
}

/// The clean run as an open one: 80 tasks arrive a second.
fn open(offered: [u64; 2]) -> Run {
    let mut plan = clean_plan(vec![throughput(79.0)]);
    let segments = vec![RateSegment { from: 80.0, to: 80.0, span: None }];
    plan.load.phases[0].arrivals = Some(ArrivalPlan { segments, spacing: Spacing::Uniform });
    let mut run = clean_run(plan);
    for window in &mut run.windows {
        for (class, n) in (0..).zip(offered) {
            let counts = window.iterations_mut(PhaseId(0), UserClassId(class));
            (counts.offered, counts.started, counts.completed) = (n, n, n);
        }
        // Who serves them is not asked for.
        window.users = vec![3, 7];
    }
    run
}

#[test]
fn arrivals_are_mixed_by_weight_and_are_all_there_is() {
    none(&open([60, 20]));
    let evidence = only(&open([40, 40]), DoubtKind::MixOff, Severity::Suspect);
    assert_eq!(evidence, "Arrivals by class: reader 50% instead of 75%, writer 50% instead of 25%.");
    let mut run = open([60, 20]);
    run.plan.criteria = vec![throughput(100.0)];
    assert!(only(&run, DoubtKind::TargetImpossible, Severity::Suspect).contains("80"));
}

/// `run` with so many more arrivals a second that were given up.
fn with_dropped(mut run: Run, dropped: u64) -> Run {
    for window in &mut run.windows {
        let counts = window.iterations_mut(PhaseId(0), UserClassId(0));
        (counts.offered, counts.dropped) = (counts.offered + dropped, dropped);
    }
    run
}

#[test]
fn arrivals_given_up_are_doubted_unless_they_are_what_is_judged() {
    // 80 a second are served: 1 more is above 1 %, 5 are above 5 %.
    let dropped = |n| doubt(&with_dropped(open([60, 20]), n), DoubtKind::ArrivalsDropped);
    assert_eq!(dropped(0), None);
    assert_eq!(dropped(1).unwrap().0, Severity::Suspect);
    let (severity, evidence) = dropped(5).unwrap();
    assert_eq!(severity, Severity::Invalid);
    assert!(evidence.starts_with("600 of 10200 arrivals (5.88%)"), "{evidence}");
    let mut judged = open([60, 20]);
    judged.plan.criteria = vec![below(Measure::Dropped, 0.5)];
    assert_eq!(doubt(&with_dropped(judged, 500), DoubtKind::ArrivalsDropped), None);
    let mut elsewhere = open([60, 20]);
    let scope = Scope { class: Some(UserClassId(1)), ..Scope::default() };
    elsewhere.plan.criteria = vec![Criterion { scope, ..below(Measure::Dropped, 0.5) }];
    assert!(doubt(&with_dropped(elsewhere, 500), DoubtKind::ArrivalsDropped).is_some(), "judged for others");
}

#[test]
fn a_percentile_needs_requests_beyond_it() {
    let made = |percentile, requests, hold| {
        let criterion = Criterion { hold, ..below(Measure::Percentile(percentile), 1.0) };
        let mut run = clean_run(clean_plan(vec![criterion]));
        for window in &mut run.windows {
            let (start, users, tasks) = (window.start, window.users.clone(), window.tasks.clone());
            *window = crate::run::second(start.whole_secs());
            (window.users, window.tasks) = (users, tasks);
        }
        let window = &mut run.windows[5];
        *window = std::mem::take(window).with(0, OutcomeKind::Ok, requests, 20);
        run
    };
    for (percentile, requests, raised) in [
        (99.0, 999, true),
        (99.0, 1_000, false),
        (95.0, 199, true),
        (95.0, 200, false),
        (50.0, 20, false),
        (99.9, 9_999, true),
        (100.0, 1, false),
        (99.0, 0, false),
    ] {
        let found = doubt(&made(percentile, requests, None), DoubtKind::TooFewSamples);
        assert_eq!(found.is_some(), raised, "p{percentile} of {requests}: {found:?}");
    }
    let (severity, evidence) = doubt(&made(99.0, 600, None), DoubtKind::TooFewSamples).unwrap();
    assert_eq!(severity, Severity::Suspect);
    assert!(
        evidence.starts_with("p99 rests on 600 requests of 1000 needed; it lies between 20"),
        "{evidence}"
    );
    let (_, evidence) = doubt(&made(99.0, 50, None), DoubtKind::TooFewSamples).unwrap();
    assert!(evidence.ends_with("they do not say where it ends."), "{evidence}");
    // A window has fewer than the whole.
    let run = |hold| clean_run(clean_plan(vec![Criterion { hold, ..below(Measure::Percentile(99.0), 1.0) }]));
    none(&run(None));
    none(&run(Some(Nanos::from_secs(13))));
    let evidence = only(&run(Some(Nanos::from_secs(12))), DoubtKind::TooFewSamples, Severity::Suspect);
    assert!(evidence.starts_with("p99 for 12s rests on 960 requests"), "{evidence}");
}
