//! `squall run` and Locust's form of it: check, run, judge, render.

use std::path::Path;
use std::sync::Arc;

use jiff::ZonedDateTime;
use squall_plan::Plan;
use squall_report::console::LiveOptions;
use squall_verdict::{FAILED, judge};
use tracing::{error, info, warn};

use super::github::{self, Stream};
use super::session::{Finished, RecordName, Session};
use super::{faults, judged, outputs, scenario};
use crate::errors::{Exit, Failure, Outcome, Problem, Problems};
use crate::preflight;
use crate::settings::{Console, Outputs, Resolved, Settings};
use crate::terminal::Terminal;

const MAIN: &str = "squall.main";

/// Run what the settings say.
pub(super) fn run(resolved: &Resolved, terminal: &Terminal) -> Outcome {
    let settings = &resolved.settings;
    let suite = scenario::load(settings)?;
    let planned = suite.plan(&scenario::selection(settings))?;
    info!(target: MAIN, "Starting Squall {}", env!("CARGO_PKG_VERSION"));
    if !settings.headless {
        info!(target: MAIN, "The web interface comes with a later version: running headless");
    }
    for warning in &planned.warnings {
        warn!(target: MAIN, "{warning}");
    }
    let plan = Arc::new(planned.plan);
    let html = settings.outputs.html.as_ref().map(|name| outputs::html_path(name, &plan));
    let mut files = super::files(resolved);
    if let Some(path) =
        html.as_deref().filter(|_| settings.outputs.html.as_ref().is_some_and(|name| name.contains('{')))
    {
        files.output("--html", path);
    }
    files.distinct()?;
    faults::permit(&plan, settings.allow_faults)?;
    prepare(&plan, settings, html.as_deref())?;
    let record = record_name(settings, &plan)?;
    announce_time(&plan);
    let session = Session {
        plan: Arc::clone(&plan),
        record,
        settings: resolved.to_json(),
        csv: settings.outputs.csv.as_ref(),
        live: live(settings.console, terminal),
        reset_stats: settings.reset_stats,
        threads: settings.threads,
        terminal,
    };
    let finished = session.run()?;
    conclude(&finished, settings, html.as_deref(), terminal)
}

/// Everything that can be known to fail is found before the first request.
fn prepare(plan: &Plan, settings: &Settings, html: Option<&Path>) -> Result<(), Failure> {
    let Outputs { json_file, junit, markdown, .. } = &settings.outputs;
    let outputs = [
        ("--html", html),
        ("--json-file", json_file.as_deref()),
        ("--junit", junit.as_deref()),
        ("--markdown", markdown.as_deref()),
    ];
    for (option, path) in outputs {
        path.map_or(Ok(()), |path| preflight::writable(path, option))?;
    }
    preflight::resolve_host(&plan.host)?;
    reachable(plan, settings.strict)?;
    for shortage in preflight::shortages(plan) {
        warn!(target: MAIN, "{shortage}");
    }
    Ok(())
}

/// What cannot be met is worth a warning; when that is `strict`, the run.
pub(super) fn reachable(plan: &Plan, strict: bool) -> Result<(), Failure> {
    let feasibility = squall_plan::feasibility(plan);
    let impossible: Vec<&str> =
        feasibility.checks.iter().filter(|check| !check.possible).map(|check| check.text.as_str()).collect();
    if strict && !impossible.is_empty() {
        let problem = |text: &&str| {
            Problem::new(format!("a criterion cannot be met: {text}")).help(
                "ask for more users, shorter waits or an arrival rate, or lower what is asked; \
                 without --strict this is a warning",
            )
        };
        let problems = Problems(impossible.iter().map(problem).collect());
        return Err(Failure::from(problems).exit(Exit::Code(FAILED)));
    }
    for text in impossible {
        warn!(target: MAIN, "a criterion cannot be met: {text}");
    }
    Ok(())
}

fn announce_time(plan: &Plan) {
    match plan.load.run_time() {
        Some(time) => info!(target: MAIN, "Run time limit set to {} seconds", time.as_secs_f64()),
        None => info!(target: MAIN, "No run time limit set, use CTRL+C to interrupt"),
    }
}

fn live(console: Console, terminal: &Terminal) -> Option<LiveOptions> {
    let only_summary = console == Console::Summary;
    let options = LiveOptions { tty: terminal.tty, columns: terminal.style.columns, only_summary };
    (console != Console::Silent).then_some(options)
}

/// `--record`, or a name made of suite, profile and time.
fn record_name(settings: &Settings, plan: &Plan) -> Result<RecordName, Problem> {
    let Some(path) = &settings.record else {
        let time = ZonedDateTime::now().strftime("%Y%m%d-%H%M%S").to_string();
        let words = [Some(plan.name.as_str()), plan.profile.as_deref(), Some(&time)];
        return Ok(RecordName::Free(words.into_iter().flatten().map(slug).collect::<Vec<_>>().join("-")));
    };
    if path.exists() {
        return Err(Problem::new(format!("{} exists already", path.display()))
            .help("a saved run is never overwritten: give --record another name, or remove the file"));
    }
    preflight::writable(path, "--record")?;
    Ok(RecordName::Exactly(path.clone()))
}

/// Letters and digits of any script, everything else as single hyphens.
fn slug(text: &str) -> String {
    let kept: String =
        text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join("-")
}

/// Judge the finished run and write everything that was asked for.
fn conclude(finished: &Finished, settings: &Settings, html: Option<&Path>, terminal: &Terminal) -> Outcome {
    let run = &finished.run;
    let verdict = judge(run);
    let json_file = settings.outputs.json_file.as_deref();
    let files = [
        html.map(|path| outputs::write_html(run, &verdict, path)),
        json_file.map(|path| outputs::write_locust_json(run, path)),
        settings.outputs.json.then(|| outputs::print_locust_json(run)),
        settings.outputs.junit.as_deref().map(|path| outputs::write_junit(run, &verdict, path)),
        settings.outputs.markdown.as_deref().map(|path| outputs::write_markdown(run, &verdict, path)),
    ];
    let mut incomplete = finished.incomplete;
    for problem in files.into_iter().flatten().filter_map(Result::err) {
        error!(target: MAIN, "{}", problem.prose());
        incomplete = true;
    }
    let exit = finished.exit(judged::code(run, &verdict, settings.exit_code_on_error), incomplete);
    for fault in judged::failed_faults(run) {
        error!(target: MAIN, "{fault}");
    }
    finished.announce();
    info!(target: MAIN, "Shutting down (exit code {})", exit.code());
    if settings.console != Console::Silent {
        // As with Locust, a JSON file takes the place of the final tables; the verdict is not among what it holds.
        let text = match json_file {
            None => outputs::tables(run, &verdict, terminal.style),
            Some(_) => outputs::verdict(run, &verdict, terminal.style),
        };
        terminal.say(&text);
    }
    let stream = if settings.outputs.json { Stream::Talk } else { Stream::Data };
    github::tell(run, &verdict, stream, terminal)?;
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn names_become_file_names() {
        assert_eq!(slug("MueJam API"), "muejam-api");
        assert_eq!(slug(" ../weird: näme/ "), "weird-näme");
        assert_eq!(slug("20261123-131359"), "20261123-131359");
    }
}
