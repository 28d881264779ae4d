//! The engine against servers in memory, under a clock that stands still unless everybody waits: exact numbers.

mod allocations;
mod arrivals;
mod support;

use squall_core::{EndpointId, Nanos, OutcomeKind, Slot, UserClassId};
use squall_plan::{
    Auth, AuthKind, Capture, CaptureSource, Escape, FeedOrder, JwtAlgorithm, Part, PickFrom, Secret,
    StatusSet, Template, VarId, Wait,
};
use squall_stats::Summary;

use support::{Answer, Bench, feed, get, plan_of, url, user_class};

#[global_allocator]
static ALLOCATOR: squall_testkit::alloc::CountingAllocator = squall_testkit::alloc::CountingAllocator;

const MS: fn(u64) -> Nanos = Nanos::from_millis;

fn ms(value: Option<Nanos>) -> f64 {
    value.unwrap().as_millis_f64()
}

/// Within the 0.1 % of a histogram bucket.
fn assert_about(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= expected * 0.001 + 0.001, "{actual} is not {expected}");
}

#[test]
fn think_time_counts_from_the_end_and_response_time_is_the_servers_delay() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(MS(1000)), vec![get("/x")])]);
    let run = Bench::new(plan, |_| Answer::ok().after(MS(20))).users(3).run(Nanos::from_secs(10));
    let summary = run.summary();
    // Starts at 0, 1.02, 2.04 … 9.18 s: ten requests for each of three users.
    assert_eq!(summary.ok(), 30);
    assert_eq!(run.served(), 30);
    assert_about(ms(summary.mean()), 20.0);
    assert_about(ms(summary.percentile(99.99).map(|q| q.value)), 20.0);
    assert_eq!(run.tasks()[0].runs, 30);
}

#[test]
fn a_stall_shows_in_response_times_of_paced_users_and_hardly_in_service_times() {
    // The server freezes for 1 s at 5 s; users are due every 100 ms.
    let freeze = |now: Nanos| {
        let (from, to) = (Nanos::from_secs(5), Nanos::from_secs(6));
        let wait = if now >= from && now < to { to - now } else { Nanos::ZERO };
        Answer::ok().after(wait + MS(1))
    };
    let plan = plan_of(vec![user_class("A", Wait::Pacing(MS(100)), vec![get("/x")])]);
    let run = Bench::new(plan, move |request| freeze(request.now)).users(10).run(Nanos::from_secs(10));
    let summary = run.summary();
    assert_eq!(summary.ok(), 1000, "every due request is sent, late ones back to back");
    // Due at 5.0, 5.1 … 5.9: ten requests of each user wait 1000, 900 … 100 ms.
    let late = summary.response_times().buckets().filter(|(value, _)| *value > MS(50));
    assert_eq!(late.map(|(_, n)| n).sum::<u64>(), 100);
    assert!(ms(summary.percentile(99.0).map(|q| q.value)) >= 900.0);
    assert!(ms(summary.percentile(95.0).map(|q| q.value)) >= 500.0);
    assert!(ms(summary.service_percentile(98.0)) <= 2.0, "a naive tool sees one slow request a user");
}

#[test]
fn a_request_that_is_never_answered_times_out_on_time() {
    let mut plan = plan_of(vec![user_class("A", Wait::Constant(MS(100)), vec![get("/x")])]);
    plan.http.timeout = MS(500);
    let run = Bench::new(plan, |_| Answer::never()).users(1).run(Nanos::from_secs(3));
    let summary = run.summary();
    assert_eq!(summary.count(OutcomeKind::TimedOut), 5);
    let p50 = summary.percentile(50.0).unwrap();
    assert!(p50.at_least);
    assert!((500.0..=511.0).contains(&p50.value.as_millis_f64()), "{}", p50.value);
}

#[test]
fn a_graceful_stop_counts_every_request_the_server_saw() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(Nanos::ZERO), vec![get("/x")])]);
    let bench = Bench::new(plan, |_| Answer::ok().after(MS(7))).users(20).stop_timeout(Nanos::from_secs(5));
    let run = bench.run(Nanos::from_secs(2));
    let summary = run.summary();
    assert_eq!((summary.attempts, summary.cut()), (run.served(), 0));
    assert!(summary.ok() > 5000);
}

#[test]
fn a_cut_leaves_completed_and_cut_requests_that_bound_the_servers_count() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(Nanos::ZERO), vec![get("/x")])]);
    let run = Bench::new(plan, |_| Answer::ok().after(MS(7))).users(20).run(Nanos::from_secs(2));
    let summary = run.summary();
    assert_eq!(summary.cut(), 20);
    assert!(summary.completed() <= run.served());
    assert!(run.served() <= summary.completed() + summary.cut());
}

