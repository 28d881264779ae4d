//! The phases of a run: what the profile says, and what was asked for instead.

use std::collections::HashSet;

use squall_core::{ClassDemand, Dispatcher, Nanos};
use squall_plan::{PhasePlan, Plan, Spacing, UserClass, users_by_class};

use crate::arrivals::{self, MAX_POOL, MAX_RATE, POOL_SPAWN_RATE};
use crate::diagnostic::{Code, Diagnostic, list};
use crate::keys;
use crate::profile::{MAX_SPAWN_RATE, ONLY_PHASE, Profile};
use crate::select::Selection;
use crate::warnings::Warning;

/// More users than this to serve arrivals are worth a word.
const MANY: u32 = 100_000;
/// No task takes longer than this, so more users than arrive in this time are never busy together.
const LONGEST_TASK_SECS: f64 = 3600.0;

/// The phases of `profile`, changed as `selection` asks, to be run by `classes`.
pub(crate) fn phases(
    selection: &Selection,
    profile: Option<&Profile>,
    classes: &[(usize, UserClass)],
    errors: &mut Vec<Diagnostic>,
) -> Vec<PhasePlan> {
    let least = least_pool(classes);
    check_bounds(selection, errors);
    let overrides: Vec<&str> = [
        ("--users", selection.users.is_some()),
        ("--spawn-rate", selection.spawn_rate.is_some()),
        ("--rate", selection.rate.is_some()),
        ("--run-time", selection.run_time.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, given)| given.then_some(name))
    .collect();
    if let Some(profile) = profile.filter(|p| p.phased) {
        if !overrides.is_empty() {
            let message = format!("{} cannot change profile `{}`", list(&overrides), profile.name);
            errors.push(
                Diagnostic::new(Code::Conflict, message)
                    .help("the profile has phases, each with its own; leave one of the two out"),
            );
        }
        let mut phases = profile.phases.clone();
        for (phase, stated) in phases.iter_mut().zip(&profile.users_stated) {
            if !stated && phase.arrivals.is_some() {
                phase.users = phase.users.max(least);
            }
        }
        return phases;
    }
    let mut phase = profile.and_then(|p| p.phases.first()).cloned().unwrap_or_else(|| PhasePlan {
        name: ONLY_PHASE.to_owned(),
        users: 1,
        spawn_rate: 1.0,
        run_time: None,
        measured: true,
        arrivals: None,
    });
    let mut stated = profile.is_some_and(|p| p.users_stated.contains(&true));
    if let Some(rate) = selection.rate {
        // Users of the closed model are a load; as a pool, their number means something else.
        let own_pool = phase.arrivals.is_some() && stated;
        let own_spawn_rate = phase.arrivals.as_ref().map(|_| phase.spawn_rate);
        let spacing = phase.arrivals.as_ref().map_or(Spacing::default(), |a| a.spacing);
        phase.users = if own_pool { phase.users } else { arrivals::pool(rate) };
        stated = own_pool;
        phase.spawn_rate = own_spawn_rate.unwrap_or(POOL_SPAWN_RATE);
        phase.arrivals = Some(arrivals::constant(rate, spacing));
    }
    if phase.arrivals.is_some() && !stated {
        phase.users = phase.users.max(least);
    }
    phase.users = selection.users.unwrap_or(phase.users);
    phase.spawn_rate = selection.spawn_rate.unwrap_or(phase.spawn_rate);
    phase.run_time = selection.run_time.or(phase.run_time);
    if let Some(plan) = &mut phase.arrivals {
        arrivals::spread(plan, phase.run_time);
    }
    vec![phase]
}

/// How many users it takes until every class has one, or as many as are started unasked.
fn least_pool(classes: &[(usize, UserClass)]) -> u32 {
    least_users(classes.iter().map(|(_, class)| class)).unwrap_or(MAX_POOL)
}

/// How many users it takes until every class has one: arrivals of a class are served by its own users. `None` when it
/// takes more than are started unasked.
fn least_users<'c>(classes: impl IntoIterator<Item = &'c UserClass>) -> Option<u32> {
    let demand = |class: &UserClass| ClassDemand { weight: class.weight, fixed_count: 0 };
    let demands: Vec<ClassDemand> = classes.into_iter().map(demand).collect();
    let Ok(mut dispatcher) = Dispatcher::new(&demands) else { return Some(0) };
    let mut missing: HashSet<usize> = (0..demands.len()).filter(|at| demands[*at].weight > 0.0).collect();
    let mut users = 0;
    while !missing.is_empty() && users < MAX_POOL {
        let Some(class) = dispatcher.next_class() else { break };
        missing.remove(&class.index());
        users += 1;
    }
    missing.is_empty().then_some(users)
}

