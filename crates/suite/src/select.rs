//! From a suite and what was asked for to a [`Plan`].

use squall_core::{EndpointId, Nanos, UserClassId};
use squall_plan::{Criterion, FaultPlan, Load, Measure, Monitor, Plan, Step, UserClass, Wait};

use crate::criteria::Row;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, suggest};
use crate::profile::Profile;
use crate::reach::{never_run, short_feeds};
use crate::scopes::judged_time;
use crate::settings::{check_host, is_loopback};
use crate::suite::Suite;
use crate::warnings::Warning;
use crate::{direction, loads, wait};

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
    /// Task iterations that arrive per second: the run is of the open model, and `users` serve them (as many as
    /// there are arrivals in a second, unless they are given).
    pub rate: Option<f64>,
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
        let classes = self.chosen(selection, profile, &mut errors, &mut warnings);
        let phases = loads::phases(selection, profile, &classes, &mut errors);
        loads::check_fixed(&phases, &classes, &mut errors);
        let (Some(host), true) = (host, errors.is_empty()) else {
            return Err(Diagnostics::new(self.source.clone(), errors, 0));
        };
        if profile.is_none() && self.has_criteria {
            let judging = self.profiles.iter().filter(|p| !p.rows.is_empty() || !p.pending.is_empty());
            let profiles = judging.map(|p| p.name.clone()).collect();
            warnings.push(Warning::NothingJudged { profiles });
        }
        loads::warn(&phases, &classes, &mut warnings);
        loads::warn_of_mix(&classes, &mut warnings);
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
        loads::check_pools(&plan, &mut errors, &mut warnings);
        self.watch(&mut plan, &mut warnings);
        plan.faults = faults(profile, plan.load.run_time(), &mut warnings);
        let kept = self.keep_endpoints(&mut plan);
        for row in profile.map(|p| p.rows.as_slice()).unwrap_or_default() {
            if let Some(error) = unwatched(&plan, row) {
                errors.push(error);
                continue;
            }
            match self.criterion(row, &kept, &classes) {
                Ok(mut criterion) => {
                    warnings.extend(direction::wrong(&criterion));
                    fit(&plan, &mut criterion, &mut warnings);
                    plan.criteria.push(criterion);
                }
                Err(warning) => warnings.push(warning),
            }
        }
        if !errors.is_empty() {
            return Err(Diagnostics::new(self.source.clone(), errors, 0));
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

    /// Give the plan its monitors; of processes, only those on this machine can be watched.
    fn watch(&self, plan: &mut Plan, warnings: &mut Vec<Warning>) {
        for process in &self.processes {
            match process.monitor(&plan.host) {
                Some(monitor) => plan.monitors.push(monitor),
                None => warnings.push(Warning::ProcessElsewhere {
                    monitor: process.name().to_owned(),
                    host: plan.host.clone(),
                }),
            }
        }
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
                class.weight_stated = true;
                class.fixed_count = if weight.is_some() { class.fixed_count } else { 0 };
            }
            if asked && class.weight == 0.0 && class.fixed_count == 0 {
                class.weight = 1.0;
            }
            if class.weight == 0.0 && class.fixed_count == 0 {
                continue;
            }
            if selection.equal_weights {
                (class.weight, class.fixed_count, class.weight_stated) = (1.0, 0, true);
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

/// A criterion on a series of a monitor that has nothing to watch: never judged, it would be green for no reason.
fn unwatched(plan: &Plan, row: &Row) -> Option<Diagnostic> {
    let series = row.criterion.measure.series()?;
    let watched = plan.series().iter().any(|known| known.name == series);
    (!watched).then(|| {
        let message =
            format!("`{}` cannot be judged: {} is not on this machine", row.criterion.measure, plan.host);
        Diagnostic::new(Code::Measure, message)
            .at(row.at.clone())
            .label("watches a process of the target's machine")
            .help("give the monitor the `pid` or `port` of a process on this machine, run Squall beside the target, or leave the criterion out")
    })
}

/// The faults of `profile` that begin before the end of the run.
fn faults(profile: Option<&Profile>, run_time: Option<Nanos>, warnings: &mut Vec<Warning>) -> Vec<FaultPlan> {
    let mut kept = profile.map(|p| p.faults.clone()).unwrap_or_default();
    kept.retain(|fault| match run_time {
        Some(run_time) if fault.at >= run_time => {
            warnings.push(Warning::FaultTooLate { fault: fault.name.clone(), at: fault.at, run_time });
            false
        }
        _ => true,
    });
    kept
}

/// What was asked for may leave less of a run than the suite planned with.
fn fit(plan: &Plan, criterion: &mut Criterion, warnings: &mut Vec<Warning>) {
    let measure = || criterion.measure.to_string();
    let time = judged_time(&plan.load.phases, criterion.scope.phase);
    if let (Some(hold), Some(time)) = (criterion.hold, time)
        && hold > time
    {
        warnings.push(Warning::WindowTooLong { measure: measure(), hold, time });
        criterion.hold = None;
    }
    let of = match &criterion.measure {
        Measure::Of(_, of) => of,
        measure => measure,
    };
    if *of == Measure::Dropped && !plan.load.has_arrivals() {
        warnings.push(Warning::NothingArrives { measure: measure() });
    }
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

fn sends(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Request(_)))
}
