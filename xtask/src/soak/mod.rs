//! `cargo xtask soak`: long runs of the real binaries whose truth is known beforehand. Too slow for every change, so not
//! part of `cargo xtask test`.
//!
//! `leak`: the reference API loses memory at a known rate, and once does not. Squall has to find the first, to within a
//! tenth and inside the interval it gives itself, and must not find one in the second.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::{cargo, output, say, target_dir};

const SUITE: &str = include_str!("suite.toml");
/// What the API leaks, in bytes an hour: ten times the criterion of the suite.
const LEAK: f64 = 600e6;
const LEAK_FLAW: &str = "leak=600MB/h";
/// The slope may be wrong by this share.
const TOLERANCE: f64 = 0.1;
/// By itself the API may grow by this share of the leak at most.
const OWN: f64 = 0.02;

/// Arguments of `cargo xtask soak`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to run.
    #[arg(value_enum, default_value_t = Soak::Leak)]
    soak: Soak,
    /// Length of each run after its warm-up, in seconds; a trend needs at least 60.
    #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = clap::value_parser!(u32).range(60..))]
    seconds: u32,
    /// Keep the records in this folder.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Write the results to bench/SOAK.md.
    #[arg(long)]
    write: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Soak {
    /// An API that loses memory, and one that does not.
    Leak,
}

pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    crate::run(cargo(root).args([
        "build",
        "--release",
        "-p",
        "squall-cli",
        "-p",
        "squall-muejam",
        "--bins",
    ]))?;
    let target = target_dir(root)?;
    let folder = args.keep.clone().unwrap_or_else(|| target.join("soak"));
    std::fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let place = Place { binaries: target.join("release"), folder, seconds: args.seconds };
    let findings = match args.soak {
        Soak::Leak => leak(&place)?,
    };
    let report = write_up(&place, &findings)?;
    say(&format!("\n{report}"));
    if args.write {
        std::fs::write(root.join("bench/SOAK.md"), &report).context("failed to write bench/SOAK.md")?;
    }
    Ok(if findings.iter().all(|finding| finding.holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where things are and how long a run is.
struct Place {
    binaries: PathBuf,
    folder: PathBuf,
    seconds: u32,
}

/// Something that had to hold.
struct Finding {
    what: &'static str,
    seen: String,
    holds: bool,
}

fn leak(place: &Place) -> anyhow::Result<Vec<Finding>> {
    let sick = Run::make(place, "leak", &["--flaw", LEAK_FLAW])?;
    let sound = Run::make(place, "no-leak", &[])?;
    let mb = |bytes: f64| format!("{:.1} MB/h", bytes / 1e6);
    let drift = sick.drift("process.rss")?;
    let slope = number(drift, "slope")?;
    let interval =
        |drift: &Value| anyhow::Ok((number(&drift["interval"], 0)?, number(&drift["interval"], 1)?));
    let (low, high) = interval(drift)?;
    let no_leaks = sound.leaks();
    // The API grows a little by itself, as every process does: what the flaw adds comes on top of that.
    let sound_drift = sound.drift("process.rss")?;
    let (least, most) = interval(sound_drift)?;
    Ok(vec![
        Finding {
            what: "the leak is reported",
            seen: drift["sentence"].as_str().unwrap_or_default().to_owned(),
            holds: drift["leak"] == true,
        },
        Finding {
            what: "its slope is within 10 % of 600 MB/h",
            seen: mb(slope),
            holds: (slope / LEAK - 1.0).abs() <= TOLERANCE,
        },
        Finding {
            what: "its 95 % interval meets 600 MB/h and what the API grows by without the flaw",
            seen: format!("{} to {}, without the flaw {} to {}", mb(low), mb(high), mb(least), mb(most)),
            // What the API does by itself is small, or the comparison would be with anything.
            holds: low <= LEAK + most && high >= LEAK + least && least.abs().max(most.abs()) <= OWN * LEAK,
        },
        Finding {
            what: "nothing else is called a leak",
            seen: format!("leaks: {}", sick.leaks().join(", ")),
            holds: sick.leaks() == ["process.rss"],
        },
        Finding {
            what: "the criterion on the slope fails, with exit code 1",
            seen: format!("exit code {}, {}", sick.exit, sick.criterion()),
            holds: sick.exit == 1,
        },
        Finding {
            what: "without the flaw no leak is reported",
            seen: format!(
                "leaks: {}; process.rss {}",
                if no_leaks.is_empty() { "none".to_owned() } else { no_leaks.join(", ") },
                mb(number(sound_drift, "slope")?)
            ),
            holds: no_leaks.is_empty(),
        },
        Finding {
            what: "and the run passes, with exit code 0",
            seen: format!("exit code {}, {}", sound.exit, sound.criterion()),
            holds: sound.exit == 0,
        },
    ])
}

/// One run of Squall against an API of its own.
struct Run {
    exit: i32,
    report: Value,
}

impl Run {
    fn make(place: &Place, name: &str, flags: &[&str]) -> anyhow::Result<Self> {
        let suite = place.folder.join("soak.toml");
        std::fs::write(&suite, SUITE.replace("SOAK_TIME", &format!("{}s", place.seconds)))?;
        let record = place.folder.join(format!("{name}.squall"));
        // Those of the last time; a record is never overwritten by Squall itself.
        let _ = std::fs::remove_file(&record);
        let api = Api::start(&place.binaries, flags)?;
        let squall = place.binaries.join("squall");
        say(&format!("\n{name}: {} s against {}", place.seconds, api.url));
        let mut command = Command::new(&squall);
        command.arg("run").arg(&suite).args(["--profile", "soak", "--only-summary", "--host", &api.url]);
        command.arg("--record").arg(&record).stdin(Stdio::null());
        let status = command.status().with_context(|| format!("failed to start {}", squall.display()))?;
        let exit = status.code().context("squall was killed")?;
        ensure!(matches!(exit, 0 | 1 | 3), "squall ended with {status}");
        let report = output(Command::new(&squall).arg("report").arg(&record).args(["--format", "json"]))?;
        Ok(Self { exit, report: serde_json::from_str(&report)? })
    }

    fn drift(&self, of: &str) -> anyhow::Result<&Value> {
        let found = self.drifts().find(|drift| drift["of"] == of);
        found.with_context(|| format!("the report says nothing of the drift of {of}"))
    }

    fn drifts(&self) -> impl Iterator<Item = &Value> {
        self.report["drifts"].as_array().into_iter().flatten()
    }

    fn leaks(&self) -> Vec<String> {
        let leaks = self.drifts().filter(|drift| drift["leak"] == true);
        leaks.filter_map(|drift| Some(drift["of"].as_str()?.to_owned())).collect()
    }

    /// How the criterion on memory stands, and whatever speaks against the run.
    fn criterion(&self) -> String {
        let verdict = &self.report["verdict"];
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or("?").to_owned();
        let mut list = verdict["criteria"].as_array().into_iter().flatten();
        let row = list.find(|row| row["label"].as_str().is_some_and(|label| label.starts_with("slope")));
        let standing = row.map(|row| {
            format!("{} is {}: {}", text(row, "label"), text(row, "shown"), text(row, "standing"))
        });
        let doubts = verdict["doubts"].as_array().into_iter().flatten();
        let doubts: Vec<_> = doubts.map(|doubt| format!("doubt: {}", text(doubt, "doubt"))).collect();
        standing.into_iter().chain(doubts).collect::<Vec<_>>().join("; ")
    }
}

fn number(of: &Value, index: impl serde_json::value::Index) -> anyhow::Result<f64> {
    of.get(index).and_then(Value::as_f64).context("a number is missing in the report")
}

/// A reference API, killed at the end.
struct Api {
    child: Child,
    url: String,
}

impl Api {
    fn start(binaries: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(binaries.join("muejam-api"))
            .args(["--bind", "127.0.0.1:0", "--rate-limits", "off", "--no-log-file", "--exit-with-parent"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start muejam-api")?;
        let mut line = String::new();
        let out = child.stdout.take().context("muejam-api has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ").map(str::to_owned);
        let mut api = Self { child, url: String::new() };
        match url {
            Some(url) => api.url = url,
            None => bail!("muejam-api says {line:?}"),
        }
        Ok(api)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The findings as a document.
fn write_up(place: &Place, findings: &[Finding]) -> anyhow::Result<String> {
    let mut text = Vec::new();
    writeln!(text, "# Soak\n\nWritten by `cargo xtask soak --write`; not edited by hand.\n\n## Leak\n")?;
    writeln!(
        text,
        "Two runs of {} s after 20 s of warm-up, 20 readers, against the reference API: one with `{LEAK_FLAW}`, one without.\n",
        place.seconds
    )?;
    writeln!(text, "| what has to hold | seen | |\n|---|---|---|")?;
    for Finding { what, seen, holds } in findings {
        writeln!(text, "| {what} | {seen} | {} |", if *holds { "holds" } else { "**does not hold**" })?;
    }
    Ok(String::from_utf8(text)?)
}
