//! `squall demo`: a run against the reference API, as it should be or with a flaw that the run has to catch.

mod api;
mod flaws;

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use squall_record::Record;
use squall_report::console::LiveOptions;
use squall_suite::{Planned, Selection};
use squall_verdict::judge;
use tracing::{error, info};

use self::api::Api;
use super::session::{RecordName, Session};
use super::{judged, outputs};
use crate::args::DemoArgs;
use crate::errors::{Failure, Outcome, Problem};
use crate::preflight;
use crate::terminal::Terminal;

const MAIN: &str = "squall.main";
const SUITE: &str = include_str!("../../../../../suites/muejam/suite.toml");
const PROFILE: &str = "demo";
const SECRET: &str = "TEST_JWT_SECRET";

/// Start the API, run the suite's demo, say what came of it.
pub(super) fn run(args: &DemoArgs, terminal: &Terminal) -> Outcome {
    let flaw = args.flaw.as_deref().map(flaws::find).transpose()?;
    // Shown to people, who do not write `./` before names in the directory they are in.
    let output = args.output.strip_prefix(".").unwrap_or(&args.output);
    let record = output.join("squall-demo.squall");
    let html = output.join("squall-demo.html");
    make_room(&record)?;
    preflight::writable(&html, "--output")?;
    let secret = secret();
    let api = Api::start(&secret, flaw.map_or(&[], |flaw| flaw.api))?;
    info!(target: MAIN, "The MueJam API of the demo listens on {}", api.address);
    let profile = flaw.map_or(PROFILE, |flaw| flaw.profile);
    let users_secret =
        if flaw.is_some_and(|flaw| flaw.wrong_secret) { "not the key of the API" } else { &secret };
    let planned = plan(&api.address, users_secret, profile)?;
    let plan = Arc::new(planned.plan);
    if let Some(flaw) = flaw {
        info!(target: MAIN, "{}", flaw.announced());
    }
    super::run::reachable(&plan, false)?;
    for shortage in preflight::shortages(&plan) {
        tracing::warn!(target: MAIN, "{shortage}");
    }
    if let Some(time) = plan.load.run_time() {
        info!(target: MAIN, "Running profile {profile} for {time}");
    }
    let session = Session {
        plan,
        record: RecordName::Exactly(record.clone()),
        settings: json!({ "command": "demo", "flaw": args.flaw }),
        csv: None,
        live: Some(LiveOptions { tty: terminal.tty, columns: terminal.style.columns, only_summary: true }),
        reset_stats: false,
        threads: 0,
        terminal,
    };
    let finished = session.run()?;
    drop(api);
    let run = &finished.run;
    let verdict = judge(run);
    let mut incomplete = finished.incomplete;
    if let Err(problem) = outputs::write_html(run, &verdict, &html) {
        error!(target: MAIN, "{}", problem.prose());
        incomplete = true;
    }
    terminal.say(&outputs::tables(run, &verdict, terminal.style));
    terminal.say(&farewell(&record, &html));
    let exit = finished.exit(judged::code(run, &verdict, None), incomplete);
    if let Some(flaw) = flaw {
        terminal.say(&format!("\n{}The exit code is {}.\n", flaw.seen(&verdict), exit.code()));
    }
    Ok(exit)
}

fn plan(address: &str, secret: &str, profile: &str) -> Result<Planned, Failure> {
    let environment = |name: &str| (name == SECRET).then(|| secret.to_owned());
    // Without a flaw the suite is the one in the repository, to the letter.
    let flawed = format!("{SUITE}{}", flaws::SUITE);
    let text = if profile == PROFILE { SUITE } else { &flawed };
    let suite = squall_suite::parse(text, "suites/muejam/suite.toml", Path::new("."), &environment)?;
    let selection = Selection {
        profile: Some(profile.to_owned()),
        host: Some(address.to_owned()),
        ..Selection::default()
    };
    Ok(suite.plan(&selection)?)
}

fn farewell(record: &Path, html: &Path) -> String {
    let page = fs::canonicalize(html).unwrap_or_else(|_| html.to_owned());
    format!(
        "The report: file://{} (open it in a browser)\nThe run:    {} (squall report {} renders it again)\n",
        page.display(),
        record.display(),
        record.display()
    )
}

/// The demo overwrites what an earlier demo left, and nothing else.
fn make_room(record: &Path) -> Result<(), Problem> {
    let in_the_way = |error: Box<dyn std::error::Error + Send + Sync>| {
        Problem::new(format!("{} cannot be overwritten", record.display()))
            .help("run the demo in another directory, or give one with --output")
            .cause(error)
    };
    preflight::make_parent(record).map_err(|error| in_the_way(error.into()))?;
    if !record.exists() {
        return preflight::writable(record, "--output");
    }
    Record::open(record).map_err(|error| in_the_way(error.into()))?;
    for suffix in ["", "-wal", "-shm"] {
        let mut name = record.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(in_the_way(error.into()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Known to this run and its API alone. The standard library seeds its hashers at random, which is enough for a
/// key that protects generated data on loopback for a minute.
fn secret() -> String {
    (0..4u8).map(|part| format!("{:016x}", RandomState::new().hash_one(part))).collect()
}
