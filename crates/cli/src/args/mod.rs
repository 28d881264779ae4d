//! The command line: what can be written, and nothing of what it means.
//!
//! Two forms lead to the same run: Locust's flags at the top level, and `squall run SUITE`. Values are kept as the
//! text that was written; the settings parse them, because the environment and configuration files hold the same
//! options as text and must be refused in the same words.

mod compare;
mod later;
mod load;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use compare::CompareArgs;
pub(crate) use load::{LoadArgs, ShapeArgs};

const AFTER_HELP: &str = "\
Options may be shortened to any prefix that is unique. Every long option can also stand in ~/.locust.conf, \
./locust.conf, ./pyproject.toml [tool.locust] or the file of --config, and most have an environment variable \
(LOCUST_USERS, LOCUST_RUN_TIME, …). Later ones in this list win: files, environment, command line.

Exit codes: 0 passed, 1 failed, 2 usage or suite error, 3 the result is not valid, 130 interrupted.";

/// Load testing that judges itself before it judges the server.
#[derive(Debug, Parser)]
#[command(
    name = "squall",
    version,
    infer_long_args = true,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    disable_help_subcommand = true,
    max_term_width = 110,
    override_usage = "squall [OPTIONS] [USER_CLASS]...\n       squall <COMMAND>",
    after_help = AFTER_HELP
)]
pub(crate) struct Cli {
    /// What to do; without one, Locust's flags describe a run.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) locust: LocustArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Test an embedded MueJam API for half a minute: no server, no set-up
    Demo(DemoArgs),
    /// Run a suite and judge it
    Run(Box<RunArgs>),
    /// Find what is wrong with a suite, and what it cannot reach, without sending anything
    Check(Box<CheckArgs>),
    /// Render a saved run
    Report(ReportArgs),
    /// Hold a saved run against another: what became worse, what better, what stayed
    Compare(CompareArgs),
    /// Judge a saved run again, by its own criteria or by others
    Verdict(VerdictArgs),
    /// Start the reference API that the demo tests: something to test against
    MuejamApi(Box<squall_muejam::args::Args>),
}

/// The flags of the form without a command.
#[derive(Debug, Args)]
pub(crate) struct LocustArgs {
    /// The suite to run [default: suite.toml]
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) locustfile: Option<String>,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
}

/// `squall run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The suite to run
    #[arg(value_name = "SUITE")]
    pub(crate) suite: String,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
}

/// `squall check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The suite to check
    #[arg(value_name = "SUITE")]
    pub(crate) suite: String,
    /// How the findings are printed: text or json
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) format: Format,
    /// Exit with 1 when a criterion cannot be met
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
    /// One more configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
}

/// `squall report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The saved run
    #[arg(value_name = "RECORD")]
    pub(crate) record: PathBuf,
    /// Write an HTML report
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<String>,
    /// Write the four CSV files of Locust, with this prefix
    #[arg(long, value_name = "PREFIX")]
    pub(crate) csv: Option<String>,
    /// With --csv: one row per endpoint and second in the history, not only their sum
    #[arg(long, requires = "csv")]
    pub(crate) csv_full_history: bool,
    /// Write the verdict as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a summary in Markdown
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Print the statistics in Locust's JSON form
    #[arg(long)]
    pub(crate) json: bool,
    /// How the run is printed: text (when no file is asked for) or json
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) format: Format,
}

/// `squall verdict`.
#[derive(Debug, Args)]
pub(crate) struct VerdictArgs {
    /// The saved run
    #[arg(value_name = "RECORD")]
    pub(crate) record: PathBuf,
    /// Judge by the criteria of this file: a suite, or one with nothing but `schema = 1` and [criteria.NAME]
    #[arg(long, value_name = "FILE")]
    pub(crate) criteria: Option<PathBuf>,
    /// With --criteria: those of this profile [default: the profile that was run]
    #[arg(long, value_name = "NAME", requires = "criteria")]
    pub(crate) profile: Option<String>,
    /// With --criteria: this set
    #[arg(long, value_name = "NAME", requires = "criteria", conflicts_with = "profile")]
    pub(crate) set: Option<String>,
    /// Write the verdict as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a summary in Markdown
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// How the verdict is printed: text or json
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) format: Format,
}

