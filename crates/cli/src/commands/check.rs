//! `squall check`: everything that can be known of a suite without sending a request.

use std::fmt::Write as _;

use serde_json::{Value, json};
use squall_plan::{
    Criterion, Feasibility, Monitor, MonitorKind, PhasePlan, Plan, ProcessTarget, feasibility,
};
use squall_suite::{Diagnostic, Diagnostics, Planned, Suite, Warning, task_ratio};
use squall_verdict::FAILED;

use super::{faults, print, ratio, scenario};
use crate::args::Format;
use crate::errors::{Exit, Failure, Outcome, Problem};
use crate::settings::Settings;

/// A profile, planned.
struct Checked {
    /// `None` for a suite without profiles.
    description: Option<String>,
    planned: Planned,
    feasibility: Feasibility,
}

/// Check the suite and one profile, or all of them. A criterion that cannot be met is a finding; it fails the check when
/// that is `strict`.
pub(super) fn run(settings: &Settings, format: Format, strict: bool) -> Outcome {
    let suite = match scenario::load(settings) {
        Err(failure) if format == Format::Json => return mistakes_as_json(settings, failure),
        suite => suite?,
    };
    let checked = match check(&suite, settings) {
        Err(failure) if format == Format::Json => return mistakes_as_json(settings, failure),
        checked => checked?,
    };
    let asked = scenario::plan_to_show(&suite, &scenario::selection(settings))?;
    let ratio = task_ratio(&asked.plan);
    let unjudged = asked.warnings.iter().find(|warning| matches!(warning, Warning::NothingJudged { .. }));
    match format {
        Format::Text => {
            let mut out = format!("{}: no mistakes\n", settings.suite.display());
            out.push_str(&ratio::text(&ratio));
            out.push('\n');
            checked.iter().for_each(|profile| describe(&mut out, profile));
            if let Some(warning) = unjudged {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "Note: {warning}");
            }
            print(&out)?;
        }
        Format::Json => {
            let profiles: Vec<Value> = checked.iter().map(as_json).collect();
            print_json(&json!({
                "suite": settings.suite, "valid": true, "diagnostics": [],
                "name": suite.name(), "task_ratio": ratio, "profiles": profiles,
                "warnings": unjudged.map(ToString::to_string).into_iter().collect::<Vec<_>>(),
            }))?;
        }
    }
    let possible = checked.iter().all(|profile| profile.feasibility.possible());
    Ok(if strict && !possible { Exit::Code(FAILED) } else { Exit::Passed })
}

fn check(suite: &Suite, settings: &Settings) -> Result<Vec<Checked>, Failure> {
    let asked = settings.shape.profile.as_deref();
    let mut names: Vec<Option<&str>> = suite.profiles().iter().map(|profile| Some(profile.name())).collect();
    if asked.is_some() || names.is_empty() {
        names = vec![asked];
    }
    names
        .into_iter()
        .map(|name| {
            let mut selection = scenario::selection(settings);
            selection.profile = name.map(str::to_owned);
            let planned = scenario::plan_to_show(suite, &selection)?;
            let profile = suite.profiles().iter().find(|profile| Some(profile.name()) == name);
            let description = profile.and_then(|profile| profile.description()).map(str::to_owned);
            let feasibility = feasibility(&planned.plan);
            Ok(Checked { description, planned, feasibility })
        })
        .collect()
}

fn describe(out: &mut String, checked: &Checked) {
    let plan = &checked.planned.plan;
    let title =
        plan.profile.as_deref().map_or_else(|| "No profile".to_owned(), |name| format!("Profile {name}"));
    let description = checked.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{title}{description}");
    for (phase, reach) in plan.load.phases.iter().zip(&checked.feasibility.phases) {
        let _ = writeln!(out, "  {}; {}", load(phase), ceiling(reach.ceiling));
    }
    for monitor in plan.monitors.iter().filter_map(watched) {
        let _ = writeln!(out, "  watches      {monitor}");
    }
    for fault in &plan.faults {
        let _ = writeln!(out, "  breaks       {} (with --allow-faults)", faults::describe(fault));
    }
    for criterion in &plan.criteria {
        let _ = writeln!(out, "  judged by    {}", demand(plan, criterion));
    }
    for impossible in checked.feasibility.checks.iter().filter(|check| !check.possible) {
        let _ = writeln!(out, "  IMPOSSIBLE   {}", impossible.text);
    }
    for pending in &plan.pending {
        let _ = writeln!(
            out,
            "  not judged by this version: {} {} ({})",
            pending.measure, pending.levels, pending.reason
        );
    }
    for warning in warnings(checked) {
        let _ = writeln!(out, "  warning      {warning}");
    }
    out.push('\n');
}

