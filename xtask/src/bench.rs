//! `cargo xtask bench`: builds the shipping profile, gets `wrk`, hands over to `squall-bench`, which measures.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::{cargo, needs, target_dir};

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure (http, memory, users, arrivals; all by default) and options such as --write; see `--help` after `--`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    needs::program(&["wrk"], "wrk")?;
    needs::program(&["taskset"], "util-linux")?;
    let packages = ["--package", "squall-cli", "--package", "squall-bench"];
    crate::run(cargo(root).args(["build", "--profile", "dist", "--bins"]).args(packages))?;
    let binaries = target_dir(root)?.join("dist");
    let mut command = Command::new(binaries.join("squall-bench"));
    command.current_dir(root).arg("--binaries").arg(&binaries).args(&args.arguments);
    crate::run(&mut command)?;
    Ok(ExitCode::SUCCESS)
}
