//! Arrivals in the plan: rates, the users that serve them, and what is asked for instead.

use squall_core::Nanos;
use squall_plan::{ArrivalPlan, PhasePlan, Spacing};
use squall_suite::{Planned, Selection, Warning};

use crate::{USERS, good};

fn planned(text: &str, selection: &Selection) -> Planned {
    let users = if text.contains("[users") { "" } else { USERS };
    good(&format!("schema = 1\nhost = \"http://localhost:1\"\n{users}\n{text}")).plan(selection).unwrap()
}

fn profile() -> Selection {
    Selection { profile: Some("p".to_owned()), ..Selection::default() }
}

/// The only phase of the profile `p` that says `lines`.
fn phase(lines: &str) -> PhasePlan {
    planned(&format!("[profiles.p]\n{lines}"), &profile()).plan.load.phases.remove(0)
}

/// From, to, and seconds of every segment.
fn segments(arrivals: &ArrivalPlan) -> Vec<(f64, f64, Option<f64>)> {
    arrivals.segments.iter().map(|s| (s.from, s.to, s.span.map(Nanos::as_secs_f64))).collect()
}

#[test]
fn a_rate_is_constant_a_range_or_steps() {
    for (lines, expected) in [
        ("rate = \"100/s\"", vec![(100.0, 100.0, None)]),
        ("rate = \"600/m\"\nrun_time = \"1m\"", vec![(10.0, 10.0, Some(60.0))]),
        ("rate = \"50/s .. 200/s\"\nrun_time = \"10s\"", vec![(50.0, 200.0, Some(10.0))]),
        ("rate = \"5/s..0/s\"\nrun_time = \"10s\"", vec![(5.0, 0.0, Some(10.0))]),
        (
            "rate = [\"50/s\", \"50/s..100/s\", \"0/s\"]\nrun_time = \"1m30s\"",
            vec![(50.0, 50.0, Some(30.0)), (50.0, 100.0, Some(30.0)), (0.0, 0.0, Some(30.0))],
        ),
    ] {
        let arrivals = phase(lines).arrivals.unwrap();
        assert_eq!((segments(&arrivals), arrivals.spacing), (expected, Spacing::Uniform), "{lines}");
    }
    let poisson = phase("rate = \"1/s\"\narrivals = \"poisson\"").arrivals.unwrap();
    assert_eq!(poisson.spacing, Spacing::Poisson);
    assert_eq!(phase("users = 3").arrivals, None);
}

#[test]
fn users_serve_the_arrivals_and_start_at_once() {
    for (lines, users, spawn_rate) in [
        ("rate = \"100.5/s\"", 101, 1e6),
        ("rate = \"1/s\"", 10, 1e6),
        ("rate = \"1/s..99999/s\"\nrun_time = \"1m\"", 10_000, 1e6),
        ("rate = \"100/s\"\nusers = 7\nspawn_rate = 2", 7, 2.0),
        ("users = 7", 7, 1.0),
    ] {
        let phase = phase(lines);
        assert_eq!((phase.users, phase.spawn_rate), (users, spawn_rate), "{lines}");
    }
}

const RARE: &str = "[users.Common]\nweight = 999\ntasks.t = { get = \"/\" }\n[users.Rare]\nweight = 1\ntasks.t = { get = \"/\" }\n[profiles.p]\n";

#[test]
fn every_class_has_a_user_to_serve_its_arrivals() {
    let of = |lines: &str| planned(&format!("{RARE}{lines}"), &profile());
    for lines in ["rate = \"1/s\"", "phases = [{ rate = \"1/s\", run_time = \"1m\" }]"] {
        let planned = of(lines);
        let users = planned.plan.load.phases[0].users;
        assert!((300..=1500).contains(&users), "{users} users");
        assert_eq!(planned.warnings, [], "{lines}");
    }
}

/// What is wrong with the profile `p` of these lines, and the remedy.
fn refused(lines: &str) -> (String, String) {
    let suite = good(&format!("schema = 1\nhost = \"http://localhost:1\"\n{RARE}{lines}"));
    let errors = suite.plan(&profile()).unwrap_err();
    let error = &errors.errors()[0];
    (error.message.clone(), error.help.clone().unwrap())
}

#[test]
fn users_that_leave_a_class_without_any_are_refused() {
    let (message, help) = refused("rate = \"1/s\"\nusers = 20");
    assert_eq!(
        message,
        "phase `run` would drop every arrival of `Rare`: by the weights, none of its 20 users is one"
    );
    let least: u32 = help.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    let taken = planned(&format!("{RARE}rate = \"1/s\"\nusers = {least}"), &profile());
    assert_eq!(taken.plan.load.phases[0].users, least, "the suite is taken at its word");
}

