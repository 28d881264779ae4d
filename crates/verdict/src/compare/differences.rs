//! What was not the same for both runs: the machine, the program, and what was asked for. A difference in the figures may
//! come from any of them.

use std::collections::BTreeMap;

use squall_core::EndpointId;
use squall_plan::{PhasePlan, UserClass, Wait};
use squall_record::{Environment, Run};

use super::Difference;

const UNKNOWN: &str = "unknown";

/// Lines of a table, of which only those that differ are kept.
#[derive(Debug, Default)]
struct Table(Vec<Difference>);

impl Table {
    fn row(&mut self, what: impl Into<String>, a: String, b: String) {
        if a != b {
            self.0.push(Difference { what: what.into(), a, b });
        }
    }

    /// Things of the same name on both sides, line by line; a thing that one side lacks is a line of its own.
    fn things<T>(
        &mut self,
        kind: &str,
        (a, b): (&[T], &[T]),
        name: impl Fn(&T) -> &str,
        lines: impl Fn(&T) -> Vec<(&'static str, String)>,
    ) {
        for one in a {
            match b.iter().find(|other| name(other) == name(one)) {
                Some(other) => {
                    for ((what, one_value), (_, other_value)) in lines(one).into_iter().zip(lines(other)) {
                        self.row(format!("{what} of {kind} {}", name(one)), one_value, other_value);
                    }
                }
                None => self.row(format!("{kind} {}", name(one)), "there".into(), "missing".into()),
            }
        }
        for other in b.iter().filter(|other| a.iter().all(|one| name(one) != name(other))) {
            self.row(format!("{kind} {}", name(other)), "missing".into(), "there".into());
        }
    }
}

/// What differs between the places the load came from.
pub(super) fn environment(a: &Environment, b: &Environment) -> Vec<Difference> {
    let mut table = Table::default();
    let text = |value: &String| if value.is_empty() { UNKNOWN.to_owned() } else { value.clone() };
    let memory = |bytes: u64| if bytes == 0 { UNKNOWN.to_owned() } else { gibibytes(bytes) };
    let limit = |value: Option<String>| value.unwrap_or_else(|| "no limit".to_owned());
    let mut row = |what: &str, of: &dyn Fn(&Environment) -> String| table.row(what, of(a), of(b));
    row("version of squall", &|e| text(&e.squall_version));
    row("target", &|e| text(&e.target));
    row("machine", &|e| text(&e.hostname));
    row("operating system", &|e| text(&e.os));
    row("kernel", &|e| text(&e.kernel));
    row("architecture", &|e| text(&e.arch));
    row("processor", &|e| text(&e.cpu_model));
    row("processors", &|e| if e.cpus == 0 { UNKNOWN.to_owned() } else { e.cpus.to_string() });
    row("memory", &|e| memory(e.memory_bytes));
    row("processors the control group allows", &|e| limit(e.cgroup_cpus.map(|cpus| cpus.to_string())));
    row("memory the control group allows", &|e| limit(e.cgroup_memory_bytes.map(gibibytes)));
    row("open files", &|e| limit(e.fd_limit.map(|files| files.to_string())));
    table.0
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// What differs between what was asked for; `requested` are the endpoints that were compared or could have been.
pub(super) fn plan(
    a: &Run,
    b: &Run,
    requested_a: &BTreeMap<String, EndpointId>,
    requested_b: &BTreeMap<String, EndpointId>,
) -> Vec<Difference> {
    let mut table = Table::default();
    let (a, b) = (&a.plan, &b.plan);
    table.row("suite", a.name.clone(), b.name.clone());
    let profile = |profile: &Option<String>| profile.clone().unwrap_or_else(|| "none".to_owned());
    table.row("profile", profile(&a.profile), profile(&b.profile));
    table.row("seed", a.seed.to_string(), b.seed.to_string());
    table.things("phase", (&a.load.phases, &b.load.phases), |phase| &phase.name, phase_lines);
    table.things("class", (&a.classes, &b.classes), |class| &class.name, class_lines);
    if a.http != b.http {
        table.row("settings of HTTP", "as in A".to_owned(), "others".to_owned());
    }
    let faults = |plan: &squall_plan::Plan| plan.faults.len().to_string();
    table.row("faults", faults(a), faults(b));
    for (name, there, missing) in requested_a
        .keys()
        .filter(|name| !requested_b.contains_key(*name))
        .map(|name| (name, "requested", "not requested"))
        .chain(
            requested_b
                .keys()
                .filter(|name| !requested_a.contains_key(*name))
                .map(|name| (name, "not requested", "requested")),
        )
    {
        table.row(format!("endpoint {name} (not compared)"), there.to_owned(), missing.to_owned());
    }
    table.0
}

fn phase_lines(phase: &PhasePlan) -> Vec<(&'static str, String)> {
    let arrivals = phase.arrivals.as_ref().map_or_else(
        || "closed: users set the pace".to_owned(),
        |arrivals| {
            let segments = arrivals.segments.iter().map(|segment| {
                let rate = if segment.from == segment.to {
                    format!("{}/s", segment.to)
                } else {
                    format!("{}/s to {}/s", segment.from, segment.to)
                };
                segment.span.map_or_else(|| rate.clone(), |span| format!("{rate} for {span}"))
            });
            segments.collect::<Vec<_>>().join(", ")
        },
    );
    vec![
        ("users", phase.users.to_string()),
        ("spawn rate", format!("{}/s", phase.spawn_rate)),
        ("run time", phase.run_time.map_or_else(|| "open".to_owned(), |time| time.to_string())),
        ("arrivals", arrivals),
        ("part in the judgement", if phase.measured { "measured" } else { "not measured" }.to_owned()),
    ]
}

fn class_lines(class: &UserClass) -> Vec<(&'static str, String)> {
    let weight = match class.fixed_count {
        0 => class.weight.to_string(),
        users => format!("{users} users"),
    };
    let wait = match class.wait {
        Wait::Constant(time) => time.to_string(),
        Wait::Uniform(low, high) => format!("{low}..{high}"),
        Wait::Exponential(mean) => format!("exponential, {mean} on average"),
        Wait::Pacing(time) => format!("every {time}"),
    };
    let tasks = class.tasks.iter().map(|task| format!("{} {}", task.name, task.weight));
    vec![("weight", weight), ("wait", wait), ("tasks", tasks.collect::<Vec<_>>().join(", "))]
}

/// What the differences mean for the comparison.
pub(super) fn warnings(a: &Run, b: &Run, plan: &[Difference]) -> Vec<String> {
    let mut lines = Vec::new();
    let matters: Vec<&str> =
        plan.iter().map(|one| one.what.as_str()).filter(|what| *what != "seed").collect();
    if !matters.is_empty() {
        const SHOWN: usize = 3;
        let more = match matters.len() {
            n if n > SHOWN => format!(" and {} more", n - SHOWN),
            _ => String::new(),
        };
        lines.push(format!(
            "the runs were not asked for the same ({}{more}): what differs may come from there",
            matters[..matters.len().min(SHOWN)].join("; ")
        ));
    }
    let same_run = a.started == b.started && a.plan.seed == b.plan.seed && a.windows.len() == b.windows.len();
    if same_run && a.environment == b.environment {
        lines.push("A and B look like the same record: a run compared with itself says nothing".to_owned());
    }
    lines
}
