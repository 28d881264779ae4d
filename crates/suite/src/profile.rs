//! `[profiles.NAME]`: loads that can be run by name.

use std::collections::HashMap;

use squall_core::Nanos;
use squall_plan::{FaultPlan, HttpSettings, Pending, PhasePlan, UserClass};
use toml::Spanned;
use toml::de::DeValue;

use crate::arrivals::{self, POOL_SPAWN_RATE};
use crate::criteria::{self, Names, Row, Set};
use crate::diagnostic::{Code, Diagnostic};
use crate::quantities::LONGEST;
use crate::syntax::{Ctx, Field, Fields, Node, entries, head};
use crate::{faults, keys, loads, scopes, settings};

/// Largest spawn rate, in users per second.
pub(crate) const MAX_SPAWN_RATE: f64 = 1_000_000.0;
/// Most phases of a profile.
const MAX_PHASES: usize = 1000;
/// Most criteria of a profile.
const MAX_CRITERIA: usize = 500;
/// Name of the phase of a run that has only one.
pub(crate) const ONLY_PHASE: &str = "run";

/// A load that can be run by name.
#[derive(Clone)]
pub struct Profile {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) http: HttpSettings,
    pub(crate) phases: Vec<PhasePlan>,
    /// Written with `phases`, so that overrides of users and time would be ambiguous.
    pub(crate) phased: bool,
    /// Whether each phase says how many users it has; with a rate it need not.
    pub(crate) users_stated: Vec<bool>,
    pub(crate) stop_timeout: Nanos,
    /// Class and weight; classes that are not named are left out.
    pub(crate) mix: Option<Vec<(usize, f64)>>,
    pub(crate) wait_factor: f64,
    /// Every row's phase is resolved.
    pub(crate) rows: Vec<Row>,
    pub(crate) pending: Vec<Pending>,
    /// In rising order of their begin.
    pub(crate) faults: Vec<FaultPlan>,
}

impl Profile {
    /// As the suite calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it shows, in the suite's words.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Its phases, in order.
    pub fn phases(&self) -> &[PhasePlan] {
        &self.phases
    }

    /// How many criteria it is judged by.
    pub fn criteria(&self) -> usize {
        self.rows.len()
    }
}

/// What profiles build on.
pub(crate) struct Base<'s> {
    pub(crate) http: &'s HttpSettings,
    pub(crate) stop_timeout: Nanos,
    pub(crate) sets: &'s [Set],
    pub(crate) names: &'s Names<'s>,
    /// Those without mistakes.
    pub(crate) classes: &'s [UserClass],
}

/// All profiles, in the order of the suite.
pub(crate) fn profiles<'a>(cx: &mut Ctx<'a>, node: Node<'a>, base: &Base<'_>) -> Vec<Profile> {
    let fields = cx.named_few(node, "`profiles`").unwrap_or_default();
    fields.iter().filter_map(|field| profile(cx, field, base)).collect()
}

fn profile<'a>(cx: &mut Ctx<'a>, field: &Field<'a>, base: &Base<'_>) -> Option<Profile> {
    cx.check_name(field, "profile");
    let fields = cx.table(field.node, &keys::PROFILE)?;
    let description = fields.get("description").and_then(|n| cx.text(n, "`description`")).map(str::to_owned);
    let host = settings::host(cx, &fields);
    let http = match fields.get("http") {
        Some(node) => settings::http(cx, node, base.http),
        None => base.http.clone(),
    };
    let phased = fields.has("phases");
    let mut users_stated = vec![fields.has("users")];
    let phases = if phased {
        users_stated.clear();
        phases(cx, field, &fields, &mut users_stated)
    } else {
        only_phase(cx, field, &fields)
    };
    let stop_timeout = fields.get("stop_timeout").and_then(|n| cx.duration(n, "`stop_timeout`"));
    let mix = fields.get("mix").map(|n| mix(cx, n, base.names.classes));
    let wait_factor = fields.get("wait_factor").and_then(|n| cx.number(n, "`wait_factor`", Code::BadValue));
    let (mut rows, pending) = fields.get("criteria").map(|n| criteria(cx, n, base)).unwrap_or_default();
    let run_time = phases.iter().try_fold(0u64, |sum, p| Some(sum.saturating_add(p.run_time?.0))).map(Nanos);
    let faults = fields.get("faults").map(|n| faults::read(cx, n, field.key, run_time)).unwrap_or_default();
    scopes::resolve(cx, field.key, &phases, !faults.is_empty(), &mut rows);
    check_fixed(cx, field.key, &fields, mix.as_deref(), base);
    Some(Profile {
        name: field.key.to_owned(),
        description,
        host,
        http,
        phases,
        phased,
        users_stated,
        stop_timeout: stop_timeout.unwrap_or(base.stop_timeout),
        mix,
        wait_factor: wait_factor.unwrap_or(1.0),
        rows,
        pending,
        faults,
    })
}