#[test]
fn outcomes_are_told_apart() {
    let statuses = [200, 404, 429, 503, 302];
    let mut tasks = Vec::new();
    for status in statuses {
        tasks.push(get(&format!("/{status}")));
    }
    let plan = plan_of(vec![user_class("A", Wait::Constant(MS(10)), tasks)]);
    let run = Bench::new(plan, |request| Answer::status(request.path[1..].parse().unwrap()))
        .users(5)
        .run(Nanos::from_secs(5));
    let of = |endpoint| run.summary_of(|key| key.endpoint == EndpointId(endpoint));
    assert!(of(0).ok() > 0 && of(0).failed() == 0);
    assert!(of(1).failed() > 0 && of(1).ok() == 0);
    assert!(of(2).rate_limited() > 0 && of(2).failed() + of(2).ok() == 0);
    assert!(of(3).failed() > 0);
    assert!(of(4).ok() > 0, "a redirect without a location is what the server answered");
    let errors = run.errors();
    let messages: Vec<_> = errors.entries().iter().map(|e| e.message.clone()).collect();
    assert!(messages.contains(&"status 404".to_owned()) && messages.contains(&"status 503".to_owned()));
    let samples = &errors.entries()[0].samples;
    assert!(
        samples.len() == 5 && samples[4].contains("body of"),
        "later samples carry the body: {samples:?}"
    );
}

#[test]
fn secrets_stay_out_of_messages_and_samples() {
    let mut task = get("/x");
    support::request_of(&mut task).url = url("/x?key=", squall_plan::Slot::Env(Secret::new("s3cr3t/key")));
    let plan = plan_of(vec![user_class("A", Wait::Constant(MS(10)), vec![task])]);
    let run = Bench::new(plan, |_| Answer::status(500).with_body("you sent s3cr3t/key"))
        .users(1)
        .run(Nanos::from_secs(1));
    let said = format!("{:?}", run.errors());
    assert!(said.contains("key=***") && said.contains("you sent ***"), "{said}");
    assert!(!said.contains("s3cr3t"), "{said}");
}

#[test]
fn an_explicitly_expected_429_is_a_success() {
    let mut task = get("/429");
    support::request_of(&mut task).expect.status = StatusSet::from_codes([200, 429]);
    support::request_of(&mut task).expect.explicit_status = true;
    let plan = plan_of(vec![user_class("A", Wait::Constant(MS(100)), vec![task])]);
    let run = Bench::new(plan, |_| Answer::status(429)).users(1).run(Nanos::from_secs(1));
    assert!(run.summary().ok() > 0 && run.summary().rate_limited() == 0);
}

