//! From a suite and what was asked for to a [`Plan`].

use std::fmt;

use squall_core::{EndpointId, Nanos, UserClassId};
use squall_plan::{Criterion, Load, Monitor, PhasePlan, Plan, Step, UserClass, Wait};

use crate::criteria::Row;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, list, suggest};
use crate::profile::{MAX_SPAWN_RATE, ONLY_PHASE, Profile};
use crate::reach::{never_run, short_feeds};
use crate::settings::{check_host, is_loopback};
use crate::suite::Suite;
use crate::{keys, wait};

/// What to run, beside what the suite says. `None` and empty leave it to the suite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Name of a profile.
    pub profile: Option<String>,
    /// Base URL of the target.
    pub host: Option<String>,
    /// Users at the end of the ramp.
    pub users: Option<u32>,
    /// Users started per second.
    pub spawn_rate: Option<f64>,
    /// Ramp included.
    pub run_time: Option<Nanos>,
    /// Only these classes; one of weight 0 counts as 1 when it is named.
    pub user_classes: Vec<String>,
    /// Keep only tasks with one of these tags.
    pub tags: Vec<String>,
    /// Leave out tasks with one of these tags.
    pub exclude_tags: Vec<String>,
    /// At the end, how long users may take to finish their task.
    pub stop_timeout: Option<Nanos>,
    /// Seed of every random choice.
    pub seed: Option<u64>,
    /// Accept any certificate.
    pub insecure: bool,
    /// Every class the same weight, and within it every task.
    pub equal_weights: bool,
}

/// A plan, and what its maker should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// What to run.
    pub plan: Plan,
    /// What may not be as intended, in the order found.
    pub warnings: Vec<Warning>,
}

/// Something that is allowed but may not be intended.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// The tags left a class without tasks, so it does not run.
    ClassWithoutTasks {
        /// The class.
        class: String,
    },
    /// The classes and tags left a criterion without requests, so it is not judged.
    CriterionWithoutRequests {
        /// The measure, as the suite names it.
        measure: String,
        /// What it was limited to.
        scope: String,
    },
    /// The suite has criteria, and none of them is judged, because they belong to profiles and none was chosen.
    NothingJudged {
        /// The profiles that have criteria.
        profiles: Vec<String>,
    },
    /// Loopback source addresses are of no use for a target elsewhere.
    SourceNotUsed {
        /// The class.
        class: String,
    },
    /// What a task needs is captured by nothing that runs, so the task does not either.
    TaskNeverRuns {
        /// The class.
        class: String,
        /// The task.
        task: String,
    },
    /// A feed has fewer rows than a class has users, and each user has a row of its own.
    TooFewRows {
        /// The class.
        class: String,
        /// The feed.
        feed: String,
        /// Its rows.
        rows: usize,
        /// Most users of the class.
        users: u32,
    },
    /// The ramp of a phase does not end within the phase.
    RampTooLong {
        /// The phase.
        phase: String,
        /// Time the ramp takes.
        ramp: Nanos,
        /// Time the phase has.
        run_time: Nanos,
    },
    /// A header named like a secret has a value that stands in the suite.
    LiteralSecret {
        /// The header.
        header: String,
        /// Line of the suite, from 1.
        line: usize,
    },
    /// The classes ask for more users of fixed number than a phase has.
    TooManyFixed {
        /// The phase.
        phase: String,
        /// Users of fixed number.
        fixed: u64,
        /// Users at the end of the ramp.
        users: u32,
    },
    /// The tasks of a class only wait.
    OnlyWaits {
        /// The class.
        class: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClassWithoutTasks { class } => {
                write!(f, "{class} has no tasks left after filtering by tags, so it does not run")
            }
            Self::CriterionWithoutRequests { measure, scope } => {
                write!(f, "{measure} of {scope} is not judged: nothing that runs makes such requests")
            }
            Self::NothingJudged { profiles } if profiles.is_empty() => {
                f.write_str("no criteria are judged: those of the suite belong to no profile")
            }
            Self::NothingJudged { profiles } => {
                let names: Vec<&str> = profiles.iter().map(String::as_str).collect();
                write!(
                    f,
                    "without `--profile` no criteria are judged; profiles with criteria: {}",
                    list(&names)
                )
            }
            Self::SourceNotUsed { class } => write!(
                f,
                "{class}: loopback source addresses only work against a loopback target, so they are not used"
            ),
            Self::TaskNeverRuns { class, task } => {
                write!(
                    f,
                    "{class}.{task} can never run: what it needs is captured by tasks that were left out"
                )
            }
            Self::TooFewRows { class, feed, rows, users } => write!(
                f,
                "{class} has up to {users} users, but feed {feed} has only {rows} rows: the others do not start"
            ),
            Self::RampTooLong { phase, ramp, run_time } => {
                write!(f, "phase {phase} ends after {run_time}, before its ramp of {ramp} is over")
            }
            Self::LiteralSecret { header, line } => write!(
                f,
                "line {line}: a literal secret stands in the suite and will stand in the record: write {header} = \"{{env:NAME}}\" in the headers of a class or a request"
            ),
            Self::TooManyFixed { phase, fixed, users } => write!(
                f,
                "phase {phase} has {users} users, fewer than the {fixed} of every `fixed_count`: some do not start, and no others do"
            ),
            Self::OnlyWaits { class } => {
                write!(f, "{class} sends no request after its start: its tasks only wait")
            }
        }
    }
}