/// Classes with a number of users of their own cannot take a share of arrivals.
fn check_fixed<'a>(
    cx: &mut Ctx<'a>,
    profile: &str,
    fields: &Fields<'a>,
    mix: Option<&[(usize, f64)]>,
    base: &Base<'_>,
) {
    let of_phase = |node: Node<'a>| {
        let keys = node.get_ref().as_table().map(entries).unwrap_or_default();
        keys.into_iter().find(|field| field.key == "rate").map(|field| field.key_span)
    };
    let phases = fields.get("phases").and_then(|n| n.get_ref().as_array());
    let at = match phases {
        Some(phases) => phases.iter().find_map(of_phase),
        None => fields.field("rate").map(|field| field.key_span.clone()),
    };
    let Some(at) = at else { return };
    let runs = |class: &UserClass| {
        mix.is_none_or(|mix| mix.iter().any(|(position, _)| base.names.classes[*position] == class.name))
    };
    for class in base.classes.iter().filter(|class| class.fixed_count > 0 && runs(class)) {
        cx.error(loads::fixed(&class.name, &format!("profile `{profile}`")).at(at.clone()));
    }
}

fn only_phase<'a>(cx: &mut Ctx<'a>, field: &Field<'a>, fields: &Fields<'a>) -> Vec<PhasePlan> {
    let users = fields.get("users").map(|n| cx.integer(n, "`users`", 1..=keys::MAX_USERS));
    let run_time = run_time(cx, fields);
    let arrivals = arrivals::read(cx, fields, run_time);
    if users.is_none() && arrivals.is_none() {
        cx.error(
            Diagnostic::new(Code::MissingKey, format!("profile `{}` says nothing of users", field.key))
                .at(field.key_span.clone())
                .label("no load")
                .help("add `users`, or `rate`, or `phases = [...]`"),
        );
    }
    let pool = arrivals.as_ref().map_or(1, |a| arrivals::pool(a.peak()));
    let default_rate = if arrivals.is_some() { POOL_SPAWN_RATE } else { 1.0 };
    let phase = PhasePlan {
        name: ONLY_PHASE.to_owned(),
        users: users.flatten().map_or(pool, |v| v as u32),
        spawn_rate: spawn_rate(cx, fields, default_rate),
        run_time,
        measured: true,
        arrivals,
    };
    vec![phase]
}

fn phases<'a>(
    cx: &mut Ctx<'a>,
    field: &Field<'a>,
    fields: &Fields<'a>,
    users_stated: &mut Vec<bool>,
) -> Vec<PhasePlan> {
    let Some(node) = fields.get("phases") else { return Vec::new() };
    for key in ["users", "spawn_rate", "rate", "arrivals", "run_time"] {
        if let Some(given) = fields.field(key) {
            cx.error(
                Diagnostic::new(Code::Conflict, format!("profile `{}` has `{key}` and `phases`", field.key))
                    .at(given.key_span.clone())
                    .help("each phase says its own"),
            );
        }
    }
    let mut nodes = cx.list(node, "`phases`").unwrap_or_default();
    if nodes.len() > MAX_PHASES {
        let message = format!("profile `{}` has {} phases", field.key, nodes.len());
        cx.error(
            Diagnostic::new(Code::OutOfBounds, message)
                .at(head(&node.span()))
                .help(format!("at most {MAX_PHASES}")),
        );
        nodes.truncate(MAX_PHASES);
    }
    let mut phases: Vec<PhasePlan> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let Some(fields) = cx.table(node, &keys::PHASE) else { continue };
        let name = fields.get("name").and_then(|n| cx.line(n, "`name`")).map(str::to_owned);
        let name = name.unwrap_or_else(|| format!("phase-{}", index + 1));
        if phases.iter().any(|p| p.name == name) {
            let span = fields.get("name").map_or_else(|| node.span(), Spanned::span);
            cx.error(Diagnostic::new(Code::Duplicate, format!("two phases are called `{name}`")).at(span));
        }
        let run_time = run_time(cx, &fields);
        let arrivals = arrivals::read(cx, &fields, run_time);
        let users = phase_users(cx, node, &fields, arrivals.is_some());
        if !fields.has("run_time") && index + 1 < nodes.len() {
            cx.error(
                Diagnostic::new(Code::MissingKey, format!("phase `{name}` would never end"))
                    .at(node.span())
                    .label("no `run_time`")
                    .help("only the last phase may leave `run_time` out"),
            );
        }
        let warmup = fields.get("warmup").and_then(|n| cx.boolean(n, "`warmup`")).unwrap_or(false);
        let pool = arrivals.as_ref().map_or(1, |a| arrivals::pool(a.peak()));
        let default_rate = if arrivals.is_some() { POOL_SPAWN_RATE } else { 1.0 };
        let (users, spawn_rate) = (users.unwrap_or(pool), spawn_rate(cx, &fields, default_rate));
        let measured = !warmup && users > 0;
        users_stated.push(fields.has("users"));
        phases.push(PhasePlan { name, users, spawn_rate, run_time, measured, arrivals });
    }
    let whole =
        phases.iter().filter_map(|p| p.run_time).fold(Nanos::ZERO, |sum, t| Nanos(sum.0.saturating_add(t.0)));
    cx.bounded(whole, LONGEST, head(&node.span()), &format!("profile `{}`", field.key));
    if phases.iter().all(|p| p.users == 0) {
        cx.error(
            Diagnostic::new(Code::NoUsers, format!("profile `{}` never has a user", field.key))
                .at(node.span()),
        );
    } else if !phases.is_empty() && phases.iter().all(|p| !p.measured) {
        cx.error(
            Diagnostic::new(Code::Conflict, format!("profile `{}` is all warm-up and ramp-down", field.key))
                .at(node.span())
                .help("at least one phase has to be judged"),
        );
    }
    phases
}

