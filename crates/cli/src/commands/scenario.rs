//! From settings to a plan: which file is a suite, and what of it was selected.

use std::path::{Path, PathBuf};

use squall_suite::{Options, Planned, Selection, Suite};

use crate::errors::{Failure, Problem};
use crate::settings::{DEFAULT_SUITE, Settings, Shape};

/// Stands in for the target where none is needed, because nothing is sent.
const NO_TARGET: &str = "http://localhost";

/// Keys of a suite whose values are names of files.
const FILE_KEYS: [&str; 5] = ["csv", "jsonl", "ca_file", "cert", "key"];
/// Larger suites are refused.
const MAX_SUITE: u64 = 16 << 20;

/// Read the suite the settings name.
pub(super) fn load(settings: &Settings) -> Result<Suite, Failure> {
    refuse_other_files(&settings.suite)?;
    Ok(squall_suite::load(&settings.suite, &Options::default())?)
}

/// The files the suite at `path` reads: data, secrets, certificates. A suite that cannot be read has none, and is
/// refused by whoever loads it.
pub(super) fn data_files(path: &Path) -> Vec<PathBuf> {
    let regular = std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= MAX_SUITE);
    let text = if regular { std::fs::read_to_string(path).unwrap_or_default() } else { String::new() };
    let table: toml::Table = text.parse().unwrap_or_default();
    let mut names = Vec::new();
    table.iter().for_each(|(key, value)| collect(key, value, &mut names));
    let directory = path.parent().unwrap_or(Path::new(""));
    names.iter().map(|name| directory.join(name)).filter(|path| path.is_file()).collect()
}

fn collect(key: &str, value: &toml::Value, names: &mut Vec<String>) {
    match value {
        toml::Value::String(text) => {
            let secret = text.strip_prefix("file:");
            if secret.is_some() || FILE_KEYS.contains(&key) {
                names.push(secret.unwrap_or(text).to_owned());
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| collect(key, item, names)),
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| collect(key, value, names)),
        _ => {}
    }
}

/// The plan of something that is only looked at: it does without a target, and where nobody says how many users
/// there are, there are as many as it takes to show the weights, not the one of an unspecified run.
pub(super) fn plan_to_show(suite: &Suite, selection: &Selection) -> Result<Planned, Failure> {
    let mut selection = selection.clone();
    if selection.users.is_none() && selection.rate.is_none() && selection.profile.is_none() {
        selection.users = Some(users_to_show(suite));
    }
    if selection.host.is_none() && suite.host().is_none() {
        selection.host = Some(NO_TARGET.to_owned());
    }
    Ok(suite.plan(&selection)?)
}

fn users_to_show(suite: &Suite) -> u32 {
    let weights: f64 = suite.classes().iter().map(|class| class.weight).sum();
    let fixed: u32 = suite.classes().iter().map(|class| class.fixed_count).sum();
    let whole = suite.classes().iter().all(|class| class.weight.fract() == 0.0) && weights <= 10_000.0;
    fixed + if whole { weights as u32 } else { 10_000 }
}

/// What was asked for, in the suite's terms.
pub(super) fn selection(settings: &Settings) -> Selection {
    let Shape {
        host,
        users,
        spawn_rate,
        rate,
        run_time,
        stop_timeout,
        profile,
        tags,
        exclude_tags,
        user_classes,
        equal_weights,
        insecure,
    } = settings.shape.clone();
    Selection {
        profile,
        host,
        users,
        spawn_rate,
        rate,
        run_time,
        user_classes,
        tags,
        exclude_tags,
        stop_timeout,
        seed: settings.seed,
        insecure,
        equal_weights,
    }
}

/// Locust takes more kinds of scenarios than a suite; each is answered by what it is.
fn refuse_other_files(path: &Path) -> Result<(), Problem> {
    let text = path.to_string_lossy();
    if path.extension().is_some_and(|extension| extension == "py") {
        return Err(Problem::new(format!("{text} is a locustfile: locustfiles come with a later version"))
            .help(
                "describe the scenario in a suite, see docs/suite-file.md, and run `squall -f suite.toml`",
            ));
    }
    if text == "-" {
        return Err(Problem::new(
            "`-f -` asks a master for the scenario: distributed runs come with a later version",
        )
        .help("name a suite file"));
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return Err(Problem::new(format!("{text} is a URL: scenarios from URLs come with a later version"))
            .help("download the suite and name the file"));
    }
    if path.is_dir() {
        return Err(Problem::new(format!("{text} is a directory")).help("name the suite file in it"));
    }
    if path.exists() {
        return Ok(());
    }
    if text.contains(',') {
        return Err(Problem::new("a run has one suite, and several files were given")
            .help("put the user classes into one suite.toml, and choose among them by name"));
    }
    if text == DEFAULT_SUITE {
        return Err(Problem::new(format!("there is no {DEFAULT_SUITE} here")).help(
            "name a suite with `squall -f FILE`, see the options with `squall --help`, \
             or try `squall demo`, which needs no suite and no server",
        ));
    }
    Err(Problem::new(format!("{text} cannot be read: there is no such file"))
        .help("give the path of a suite.toml"))
}