#[test]
fn more_users_than_arrivals_could_keep_busy_are_refused_and_many_pointed_out() {
    let (message, help) = refused("rate = \"10/s\"\nusers = 1000000");
    assert_eq!(message, "phase `run` has 1000000 users to serve at most 10 arrivals per second");
    assert!(help.contains("3 kB"), "{help}");
    let of = |lines: &str| planned(&format!("{RARE}{lines}"), &profile()).warnings;
    assert_eq!(of("rate = \"1000/s\"\nusers = 100000"), []);
    let warnings = of("rate = \"1000/s\"\nusers = 500000");
    assert_eq!(warnings, [Warning::LargePool { phase: "run".into(), users: 500_000 }]);
    assert!(warnings[0].to_string().contains("about 1.5 GB of memory"), "{}", warnings[0]);
}

#[test]
fn phases_may_be_of_either_model_and_end_in_a_ramp_down() {
    let text = "[profiles.p]\nphases = [{ name = \"calm\", users = 20, run_time = \"1m\" }, { name = \"rush\", rate = \"10/s..50/s\", run_time = \"1m\", arrivals = \"poisson\" }, { name = \"down\", users = 0, run_time = \"10s\" }]";
    let phases = planned(text, &profile()).plan.load.phases;
    let facts: Vec<_> = phases.iter().map(|p| (p.users, p.measured, p.arrivals.is_some())).collect();
    assert_eq!(facts, [(20, true, false), (50, true, true), (0, false, false)]);
}

#[test]
fn a_rate_can_be_asked_for() {
    let ask = |text: &str, rate, users| {
        let name = text.contains("profiles").then(|| "p".to_owned());
        let asked = Selection { profile: name, rate: Some(rate), users, ..Selection::default() };
        planned(text, &asked).plan.load.phases.remove(0)
    };
    let plain = ask("", 100.0, None);
    assert_eq!((plain.users, plain.spawn_rate, plain.run_time), (100, 1e6, None));
    assert_eq!(segments(plain.arrivals.as_ref().unwrap()), [(100.0, 100.0, None)]);
    // Users of the closed model are a load, not a pool.
    let closed = ask("[profiles.p]\nusers = 1000\nspawn_rate = 5\nrun_time = \"1m\"", 30.0, None);
    assert_eq!((closed.users, closed.spawn_rate), (30, 1e6));
    assert_eq!(segments(closed.arrivals.as_ref().unwrap()), [(30.0, 30.0, Some(60.0))]);
    let open =
        "[profiles.p]\nrate = [\"1/s\", \"2/s\"]\nrun_time = \"1m\"\nusers = 40\narrivals = \"poisson\"";
    let changed = ask(open, 30.0, None);
    let arrivals = changed.arrivals.unwrap();
    assert_eq!((changed.users, arrivals.spacing, arrivals.segments.len()), (40, Spacing::Poisson, 1));
    assert_eq!(ask(open, 30.0, Some(5)).users, 5);
}

#[test]
fn another_run_time_stretches_the_rate() {
    let text = "[profiles.p]\nrate = [\"1/s\", \"2/s..3/s\"]\nrun_time = \"1m\"";
    let asked = Selection { run_time: Some(Nanos::from_secs(10)), users: Some(9), ..profile() };
    let phase = planned(text, &asked).plan.load.phases.remove(0);
    assert_eq!(phase.users, 9);
    assert_eq!(segments(&phase.arrivals.unwrap()), [(1.0, 1.0, Some(5.0)), (2.0, 3.0, Some(5.0))]);
}

#[test]
fn a_mix_that_nobody_stated_is_pointed_out() {
    let two = "[users.A.tasks]\nt = { get = \"/\" }\n[users.B.tasks]\nt = { get = \"/\" }\n";
    let of = |text: &str| {
        let planned = planned(&format!("{text}[profiles.p]\nusers = 5\n"), &profile());
        let stated: Vec<bool> = planned.plan.classes.iter().map(|c| c.weight_stated).collect();
        (planned.warnings, stated)
    };
    let (warnings, stated) = of(two);
    assert_eq!(warnings, [Warning::MixForgotten { classes: vec!["A".into(), "B".into()] }]);
    assert!(warnings[0].to_string().contains("`A`, `B` are mixed equally"), "{}", warnings[0]);
    assert_eq!(stated, [false, false]);
    assert_eq!(
        of(&two.replace("[users.A.tasks]", "[users.A]\nweight = 1\n[users.A.tasks]")).1,
        [true, false]
    );
    assert_eq!(of(USERS), (vec![], vec![false]), "one class is no mix");
    let fixed = two.replace("[users.A.tasks]", "[users.A]\nfixed_count = 1\n[users.A.tasks]");
    assert_eq!(of(&fixed).0, []);
    let mixed = planned(&format!("{two}[profiles.p]\nusers = 5\nmix = {{ A = 1, B = 2 }}"), &profile());
    assert_eq!(mixed.warnings, []);
    assert!(mixed.plan.classes.iter().all(|class| class.weight_stated));
}
