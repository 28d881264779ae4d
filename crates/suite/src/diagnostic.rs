//! What is wrong with a suite, or with what was asked of it: every mistake at once, each where it is.
//!
//! Nothing here prints; [`Diagnostics`] is a `miette::Diagnostic`, and the caller chooses how to show it.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use miette::{LabeledSpan, SourceCode};

use crate::excerpt::Source;

/// Most mistakes that are reported; nobody reads more at once.
const MAX_SHOWN: usize = 50;
/// Most bytes of a message, a label or a remedy: they quote the suite.
const MAX_TEXT: usize = 600;
/// Longest name that is compared with others, in bytes.
const MAX_COMPARED: usize = 100;
/// Most names that one is compared with.
const MAX_KNOWN: usize = 2000;

/// What kind of mistake it is. Stable: tools may rely on the text of [`Code::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The suite cannot be read.
    File,
    /// The suite is not UTF-8.
    NotUtf8,
    /// The text is not TOML.
    Toml,
    /// `schema` is missing or names a version this program does not know.
    Schema,
    /// A key that means nothing here.
    UnknownKey,
    /// A key that has to be there.
    MissingKey,
    /// Another type of value was expected.
    WrongType,
    /// A value that does not mean anything.
    BadValue,
    /// A quantity without its unit.
    MissingUnit,
    /// A number outside its bounds.
    OutOfBounds,
    /// A reference to something that does not exist.
    UnknownName,
    /// Two things of the same name.
    Duplicate,
    /// A slot `{…}` that cannot be understood.
    BadSlot,
    /// A JSONPath that cannot be understood.
    BadJsonPath,
    /// A regular expression that cannot be understood.
    BadRegex,
    /// A data feed that cannot be read or has no use.
    Data,
    /// A secret that cannot be read.
    Secret,
    /// No users, or none that could ever start.
    NoUsers,
    /// A class without tasks.
    NoTasks,
    /// A task that can never run.
    NeverRuns,
    /// A weight that is no share of anything.
    Weight,
    /// Levels of a criterion that contradict each other.
    Levels,
    /// A measure that does not exist, or not yet.
    Measure,
    /// No target, or one that is no URL.
    Host,
    /// Two demands that cannot both be met.
    Conflict,
    /// There are further mistakes than those reported.
    More,
}

impl Code {
    /// The stable name, e.g. `suite::unknown_key`.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "suite::file",
            Self::NotUtf8 => "suite::not_utf8",
            Self::Toml => "suite::toml",
            Self::Schema => "suite::schema",
            Self::UnknownKey => "suite::unknown_key",
            Self::MissingKey => "suite::missing_key",
            Self::WrongType => "suite::wrong_type",
            Self::BadValue => "suite::bad_value",
            Self::MissingUnit => "suite::missing_unit",
            Self::OutOfBounds => "suite::out_of_bounds",
            Self::UnknownName => "suite::unknown_name",
            Self::Duplicate => "suite::duplicate",
            Self::BadSlot => "suite::bad_slot",
            Self::BadJsonPath => "suite::bad_jsonpath",
            Self::BadRegex => "suite::bad_regex",
            Self::Data => "suite::data",
            Self::Secret => "suite::secret",
            Self::NoUsers => "suite::no_users",
            Self::NoTasks => "suite::no_tasks",
            Self::NeverRuns => "suite::never_runs",
            Self::Weight => "suite::weight",
            Self::Levels => "suite::levels",
            Self::Measure => "suite::measure",
            Self::Host => "suite::host",
            Self::Conflict => "suite::conflict",
            Self::More => "suite::more",
        }
    }

    /// Can it be told from the place alone? Such mistakes are worth reporting even when other parts of the
    /// file are not TOML; the others may only be the consequence of that.
    pub(crate) fn is_local(self) -> bool {
        use Code::{
            BadJsonPath, BadRegex, BadValue, Levels, MissingUnit, OutOfBounds, UnknownKey, WrongType,
        };
        matches!(
            self,
            UnknownKey | WrongType | BadValue | MissingUnit | OutOfBounds | BadJsonPath | BadRegex | Levels
        )
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// Bytes of the suite it is about, if it is about any; of a long value its beginning.
    pub span: Option<Range<usize>>,
    /// What to show at the span.
    pub label: String,
    /// How to put it right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake without a place in the file.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        let message = shortened(message.into());
        Self { code, message, span: None, label: "here".to_owned(), help: None }
    }

    /// The same, at a place.
    pub(crate) fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    /// The same, with other words at the place.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = shortened(label.into());
        self
    }

    /// The same, with a remedy.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(shortened(help.into()));
        self
    }

    /// The same, with a remedy if there is one.
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.map(shortened).or(self.help);
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code.name()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone()?;
        let label = LabeledSpan::new_with_span(Some(self.label.clone()), span);
        Some(Box::new(std::iter::once(label)))
    }
}

