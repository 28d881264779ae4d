//! `squall demo`: a run against the reference API, which is this same program in a process of its own.
//!
//! The API ends with this process, however that ends: its standard input closes.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde_json::json;
use squall_record::Record;
use squall_report::console::LiveOptions;
use squall_suite::{Planned, Selection};
use squall_verdict::judge;
use tracing::{error, info};

use super::session::{RecordName, Session};
use super::{judged, outputs};
use crate::args::DemoArgs;
use crate::errors::{Failure, Outcome, Problem};
use crate::preflight;
use crate::terminal::Terminal;

const MAIN: &str = "squall.main";
const SUITE: &str = include_str!("../../../../suites/muejam/suite.toml");
const PROFILE: &str = "demo";
const SECRET: &str = "TEST_JWT_SECRET";
/// Generously more than a slow machine needs to fill the database.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Start the API, run the suite's demo, say what came of it.
pub(super) fn run(args: &DemoArgs, terminal: &Terminal) -> Outcome {
    // Shown to people, who do not write `./` before names in the directory they are in.
    let output = args.output.strip_prefix(".").unwrap_or(&args.output);
    let record = output.join("squall-demo.squall");
    let html = output.join("squall-demo.html");
    make_room(&record)?;
    preflight::writable(&html, "--output")?;
    let secret = secret();
    let api = Api::start(&secret)?;
    info!(target: MAIN, "The MueJam API of the demo listens on {}", api.address);
    let planned = plan(&api.address, &secret)?;
    let plan = Arc::new(planned.plan);
    for shortage in preflight::shortages(&plan) {
        tracing::warn!(target: MAIN, "{shortage}");
    }
    if let Some(time) = plan.load.run_time() {
        info!(target: MAIN, "Running profile {PROFILE} for {time}");
    }
    let session = Session {
        plan,
        record: RecordName::Exactly(record.clone()),
        settings: json!({ "command": "demo" }),
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
    Ok(finished.exit(judged::code(run, &verdict, None), incomplete))
}

fn plan(address: &str, secret: &str) -> Result<Planned, Failure> {
    let environment = |name: &str| (name == SECRET).then(|| secret.to_owned());
    let suite = squall_suite::parse(SUITE, "suites/muejam/suite.toml", Path::new("."), &environment)?;
    let selection = Selection {
        profile: Some(PROFILE.to_owned()),
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

/// The reference API as a child process; dropping it ends it.
struct Api {
    child: Child,
    address: String,
}

impl Api {
    fn start(secret: &str) -> Result<Self, Problem> {
        let problem = |what: &str| Problem::new(format!("the demo's API {what}"));
        let program = std::env::current_exe().map_err(|error| problem("cannot be found").cause(error))?;
        let child = Command::new(program)
            .args([
                "muejam-api",
                "--bind",
                "127.0.0.1:0",
                "--test-auth",
                "--exit-with-parent",
                "--no-log-file",
            ])
            .args(["--trust-forwarded-for", "127.0.0.0/8"])
            .env(SECRET, secret)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C in a terminal reaches a whole process group: the API has to outlive the run's draining.
            .process_group(0)
            .spawn()
            .map_err(|error| problem("cannot be started").cause(error))?;
        let mut api = Self { child, address: String::new() };
        api.address = api.announced().ok_or_else(|| {
            problem("did not start").help(
                "it needs a free port on 127.0.0.1 and memory for a small database; see what it said above",
            )
        })?;
        Ok(api)
    }

    /// The address in its first line of output, once it takes requests.
    fn announced(&mut self) -> Option<String> {
        let stdout = self.child.stdout.take()?;
        let (sender, receiver) = mpsc::channel();
        // Reads for as long as the API lives: a pipe nobody reads would fill up.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("listening on ") {
                    // Nobody waits for a second address.
                    let _ = sender.send(address.to_owned());
                }
            }
        });
        receiver.recv_timeout(START_TIMEOUT).ok()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // Its input ends, so it stops; one that does not is killed. Whatever fails here, it is gone already.
        drop(self.child.stdin.take());
        let pause = Duration::from_millis(20);
        for _ in 0..STOP_TIMEOUT.as_millis() / pause.as_millis() {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(pause);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
