//! A directory of its own for each test, and the binary run in it.
//!
//! A place is also a turn: tests that hold numbers against a clock have the machine to themselves, the others share it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tempfile::TempDir;

use super::{Answer, Summary, squall};

/// A directory to work in. A test has one: a second [`Place::alone`] would wait for the first for ever.
#[derive(Debug)]
pub(crate) struct Place {
    directory: TempDir,
    _turn: Turn,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held for as long as the place is")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

static TURNS: RwLock<()> = RwLock::new(());

impl Place {
    /// For tests that count, or measure nothing that a busy machine would change.
    pub(crate) fn shared() -> Self {
        // A test that failed leaves nothing behind that the next could trip over.
        Self::with(Turn::Shared(TURNS.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// For tests that measure times, or take all the machine has: no other test of this binary runs meanwhile.
    pub(crate) fn alone() -> Self {
        Self::with(Turn::Alone(TURNS.write().unwrap_or_else(PoisonError::into_inner)))
    }

    fn with(turn: Turn) -> Self {
        // If it has to be built, then before anything is measured or made urgent.
        squall();
        Self { directory: TempDir::new().unwrap(), _turn: turn }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(self.path(name));
        String::from_utf8(bytes.unwrap_or_else(|error| panic!("{name}: {error}"))).unwrap()
    }

    /// Any program, here, without the settings of whoever runs the tests.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let prefixes = ["LOCUST_", "SQUALL_", "GITHUB_"];
        let ours =
            |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix)) || name == "TEST_JWT_SECRET";
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command
            .current_dir(self.directory.path())
            .env("HOME", self.directory.path())
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS")
            .stdin(Stdio::null());
        command
    }

    /// `squall` with the words of `line` as arguments.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.program(squall());
        command.args(line.split_whitespace());
        command
    }

    /// Run it to its end.
    pub(crate) fn squall(&self, line: &str) -> Answer {
        Answer::of(&self.output(&mut self.command(line)))
    }

    /// The same for a run that is judged. One that says that this machine was too busy to measure says nothing about the
    /// binary or its target: it is made again, three times in all at most. Only for tests that count nothing outside.
    pub(crate) fn calm(&self, line: &str) -> Answer {
        for _ in 0..2 {
            let answer = self.squall(line);
            if !answer.was_busy() {
                return answer;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            if let Some(pair) = words.windows(2).find(|pair| pair[0] == "--record") {
                std::fs::remove_file(self.path(pair[1])).unwrap();
            }
        }
        self.squall(line)
    }

    fn output(&self, command: &mut Command) -> Output {
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// The numbers of a saved run.
    #[track_caller]
    pub(crate) fn summary(&self, record: &str) -> Summary {
        let answer = self.squall(&format!("report {record} --format json"));
        Summary(serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer}")))
    }
}
