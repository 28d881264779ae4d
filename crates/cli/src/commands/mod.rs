//! One module per command, and what they share.

mod check;
mod compare;
mod demo;
mod faults;
mod github;
mod judged;
mod list;
pub(crate) mod mistaken;
mod outputs;
mod ratio;
mod report;
mod run;
mod scenario;
mod session;
mod verdict;

use std::io::Write as _;
use std::path::Path;

use tracing::warn;

use crate::args::{CheckArgs, Cli, Command, LoadArgs, LocustArgs, RunArgs};
use crate::errors::{Exit, Failure, Outcome, Problem};
use crate::logging;
use crate::overlap::Files;
use crate::settings::{Environment, Layer, Log, Resolved, Show, resolve};
use crate::terminal::Terminal;

/// Do what the command line says.
pub(crate) fn dispatch(cli: Cli) -> Outcome {
    let terminal = Terminal::of_process();
    match cli.command {
        Some(Command::Demo(args)) => {
            logging::init(&Log::default(), &terminal.screen)?;
            demo::run(&args, &terminal)
        }
        Some(Command::Run(args)) => load(run_layer(&args), &args.load, &terminal, None),
        Some(Command::Check(args)) => {
            let resolved =
                resolve(check_layer(&args), config(args.config.as_ref()), &Environment::of_process())?;
            begin_log(&resolved, &terminal)?;
            warn_of(&resolved);
            check::run(&resolved.settings, args.format, args.strict)
        }
        Some(Command::Report(args)) => {
            logging::init(&Log::default(), &terminal.screen)?;
            report::run(&args)
        }
        Some(Command::Verdict(args)) => {
            logging::init(&Log::default(), &terminal.screen)?;
            verdict::run(&args, &terminal)
        }
        Some(Command::Compare(args)) => {
            logging::init(&Log::default(), &terminal.screen)?;
            compare::run(&args)
        }
        Some(Command::MuejamApi(args)) => {
            squall_muejam::args::run(&args)
                .map_err(|error| Problem::new("the MueJam API cannot be served").cause(error))?;
            Ok(Exit::Passed)
        }
        None => {
            let mut layer = Layer::command_line();
            layer.text("locustfile", cli.locust.locustfile.as_deref());
            load(layer, &cli.locust.load, &terminal, Some(&cli.locust))
        }
    }
}

/// Locust's form and `squall run`: from here on they are the same, but that `run` never had a web interface to
/// miss.
fn load(mut layer: Layer, args: &LoadArgs, terminal: &Terminal, locust: Option<&LocustArgs>) -> Outcome {
    args.fill(&mut layer);
    let mut resolved = resolve(layer, config(args.config.as_ref()), &Environment::of_process())?;
    match locust {
        Some(locust) => mistaken::user_class(locust, &resolved.settings)?,
        None => resolved.settings.headless = true,
    }
    if resolved.settings.show == Some(Show::Settings) {
        print(&resolved.listing())?;
        return Ok(Exit::Passed);
    }
    begin_log(&resolved, terminal)?;
    warn_of(&resolved);
    match resolved.settings.show {
        Some(show) => list::run(&resolved.settings, show),
        None => run::run(&resolved, terminal),
    }
}

fn run_layer(args: &RunArgs) -> Layer {
    let mut layer = Layer::command_line();
    layer.text("locustfile", Some(&args.suite));
    layer
}

fn check_layer(args: &CheckArgs) -> Layer {
    let mut layer = Layer::command_line();
    layer.text("locustfile", Some(&args.suite));
    args.shape.fill(&mut layer);
    layer
}

fn config(path: Option<&String>) -> Option<&Path> {
    path.map(Path::new)
}

fn warn_of(resolved: &Resolved) {
    for warning in &resolved.warnings {
        warn!(target: "squall.main", "{warning}");
    }
}

/// Data for stdout. A reader that has had enough (`| head`) is no error.
fn print(text: &str) -> Result<(), Problem> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Problem::new("stdout cannot be written").cause(error))
        }
        _ => Ok(()),
    }
}

/// The file log is begun before anything else is known: it must not begin in a file that is read.
fn begin_log(resolved: &Resolved, terminal: &Terminal) -> Result<(), Failure> {
    files(resolved).distinct()?;
    Ok(logging::init(&resolved.settings.log, &terminal.screen)?)
}

/// Every file the settings name; the HTML report only where its name is known without the plan.
fn files(resolved: &Resolved) -> Files {
    let settings = &resolved.settings;
    let mut files = Files::default();
    files.input("the suite", &settings.suite);
    for path in scenario::data_files(&settings.suite) {
        files.input("a file of the suite", &path);
    }
    for path in &resolved.files {
        files.input("the configuration", path);
    }
    if let Some(path) = &settings.log.file {
        files.output("--logfile", path);
    }
    if let Some(path) = &settings.record {
        files.record("--record", path, true);
    }
    if let Some(path) = &settings.outputs.json_file {
        files.output("--json-file", path);
    }
    for (option, path) in [("--junit", &settings.outputs.junit), ("--markdown", &settings.outputs.markdown)] {
        if let Some(path) = path {
            files.output(option, path);
        }
    }
    if let Some(csv) = &settings.outputs.csv {
        files.csv(&csv.prefix);
    }
    if let Some(name) = settings.outputs.html.as_ref().filter(|name| !name.contains('{')) {
        files.output("--html", Path::new(name));
    }
    files
}
