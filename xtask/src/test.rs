//! `cargo xtask test`: installs what the tests need, runs all of them, ends with a summary.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context as _;

use crate::{cargo, needs, say, target_dir};

/// Arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Handed to `cargo test` after `--workspace`, as `-- -p squall-http`.
    #[arg(last = true)]
    cargo: Vec<String>,
}

pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let target = target_dir(root)?;
    let locust = needs::locust(&target)?;
    let chromium = needs::chromium()?;
    // The tests of the real binary start these; cargo builds only their own crate's.
    crate::run(cargo(root).args(["build", "--workspace", "--bins"]))?;
    let mut command = cargo(root);
    command.arg("test");
    if args.cargo.is_empty() {
        command.arg("--workspace");
    }
    command
        .arg("--no-fail-fast")
        .args(&args.cargo)
        .env("SQUALL_TEST_LOCUST", locust)
        .env("SQUALL_TEST_CHROMIUM", chromium)
        .env("SQUALL_TEST_BIN_DIR", target.join("debug"));
    let (tally, passed) = run_and_tally(&mut command)?;
    say(&format!("\ntest summary: {tally}"));
    Ok(if passed && tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sums over all test binaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    binaries: u64,
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { binaries, passed, failed, skipped } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped in {binaries} test binaries")
    }
}

impl Tally {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; …`; other lines are nothing.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        self.binaries += 1;
        for part in counts.split("; ") {
            let Some((number, what)) = part.split_once(' ') else { continue };
            let number: u64 = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// Runs a command, passing its output on while counting.
fn run_and_tally(command: &mut Command) -> anyhow::Result<(Tally, bool)> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("failed to start cargo test")?;
    let mut tally = Tally::default();
    let mut out = std::io::stdout().lock();
    let stdout = child.stdout.take().context("cargo test has no output")?;
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    // A test may print what is no text.
    while reader.read_until(b'\n', &mut line).context("failed to read the output of cargo test")? > 0 {
        tally.add(&String::from_utf8_lossy(&line));
        out.write_all(&line)?;
        out.flush()?;
        line.clear();
    }
    Ok((tally, child.wait()?.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed() {
        let mut tally = Tally::default();
        for line in [
            "test a ... ok",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n",
        ] {
            tally.add(line);
        }
        assert_eq!(tally, Tally { binaries: 2, passed: 15, failed: 2, skipped: 1 });
    }
}
