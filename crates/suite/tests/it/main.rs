//! What a suite means and what is said about a wrong one, from outside.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod diagnostics;
mod docs;
mod faults;
mod feasibility;
mod hostile;
mod judging;
mod load;
mod mangled;
mod meaning;
mod muejam;
mod schema;

use std::path::Path;

use squall_suite::{Diagnostics, Suite};

/// A class with a task, for suites that are about something else.
const USERS: &str = "[users.Visitor.tasks]\nhome = { get = \"/\" }\n";

/// `text` with nothing in the environment but `TOKEN`, and no files.
fn parse(text: &str) -> Result<Suite, Diagnostics> {
    let env = |name: &str| (name == "TOKEN").then(|| "hunter2".to_owned());
    squall_suite::parse(text, "suite.toml", Path::new("/nowhere"), &env)
}

/// The suite `text`, which is right.
fn good(text: &str) -> Suite {
    parse(text).unwrap_or_else(|errors| panic!("{}", rendered(&errors)))
}

/// As a terminal without colours shows it.
fn rendered(errors: &Diagnostics) -> String {
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut text = String::new();
    handler.render_report(&mut text, errors).unwrap();
    text
}
