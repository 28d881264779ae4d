//! Project automation: `cargo xtask tidy`, `cargo xtask test`, `cargo xtask bench`, `cargo xtask soak`.
//!
//! It depends on none of the project's crates, so that it builds in seconds and works when they do not.

mod bench;
mod needs;
mod soak;
mod test;
mod tidy;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Project automation.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check what no compiler checks: crate graph, file lengths, hot files, leftovers, paths in documents.
    Tidy,
    /// Install what the tests need, then run all of them.
    Test(test::Args),
    /// Measure Squall and its rivals against the same server.
    Bench(bench::Args),
    /// Make long runs whose truth is known and see whether Squall finds it.
    Soak(soak::Args),
}

fn main() -> ExitCode {
    let result = match Args::parse().task {
        Task::Tidy => tidy::run(&root()),
        Task::Test(args) => test::run(&root(), &args),
        Task::Bench(args) => bench::run(&root(), &args),
        Task::Soak(args) => soak::run(&root(), &args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

/// Where cargo puts what it builds: `target`, unless the user's configuration says otherwise.
fn target_dir(root: &Path) -> anyhow::Result<PathBuf> {
    let metadata = output(cargo(root).args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    Ok(metadata["target_directory"].as_str().context("cargo metadata names no target directory")?.into())
}

/// Talk goes to stderr, as everywhere in this project.
fn say(line: &str) {
    // Nobody is left to tell if stderr is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The cargo that runs this program.
fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).stdin(Stdio::null());
    command
}

/// Runs a command without input, its output going where ours goes.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("failed to start {command:?}"))?;
    anyhow::ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// A command's standard output as text.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("failed to start {command:?}"))?;
    let talk = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{command:?} ended with {}: {}", output.status, talk.trim());
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} did not write text"))
}
