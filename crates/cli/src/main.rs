//! The `squall` command: arguments → settings → command → exit code.
//!
//! stdout is data, stderr is talk. Nothing here ends the process: `main` returns the code.

mod args;
mod commands;
mod errors;
mod logging;
mod preflight;
mod settings;
mod terminal;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::errors::Exit;

fn main() -> ExitCode {
    let exit = match Cli::try_parse() {
        Ok(cli) => commands::dispatch(cli).unwrap_or_else(|failure| {
            // A closed stderr leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "{:?}", failure.report);
            failure.exit
        }),
        Err(answer) => {
            // `--help` and `--version` come this way too; a closed pipe is the reader's choice.
            let _ = answer.print();
            if answer.use_stderr() { Exit::Usage } else { Exit::Passed }
        }
    };
    ExitCode::from(exit.code())
}
