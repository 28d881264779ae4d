//! Shares asked for and shares achieved.

use squall_core::{Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_plan::{ArrivalPlan, RateSegment, Spacing, Step, Wait};
use squall_stats::TaskCounts;
use squall_verdict::Mix;

use crate::run::{Requests, class, phase, plan, request, run, second, task};

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.001
}

#[test]
fn users_and_requests_are_told_apart() {
    let mut plan = plan(&[("steady", true)], vec![]);
    let secs = Nanos::from_secs;
    plan.classes = vec![
        // 70 users who make one request every 3 s, 30 who make two every 12 s (10 s of them between the two).
        class("reader", 70.0, Wait::Uniform(secs(1), secs(5)), vec![task("read", 1, vec![request(0)])]),
        class(
            "writer",
            30.0,
            Wait::Constant(secs(2)),
            vec![task("write", 1, vec![request(0), Step::Wait(Wait::Constant(secs(10))), request(1)])],
        ),
    ];
    let mut window = second(0).with(0, OutcomeKind::Ok, 8, 1).at((1, 1), 0, OutcomeKind::Failed, 2, 1);
    window.users = vec![6, 4];
    let mix = Mix::of(&run(plan, vec![phase(0, "steady", 0, Some(0), 1_000)], vec![window]));
    let reader = &mix.classes[0];
    assert!(near(reader.users_asked, 0.7) && near(reader.users_achieved.unwrap(), 0.6));
    let asked = (70.0 / 3.0) / (70.0 / 3.0 + 30.0 * 2.0 / 12.0);
    assert!(near(reader.requests_asked.unwrap(), asked), "{reader:?}");
    assert!(near(reader.requests_achieved.unwrap(), 0.8));
    assert_eq!(mix.classes.iter().map(|c| c.requests).collect::<Vec<_>>(), [8, 2]);
}

#[test]
fn fixed_counts_are_asked_for_first() {
    let mut plan = plan(&[("steady", true)], vec![]);
    plan.classes[1].fixed_count = 5;
    let windows = [[0, 5], [5, 5]].into_iter().zip(0..).map(|(users, n)| {
        let mut window = second(n);
        window.users = users.to_vec();
        window
    });
    let mix = Mix::of(&run(plan, vec![], windows.collect()));
    for (class, share) in mix.classes.iter().zip([5.0 / 15.0, 10.0 / 15.0]) {
        assert!(near(class.users_asked, share), "{class:?}");
        assert!(near(class.users_achieved.unwrap(), share), "{class:?}");
    }
}

#[test]
fn arrivals_are_shares_of_arrivals_whoever_serves_them() {
    let segments = vec![RateSegment { from: 10.0, to: 10.0, span: None }];
    let arrivals = ArrivalPlan { segments, spacing: Spacing::Uniform };
    let made = |phases: &[(&str, bool)]| {
        let mut plan = plan(phases, vec![]);
        plan.load.phases[0].arrivals = Some(arrivals.clone());
        // Two requests a task, and in the closed model one task a second.
        plan.classes[1].tasks = vec![task("write", 1, vec![request(0), request(1)])];
        let windows = (0..2).map(|n| {
            let mut window = second(n);
            window.phase = Some(PhaseId(if phases.len() == 1 { 0 } else { n as u16 }));
            for (class, offered) in [(0, 6), (1, 4)] {
                window.iterations_mut(window.phase.unwrap(), UserClassId(class)).offered = offered;
            }
            window.users = if n == 0 { vec![1, 9] } else { vec![4, 6] };
            window
        });
        let marks = (0..).zip(phases).map(|(id, (name, _))| phase(id, name, 0, Some(0), 1_000));
        run(plan, marks.collect(), windows.collect())
    };
    let mix = Mix::of(&made(&[("open", true)]));
    let reader = &mix.classes[0];
    assert!(near(reader.users_asked, 0.75) && near(reader.arrivals_asked.unwrap(), 0.75), "{reader:?}");
    assert!(near(reader.arrivals_achieved.unwrap(), 0.6), "{reader:?}");
    assert!(near(reader.requests_asked.unwrap(), 0.75 / (0.75 + 2.0 * 0.25)), "{reader:?}");

    // One second of ten arrivals, one second of ten users who make a task a second.
    let mix = Mix::of(&made(&[("open", true), ("closed", true)]));
    let reader = &mix.classes[0];
    assert!(near(reader.users_achieved.unwrap(), 0.4), "of the closed second, {reader:?}");
    assert!(near(reader.arrivals_achieved.unwrap(), 0.6), "{reader:?}");
    assert!(near(reader.requests_asked.unwrap(), 15.0 / 25.0), "{reader:?}");

    let closed = Mix::of(&run(plan(&[("steady", true)], vec![]), vec![], vec![second(0)]));
    assert_eq!(closed.classes[0].arrivals_asked, None);
    assert!(
        !serde_json::to_string(&closed).unwrap().contains("arrivals"),
        "nothing arrives, nothing is told"
    );
}

#[test]
fn tasks_share_what_their_class_ran() {
    let mut plan = plan(&[("steady", true)], vec![]);
    plan.classes[0].tasks = vec![task("list", 3, vec![request(0)]), task("open", 1, vec![request(1)])];
    let mut window = second(0);
    window.tasks = [(6, 0), (1, 1), (9, 0)].map(|(runs, skipped)| TaskCounts { runs, skipped }).to_vec();
    let mix = Mix::of(&run(plan, vec![], vec![window]));
    let shares: Vec<_> = mix.tasks.iter().map(|t| (t.name.as_str(), t.asked, t.achieved.unwrap())).collect();
    assert_eq!(shares, [("list", 0.75, 6.0 / 7.0), ("open", 0.25, 1.0 / 7.0), ("write", 1.0, 1.0)]);
    assert_eq!((mix.tasks[1].runs, mix.tasks[1].skipped), (1, 1));
}

#[test]
fn what_is_not_known_is_not_a_number() {
    let mut plan = plan(&[("steady", true)], vec![]);
    plan.classes[0].wait = Wait::Constant(Nanos::ZERO);
    plan.classes[1].tasks.clear();
    let mix = Mix::of(&run(plan, vec![], vec![]));
    assert_eq!((mix.classes[0].users_asked, mix.classes[1].users_asked), (0.75, 0.25));
    for class in &mix.classes {
        assert_eq!(class.users_achieved, None);
        assert_eq!(class.requests_asked, None, "without waits the server sets the pace");
        assert_eq!(class.requests_achieved, None);
    }
    assert_eq!(mix.tasks[0].achieved, None);
}
