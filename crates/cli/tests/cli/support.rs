//! A directory of its own for each test, the binary run in it, and servers that answer.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use squall_testkit::{ScriptedServer, Step};
use tempfile::TempDir;

/// A directory to work in, with a suite.
pub(crate) struct Place {
    directory: TempDir,
}

/// What the binary answered.
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Two classes of users, one of them with tagged tasks.
pub(crate) const SUITE: &str = r#"
schema = 1
name = "Small Shop"

[users.Buyer]
weight = 1
wait = "10ms"
[users.Buyer.tasks]
buy = { weight = 1, tags = ["write"], post = "/orders" }

[users.Reader]
weight = 3
wait = "10ms"
[users.Reader.tasks]
home = { weight = 3, tags = ["read"], get = "/" }
item = { weight = 1, tags = ["read"], get = "/items/1" }

[profiles.strict]
users = 2
spawn_rate = 10
run_time = "1s"
criteria = "strict"

[criteria.strict]
error_rate = { target = "< 1%" }
"#;

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { directory: TempDir::new().unwrap() };
        place.write("suite.toml", SUITE);
        place
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Names of the files that end in `ending`.
    pub(crate) fn files(&self, ending: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(ending)).collect();
        names.sort();
        names
    }

    /// The binary, here, without the settings of whoever runs the tests.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_squall"));
        let ours = |name: &str| {
            ["LOCUST_", "SQUALL_", "GITHUB_"].iter().any(|prefix| name.starts_with(prefix))
                || name == "TEST_JWT_SECRET"
        };
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command
            .args(line.split_whitespace())
            .current_dir(self.directory.path())
            .env("HOME", self.directory.path())
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .stdin(Stdio::null());
        command
    }

    /// Run it to its end. A run that says that this machine was too busy to measure says nothing about the binary: it is
    /// made again, at most twice.
    pub(crate) fn squall(&self, line: &str) -> Answer {
        for _ in 0..2 {
            let answer = Answer::of(&self.command(line).output().unwrap());
            if !answer.said().contains("The generator was too busy to measure") {
                return answer;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            if let Some(pair) = words.windows(2).find(|pair| pair[0] == "--record") {
                std::fs::remove_file(self.path(pair[1])).unwrap();
            }
        }
        Answer::of(&self.command(line).output().unwrap())
    }
}

impl Answer {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// stderr without line breaks: messages are wrapped for the terminal.
    pub(crate) fn said(&self) -> String {
        self.stderr.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The exit code and every text on stderr, or everything there is to know.
    #[track_caller]
    pub(crate) fn assert(&self, code: i32, texts: &[&str]) {
        let all = format!("exit {:?}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr);
        assert_eq!(self.code, Some(code), "{all}");
        for text in texts {
            assert!(self.said().contains(text), "no `{text}` in\n{all}");
        }
    }
}

/// Answers every request with 200.
pub(crate) fn healthy() -> ScriptedServer {
    ScriptedServer::start(vec![Step::ReadRequest, Step::ok("fine"), Step::Again])
}

/// Answers the first of every `of` requests of a connection with 429.
pub(crate) fn limiting(of: usize) -> ScriptedServer {
    let refusal = Step::send("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n");
    let mut steps = vec![Step::ReadRequest, refusal];
    for _ in 1..of {
        steps.extend([Step::ReadRequest, Step::ok("fine")]);
    }
    steps.push(Step::Again);
    ScriptedServer::start(steps)
}

/// Answers every request with 500.
pub(crate) fn broken() -> ScriptedServer {
    let answer = Step::send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    ScriptedServer::start(vec![Step::ReadRequest, answer, Step::Again])
}