impl Suite {
    /// The plan for what is selected.
    ///
    /// # Errors
    /// Everything about the selection that does not fit the suite, at once.
    pub fn plan(&self, selection: &Selection) -> Result<Planned, Diagnostics> {
        let mut errors = Vec::new();
        let mut warnings = self.warnings.clone();
        let profile = self.profile(selection, &mut errors);
        let host = self.target(selection, profile, &mut errors);
        let phases = phases(selection, profile, &mut errors);
        let classes = self.chosen(selection, profile, &mut errors, &mut warnings);
        let (Some(host), true) = (host, errors.is_empty()) else {
            return Err(Diagnostics::new(self.source.clone(), errors, 0));
        };
        if profile.is_none() && self.has_criteria {
            let judging = self.profiles.iter().filter(|p| !p.rows.is_empty() || !p.pending.is_empty());
            let profiles = judging.map(|p| p.name.clone()).collect();
            warnings.push(Warning::NothingJudged { profiles });
        }
        warn_of_ramps(&phases, &mut warnings);
        warn_of_fixed(&phases, &classes, &mut warnings);
        let mut http = profile.map_or(&self.http, |p| &p.http).clone();
        http.insecure |= selection.insecure;
        let stop_timeout =
            selection.stop_timeout.unwrap_or(profile.map_or(self.stop_timeout, |p| p.stop_timeout));
        let mut plan = Plan {
            name: self.name.clone(),
            profile: profile.map(|p| p.name.clone()),
            host,
            seed: selection.seed.or(self.seed).unwrap_or(1),
            http,
            feeds: self.feeds.clone(),
            auths: self.auths.clone(),
            classes: classes.iter().map(|(_, class)| class.clone()).collect(),
            endpoints: Vec::new(),
            load: Load { phases, stop_timeout },
            criteria: Vec::new(),
            pending: profile.map(|p| p.pending.clone()).unwrap_or_default(),
            monitors: vec![Monitor::generator()],
            faults: Vec::new(),
        };
        let kept = self.keep_endpoints(&mut plan);
        for row in profile.map(|p| p.rows.as_slice()).unwrap_or_default() {
            match self.criterion(row, &kept, &classes) {
                Ok(criterion) => plan.criteria.push(criterion),
                Err(warning) => warnings.push(warning),
            }
        }
        for class in plan.classes.iter_mut().filter(|c| c.source.is_some_and(|s| s.first.is_loopback())) {
            if !is_loopback(&plan.host) {
                class.source = None;
                warnings.push(Warning::SourceNotUsed { class: class.name.clone() });
            }
        }
        for (class, feed, rows, users) in short_feeds(&plan) {
            warnings.push(Warning::TooFewRows { class, feed, rows, users });
        }
        Ok(Planned { plan, warnings })
    }

