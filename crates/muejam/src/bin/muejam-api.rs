//! The reference MueJam API as a process of its own. Logs to `logs/muejam.log` unless told otherwise.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use squall_muejam::args::{Args, run};

#[derive(Debug, Parser)]
#[command(name = "muejam-api", version, about)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn main() -> ExitCode {
    let mut args = Cli::parse().args;
    if args.log_file.is_none() && !args.no_log_file {
        args.log_file = Some(PathBuf::from("logs/muejam.log"));
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell it to when standard error is gone too.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
