//! The forms a finished run is rendered in. All of them are read from its record.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use squall_core::Nanos;
use squall_plan::Plan;
use squall_record::Run;
use squall_report::console::{Style, summary};
use squall_verdict::Verdict;

use crate::errors::Problem;
use crate::preflight;

/// The final tables.
pub(super) fn tables(run: &Run, verdict: &Verdict, style: Style) -> String {
    let mut text = Vec::new();
    summary(run, verdict, style, &mut text).expect("a vector takes every byte");
    String::from_utf8_lossy(&text).into_owned()
}

/// The verdict alone.
pub(super) fn verdict(run: &Run, verdict: &Verdict, style: Style) -> String {
    let mut text = Vec::new();
    squall_report::console::verdict(run, verdict, style, &mut text).expect("a vector takes every byte");
    String::from_utf8_lossy(&text).into_owned()
}

/// Locust's JSON on stdout.
pub(super) fn print_locust_json(run: &Run) -> Result<(), Problem> {
    print(|out| squall_report::json::locust(run, out))
}

/// Squall's own JSON on stdout.
pub(super) fn print_json(run: &Run, verdict: &Verdict) -> Result<(), Problem> {
    print(|out| squall_report::json::summary(run, verdict, out))
}

fn print(render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Problem> {
    let mut text = Vec::new();
    render(&mut text).map_err(|error| Problem::new("the run cannot be rendered").cause(error))?;
    super::print(&String::from_utf8_lossy(&text))
}

/// Locust's JSON in a file.
pub(super) fn write_locust_json(run: &Run, path: &Path) -> Result<(), Problem> {
    write(path, "--json-file", |out| squall_report::json::locust(run, out))
}

/// The HTML report.
pub(super) fn write_html(run: &Run, verdict: &Verdict, path: &Path) -> Result<(), Problem> {
    write(path, "--html", |out| squall_report::html::render(run, verdict, out))
}

/// The verdict as JUnit XML.
pub(super) fn write_junit(run: &Run, verdict: &Verdict, path: &Path) -> Result<(), Problem> {
    write(path, "--junit", |out| out.write_all(squall_report::junit(run, verdict)?.as_bytes()))
}

/// The summary in Markdown.
pub(super) fn write_markdown(run: &Run, verdict: &Verdict, path: &Path) -> Result<(), Problem> {
    write(path, "--markdown", |out| out.write_all(squall_report::markdown(run, verdict).as_bytes()))
}

/// Locust's CSV files, whole.
pub(super) fn write_csv(run: &Run, prefix: &Path, full_history: bool) -> Result<(), Problem> {
    preflight::make_parent(prefix)
        .and_then(|()| squall_report::csv::write(prefix, full_history, run))
        .map_err(|error| preflight::unwritable(prefix, "--csv").cause(error))
}

/// A file that an option names.
pub(super) fn write(
    path: &Path,
    option: &str,
    render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Problem> {
    let attempt = || {
        preflight::make_parent(path)?;
        let mut out = BufWriter::new(File::create(path)?);
        render(&mut out)?;
        out.flush()
    };
    attempt().map_err(|error| preflight::unwritable(path, option).cause(error))
}

/// `name` with users at the peak, the spawn rate of the phase that reaches it, and run time in seconds for `{u}`, `{r}`
/// and `{t}`.
pub(super) fn html_path(name: &str, plan: &Plan) -> PathBuf {
    let peak = plan.load.peak_users();
    let rate =
        plan.load.phases.iter().find(|phase| phase.users == peak).map_or(0.0, |phase| phase.spawn_rate);
    let time = plan.load.run_time().map_or(0, Nanos::whole_secs);
    let name = name
        .replace("{u}", &peak.to_string())
        .replace("{r}", &rate.to_string())
        .replace("{t}", &time.to_string());
    PathBuf::from(name)
}