    fn profile(&self, selection: &Selection, errors: &mut Vec<Diagnostic>) -> Option<&Profile> {
        let name = selection.profile.as_ref()?;
        let found = self.profiles.iter().find(|p| p.name == *name);
        if found.is_none() {
            let known = self.profiles.iter().map(|p| p.name.as_str());
            errors.push(
                Diagnostic::new(Code::UnknownName, format!("there is no profile called `{name}`"))
                    .maybe_help(suggest(name, known)),
            );
        }
        found
    }

    fn target(
        &self,
        selection: &Selection,
        profile: Option<&Profile>,
        errors: &mut Vec<Diagnostic>,
    ) -> Option<String> {
        if let Some(host) = &selection.host {
            return check_host(host).map_err(|e| errors.push(e)).ok();
        }
        let host = profile.and_then(|p| p.host.clone()).or_else(|| self.host.clone());
        if host.is_none() {
            errors.push(
                Diagnostic::new(Code::Host, "there is no target")
                    .help("give `--host http://localhost:8000`, or put `host = \"…\"` into the suite"),
            );
        }
        host
    }

    /// The classes that run, with their position in the suite, filtered tasks, and final weights and waits.
    fn chosen(
        &self,
        selection: &Selection,
        profile: Option<&Profile>,
        errors: &mut Vec<Diagnostic>,
        warnings: &mut Vec<Warning>,
    ) -> Vec<(usize, UserClass)> {
        let named = &selection.user_classes;
        for name in named.iter().filter(|n| !self.classes.iter().any(|c| c.name == **n)) {
            let known = self.classes.iter().map(|c| c.name.as_str());
            errors.push(
                Diagnostic::new(Code::UnknownName, format!("there is no class of users called `{name}`"))
                    .maybe_help(suggest(name, known)),
            );
        }
        let mut chosen = Vec::new();
        for (position, class) in self.classes.iter().enumerate() {
            let asked = named.contains(&class.name);
            if !named.is_empty() && !asked {
                continue;
            }
            let mut class = class.clone();
            if let Some(mix) = profile.and_then(|p| p.mix.as_ref()) {
                let weight = mix.iter().find(|(of, _)| *of == position).map(|(_, weight)| *weight);
                class.weight = weight.unwrap_or(0.0);
                class.fixed_count = if weight.is_some() { class.fixed_count } else { 0 };
            }
            if asked && class.weight == 0.0 && class.fixed_count == 0 {
                class.weight = 1.0;
            }
            if class.weight == 0.0 && class.fixed_count == 0 {
                continue;
            }
            if selection.equal_weights {
                (class.weight, class.fixed_count) = (1.0, 0);
                class.tasks.iter_mut().for_each(|task| task.weight = 1);
            }
            class.tasks.retain(|task| {
                let wanted =
                    selection.tags.is_empty() || task.tags.iter().any(|t| selection.tags.contains(t));
                wanted && !task.tags.iter().any(|t| selection.exclude_tags.contains(t))
            });
            if class.tasks.is_empty() {
                warnings.push(Warning::ClassWithoutTasks { class: class.name });
                continue;
            }
            for position in never_run(&class) {
                let task = class.tasks[position].name.clone();
                warnings.push(Warning::TaskNeverRuns { class: class.name.clone(), task });
            }
            scale_waits(&mut class, profile.map_or(1.0, |p| p.wait_factor));
            chosen.push((position, class));
        }
        for (_, class) in chosen.iter().filter(|(_, class)| !class.tasks.iter().any(|t| sends(&t.steps))) {
            warnings.push(Warning::OnlyWaits { class: class.name.clone() });
        }
        if chosen.is_empty() && errors.is_empty() {
            let help = if selection.tags.is_empty() && selection.exclude_tags.is_empty() {
                "give a class a weight above 0"
            } else {
                "no task has the tags asked for; look at `--tags` and `--exclude-tags`"
            };
            errors.push(Diagnostic::new(Code::NoUsers, "no class of users is left to run").help(help));
        }
        chosen
    }