#[test]
fn captures_feed_later_requests_and_tasks_wait_for_what_they_need() {
    let mut list = get("/list");
    support::request_of(&mut list).captures.push(Capture {
        var: VarId(0),
        source: CaptureSource::JsonPath("$.data[*].slug".into()),
        required: true,
    });
    let mut view = get("/view");
    view.needs = vec![VarId(0)];
    support::request_of(&mut view).url = url("/stories/", squall_plan::Slot::Pick(PickFrom::Var(VarId(0))));
    let mut class = user_class("A", Wait::Constant(MS(100)), vec![list, view]);
    class.vars = vec!["slugs".into()];
    let run = Bench::new(plan_of(vec![class]), |request| match request.path.as_str() {
        "/list" => Answer::body(r#"{"data":[{"slug":"a b"},{"slug":"c"}]}"#),
        "/stories/a%20b" | "/stories/c" => Answer::ok(),
        _ => Answer::status(500),
    })
    .users(20)
    .run(Nanos::from_secs(10));
    assert_eq!(run.summary().failed(), 0, "{:?}", run.errors());
    let tasks = run.tasks();
    assert!(tasks[1].runs > 500);
    assert!(tasks[1].skipped > 0, "some user drew the view first");
    assert_eq!(tasks[0].skipped, 0);
}

#[test]
fn every_user_has_a_token_of_its_own_and_renews_it() {
    let mut class = user_class("A", Wait::Constant(Nanos::from_secs(1)), vec![get("/x")]);
    class.auth = Some(0);
    let mut plan = plan_of(vec![class]);
    plan.auths.push(Auth {
        name: "reader".into(),
        kind: AuthKind::Jwt {
            algorithm: JwtAlgorithm::HS256,
            secret: Secret::new("k"),
            claims: vec![(
                "sub".into(),
                Template { parts: vec![Part::Slot { slot: squall_plan::Slot::UserId, escape: Escape::Raw }] },
            )],
            ttl: Nanos::from_secs(10),
        },
    });
    let run = Bench::new(plan, |_| Answer::ok()).users(3).run(Nanos::from_secs(20));
    let tokens = run.headers("authorization");
    assert!(tokens.iter().all(|token| token.starts_with("Bearer ey")));
    let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
    // Renewed after 8 of 10 s: at 0, 8 and 16 s for each of three users.
    assert_eq!(distinct.len(), 9);
}

#[test]
fn users_of_a_unique_feed_have_a_row_each_and_stop_coming_when_it_is_used_up() {
    let mut task = get("/x");
    support::request_of(&mut task).url = url("/", squall_plan::Slot::Field { feed: 0, column: 0 });
    let mut plan = plan_of(vec![user_class("A", Wait::Constant(MS(500)), vec![task])]);
    plan.feeds.push(feed("accounts", FeedOrder::Unique, &["ann", "bob"]));
    plan.classes.push(user_class("B", Wait::Constant(MS(500)), vec![get("/b")]));
    plan.classes[1].tasks.clear();
    let other = |index| Slot { class: UserClassId(1), index };
    let bench = Bench::new(plan, |_| Answer::ok()).users(3);
    let run = bench.start(MS(0), other(5)).run(Nanos::from_secs(3));
    let paths: std::collections::BTreeSet<_> = run.paths().into_iter().collect();
    assert_eq!(paths.into_iter().collect::<Vec<_>>(), ["/ann", "/bob"]);
    assert_eq!(run.last_users()[0], 2);
    assert!(run.warnings().len() == 1 && run.warnings()[0].contains("accounts"), "users of B need no row");
}

#[test]
fn the_same_seed_makes_the_same_choices() {
    let tasks = || (0..5).map(|n| get(&format!("/{n}"))).collect();
    let paths = |seed| {
        let mut plan = plan_of(vec![user_class("A", Wait::Uniform(MS(10), MS(900)), tasks())]);
        plan.seed = seed;
        Bench::new(plan, |_| Answer::ok()).users(4).run(Nanos::from_secs(20)).paths()
    };
    assert_eq!(paths(1), paths(1));
    assert_ne!(paths(1), paths(2));
}

#[test]
fn users_start_when_they_are_due_and_stop_last_in_first_out() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(Nanos::from_secs(1)), vec![get("/x")])]);
    let slot = |index| Slot { class: UserClassId(0), index };
    let bench = Bench::new(plan, |_| Answer::ok())
        .start(MS(0), slot(0))
        .start(MS(2500), slot(1))
        .stop(MS(4500), slot(1));
    let run = bench.run(Nanos::from_secs(7));
    assert_eq!(run.users_by_window(), [1, 1, 2, 2, 1, 1, 1, 0]);
    assert_eq!(run.windows().map(|w| w.seq).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn what_is_due_at_a_whole_second_belongs_to_the_window_that_begins_there() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(Nanos::from_secs(60)), vec![get("/x")])]);
    let slot = |index| Slot { class: UserClassId(0), index };
    let bench = Bench::new(plan, |_| Answer::ok()).start(MS(0), slot(0)).start(MS(1000), slot(1));
    assert_eq!(bench.start(MS(2000), slot(2)).run(Nanos::from_secs(3)).users_by_window(), [1, 2, 3, 0]);
}

#[test]
fn a_slot_that_starts_again_while_its_old_user_drains_has_one_user() {
    let mut plan = plan_of(vec![user_class("A", Wait::Constant(MS(1)), vec![get("/x")])]);
    plan.load.stop_timeout = Nanos::from_secs(10);
    let slot = Slot { class: UserClassId(0), index: 0 };
    let bench = Bench::new(plan, |_| Answer::ok().after(Nanos::from_secs(3)))
        .start(MS(0), slot)
        .stop(MS(1500), slot)
        .start(MS(2500), slot)
        .stop(MS(4500), slot);
    let run = bench.run(Nanos::from_secs(8));
    // The old user is cut when its successor starts; the successor ends with its answer at 5.5 s.
    assert_eq!(run.users_by_window(), [1, 1, 1, 1, 1, 0, 0, 0, 0]);
    assert_eq!((run.summary().ok(), run.summary().cut(), run.served()), (1, 1, 2));
}

