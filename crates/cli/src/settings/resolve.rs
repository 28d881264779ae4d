//! Text to values: every option is parsed once, wherever it was written, and all mistakes are reported together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use squall_core::Nanos;
use tracing::level_filters::LevelFilter;

use super::layer::{Given, Layer, Source, merge};
use super::options::{self, Kind, OPTIONS, Support};
use super::{Console, Csv, DEFAULT_SUITE, Environment, Log, Outputs, Settings, Shape, Show, files, timespan};
use crate::errors::{Problem, Problems};

/// As many as a suite may ask for.
const MAX_USERS: u32 = 1_000_000;
/// As many per second as a suite may ask for.
const MAX_SPAWN_RATE: f64 = 1e6;
/// As many arrivals per second as a suite may ask for.
const MAX_RATE: f64 = 1e6;
/// No run takes longer.
const YEAR: Nanos = Nanos::from_secs(365 * 24 * 3600);

/// Settings, where they come from, and what is to be said about them once there is a log.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) settings: Settings,
    pub(crate) warnings: Vec<String>,
    /// The configuration files that were read.
    pub(crate) files: Vec<PathBuf>,
    pub(super) given: BTreeMap<&'static str, Given>,
}

/// Lay the command line over the environment over the files, and parse what comes out.
pub(crate) fn resolve(
    command_line: Layer,
    config: Option<&Path>,
    environment: &Environment,
) -> Result<Resolved, Problems> {
    let mut warnings = Vec::new();
    let mut layers = files::layers(environment, config, &mut warnings)?;
    let files = layers.iter().filter_map(|layer| layer.source.file().map(Path::to_owned)).collect();
    warnings.extend(environment.unknown());
    layers.push(environment.layer());
    layers.push(command_line);
    let mut parser = Parser { given: merge(layers), problems: environment.problems() };
    parser.support(&mut warnings);
    parser.flags();
    let settings = parser.settings();
    if !parser.problems.is_empty() {
        return Err(Problems(parser.problems));
    }
    Ok(Resolved { settings, warnings, files, given: parser.given })
}

struct Parser {
    given: BTreeMap<&'static str, Given>,
    problems: Vec<Problem>,
}

impl Parser {
    /// Refuse options this version does not follow; note those of the web interface once.
    fn support(&mut self, warnings: &mut Vec<String>) {
        let mut web = Vec::new();
        for (key, given) in &self.given {
            let switched_off = given.value.first().is_some_and(|value| flag_value(value) == Some(false));
            let Some(spec) = options::find(key).filter(|_| !switched_off) else { continue };
            match spec.support {
                Support::Now => {}
                Support::Web => web.push(format!("--{key}")),
                Support::Refused(reason) => self.problems.push(
                    Problem::new(format!("--{key} cannot be used: {reason}"))
                        .help(format!("it was set by: {}", origin(key, &given.source))),
                ),
            }
        }
        if !web.is_empty() {
            warnings.push(format!(
                "{} ignored: the web interface comes with a later version; running headless",
                web.join(", ")
            ));
        }
    }

    fn settings(&mut self) -> Settings {
        let settings = Settings {
            suite: PathBuf::from(self.text("locustfile").unwrap_or_else(|| DEFAULT_SUITE.to_owned())),
            shape: self.shape(),
            outputs: self.outputs(),
            console: self.console(),
            show: self.show(),
            log: self.log(),
            headless: self.flag("headless"),
            reset_stats: self.flag("reset-stats"),
            exit_code_on_error: self.parsed("exit-code-on-error", |text| {
                text.parse().map_err(|_| "expected an exit code from 0 to 255".to_owned())
            }),
            record: self.text("record").map(PathBuf::from),
            seed: self.parsed("seed", |text| {
                text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
            }),
            threads: self.parsed("threads", threads).unwrap_or(0),
            strict: self.flag("strict"),
            allow_faults: self.allow_faults(),
        };
        if settings.outputs.csv.is_none() && self.flag("csv-full-history") {
            self.problems.push(
                Problem::new("'--csv-full-history' requires '--csv'.")
                    .help("add --csv PREFIX to name the files"),
            );
        }
        settings
    }

    /// Suites and configuration files lie in one folder and come from one hand; leave to run a suite's commands does not.
    fn allow_faults(&mut self) -> bool {
        let allowed = self.flag("allow-faults");
        let given = self.given.get("allow-faults").filter(|_| allowed);
        if let Some(file) = given.and_then(|given| given.source.file()) {
            self.problems
                .push(Problem::new(format!("{} cannot allow faults: they run commands", file.display())).help(
                "give --allow-faults on the command line, or set SQUALL_ALLOW_FAULTS=true in the environment",
            ));
        }
        allowed
    }

    fn shape(&mut self) -> Shape {
        Shape {
            host: self.text("host"),
            users: self.parsed("users", users),
            spawn_rate: self.parsed("spawn-rate", |text| rate(text, MAX_SPAWN_RATE)),
            rate: self.parsed("rate", |text| rate(text, MAX_RATE)),
            run_time: self.parsed("run-time", run_time),
            stop_timeout: self.parsed("stop-timeout", stop_timeout),
            profile: self.text("profile"),
            tags: self.list("tags"),
            exclude_tags: self.list("exclude-tags"),
            user_classes: self.list("user-classes"),
            equal_weights: self.flag("equal-weights"),
            insecure: self.flag("insecure"),
        }
    }

