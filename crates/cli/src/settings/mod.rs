//! From arguments, environment and files to one resolved [`Settings`], with provenance.
//!
//! Precedence, lowest to highest, as Locust's code does it: `~/.locust.conf`, `./locust.conf`, `./pyproject.toml`
//! (`[tool.locust]`), the file of `--config`, the environment, the command line. What nobody set stays with the
//! suite.

mod conf;
mod environment;
mod files;
mod layer;
mod options;
mod resolve;
mod show;
mod timespan;

pub(crate) use environment::Environment;
pub(crate) use layer::Layer;
pub(crate) use resolve::{Resolved, resolve};

use std::path::PathBuf;

use squall_core::Nanos;
use tracing::level_filters::LevelFilter;

/// The suite that is run when none is named.
pub(crate) const DEFAULT_SUITE: &str = "suite.toml";

/// Everything a command needs to know, every value parsed. An `Option` means "as the suite says", never a default.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// The suite to run.
    pub(crate) suite: PathBuf,
    /// The load, where it differs from the suite's.
    pub(crate) shape: Shape,
    /// What is written where.
    pub(crate) outputs: Outputs,
    /// What is shown while the run goes.
    pub(crate) console: Console,
    /// Print something and exit, instead of a run.
    pub(crate) show: Option<Show>,
    /// The log.
    pub(crate) log: Log,
    /// The web interface was declined, so that its absence is no news.
    pub(crate) headless: bool,
    /// Leave out of the judgement what happened before all users were there.
    pub(crate) reset_stats: bool,
    /// Exit code when a request failed or was rate-limited and there are no criteria; `None` leaves it to the verdict.
    pub(crate) exit_code_on_error: Option<u8>,
    /// Where the run is saved; `None` names it after the suite and the time.
    pub(crate) record: Option<PathBuf>,
    /// Seed of every random choice.
    pub(crate) seed: Option<u64>,
    /// Worker threads; 0 is one per core.
    pub(crate) threads: usize,
    /// A criterion that cannot be met refuses the run.
    pub(crate) strict: bool,
    /// The commands of the suite's faults may be run.
    pub(crate) allow_faults: bool,
}

/// The load, where it differs from the suite's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shape {
    /// Base URL of the target.
    pub(crate) host: Option<String>,
    /// Users at the peak.
    pub(crate) users: Option<u32>,
    /// Users started per second.
    pub(crate) spawn_rate: Option<f64>,
    /// Task iterations begun per second: the open model.
    pub(crate) rate: Option<f64>,
    /// Run time.
    pub(crate) run_time: Option<Nanos>,
    /// Time to finish at the end.
    pub(crate) stop_timeout: Option<Nanos>,
    /// Profile of the suite.
    pub(crate) profile: Option<String>,
    /// Only tasks with one of these tags, when any is given.
    pub(crate) tags: Vec<String>,
    /// No task with one of these tags.
    pub(crate) exclude_tags: Vec<String>,
    /// Only these user classes, when any is given.
    pub(crate) user_classes: Vec<String>,
    /// The same weight for every class and task.
    pub(crate) equal_weights: bool,
    /// Accept any certificate.
    pub(crate) insecure: bool,
}

/// Files and streams a run is written to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outputs {
    /// HTML report; the name may hold `{u}`, `{r}` and `{t}`.
    pub(crate) html: Option<String>,
    /// CSV files.
    pub(crate) csv: Option<Csv>,
    /// Locust's JSON on stdout.
    pub(crate) json: bool,
    /// Locust's JSON in a file, whose name ends in `.json`.
    pub(crate) json_file: Option<PathBuf>,
    /// The verdict as JUnit XML.
    pub(crate) junit: Option<PathBuf>,
    /// A summary in Markdown.
    pub(crate) markdown: Option<PathBuf>,
}

/// Locust's CSV files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Csv {
    /// What the four names begin with.
    pub(crate) prefix: String,
    /// History rows per endpoint.
    pub(crate) full_history: bool,
}

/// What is shown on stderr while the run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Console {
    /// A table every two seconds, and the final ones.
    Periodic,
    /// The final tables.
    Summary,
    /// Nothing.
    Silent,
}

/// What is printed to stdout instead of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// The user classes.
    Users,
    /// The share of every task, as text.
    TaskRatio,
    /// The share of every task, as JSON.
    TaskRatioJson,
    /// The settings themselves.
    Settings,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// The least important line that is written; `OFF` writes none.
    pub(crate) level: LevelFilter,
    /// The file; stderr without one.
    pub(crate) file: Option<PathBuf>,
}

impl Default for Log {
    /// What commands without log options use.
    fn default() -> Self {
        Self { level: LevelFilter::INFO, file: None }
    }
}
