//! What can be reached at best, for all the ways users wait.

use squall_plan::{Feasibility, feasibility, feasibility_with};
use squall_suite::Selection;

use crate::good;

/// Of ten users of the class `U`, beside whatever else `text` says.
fn of(text: &str) -> Feasibility {
    let text = format!(
        "schema = 1\nhost = \"http://h\"\n{text}\n[profiles.p]\nusers = 10\nrun_time = \"1m\"\ncriteria = \"c\""
    );
    let selection = Selection { profile: Some("p".into()), ..Selection::default() };
    feasibility(&good(&text).plan(&selection).unwrap().plan)
}

#[test]
fn users_who_do_not_wait_have_no_ceiling() {
    let found = of("[users.U.tasks]\nt = { get = \"/\" }\n[criteria.c]\nthroughput = \"> 1000000/s\"");
    assert!(found.possible());
    assert!(found.checks[0].text.starts_with("10 users who do not wait have no ceiling"), "{found:?}");
    assert_eq!(found.shares, [1.0]);
    assert!(serde_json::to_string(&found).unwrap().contains("\"ceiling\":null"));
}

#[test]
fn pacing_is_a_ceiling_of_its_own_and_bounds_know_their_edge() {
    let users = "[users.U]\nwait = { pacing = \"100ms\" }\ntasks.t = { get = \"/\" }\n[criteria.c]\n";
    let found = of(&format!(
        "{users}throughput = [\"> 100/s\", \">= 100/s\", {{ failure = \"< 200/s\" }}, \"< 5/s\"]"
    ));
    let possible: Vec<_> = found.checks.iter().map(|c| c.possible).collect();
    assert_eq!(possible, [false, true, false, true]);
    assert!(!found.possible());
}

#[test]
fn steps_and_the_waits_between_them_count() {
    let found = of(
        "[users.U]\nwait = \"1s\"\n[users.U.tasks]\none = { weight = 1, get = \"/one\" }\nthree = { weight = 1, steps = [{ get = \"/a\" }, { wait = \"2s\" }, { get = \"/b\" }, { get = \"/b\" }] }\n[criteria.c]\nthroughput = [\"> 9/s\", { target = \"> 5/s\", endpoint = \"/b\" }, { target = \"> 5/s\", users = \"U\" }]",
    );
    // Two requests a task on average, every 1 s + half of 2 s.
    assert_eq!((found.classes[0].requests_per_iteration, found.classes[0].iteration_secs), (2.0, 2.0));
    let ceilings: Vec<_> = found.checks.iter().map(|c| c.ceiling).collect();
    assert_eq!(ceilings, [10.0, 5.0, 10.0]);
    let possible: Vec<_> = found.checks.iter().map(|c| c.possible).collect();
    assert_eq!(possible, [true, false, true]);
    assert_eq!(found.shares, [0.25, 0.25, 0.5]);
    assert_eq!(
        found.checks[1].text,
        "10 users can make at most 5 requests/s, even if the server answers in no time (10 U / 2 s = 5/s); \
         the target is > 5/s, which takes at least 11 users"
    );
}

#[test]
fn phases_count_by_their_time_and_warm_up_does_not() {
    let text = "schema = 1\nhost = \"http://h\"\n[users.U]\nwait = \"1s\"\ntasks.t = { get = \"/\" }\n[profiles.p]\nphases = [{ users = 1000, run_time = \"1m\", warmup = true }, { name = \"low\", users = 10, run_time = \"3m\" }, { name = \"high\", users = 50, run_time = \"1m\" }]\ncriteria = { throughput = [\"> 20/s\", { target = \"> 20/s\", phase = \"high\" }] }";
    let selection = Selection { profile: Some("p".into()), ..Selection::default() };
    let found = feasibility(&good(text).plan(&selection).unwrap().plan);
    let facts: Vec<_> = found.checks.iter().map(|c| (c.ceiling, c.possible)).collect();
    assert_eq!(facts, [(20.0, false), (50.0, true)]);
    assert_eq!(
        found.checks[0].text,
        "the phases that count can make at most 20 requests/s on average, even if the server answers in no time \
         (low 10/s, high 50/s); the target is > 20/s"
    );
}

#[test]
fn arrivals_are_a_ceiling_whatever_users_wait() {
    let text = "schema = 1\nhost = \"http://h\"\n[users.A]\nweight = 3\nwait = \"1h\"\ntasks.t = { get = \"/a\" }\n[users.B]\nweight = 1\n[users.B.tasks]\none = { get = \"/b\" }\ntwo = { steps = [{ get = \"/b\" }, { get = \"/c\" }] }\n[profiles.p]\nrate = \"20/s..60/s\"\nrun_time = \"1m\"\ncriteria = { throughput = [\"> 45/s\", \"> 44/s\", { target = \"> 16/s\", users = \"B\" }, { target = \"> 5/s\", endpoint = \"/c\" }] }";
    let selection = Selection { profile: Some("p".into()), ..Selection::default() };
    let found = feasibility(&good(text).plan(&selection).unwrap().plan);
    // 40/s on average; of each second 30 of A with one request, 10 of B with one and a half.
    assert_eq!((found.phases[0].arrivals, found.phases[0].ceiling), (Some(40.0), 45.0));
    let facts: Vec<_> = found.checks.iter().map(|c| (c.ceiling, c.possible)).collect();
    assert_eq!(facts, [(45.0, false), (45.0, true), (15.0, false), (5.0, false)]);
    let shares: Vec<_> = found.shares.iter().map(|share| (share * 45.0).round()).collect();
    assert_eq!(shares, [30.0, 10.0, 5.0]);
    assert_eq!(
        found.checks[2].text,
        "40 arrivals/s on average make at most 15 requests/s, even if every one is served (10/s B × 1.5 = 15/s); \
         the target is > 16/s, which takes more than 42.7 arrivals/s"
    );
}

#[test]
fn answers_that_take_time_lower_what_can_be_reached() {
    let text = "schema = 1\nhost = \"http://h\"\n[users.U]\nwait = \"1s\"\ntasks.t = { get = \"/\" }\n[users.V.tasks]\nt = { get = \"/\" }\n[profiles.p]\nusers = 20\nrun_time = \"1m\"\ncriteria = { throughput = [\"> 30/s\", { target = \"> 9/s\", users = \"U\" }] }";
    let selection = Selection { profile: Some("p".into()), ..Selection::default() };
    let plan = good(text).plan(&selection).unwrap().plan;
    assert!(feasibility(&plan).possible());
    let found = feasibility_with(&plan, &[0.25, 0.5]);
    let facts: Vec<_> = found.checks.iter().map(|c| (c.ceiling, c.possible)).collect();
    assert_eq!(facts, [(28.0, false), (8.0, false)]);
    assert!(
        found.checks[1].text.starts_with(
            "20 users can make at most 8 requests/s with answers as fast as they came (10 U / 1.25 s = 8/s)"
        ),
        "{}",
        found.checks[1].text
    );
    assert_eq!(feasibility_with(&plan, &[f64::NAN, -1.0]), feasibility(&plan), "nonsense counts as nothing");
}