/// What is wrong, in the order of the file; never empty.
#[derive(Clone)]
pub struct Diagnostics {
    source: Source,
    errors: Vec<Diagnostic>,
    /// Mistakes altogether, those that are not reported too.
    total: usize,
}

impl Diagnostics {
    /// `errors` of `source`, put in the order of the file, and `more` of which nothing but their number is
    /// known.
    pub(crate) fn new(source: Source, mut errors: Vec<Diagnostic>, more: usize) -> Self {
        errors.sort_by_key(|e| e.span.as_ref().map_or(usize::MAX, |span| span.start));
        errors.dedup();
        let total = errors.len() + more;
        if total > MAX_SHOWN {
            errors.truncate(MAX_SHOWN);
            let rest = total - errors.len();
            let more = Diagnostic::new(Code::More, format!("and {rest} more mistakes"));
            errors.push(more.help("put these right first: others may be their consequences"));
        }
        for error in &mut errors {
            error.span = error.span.take().map(|span| source.marked(span));
        }
        Self { source, errors, total }
    }

    /// The mistakes, in the order of the file; those without a place come last. Of more than 50, the first
    /// 50 and how many more there are.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// Name of the suite, as it was given.
    pub fn file(&self) -> &str {
        self.source.name()
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostics")
            .field("file", &self.source.name())
            .field("errors", &self.errors)
            .finish()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about_file = |e: &Diagnostic| e.span.is_some() || matches!(e.code, Code::File | Code::NotUtf8);
        if !self.errors.iter().any(about_file) {
            return write!(f, "what is asked for does not fit {}", self.source.name());
        }
        match self.total {
            1 => write!(f, "1 mistake in {}", self.source.name()),
            n => write!(f, "{n} mistakes in {}", self.source.name()),
        }
    }
}

impl Error for Diagnostics {}

impl miette::Diagnostic for Diagnostics {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source.as_ref())
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(self.errors.iter().map(|e| e as &dyn miette::Diagnostic)))
    }
}

/// `text` without its middle, if it is too long to be read.
fn shortened(text: String) -> String {
    let text = visible(text);
    if text.len() <= MAX_TEXT {
        return text;
    }
    let boundary = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (head, tail) = (boundary(MAX_TEXT * 2 / 3), boundary(text.len() - MAX_TEXT / 3));
    format!("{} … {}", &text[..head], &text[tail..])
}

/// `text` without what could move a cursor, recolour a terminal or turn the direction of writing: it quotes the suite,
/// which may be somebody else's. Ends of lines stay: what follows one is indented.
fn visible(text: String) -> String {
    if !text.chars().any(is_hidden) {
        return text;
    }
    let escape = |c: char| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// A control character that is no end of a line, or one that turns the direction of writing.
pub(crate) fn is_hidden(c: char) -> bool {
    c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

/// "did you mean `x`?" for the nearest of `known`, or the list of what there is.
pub(crate) fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(best) = nearest(name, &known) {
        return Some(format!("did you mean `{best}`?"));
    }
    match known.len() {
        0 => None,
        1..=12 => Some(format!("there is {}", list(&known))),
        n => Some(format!("there is {}, and {} more", list(&known[..8]), n - 8)),
    }
}

/// The nearest of `known`, if it is near enough to be meant.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let lower = name.to_lowercase();
    known
        .iter()
        .filter(|k| k.len() <= MAX_COMPARED)
        .take(MAX_KNOWN)
        .map(|k| (strsim::jaro_winkler(&lower, &k.to_lowercase()), strsim::damerau_levenshtein(name, k), *k))
        .filter(|(likeness, edits, k)| *likeness > 0.85 || *edits <= k.len() / 4)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, _, k)| k)
}

/// `a`, `b`, `c`, each in backticks.
pub(crate) fn list(names: &[&str]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}