    /// Give the plan the endpoints that its steps use, and say where each of the suite's went.
    fn keep_endpoints(&self, plan: &mut Plan) -> Vec<Option<EndpointId>> {
        let mut kept = vec![None; self.endpoints.len()];
        for class in &mut plan.classes {
            let tasks = class.tasks.iter_mut().flat_map(|t| t.steps.iter_mut());
            for step in class.on_start.iter_mut().chain(tasks).chain(class.on_stop.iter_mut()) {
                let Step::Request(request) = step else { continue };
                let old = request.endpoint.index();
                let new = *kept[old].get_or_insert_with(|| {
                    plan.endpoints.push(self.endpoints[old].clone());
                    EndpointId::from(plan.endpoints.len() - 1)
                });
                request.endpoint = new;
            }
        }
        kept
    }

    fn criterion(
        &self,
        row: &Row,
        kept: &[Option<EndpointId>],
        classes: &[(usize, UserClass)],
    ) -> Result<Criterion, Warning> {
        let mut criterion = row.criterion.clone();
        let lost = |scope: String| Warning::CriterionWithoutRequests {
            measure: row.criterion.measure.to_string(),
            scope,
        };
        if let Some(old) = criterion.scope.endpoint {
            let endpoint = &self.endpoints[old.index()];
            let name = || lost(format!("{} {}", endpoint.method, endpoint.name));
            criterion.scope.endpoint = Some(kept[old.index()].ok_or_else(name)?);
        }
        if let Some(old) = criterion.scope.class {
            let new = classes.iter().position(|(position, _)| *position == old.index());
            let name = || lost(self.classes[old.index()].name.clone());
            criterion.scope.class = Some(UserClassId::from(new.ok_or_else(name)?));
        }
        Ok(criterion)
    }
}

fn phases(selection: &Selection, profile: Option<&Profile>, errors: &mut Vec<Diagnostic>) -> Vec<PhasePlan> {
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
    let overrides: Vec<&str> = [
        ("--users", selection.users.is_some()),
        ("--spawn-rate", selection.spawn_rate.is_some()),
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
        return profile.phases.clone();
    }
    let mut phase = profile.and_then(|p| p.phases.first()).cloned().unwrap_or_else(|| PhasePlan {
        name: ONLY_PHASE.to_owned(),
        users: 1,
        spawn_rate: 1.0,
        run_time: None,
        measured: true,
        arrivals: None,
    });
    phase.users = selection.users.unwrap_or(phase.users);
    phase.spawn_rate = selection.spawn_rate.unwrap_or(phase.spawn_rate);
    phase.run_time = selection.run_time.or(phase.run_time);
    vec![phase]
}

fn scale_waits(class: &mut UserClass, factor: f64) {
    if factor == 1.0 {
        return;
    }
    class.wait = wait::scaled(class.wait, factor);
    for step in class.tasks.iter_mut().flat_map(|t| t.steps.iter_mut()) {
        if let Step::Wait(of) = step {
            *of = wait::scaled(*of, factor);
        }
    }
    // A pace of nothing would be no pace at all.
    if class.wait == Wait::Pacing(Nanos::ZERO) {
        class.wait = Wait::Constant(Nanos::ZERO);
    }
}

fn warn_of_ramps(phases: &[PhasePlan], warnings: &mut Vec<Warning>) {
    let mut from = 0u32;
    for phase in phases {
        let ramp = Nanos::from_secs_f64(f64::from(from.abs_diff(phase.users)) / phase.spawn_rate);
        if let Some(run_time) = phase.run_time.filter(|t| ramp > *t) {
            warnings.push(Warning::RampTooLong { phase: phase.name.clone(), ramp, run_time });
        }
        from = phase.users;
    }
}

fn warn_of_fixed(phases: &[PhasePlan], classes: &[(usize, UserClass)], warnings: &mut Vec<Warning>) {
    let fixed: u64 = classes.iter().map(|(_, class)| u64::from(class.fixed_count)).sum();
    // A phase that ramps down to nobody is meant to stop everybody.
    for phase in phases.iter().filter(|p| p.users > 0 && u64::from(p.users) < fixed) {
        warnings.push(Warning::TooManyFixed { phase: phase.name.clone(), fixed, users: phase.users });
    }
}

fn sends(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Request(_)))
}