/// The users a phase states.
fn phase_users<'a>(cx: &mut Ctx<'a>, node: Node<'a>, fields: &Fields<'a>, arrivals: bool) -> Option<u32> {
    let Some(users) = fields.get("users") else {
        if !arrivals {
            cx.error(
                Diagnostic::new(Code::MissingKey, "a phase needs the key `users`, or `rate`")
                    .at(head(&node.span()))
                    .label("no load")
                    .help("add `users = 50`, or `rate = \"100/s\"`"),
            );
        }
        return None;
    };
    let count = cx.integer(users, "`users`", 0..=keys::MAX_USERS)?;
    if arrivals && count == 0 {
        cx.error(
            Diagnostic::new(Code::NoUsers, "nobody serves the arrivals of the phase")
                .at(users.span())
                .label("`rate` needs users")
                .help("leave `users` out: there are then as many as arrive in a second"),
        );
        return None;
    }
    u32::try_from(count).ok()
}

fn spawn_rate<'a>(cx: &mut Ctx<'a>, fields: &Fields<'a>, default: f64) -> f64 {
    let Some(node) = fields.get("spawn_rate") else { return default };
    let rate = match node.get_ref() {
        DeValue::String(_) => cx.rate(node, "`spawn_rate`"),
        _ => cx.number(node, "`spawn_rate`", Code::BadValue),
    };
    match rate {
        Some(rate) if rate > 0.0 && rate <= MAX_SPAWN_RATE => rate,
        Some(rate) => {
            cx.error(
                Diagnostic::new(Code::OutOfBounds, format!("`spawn_rate` is {rate}"))
                    .at(node.span())
                    .label("out of bounds")
                    .help("users per second: above 0, at most 1000000"),
            );
            1.0
        }
        None => 1.0,
    }
}

fn run_time<'a>(cx: &mut Ctx<'a>, fields: &Fields<'a>) -> Option<Nanos> {
    fields.get("run_time").and_then(|n| cx.positive_duration(n, "`run_time`"))
}

fn mix<'a>(cx: &mut Ctx<'a>, node: Node<'a>, classes: &[&str]) -> Vec<(usize, f64)> {
    let mut mix = Vec::new();
    let positions: HashMap<&str, usize> =
        classes.iter().enumerate().map(|(at, class)| (*class, at)).collect();
    for field in cx.named(node, "`mix`").unwrap_or_default() {
        let weight = cx.number(field.node, "a weight", Code::Weight);
        let class = positions.get(field.key).copied();
        if class.is_none() {
            cx.unknown_name(field.key_span.clone(), "class of users", field.key, classes);
        }
        mix.extend(class.zip(weight));
    }
    if !mix.is_empty() && mix.iter().all(|(_, weight)| *weight == 0.0) {
        cx.error(Diagnostic::new(Code::Weight, "every weight of the mix is 0").at(node.span()));
    }
    mix
}

fn criteria<'a>(cx: &mut Ctx<'a>, node: Node<'a>, base: &Base<'_>) -> (Vec<Row>, Vec<Pending>) {
    if node.get_ref().is_table() {
        let set = criteria::set(cx, "", node, base.names);
        return (set.rows, set.pending);
    }
    let known: Vec<&str> = base.sets.iter().map(|s| s.name.as_str()).collect();
    let (mut rows, mut pending) = (Vec::new(), Vec::new());
    for node in cx.one_or_many(node) {
        let Some(set) = cx.reference(node, "set of criteria", &known).map(|set| &base.sets[set]) else {
            continue;
        };
        if rows.len() + pending.len() + set.rows.len() + set.pending.len() > MAX_CRITERIA {
            cx.error(
                Diagnostic::new(Code::OutOfBounds, "a profile is judged by too many criteria")
                    .at(node.span())
                    .label("too many with these")
                    .help(format!("at most {MAX_CRITERIA}")),
            );
            break;
        }
        rows.extend(set.rows.iter().cloned());
        pending.extend(set.pending.iter().cloned());
    }
    (rows, pending)
}
