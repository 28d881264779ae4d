//! `--list`, `--show-task-ratio`, `--show-task-ratio-json`: look at a suite instead of running it.

use serde::Serialize as _;
use squall_suite::{Suite, TaskRatio};

use super::{print, ratio, scenario};
use crate::errors::{Exit, Failure, Outcome};
use crate::settings::{Settings, Show};

/// Print what `show` asks for.
pub(super) fn run(settings: &Settings, show: Show) -> Outcome {
    let suite = scenario::load(settings)?;
    print(&match show {
        Show::Users => users(&suite),
        Show::TaskRatio => ratio::text(&shares(&suite, settings)?),
        Show::TaskRatioJson => indented(&shares(&suite, settings)?),
        // Needs no suite, and has been answered before one was read.
        Show::Settings => String::new(),
    })?;
    Ok(Exit::Passed)
}

fn shares(suite: &Suite, settings: &Settings) -> Result<TaskRatio, Failure> {
    let planned = scenario::plan_to_show(suite, &scenario::selection(settings))?;
    Ok(squall_suite::task_ratio(&planned.plan))
}

fn users(suite: &Suite) -> String {
    let names = suite.classes().iter().map(|class| format!("    {}\n", class.name));
    std::iter::once("Available Users:\n".to_owned()).chain(names).collect()
}

/// Four spaces, as Locust has it.
fn indented(value: &TaskRatio) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    value.serialize(&mut serializer).expect("numbers and names serialise, and a vector takes every byte");
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is UTF-8")
}
