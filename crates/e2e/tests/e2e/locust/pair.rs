//! The two programs, and one scenario written for both of them.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use squall_bench::server::{Config, Handle, spawn};

use crate::support::{Answer, Place, program};

/// Two classes, one of them of a fixed size; successes, failures, a name that CSV must quote, and a request sent
/// once: its median is the time itself, not a bucket.
const LOCUSTFILE: &str = r#"
from locust import HttpUser, constant_pacing, task

class Reader(HttpUser):
    fixed_count = 1
    wait_time = constant_pacing(0.1)

    def on_start(self):
        self.client.get("/once", name="once")

    @task
    def browse(self):
        self.client.get("/delay/5ms/browse", name="browse")

class Writer(HttpUser):
    weight = 3
    wait_time = constant_pacing(0.1)

    @task(2)
    def save(self):
        self.client.post("/delay/10ms/save", data="x", name='save "a", b')

    @task(1)
    def fail(self):
        self.client.get("/status/500/fail", name="fail")
"#;

const SUITE: &str = r#"
schema = 1
name = "pair"

[users.Reader]
fixed_count = 1
wait = { pacing = "100ms" }
on_start = [{ get = "/once", name = "once" }]

[users.Reader.tasks]
browse = { get = "/delay/5ms/browse", name = "browse" }

[users.Writer]
weight = 3
wait = { pacing = "100ms" }

[users.Writer.tasks]
save = { weight = 2, post = "/delay/10ms/save", body = "x", name = 'save "a", b' }
fail = { weight = 1, get = "/status/500/fail", name = "fail" }
"#;

/// Both programs in one place, with a server that answers as the path asks.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) place: Place,
    pub(super) server: Handle,
}

impl Pair {
    /// With the scenario of this module.
    pub(super) fn new() -> Self {
        Self::with(Place::shared(), LOCUSTFILE, SUITE)
    }

    /// With another scenario.
    pub(super) fn with(place: Place, locustfile: &str, suite: &str) -> Self {
        place.write("locustfile.py", locustfile);
        place.write("suite.toml", suite);
        Self { place, server: spawn(Config::default()).unwrap() }
    }

    /// Genuine Locust with the locustfile and `arguments`.
    pub(super) fn locust(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.program(&program("SQUALL_TEST_LOCUST"));
        command.args(["-f", "locustfile.py"]).args(arguments);
        command
    }

    /// Squall with the suite and `arguments`.
    pub(super) fn squall(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command("-f suite.toml");
        command.args(arguments);
        command
    }

    /// Run both at the same time; `{tool}` in an argument is the program's name. Locust's answer comes first.
    pub(super) fn run(&self, arguments: &str) -> (Answer, Answer) {
        let url = self.server.url();
        let of = |tool: &str| {
            let words = arguments.split_whitespace().map(|word| word.replace("{tool}", tool));
            let mut all = vec!["--headless".to_owned(), "-H".to_owned(), url.clone()];
            all.extend(words);
            all
        };
        let (theirs, ours) = (of("locust"), of("squall"));
        let start = |mut command: Command, arguments: &[String]| {
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let locust = start(self.locust(&[]), &theirs);
        let squall = start(self.squall(&[]), &ours);
        let theirs = Answer::of(&locust.wait_with_output().unwrap());
        let ours = Answer::of(&squall.wait_with_output().unwrap());
        (theirs, ours)
    }

    /// What a script says, as JSON, run by the Python that Locust is installed in.
    #[track_caller]
    pub(super) fn python(&self, script: &str, arguments: &[&str]) -> Value {
        let locust = program("SQUALL_TEST_LOCUST");
        let python = locust.parent().map(|folder| folder.join("python")).unwrap();
        run_python(&self.place, &python, script, arguments)
    }
}

#[track_caller]
fn run_python(place: &Place, python: &Path, script: &str, arguments: &[&str]) -> Value {
    let output = place.program(python).args(["-c", script]).args(arguments).output().unwrap();
    let answer = Answer::of(&output);
    assert_eq!(answer.code, Some(0), "{answer}");
    let all = answer.to_string();
    serde_json::from_str(&answer.stdout).expect(&all)
}

/// The rows of a list of lists of texts.
pub(super) fn rows(value: &Value) -> Vec<Vec<String>> {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let text = |cell: Value| cell.as_str().unwrap().to_owned();
    list(value).iter().map(|row| list(row).into_iter().map(text).collect()).collect()
}