/// What may not be as intended, on this machine too.
fn warnings(checked: &Checked) -> Vec<String> {
    let Planned { plan, warnings } = &checked.planned;
    warnings.iter().map(ToString::to_string).chain(faults::missing(plan)).collect()
}

fn load(phase: &PhasePlan) -> String {
    let time = phase.run_time.map_or_else(|| "until stopped".to_owned(), |time| format!("for {time}"));
    let warmup = if phase.measured { "" } else { ", not judged" };
    match &phase.arrivals {
        Some(arrivals) => {
            format!(
                "{}: tasks arrive at {arrivals}, served by {} users, {time}{warmup}",
                phase.name, phase.users
            )
        }
        None => {
            format!("{}: {} users, {} per second, {time}{warmup}", phase.name, phase.users, phase.spawn_rate)
        }
    }
}

fn watched(monitor: &Monitor) -> Option<String> {
    let what = match monitor.kind {
        // Always there, so not worth a line.
        MonitorKind::Generator => return None,
        MonitorKind::Process(ProcessTarget::Pid(pid)) => format!("process {pid}"),
        MonitorKind::Process(ProcessTarget::Port(port)) => format!("what listens on port {port}"),
    };
    Some(format!("{}: {what}, every {}", monitor.name, monitor.interval))
}

fn ceiling(ceiling: f64) -> String {
    if ceiling.is_finite() {
        format!("at most {ceiling:.1} requests/s")
    } else {
        "as many requests/s as the target answers, because there are users who do not wait".to_owned()
    }
}

fn demand(plan: &Plan, criterion: &Criterion) -> String {
    let unit = criterion.measure.unit();
    let mut text = criterion.measure.to_string();
    if let Some(endpoint) = criterion.scope.endpoint.and_then(|id| plan.endpoints.get(id.index())) {
        let _ = write!(text, " of {} {}", endpoint.method, endpoint.name);
    }
    if let Some(class) = criterion.scope.class.and_then(|id| plan.classes.get(id.index())) {
        let _ = write!(text, " of {}", class.name);
    }
    if let Some(phase) = criterion.scope.phase.and_then(|index| plan.load.phases.get(index)) {
        let _ = write!(text, " in phase {}", phase.name);
    }
    let levels =
        [("target", criterion.target), ("acceptable", criterion.acceptable), ("failure", criterion.failure)];
    for (name, level) in levels {
        if let Some(level) = level {
            let _ = write!(text, ", {name} {}", level.display(unit));
        }
    }
    if let Some(hold) = criterion.hold {
        let _ = write!(text, ", in every {hold}");
    }
    if criterion.abort {
        text.push_str(", or the run stops");
    }
    text
}

fn as_json(checked: &Checked) -> Value {
    let plan = &checked.planned.plan;
    let warnings = warnings(checked);
    let criteria: Vec<String> = plan.criteria.iter().map(|criterion| demand(plan, criterion)).collect();
    json!({
        "profile": plan.profile,
        "description": checked.description,
        "run_time_s": plan.load.run_time().map(squall_core::Nanos::as_secs_f64),
        "peak_users": plan.load.peak_users(),
        "phases": plan.load.phases,
        "monitors": plan.monitors,
        "faults": plan.faults,
        "criteria": criteria,
        "possible": checked.feasibility.possible(),
        "feasibility": checked.feasibility,
        "pending": plan.pending,
        "warnings": warnings,
    })
}

/// What is wrong with the suite as data; anything else stays a message.
fn mistakes_as_json(settings: &Settings, failure: Failure) -> Outcome {
    let Some(diagnostics) = failure.reports.first().and_then(|report| report.downcast_ref::<Diagnostics>())
    else {
        return Err(failure);
    };
    // The file was read a moment ago; without it only the lines are missing.
    let text = std::fs::read_to_string(&settings.suite).unwrap_or_default();
    let mistakes: Vec<Value> = diagnostics.errors().iter().map(|error| mistake(error, &text)).collect();
    print_json(&json!({ "suite": settings.suite, "valid": false, "diagnostics": mistakes }))?;
    Ok(Exit::Usage)
}

fn mistake(error: &Diagnostic, text: &str) -> Value {
    let place = error.span.as_ref().map(|span| {
        let before = text.get(..span.start).unwrap_or_default();
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let line = before.matches('\n').count() + 1;
        json!({ "line": line, "column": column, "start": span.start, "end": span.end })
    });
    json!({ "code": error.code.name(), "message": error.message, "place": place, "help": error.help })
}

fn print_json(value: &Value) -> Result<(), Problem> {
    print(&format!("{value:#}\n"))
}
