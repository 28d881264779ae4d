//! The options of a run, shared by both forms of the command line.

use clap::Args;

use super::later::{LaterArgs, WebArgs};
use crate::settings::Layer;

/// Everything a run can be told.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
    /// At the end, how long users may take to finish what they are doing, e.g. 10s or 1m
    #[arg(short = 's', long, value_name = "TIME", allow_negative_numbers = true)]
    pub(crate) stop_timeout: Option<String>,
    /// Seed of every random choice: the same seed makes the same choices
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) seed: Option<String>,
    /// Worker threads [default: one per core]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) threads: Option<String>,
    /// Refuse to run when a criterion cannot be met, however fast the server answers
    #[arg(long)]
    pub(crate) strict: bool,
    /// Allow the suite to run the commands of its faults on this machine
    #[arg(long)]
    pub(crate) allow_faults: bool,
    /// Start at once and without a web interface (always so in this version)
    #[arg(long)]
    pub(crate) headless: bool,
    /// Where the run is saved [default: SUITE-PROFILE-DATE-TIME.squall in the current directory]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) record: Option<String>,
    /// Write an HTML report; {u}, {r} and {t} become peak users, their spawn rate and run time
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) html: Option<String>,
    /// Write the four CSV files of Locust, with this prefix
    #[arg(long, value_name = "PREFIX", help_heading = "Output")]
    pub(crate) csv: Option<String>,
    /// With --csv: one row per endpoint and second in the history, not only their sum
    #[arg(long, help_heading = "Output")]
    pub(crate) csv_full_history: bool,
    /// Print the final statistics to stdout in Locust's JSON form
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// Write the final statistics to NAME.json instead of printing the final tables
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    pub(crate) json_file: Option<String>,
    /// Write the verdict as JUnit XML: a test case for each criterion
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) junit: Option<String>,
    /// Write a summary in Markdown, short enough for a comment on a pull request
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) markdown: Option<String>,
    /// Print statistics at the end only
    #[arg(long, help_heading = "Output")]
    pub(crate) only_summary: bool,
    /// Print statistics while the run goes (always so without a web interface)
    #[arg(long, help_heading = "Output")]
    pub(crate) print_stats: bool,
    /// Leave out what happened before all users were there
    #[arg(long, help_heading = "Output")]
    pub(crate) reset_stats: bool,
    /// Exit code when a request failed or was rate-limited and no criterion is judged [default: 1]
    #[arg(long, value_name = "CODE", help_heading = "Output", allow_negative_numbers = true)]
    pub(crate) exit_code_on_error: Option<String>,
    /// Print the user classes and exit
    #[arg(short = 'l', long, help_heading = "Show and exit")]
    pub(crate) list: bool,
    /// Print how often each task runs and exit
    #[arg(long, help_heading = "Show and exit")]
    pub(crate) show_task_ratio: bool,
    /// The same as JSON
    #[arg(long, help_heading = "Show and exit")]
    pub(crate) show_task_ratio_json: bool,
    /// Print every setting and where it comes from, and exit
    #[arg(long, help_heading = "Show and exit")]
    pub(crate) show_settings: bool,
    /// DEBUG, INFO, WARNING, ERROR or CRITICAL [default: INFO]
    #[arg(short = 'L', long, value_name = "LEVEL", help_heading = "Logging")]
    pub(crate) loglevel: Option<String>,
    /// Write the log to a file instead of stderr
    #[arg(long, value_name = "FILE", help_heading = "Logging")]
    pub(crate) logfile: Option<String>,
    /// Print no log and no tables
    #[arg(long, help_heading = "Logging")]
    pub(crate) skip_log_setup: bool,
    /// One more configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
    #[command(flatten)]
    pub(crate) web: WebArgs,
    #[command(flatten)]
    pub(crate) later: LaterArgs,
}

