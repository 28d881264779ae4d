//! Refused requests: nobody logged in, rate limits, one identity for many users.

use squall_core::{EndpointId, ErrorClass, Nanos, OutcomeKind};
use squall_plan::{
    Auth, AuthKind, Criterion, Escape, Feed, FeedOrder, JwtAlgorithm, Measure, Part, Plan, Scope, Secret,
    Slot, SourceRange, Template,
};
use squall_record::Run;
use squall_verdict::{DoubtKind, Severity};

use super::{clean, clean_plan, clean_run, doubt, errors, none, only};
use crate::run::{Requests, below};

/// A plan whose readers log in.
fn known() -> Plan {
    let mut plan = clean_plan(vec![]);
    plan.auths = vec![Auth { name: "login".into(), kind: AuthKind::Bearer(Template::literal("secret")) }];
    plan.classes[0].auth = Some(0);
    plan
}

/// In every second of `run`, `n` answers of an endpoint to a class have this status.
fn statuses(run: &mut Run, site: (u16, u16), status: u32, n: u64) {
    for window in &mut run.windows {
        *window = std::mem::take(window).at(site, 0, OutcomeKind::Failed, n, 5);
        errors(window, site, ErrorClass::Status, status, n);
    }
}

#[test]
fn classes_whose_credentials_are_refused_are_invalid() {
    // 64 answers a second to readers are fine.
    for (status, n, raised) in
        [(401, 64, true), (401, 63, false), (403, 64, true), (500, 200, false), (404, 200, false)]
    {
        let mut run = clean_run(known());
        // At an endpoint of which most answers are others.
        statuses(&mut run, (0, 0), status, n);
        if raised {
            let evidence = only(&run, DoubtKind::NobodyLoggedIn, Severity::Invalid);
            assert!(
                evidence.contains("7680 of 15360 answers to reader") && evidence.contains("(50%)"),
                "{evidence}"
            );
        } else {
            none(&run);
        }
    }
}

#[test]
fn who_sends_no_credentials_is_refused_for_good_reason() {
    let mut run = clean_run(known());
    statuses(&mut run, (1, 1), 401, 500);
    none(&run);
    // Unless it sends them in a header of its own, of the class or of the step.
    let header = || ("Authorization".to_owned(), Template::literal("Bearer x"));
    run.plan.classes[1].headers = vec![header()];
    only(&run, DoubtKind::NobodyLoggedIn, Severity::Invalid);
    run.plan.classes[1].headers.clear();
    let squall_plan::Step::Request(request) = &mut run.plan.classes[1].tasks[0].steps[0] else {
        panic!("a request")
    };
    request.headers = vec![("authorization".to_owned(), Template::literal("Bearer x"))];
    only(&run, DoubtKind::NobodyLoggedIn, Severity::Invalid);
}

#[test]
fn an_endpoint_that_knows_nobody_is_invalid_although_others_do() {
    // The reader's second endpoint: 16 answers a second are fine, but only in the first second.
    let made = |unauthorized: u64, fine: u64| {
        let mut run = clean_run(known());
        for (n, window) in run.windows.iter_mut().enumerate() {
            let mut fresh = crate::run::second(n as u64).at((0, 0), 0, OutcomeKind::Ok, 48, 20);
            fresh.users = window.users.clone();
            fresh.tasks = window.tasks.clone();
            *window = fresh;
        }
        let window = &mut run.windows[0];
        *window = std::mem::take(window).at((0, 1), 0, OutcomeKind::Failed, unauthorized, 5).at(
            (0, 1),
            0,
            OutcomeKind::Ok,
            fine,
            5,
        );
        errors(window, (0, 1), ErrorClass::Status, 401, unauthorized);
        run
    };
    for (unauthorized, fine, raised) in [(5, 0, true), (4, 0, false), (18, 2, true), (17, 3, false)] {
        let found = doubt(&made(unauthorized, fine), DoubtKind::NobodyLoggedIn);
        assert_eq!(found.is_some(), raised, "{unauthorized} of {}: {found:?}", unauthorized + fine);
    }
    let (severity, evidence) = doubt(&made(5, 0), DoubtKind::NobodyLoggedIn).unwrap();
    assert_eq!(severity, Severity::Invalid);
    assert_eq!(evidence, "5 of 5 answers of GET /v1/stories/ to reader, which sends credentials, were 401.");
    // What a limiter refuses never came to where one is logged in.
    let mut limited = made(5, 0);
    limited.windows[0] =
        std::mem::take(&mut limited.windows[0]).at((0, 1), 0, OutcomeKind::RateLimited, 20, 1);
    assert!(doubt(&limited, DoubtKind::NobodyLoggedIn).is_some());
}

/// `run` in which `n` more requests of readers are refused every second.
fn refused(mut run: Run, n: u64) -> Run {
    for window in &mut run.windows {
        *window = std::mem::take(window).at((0, 0), 0, OutcomeKind::RateLimited, n, 1);
    }
    run
}

