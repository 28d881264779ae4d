//! What a command ends in when it cannot do its work: messages, each with place and remedy, and the exit code.

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, Report};

/// Result of a command: the exit code of a run that took place, or why none did.
pub(crate) type Outcome = Result<Exit, Failure>;

/// Exit codes, as documented in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command did what was asked.
    Passed,
    /// Usage or suite error.
    Usage,
    /// The result is not valid.
    Invalid,
    /// As the verdict or `--exit-code-on-error` says.
    Code(u8),
}

impl Exit {
    /// The number a shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::Code(code) => code,
        }
    }
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What is shown, one after the other; at least one.
    pub(crate) reports: Vec<Report>,
    /// What the shell sees.
    pub(crate) exit: Exit,
}

impl Failure {
    /// The same with another exit code.
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

impl<E: Into<Report>> From<E> for Failure {
    /// Nearly everything that goes wrong before a run is a usage error; the rest says so with [`Failure::exit`].
    fn from(error: E) -> Self {
        Self { reports: vec![error.into()], exit: Exit::Usage }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self { reports: problems.0.into_iter().map(Report::new).collect(), exit: Exit::Usage }
    }
}

impl fmt::Display for Failure {
    /// As a person reads it, with colours where stderr has them; an empty line after each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reports.iter().try_for_each(|report| writeln!(f, "{report:?}"))
    }
}

/// Several things that are wrong at once, each to be shown by itself; at least one.
#[derive(Debug)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// One thing that is wrong, and what to do about it.
#[derive(Debug)]
pub(crate) struct Problem {
    message: String,
    help: Option<String>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// `message`: lower case, no full stop.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, cause: None }
    }

    /// With a remedy.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message and its causes in one line, for the log.
    pub(crate) fn prose(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            text = format!("{text}: {}", plain(&error.to_string()));
            cause = error.source();
        }
        text
    }

    /// With what caused it.
    pub(crate) fn cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn Error + 'static))
    }
}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
}

/// An error of the system without its number.
pub(crate) fn plain(text: &str) -> String {
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text.to_owned(),
    }
}