/// Who does what, how much of it, and to whom.
#[derive(Debug, Args)]
pub(crate) struct ShapeArgs {
    /// User classes to run [default: all]
    #[arg(value_name = "USER_CLASS")]
    pub(crate) user_classes: Vec<String>,
    /// Base URL of the target, instead of the suite's
    #[arg(short = 'H', long, value_name = "URL")]
    pub(crate) host: Option<String>,
    /// Users at the peak
    #[arg(short = 'u', long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) users: Option<String>,
    /// Users started per second
    #[arg(short = 'r', long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) spawn_rate: Option<String>,
    /// Task iterations begun per second, whether or not the server keeps up (open model)
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) rate: Option<String>,
    /// Stop after this time, e.g. 300, 20s, 3m, 1h30m
    #[arg(short = 't', long, value_name = "TIME", allow_negative_numbers = true)]
    pub(crate) run_time: Option<String>,
    /// The profile of the suite
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Only tasks with one of these tags
    #[arg(short = 'T', long, value_name = "TAG", num_args = 0.., overrides_with = "tags")]
    pub(crate) tags: Option<Vec<String>>,
    /// No task with one of these tags
    #[arg(short = 'E', long, value_name = "TAG", num_args = 0.., overrides_with = "exclude_tags")]
    pub(crate) exclude_tags: Option<Vec<String>>,
    /// Give every user class and every task the same weight
    #[arg(long)]
    pub(crate) equal_weights: bool,
    /// Accept any TLS certificate (test systems only)
    #[arg(long)]
    pub(crate) insecure: bool,
}

impl LoadArgs {
    /// Put what was written into `layer`.
    pub(crate) fn fill(&self, layer: &mut Layer) {
        self.shape.fill(layer);
        layer.text("stop-timeout", self.stop_timeout.as_deref());
        layer.text("seed", self.seed.as_deref());
        layer.text("threads", self.threads.as_deref());
        layer.flag("strict", self.strict);
        layer.flag("allow-faults", self.allow_faults);
        layer.flag("headless", self.headless);
        layer.text("record", self.record.as_deref());
        layer.text("html", self.html.as_deref());
        layer.text("csv", self.csv.as_deref());
        layer.flag("csv-full-history", self.csv_full_history);
        layer.flag("json", self.json);
        layer.text("json-file", self.json_file.as_deref());
        layer.text("junit", self.junit.as_deref());
        layer.text("markdown", self.markdown.as_deref());
        layer.flag("only-summary", self.only_summary);
        layer.flag("print-stats", self.print_stats);
        layer.flag("reset-stats", self.reset_stats);
        layer.text("exit-code-on-error", self.exit_code_on_error.as_deref());
        layer.flag("list", self.list);
        layer.flag("show-task-ratio", self.show_task_ratio);
        layer.flag("show-task-ratio-json", self.show_task_ratio_json);
        layer.flag("show-settings", self.show_settings);
        layer.text("loglevel", self.loglevel.as_deref());
        layer.text("logfile", self.logfile.as_deref());
        layer.flag("skip-log-setup", self.skip_log_setup);
        self.web.fill(layer);
        self.later.fill(layer);
    }
}

impl ShapeArgs {
    /// Put what was written into `layer`.
    pub(crate) fn fill(&self, layer: &mut Layer) {
        layer.text("host", self.host.as_deref());
        layer.text("users", self.users.as_deref());
        layer.text("spawn-rate", self.spawn_rate.as_deref());
        layer.text("rate", self.rate.as_deref());
        layer.text("run-time", self.run_time.as_deref());
        layer.text("profile", self.profile.as_deref());
        layer.list("tags", self.tags.as_deref());
        layer.list("exclude-tags", self.exclude_tags.as_deref());
        layer.flag("equal-weights", self.equal_weights);
        layer.flag("insecure", self.insecure);
        layer.list("user-classes", (!self.user_classes.is_empty()).then_some(&self.user_classes));
    }
}