fn check_bounds(selection: &Selection, errors: &mut Vec<Diagnostic>) {
    if let Some(users) = selection.users.filter(|u| !(1..=keys::MAX_USERS).contains(&u64::from(*u))) {
        errors.push(
            Diagnostic::new(Code::OutOfBounds, format!("{users} users"))
                .help(format!("users are between 1 and {}", keys::MAX_USERS)),
        );
    }
    if let Some(rate) = selection.spawn_rate.filter(|r| !(*r > 0.0 && *r <= MAX_SPAWN_RATE)) {
        errors.push(
            Diagnostic::new(Code::OutOfBounds, format!("a spawn rate of {rate}"))
                .help("users per second: above 0, at most 1000000"),
        );
    }
    if let Some(rate) = selection.rate.filter(|r| !(*r > 0.0 && *r <= MAX_RATE)) {
        errors.push(
            Diagnostic::new(Code::OutOfBounds, format!("a rate of {rate}"))
                .help("arrivals per second: above 0, at most 1000000"),
        );
    }
}

/// Classes with a number of users of their own cannot take a share of arrivals.
pub(crate) fn check_fixed(
    phases: &[PhasePlan],
    classes: &[(usize, UserClass)],
    errors: &mut Vec<Diagnostic>,
) {
    let Some(phase) = phases.iter().find(|p| p.arrivals.is_some()) else { return };
    for (_, class) in classes.iter().filter(|(_, class)| class.fixed_count > 0) {
        errors.push(fixed(&class.name, &format!("phase `{}`", phase.name)));
    }
}

/// What is wrong with a `fixed_count` where users serve arrivals.
pub(crate) fn fixed(class: &str, of: &str) -> Diagnostic {
    Diagnostic::new(
        Code::Conflict,
        format!("class `{class}` has a `fixed_count`, which is no share of the arrivals of {of}"),
    )
    .label("arrivals")
    .help("give the class a `weight` instead: its share of the arrivals; or leave it out with `mix`")
}

/// Ramps that do not end, and fixed counts that are not reached.
pub(crate) fn warn(phases: &[PhasePlan], classes: &[(usize, UserClass)], warnings: &mut Vec<Warning>) {
    let mut from = 0u32;
    for phase in phases {
        let ramp = Nanos::from_secs_f64(f64::from(from.abs_diff(phase.users)) / phase.spawn_rate);
        if let Some(run_time) = phase.run_time.filter(|t| ramp > *t) {
            warnings.push(Warning::RampTooLong { phase: phase.name.clone(), ramp, run_time });
        }
        from = phase.users;
    }
    let fixed: u64 = classes.iter().map(|(_, class)| u64::from(class.fixed_count)).sum();
    // A phase that ramps down to nobody is meant to stop everybody.
    for phase in phases.iter().filter(|p| p.users > 0 && u64::from(p.users) < fixed) {
        warnings.push(Warning::TooManyFixed { phase: phase.name.clone(), fixed, users: phase.users });
    }
}

/// Are the users of each phase with arrivals enough for its classes, and no more than could ever be busy?
pub(crate) fn check_pools(plan: &Plan, errors: &mut Vec<Diagnostic>, warnings: &mut Vec<Warning>) {
    for phase in &plan.load.phases {
        let Some(arrivals) = &phase.arrivals else { continue };
        let (name, users) = (&phase.name, phase.users);
        for (class, own) in plan.classes.iter().zip(users_by_class(plan, users)) {
            if own == 0 && class.weight > 0.0 {
                let message = format!(
                    "phase `{name}` would drop every arrival of `{}`: by the weights, none of its {users} users is one",
                    class.name
                );
                let help = match least_users(&plan.classes) {
                    Some(least) => {
                        format!("it takes {least} users at least: give `users` that many, or leave it out")
                    }
                    None => "give the class a larger weight, or leave it out with `mix`".to_owned(),
                };
                errors.push(Diagnostic::new(Code::Conflict, message).help(help));
            }
        }
        if users <= MANY {
            continue;
        }
        if f64::from(users) > arrivals.peak() * LONGEST_TASK_SECS {
            let message = format!(
                "phase `{name}` has {users} users to serve at most {} arrivals per second",
                arrivals.peak()
            );
            errors.push(Diagnostic::new(Code::OutOfBounds, message).help(
                "most of them would never be needed, and each takes 3 kB of memory and time to start: leave `users` out, \
                 or give the rate times the seconds a task takes",
            ));
        } else {
            warnings.push(Warning::LargePool { phase: name.clone(), users });
        }
    }
}

/// Several classes of which none says its weight.
pub(crate) fn warn_of_mix(classes: &[(usize, UserClass)], warnings: &mut Vec<Warning>) {
    let weighted = || classes.iter().map(|(_, class)| class).filter(|class| class.fixed_count == 0);
    if weighted().count() > 1 && weighted().all(|class| !class.weight_stated) {
        let classes = weighted().map(|class| class.name.clone()).collect();
        warnings.push(Warning::MixForgotten { classes });
    }
}
