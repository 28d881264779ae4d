//! The `squall` command: arguments → settings → command → exit code.
//!
//! stdout is data, stderr is talk. Nothing here ends the process: `main` returns the code.

mod args;
mod commands;
mod errors;
mod logging;
mod overlap;
mod preflight;
mod settings;
mod signals;
mod terminal;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ContextKind;

use crate::args::Cli;
use crate::errors::{Exit, Failure, Problem};

fn main() -> ExitCode {
    let exit = match Cli::try_parse() {
        Ok(cli) => commands::dispatch(cli).unwrap_or_else(|failure| tell(&failure)),
        // What is wrong with the options of a command that is none says nothing.
        Err(answer)
            if answer.use_stderr()
                && let Some(problem) = mistaken_command() =>
        {
            tell(&problem.into())
        }
        Err(mut answer) => {
            // No option of ours takes `-- -1` for what `-1` was meant to be.
            answer.remove(ContextKind::Suggested);
            // `--help` and `--version` come this way too; a closed pipe is the reader's choice.
            let _ = answer.print();
            if answer.use_stderr() { Exit::Usage } else { Exit::Passed }
        }
    };
    ExitCode::from(exit.code())
}

fn tell(failure: &Failure) -> Exit {
    // A closed stderr leaves nobody to tell.
    let _ = write!(std::io::stderr(), "{failure}");
    failure.exit
}

fn mistaken_command() -> Option<Problem> {
    let word = std::env::args_os().nth(1)?.into_string().ok().filter(|word| !word.starts_with('-'))?;
    commands::mistaken::command(&word)
}