    fn outputs(&self) -> Outputs {
        let full_history = self.flag("csv-full-history");
        Outputs {
            html: self.text("html"),
            csv: self.text("csv").map(|prefix| Csv { prefix, full_history }),
            json: self.flag("json"),
            junit: self.text("junit").map(PathBuf::from),
            markdown: self.text("markdown").map(PathBuf::from),
            json_file: self.text("json-file").map(|name| PathBuf::from(format!("{name}.json"))),
        }
    }

    fn console(&self) -> Console {
        if self.flag("skip-log-setup") {
            Console::Silent
        } else if self.flag("only-summary") {
            Console::Summary
        } else {
            Console::Periodic
        }
    }

    fn show(&self) -> Option<Show> {
        let all = [
            ("show-settings", Show::Settings),
            ("list", Show::Users),
            ("show-task-ratio", Show::TaskRatio),
            ("show-task-ratio-json", Show::TaskRatioJson),
        ];
        all.into_iter().find(|(key, _)| self.flag(key)).map(|(_, show)| show)
    }

    fn log(&mut self) -> Log {
        let level = self.parsed("loglevel", log_level).unwrap_or(LevelFilter::INFO);
        let level = if self.flag("skip-log-setup") { LevelFilter::OFF } else { level };
        Log { level, file: self.text("logfile").map(PathBuf::from) }
    }

    fn text(&self, key: &str) -> Option<String> {
        self.given.get(key)?.value.first().filter(|value| !value.is_empty()).cloned()
    }

    fn list(&self, key: &str) -> Vec<String> {
        self.given.get(key).map(|given| given.value.clone()).unwrap_or_default()
    }

    /// What is neither true nor false is reported by [`Parser::flags`], once.
    fn flag(&self, key: &str) -> bool {
        self.text(key).and_then(|value| flag_value(&value)).unwrap_or(false)
    }

    fn flags(&mut self) {
        for spec in OPTIONS.iter().filter(|spec| spec.kind == Kind::Flag) {
            self.parsed(spec.key, |text| flag_value(text).ok_or_else(|| "expected true or false".to_owned()));
        }
    }

    fn parsed<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let given = self.given.get(key)?;
        let text = given.value.first().map_or("", String::as_str);
        match parse(text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.problems.push(
                    Problem::new(format!("`{text}` is not a value of --{key}: {reason}"))
                        .help(format!("it was set by: {}", origin(key, &given.source))),
                );
                None
            }
        }
    }
}

/// Where a value comes from, with the variable's name when it is one.
pub(super) fn origin(key: &str, source: &Source) -> String {
    match (source, options::find(key).and_then(|spec| spec.env)) {
        (Source::Environment, Some(name)) => format!("environment variable {name}"),
        _ => source.to_string(),
    }
}

fn flag_value(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn users(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(users @ 1..=MAX_USERS) => Ok(users),
        _ => Err(format!("expected a whole number from 1 to {MAX_USERS}")),
    }
}

fn rate(text: &str, most: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if !rate.is_finite() => Err("must be a finite number".to_owned()),
        Ok(rate) if rate > most => Err(format!("must be at most {most}")),
        Ok(rate) if rate > 0.0 => Ok(rate),
        Ok(_) => Err("must be greater than zero".to_owned()),
        Err(_) => Err("expected a number".to_owned()),
    }
}

fn run_time(text: &str) -> Result<Nanos, String> {
    match timespan::parse(text)? {
        Nanos::ZERO => Err("must be greater than zero; leave it out to run until stopped".to_owned()),
        span => at_most_a_year(span),
    }
}

fn stop_timeout(text: &str) -> Result<Nanos, String> {
    let span = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Nanos::from_secs_f64(seconds),
        _ => timespan::parse(text).map_err(|_| {
            "Valid --stop-timeout formats are: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.".to_owned()
        })?,
    };
    at_most_a_year(span)
}

fn at_most_a_year(span: Nanos) -> Result<Nanos, String> {
    if span <= YEAR { Ok(span) } else { Err("must be at most a year (8760h)".to_owned()) }
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("expected a whole number from 1 to 1024".to_owned()),
    }
}

fn log_level(text: &str) -> Result<LevelFilter, String> {
    match text.to_ascii_uppercase().as_str() {
        "DEBUG" => Ok(LevelFilter::DEBUG),
        "INFO" => Ok(LevelFilter::INFO),
        "WARNING" => Ok(LevelFilter::WARN),
        // `tracing` has no level above errors, and nothing is worse than an error here.
        "ERROR" | "CRITICAL" => Ok(LevelFilter::ERROR),
        _ => Err("expected DEBUG, INFO, WARNING, ERROR or CRITICAL".to_owned()),
    }
}

#[cfg(test)]
mod tests;
