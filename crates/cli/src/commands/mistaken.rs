//! A word that looks like a command and is none. Without a command words are Locust's user classes, so `squall chekc
//! suite.toml` would be refused for reasons nobody could follow.

use clap::CommandFactory as _;
use squall_suite::nearest;

use super::scenario;
use crate::args::{Cli, LocustArgs};
use crate::errors::Problem;
use crate::settings::Settings;

/// Commands of later versions.
const LATER: [&str; 2] = ["capacity", "web"];

/// What is wrong with `word` at the place of a command, if it looks like one and is none.
pub(crate) fn command(word: &str) -> Option<Problem> {
    let cli = Cli::command();
    let now: Vec<&str> =
        cli.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name).collect();
    if cli.find_subcommand(word).is_some() {
        return None;
    }
    if word.ends_with(".toml") {
        return Some(
            Problem::new(format!("`{word}` is no command: it looks like a suite"))
                .help(format!("did you mean `squall run {word}`?")),
        );
    }
    let known: Vec<&str> = now.iter().copied().chain(LATER).collect();
    let meant = nearest(word, &known)?;
    let commands = now.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    Some(if meant == word {
        Problem::new(format!("the command `{word}` comes with a later version"))
            .help(format!("the commands of this version are {commands}"))
    } else if LATER.contains(&meant) {
        Problem::new(format!("there is no command `{word}`")).help(format!(
            "`{meant}` comes with a later version; the commands of this version are {commands}"
        ))
    } else {
        Problem::new(format!("there is no command `{word}`"))
            .help(format!("did you mean `squall {meant}`? (a class of users may be named after `-f FILE`)"))
    })
}

/// The same for the first user class of Locust's form. With `-f` that form was meant, and so it was when the suite
/// has such a class.
pub(super) fn user_class(args: &LocustArgs, settings: &Settings) -> Result<(), Problem> {
    let word = args.load.shape.user_classes.first().filter(|_| args.locustfile.is_none());
    let Some(word) = word else { return Ok(()) };
    let problem = if Cli::command().find_subcommand(word).is_some() {
        Some(
            Problem::new(format!("`{word}` behind an option names a class of users, not a command"))
                .help(format!("put the command first: `squall {word} …`")),
        )
    } else {
        command(word)
    };
    match problem {
        Some(problem) if !is_class(word, settings) => Err(problem),
        _ => Ok(()),
    }
}

fn is_class(word: &str, settings: &Settings) -> bool {
    scenario::load(settings).is_ok_and(|suite| suite.classes().iter().any(|class| class.name == word))
}
