//! The suite that ships with Squall.

use std::path::{Path, PathBuf};

use squall_plan::feasibility;
use squall_plan::{Plan, Step};
use squall_suite::{Planned, Selection, Suite, task_ratio};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suites/muejam/suite.toml")
}

/// No environment and no files beside it: it is embedded into the program.
fn suite() -> Suite {
    let text = std::fs::read_to_string(path()).unwrap();
    let suite = squall_suite::parse(&text, "suite.toml", Path::new("/nowhere"), &|_| None);
    suite.unwrap_or_else(|errors| panic!("{}", crate::rendered(&errors)))
}

fn planned(profile: &str) -> Planned {
    let selection = Selection { profile: Some(profile.to_owned()), ..Selection::default() };
    suite().plan(&selection).unwrap()
}

fn facts(plan: &Plan) -> String {
    let mut out = String::new();
    for class in &plan.classes {
        let wait = class.wait.mean_secs();
        out += &format!("{} weight {} wait {wait:.3}\n", class.name, class.weight);
        for task in &class.tasks {
            let needs: Vec<_> = task.needs.iter().map(|v| class.vars[usize::from(v.0)].as_str()).collect();
            let Some(Step::Request(request)) = task.steps.first() else { panic!("no request") };
            let endpoint = &plan.endpoints[request.endpoint.index()];
            let (method, name) = (&endpoint.method, &endpoint.name);
            out += &format!("  {} {} {method} {name} needs {needs:?}\n", task.weight, task.name);
        }
    }
    for criterion in &plan.criteria {
        let unit = criterion.measure.unit();
        out += &format!("{}", criterion.measure);
        let levels = [
            ("target", criterion.target),
            ("acceptable", criterion.acceptable),
            ("failure", criterion.failure),
        ];
        for (name, level) in levels {
            if let Some(level) = level {
                out += &format!(" {name} {}", level.display(unit));
            }
        }
        out += "\n";
    }
    for pending in &plan.pending {
        out += &format!("pending {} ({})\n", pending.measure, pending.levels);
    }
    out
}

#[test]
fn the_basic_profile_is_the_guides() {
    let planned = planned("basic");
    assert_eq!(planned.warnings, []);
    let phase = &planned.plan.load.phases[0];
    assert_eq!((phase.users, phase.spawn_rate, phase.run_time.unwrap().as_secs_f64()), (100, 10.0, 300.0));
    insta::assert_snapshot!(facts(&planned.plan));
}

#[test]
fn every_profile_makes_a_plan_without_warnings() {
    for profile in suite().profiles() {
        assert_eq!(planned(profile.name()).warnings, [], "{}", profile.name());
    }
}

#[test]
fn what_can_be_judged_is_judged() {
    let measures = |profile: &str| {
        let plan = planned(profile).plan;
        plan.criteria.iter().map(|criterion| criterion.measure.to_string()).collect::<Vec<_>>()
    };
    assert!(measures("spike").contains(&"recovery(p95)".to_owned()));
    for measure in ["slope(process.rss)", "slope(p95)", "max(process.fds)"] {
        assert!(measures("sustained").contains(&measure.to_owned()), "{measure}");
    }
    for profile in suite().profiles() {
        for pending in planned(profile.name()).plan.pending {
            let later =
                ["redis.", "postgres.", "host."].iter().any(|source| pending.measure.contains(source));
            assert!(later, "{}: {}", profile.name(), pending.measure);
        }
    }
}

#[test]
fn a_rush_arrives_in_steps_and_every_class_can_serve_it() {
    let planned = planned("rush");
    let phase = &planned.plan.load.phases[1];
    let arrivals = phase.arrivals.as_ref().unwrap();
    assert_eq!((arrivals.to_string().as_str(), phase.users), ("10/s, 20/s, 40/s, poisson", 40));
    let users = feasibility(&planned.plan).phases[1].users_by_class.clone();
    assert!(users.iter().all(|users| *users > 0), "{users:?}");
}

#[test]
fn what_the_guide_asks_cannot_be_reached_by_users_who_wait() {
    for (profile, ceiling, possible) in
        [("basic", 29.4, false), ("sustained", 58.8, false), ("peak", 294.0, true), ("demo", 46.0, true)]
    {
        let check = &feasibility(&planned(profile).plan).checks[0];
        assert_eq!(check.possible, possible, "{profile}: {}", check.text);
        if profile != "demo" {
            assert!((check.ceiling - ceiling).abs() < 0.1, "{profile}: {}", check.ceiling);
        } else {
            assert!(check.ceiling > ceiling, "{profile}: {}", check.ceiling);
        }
    }
    let basic = feasibility(&planned("basic").plan);
    assert_eq!(
        basic.checks[0].text,
        "100 users can make at most 29.4 requests/s, even if the server answers in no time \
         (70 AuthenticatedUser / 3 s = 23.3/s, 1 HealthCheckUser / 1.5 s = 0.7/s, 25 UnauthenticatedUser / 5 s \
         = 5/s, 4 WriterUser / 10 s = 0.4/s); the target is > 100/s, which takes at least 341 users"
    );
    assert_eq!(basic.checks[0].acceptable_possible, Some(false));
    assert_eq!(feasibility(&planned("sustained").plan).checks[0].acceptable_possible, Some(true));
}

#[test]
fn every_class_of_a_small_profile_has_users_in_every_phase() {
    for profile in ["smoke", "demo", "limited"] {
        let plan = planned(profile).plan;
        for phase in feasibility(&plan).phases {
            assert!(phase.users_by_class.iter().all(|n| *n > 0), "{profile}: {phase:?}");
        }
    }
}

#[test]
fn nobody_but_the_hasty_is_limited() {
    // 100 requests a minute for each user; the phases of `demo` and `smoke` are shorter than a minute. Users who
    // serve arrivals do not wait; how many they serve depends on how many there are.
    for profile in suite().profiles().iter().filter(|p| !matches!(p.name(), "limited" | "rush")) {
        let planned = planned(profile.name());
        let seconds = planned.plan.load.run_time().unwrap().as_secs_f64().min(60.0);
        for class in feasibility(&planned.plan).classes.iter().filter(|c| c.name != "HealthCheckUser") {
            let requests = class.per_user * seconds;
            assert!(requests < 90.0, "{}: {} makes {requests}", profile.name(), class.name);
        }
    }
    let limited = feasibility(&planned("limited").plan);
    let hasty = limited.classes.iter().find(|c| c.name == "HastyUser").unwrap();
    assert!(hasty.per_user * 60.0 > 150.0);
}

#[test]
fn the_task_ratio_has_locusts_shape() {
    let ratio = task_ratio(&planned("basic").plan);
    let json: serde_json::Value = serde_json::to_value(&ratio).unwrap();
    assert_eq!(json["per_class"]["AuthenticatedUser"]["ratio"], 0.7);
    let browse = &json["per_class"]["AuthenticatedUser"]["tasks"]["browse_discovery"]["ratio"];
    assert!((browse.as_f64().unwrap() - 10.0 / 29.0).abs() < 1e-12);
    let total = &json["total"]["WriterUser"]["tasks"]["create_story"]["ratio"];
    assert!((total.as_f64().unwrap() - 0.02).abs() < 1e-12);
}