#[test]
fn the_endpoints_that_are_named_are_those_that_were_refused_in_what_is_judged() {
    let mut run = refused(clean(), 40);
    // While the users start, which is not judged, it is another one.
    run.phases[0].ramped = Some(Nanos::from_secs(10));
    for window in &mut run.windows[..10] {
        *window = std::mem::take(window).at((1, 1), 0, OutcomeKind::RateLimited, 5_000, 1);
    }
    let (_, evidence) = doubt(&run, DoubtKind::MaskedByRateLimit).unwrap();
    let (_, named) = evidence.split_once("most of them at: ").unwrap();
    let endpoint = &run.plan.endpoints[0];
    assert_eq!(named, format!("45.45% of {} {}.", endpoint.method, endpoint.name));
}

#[test]
fn many_refusals_are_invalid_unless_they_are_what_is_judged() {
    // 80 a second are answered: 4 more are below 5 %, 5 are above.
    assert_eq!(doubt(&refused(clean(), 4), DoubtKind::MaskedByRateLimit), None);
    let (severity, evidence) = doubt(&refused(clean(), 5), DoubtKind::MaskedByRateLimit).unwrap();
    assert_eq!(severity, Severity::Invalid);
    assert!(evidence.starts_with("600 of 10200 requests were refused (5.88%)"), "{evidence}");
    assert!(evidence.contains("of GET /v1/discover/"), "{evidence}");
    let judged = clean_run(clean_plan(vec![below(Measure::RateLimited, 0.5)]));
    assert_eq!(doubt(&refused(judged, 500), DoubtKind::MaskedByRateLimit), None);
    let elsewhere = Scope { endpoint: Some(EndpointId(1)), ..Scope::default() };
    let elsewhere = Criterion { scope: elsewhere, ..below(Measure::RateLimited, 0.5) };
    let judged = refused(clean_run(clean_plan(vec![elsewhere])), 500);
    assert!(doubt(&judged, DoubtKind::MaskedByRateLimit).is_some(), "judged at another endpoint");
    // What a suite expects of the status is no refusal: it is counted as what it is.
    let mut other = clean();
    statuses(&mut other, (0, 0), 429, 50);
    assert_eq!(doubt(&other, DoubtKind::MaskedByRateLimit), None);
}

fn slot(slot: Slot) -> Template {
    Template { parts: vec![Part::Slot { slot, escape: Escape::Header }] }
}

fn bearer(template: Template) -> AuthKind {
    AuthKind::Bearer(template)
}

fn jwt(sub: Template) -> AuthKind {
    AuthKind::Jwt {
        algorithm: JwtAlgorithm::HS256,
        secret: Secret::new("key"),
        claims: vec![("sub".into(), sub)],
        ttl: Nanos::from_secs(60),
    }
}

#[test]
fn users_with_one_token_or_address_are_suspect_when_they_are_limited() {
    type Change = fn(&mut Plan);
    let cases: [(Change, bool); 11] = [
        (|_| {}, true),
        (|plan| plan.classes[0].auth = None, true),
        (|plan| plan.auths[0].kind = bearer(slot(Slot::Env(Secret::new("t")))), true),
        (|plan| plan.auths[0].kind = jwt(Template::literal("me")), true),
        (|plan| plan.classes[0].headers = vec![("X-Request-Id".into(), slot(Slot::Uuid))], true),
        (|plan| plan.auths[0].kind = bearer(slot(Slot::UserId)), false),
        (|plan| plan.auths[0].kind = jwt(slot(Slot::UserIndex)), false),
        (|plan| plan.classes[0].headers = vec![("X-Forwarded-For".into(), slot(Slot::UserIndex))], false),
        (
            |plan| {
                plan.feeds = vec![Feed {
                    name: "ips".into(),
                    order: FeedOrder::Unique,
                    columns: vec!["value".into()],
                    rows: vec![],
                }];
                plan.classes[0].headers =
                    vec![("X-Forwarded-For".into(), slot(Slot::Field { feed: 0, column: 0 }))];
            },
            false,
        ),
        (
            |plan| {
                plan.classes[0].source =
                    Some(SourceRange { first: "127.1.0.0".parse().unwrap(), count: 100 });
            },
            false,
        ),
        (
            |plan| {
                plan.classes[0].source = Some(SourceRange { first: "127.1.0.0".parse().unwrap(), count: 1 });
            },
            true,
        ),
    ];
    for (index, (change, raised)) in cases.into_iter().enumerate() {
        let mut plan = known();
        change(&mut plan);
        let run = refused(clean_run(plan), 2);
        let found = doubt(&run, DoubtKind::OneIdentity);
        assert_eq!(found.is_some(), raised, "case {index}: {found:?}");
    }
    let evidence = only(&refused(clean_run(known()), 2), DoubtKind::OneIdentity, Severity::Suspect);
    assert_eq!(
        evidence,
        "7 users of reader send the same token (auth login) from one address; 240 of 7920 of their requests were \
         refused (3.03%)."
    );
}

#[test]
fn one_user_is_one_and_a_limit_that_is_not_met_matters_to_nobody() {
    none(&clean_run(known()));
    let mut run = refused(clean_run(known()), 2);
    run.windows.iter_mut().for_each(|window| window.users = vec![1, 0]);
    assert_eq!(doubt(&run, DoubtKind::OneIdentity), None);
    let mut rarely = clean_run(known());
    let window = &mut rarely.windows[0];
    *window = std::mem::take(window).at((0, 0), 0, OutcomeKind::RateLimited, 50, 1);
    none(&rarely);
}