#[test]
fn a_wait_at_the_head_of_a_paced_task_keeps_the_schedule() {
    let mut plan = plan_of(vec![user_class("A", Wait::Pacing(MS(100)), vec![get("/x")])]);
    plan.classes[0].tasks[0].steps.insert(0, squall_plan::Step::Wait(Wait::Constant(MS(1))));
    let run = Bench::new(plan, |request| {
        let (from, to) = (Nanos::from_secs(5), Nanos::from_secs(6));
        let frozen = request.now >= from && request.now < to;
        Answer::ok().after(if frozen { to - request.now } else { MS(1) })
    })
    .users(10)
    .run(Nanos::from_secs(10));
    assert!(ms(run.summary().percentile(99.0).map(|q| q.value)) >= 880.0);
}

#[test]
fn a_target_that_is_down_does_not_starve_the_clock() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(Nanos::ZERO), vec![get("/x")])]);
    // Time stands still while anybody is busy, so this run can only end if failing users let the others run.
    let run = Bench::new(plan, |_| Answer::ok()).users(1).down().real_time().run(MS(200));
    assert!(run.summary().failed() > 10);
    assert_eq!(run.errors().entries()[0].key.error, squall_core::ErrorClass::ConnectRefused);
}

#[test]
fn looking_at_responses_for_samples_changes_no_outcome() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(MS(10)), vec![get("/x")])]);
    let count = std::cell::Cell::new(0);
    let run = Bench::new(plan, move |_| {
        count.set(count.get() + 1);
        let answer = if count.get() == 1 { Answer::status(500) } else { Answer::ok() };
        answer.header("Content-Encoding", "gzip")
    })
    .users(1)
    .run(Nanos::from_secs(1));
    assert_eq!(run.summary().failed(), 1, "{:?}", run.errors());
}

#[test]
fn a_captured_cookie_may_have_been_set_by_an_earlier_response() {
    let mut login = get("/login");
    let mut class = user_class("A", Wait::Constant(MS(100)), vec![get("/x")]);
    class.vars = vec!["session".into()];
    let plan = {
        support::request_of(&mut class.tasks[0]).captures.push(Capture {
            var: VarId(0),
            source: CaptureSource::Cookie("sid".into()),
            required: true,
        });
        class.on_start = std::mem::take(&mut login.steps);
        plan_of(vec![class])
    };
    let run = Bench::new(plan, |request| match request.path.as_str() {
        "/login" => Answer::ok().header("Set-Cookie", "sid=s3cret; Path=/"),
        _ => Answer::ok(),
    })
    .users(1)
    .run(Nanos::from_secs(1));
    assert_eq!(run.summary().failed(), 0, "{:?}", run.errors());
}

#[test]
fn circular_feeds_begin_with_the_users_own_row() {
    let mut task = get("/x");
    support::request_of(&mut task).url = url("/", squall_plan::Slot::Field { feed: 0, column: 0 });
    let mut plan = plan_of(vec![user_class("A", Wait::Constant(MS(500)), vec![task])]);
    plan.feeds.push(feed("rows", FeedOrder::Circular, &["r0", "r1", "r2"]));
    let run = Bench::new(plan, |_| Answer::ok()).users(1).run(MS(1900));
    assert_eq!(run.paths(), ["/r0", "/r1", "/r2", "/r0"]);
}

#[test]
fn waits_are_drawn_from_their_distributions() {
    let mean_gap = |wait| {
        let plan = plan_of(vec![user_class("A", wait, vec![get("/x")])]);
        let run = Bench::new(plan, |_| Answer::ok()).users(20).run(Nanos::from_secs(600));
        20.0 * 600.0 / run.served() as f64
    };
    assert!((mean_gap(Wait::Uniform(MS(1000), MS(5000))) - 3.0).abs() < 0.1);
    assert!((mean_gap(Wait::Exponential(MS(2000))) - 2.0).abs() < 0.1);
    assert!((mean_gap(Wait::Pacing(MS(500))) - 0.5).abs() < 0.001);
}

#[test]
fn a_summary_of_parts_is_the_summary_of_the_whole() {
    let plan = plan_of(vec![user_class("A", Wait::Constant(MS(37)), vec![get("/x"), get("/y")])]);
    let run = Bench::new(plan, |_| Answer::ok().after(MS(3))).users(7).run(Nanos::from_secs(5));
    let mut parts = Summary::default();
    for endpoint in 0..2 {
        for window in run.windows() {
            for (key, cell) in window.cells().filter(|(key, _)| key.endpoint == EndpointId(endpoint)) {
                parts.add(key.outcome, cell);
            }
        }
    }
    assert_eq!(parts.ok(), run.summary().ok());
    assert_eq!(parts.percentile(99.0), run.summary().percentile(99.0));
}