/// `squall demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Write the saved run and the report into this directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) output: PathBuf,
    /// Break the API or the test in one way, and see how it is caught; an unknown NAME lists them all
    #[arg(long, value_name = "NAME")]
    pub(crate) flaw: Option<String>,
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables
    Text,
    /// JSON on stdout
    Json,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};

    fn parse(line: &str) -> Cli {
        Cli::try_parse_from(line.split_whitespace()).unwrap()
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_guide_parses_and_means_the_same() {
        let cli = parse(
            "squall -f suite.toml --host=http://localhost:8000 --users 100 --spawn-rate 10 --run-time 5m \
             --headless --html report.html --csv results",
        );
        assert!(cli.command.is_none());
        let (file, load) = (cli.locust.locustfile, cli.locust.load);
        assert_eq!(file.as_deref(), Some("suite.toml"));
        assert_eq!(load.shape.host.as_deref(), Some("http://localhost:8000"));
        assert_eq!(load.shape.users.as_deref(), Some("100"));
        assert_eq!(load.shape.spawn_rate.as_deref(), Some("10"));
        assert_eq!(load.shape.run_time.as_deref(), Some("5m"));
        assert!(load.headless);
        assert_eq!(load.html.as_deref(), Some("report.html"));
        assert_eq!(load.csv.as_deref(), Some("results"));

        parse("squall -f suite.toml --host=http://localhost:8000");
        parse("squall -f suite.toml --host=https://staging.muejam.com --users 100 --spawn-rate 10");
        assert!(parse("squall -f suite.toml --host=http://localhost:8000 --master").locust.load.later.master);
        let worker = parse("squall -f suite.toml --worker --master-host=10.0.0.1").locust.load.later;
        assert!(worker.worker);
        assert_eq!(worker.master_host.as_deref(), Some("10.0.0.1"));
        assert!(parse("squall -f suite.toml --insecure").locust.load.shape.insecure);
    }

    #[test]
    fn long_options_may_be_shortened_and_short_ones_joined_to_their_value() {
        let load = parse("squall --headles -u100 --spawn=2.5 -t5m").locust.load;
        assert!(load.headless);
        assert_eq!(load.shape.users.as_deref(), Some("100"));
        assert_eq!(load.shape.spawn_rate.as_deref(), Some("2.5"));
        assert_eq!(load.shape.run_time.as_deref(), Some("5m"));
        assert!(Cli::try_parse_from(["squall", "--sho"]).is_err(), "two options begin like that");
    }

    #[test]
    fn tags_take_everything_up_to_the_next_option() {
        let shape = parse("squall -f s.toml -T a b -E c -u 1 Reader Writer").locust.load.shape;
        assert_eq!(shape.tags.unwrap(), ["a", "b"]);
        assert_eq!(shape.exclude_tags.unwrap(), ["c"]);
        assert_eq!(shape.user_classes, ["Reader", "Writer"]);
    }

    #[test]
    fn the_last_of_two_wins() {
        let shape = parse("squall -u 1 -u 2 -T a -T b").locust.load.shape;
        assert_eq!(shape.users.as_deref(), Some("2"));
        assert_eq!(shape.tags.unwrap(), ["b"]);
    }

    #[test]
    fn a_user_class_may_be_called_like_a_command_after_an_option() {
        let cli = parse("squall -f suite.toml demo");
        assert!(cli.command.is_none());
        assert_eq!(cli.locust.load.shape.user_classes, ["demo"]);
        assert!(matches!(parse("squall demo").command, Some(Command::Demo(_))));
    }

    #[test]
    fn run_takes_the_same_flags_and_user_classes_after_the_suite() {
        let Some(Command::Run(run)) =
            parse("squall run suite.toml Reader --profile spike --host http://h --seed 7").command
        else {
            panic!("not a run");
        };
        assert_eq!(run.suite, "suite.toml");
        assert_eq!(run.load.seed.as_deref(), Some("7"));
        assert_eq!(run.load.shape.profile.as_deref(), Some("spike"));
        assert_eq!(run.load.shape.user_classes, ["Reader"]);
    }

    #[test]
    fn negative_numbers_are_values() {
        assert_eq!(parse("squall --processes -1").locust.load.later.processes.as_deref(), Some("-1"));
    }
}
