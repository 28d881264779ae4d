//! Walking the TOML tree: typed access to values, with every mistake noted and none fatal.
//!
//! A reader returns `None` when it has noted a mistake; the caller goes on with what is left, so that one
//! reading finds everything. The set of known keys comes from [`crate::keys`] alone.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, is_hidden, suggest};
use crate::keys::Table;
use crate::warnings::Warning;

/// A value and where it stands.
pub(crate) type Node<'a> = &'a Spanned<DeValue<'a>>;

/// What reading needs, and what it found wrong.
pub(crate) struct Ctx<'a> {
    /// The suite.
    pub(crate) text: &'a str,
    /// Where relative paths begin.
    pub(crate) base_dir: &'a Path,
    /// The environment.
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
    /// Data feeds that have mistakes of their own: each use of them would be one more.
    pub(crate) broken_feeds: Vec<&'a str>,
    /// Mistakes so far.
    pub(crate) errors: Vec<Diagnostic>,
    /// Mistakes that were only counted.
    pub(crate) more: usize,
    /// What is allowed, but may not be intended.
    pub(crate) warnings: Vec<Warning>,
}

/// Most mistakes that are kept, and of those the ones with a suggestion: what a suite of nothing but mistakes
/// may cost is bounded.
const MAX_ERRORS: usize = 10_000;
const MAX_SUGGESTIONS: usize = 500;
/// Most entries of a table of names, or of a list that is not data.
const MAX_ENTRIES: usize = 10_000;
/// Most classes, feeds, ways to log in, profiles, and sets of criteria each.
const MAX_NAMED: usize = 1000;

/// An entry of a table.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    pub(crate) key: &'a str,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node<'a>,
}

/// A table whose keys have been checked against `spec`.
pub(crate) struct Fields<'a> {
    spec: &'static Table,
    span: Range<usize>,
    fields: Vec<Field<'a>>,
}

impl<'a> Fields<'a> {
    /// The value of `key`, which the key table must know.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'a>> {
        self.field(key).map(|f| f.node)
    }

    /// The entry of `key`.
    pub(crate) fn field(&self, key: &str) -> Option<&Field<'a>> {
        debug_assert!(self.spec.all_keys().iter().any(|k| k.name == key), "{key} is not in the key table");
        self.fields.iter().find(|f| f.key == key)
    }

    /// Is no key there?
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Is the key there?
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Where the table stands.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// "a string", "an integer", …
fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The entries of a table in the order of the file.
pub(crate) fn entries<'a>(table: &'a DeTable<'a>) -> Vec<Field<'a>> {
    let mut fields: Vec<_> = table
        .iter()
        .map(|(key, node)| Field { key: key.get_ref().as_ref(), key_span: key.span(), node })
        .collect();
    fields.sort_by_key(|f| f.key_span.start);
    fields
}

impl<'a> Ctx<'a> {
    /// Note a mistake.
    pub(crate) fn error(&mut self, diagnostic: Diagnostic) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(diagnostic);
        } else {
            self.more += 1;
        }
    }

    /// Are there so many mistakes that nobody needs a suggestion for one more?
    pub(crate) fn is_crowded(&self) -> bool {
        self.errors.len() >= MAX_SUGGESTIONS
    }

    /// What `name` may mean; nothing when there are so many mistakes that it does not matter.
    pub(crate) fn suggestion<'k>(
        &self,
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Option<String> {
        if self.is_crowded() { None } else { suggest(name, known) }
    }

    /// `elements`, if there are no more than make sense.
    fn few<T>(&mut self, mut elements: Vec<T>, most: usize, node: Node<'_>, what: &str) -> Vec<T> {
        if elements.len() > most {
            self.error(
                Diagnostic::new(Code::OutOfBounds, format!("{what} has {} entries", elements.len()))
                    .at(head(&node.span()))
                    .help(format!("at most {most}")),
            );
            elements.truncate(most);
        }
        elements
    }

    /// Note that `node` is not what was expected there.
    pub(crate) fn wrong_type(&mut self, node: Node<'_>, what: &str, expected: &str) {
        let found = described(node.get_ref());
        self.error(
            Diagnostic::new(Code::WrongType, format!("{what} must be {expected}, not {found}"))
                .at(node.span())
                .label(format!("expected {expected}")),
        );
    }

    /// A table of known keys.
    pub(crate) fn table(&mut self, node: Node<'a>, spec: &'static Table) -> Option<Fields<'a>> {
        let DeValue::Table(table) = node.get_ref() else {
            self.wrong_type(node, spec.name, "a table");
            return None;
        };
        Some(self.fields(table, node.span(), spec))
    }

    /// The same, when the table is already at hand.
    pub(crate) fn fields(
        &mut self,
        table: &'a DeTable<'a>,
        span: Range<usize>,
        spec: &'static Table,
    ) -> Fields<'a> {
        let known: Vec<&str> = spec.all_keys().iter().map(|k| k.name).collect();
        let fields = entries(table);
        for field in fields.iter().filter(|f| !known.contains(&f.key)) {
            self.error(
                Diagnostic::new(Code::UnknownKey, format!("{} has no key `{}`", spec.name, field.key))
                    .at(field.key_span.clone())
                    .label("unknown key")
                    .maybe_help(match (spec.id, field.key) {
                        ("MONITORS", "generator") => {
                            Some("the generator is always watched; leave this out".to_owned())
                        }
                        ("MONITORS", "postgres" | "redis" | "host" | "health") => {
                            Some("this monitor comes with a later version".to_owned())
                        }
                        ("PROFILE" | "PHASE", "arrival_rate" | "rps") => {
                            Some("did you mean `rate`?".to_owned())
                        }
                        ("LEVELS", "hold" | "window") => Some("did you mean `for`?".to_owned()),
                        ("SUITE", "faults") => {
                            Some("faults belong to a profile: [[profiles.x.faults]]".to_owned())
                        }
                        _ => self.suggestion(field.key, known.iter().copied()),
                    }),
            );
        }
        for key in spec.required.iter().filter(|key| !fields.iter().any(|f| f.key == **key)) {
            // The dedicated checks of the root say more than this could.
            if !matches!(*key, "schema" | "users" | "tasks") || spec.name == "a phase" {
                self.error(
                    Diagnostic::new(Code::MissingKey, format!("{} needs the key `{key}`", spec.name))
                        .at(head(&span))
                        .label(format!("`{key}` is missing")),
                );
            }
        }
        Fields { spec, span, fields }
    }

    /// A table whose keys are names.
    pub(crate) fn named(&mut self, node: Node<'a>, what: &str) -> Option<Vec<Field<'a>>> {
        let DeValue::Table(table) = node.get_ref() else {
            self.wrong_type(node, what, "a table");
            return None;
        };
        Some(self.few(entries(table), MAX_ENTRIES, node, what))
    }

    /// A table of the suite itself whose keys are names that other parts refer to.
    pub(crate) fn named_few(&mut self, node: Node<'a>, what: &str) -> Option<Vec<Field<'a>>> {
        let fields = self.named(node, what)?;
        Some(self.few(fields, MAX_NAMED, node, what))
    }

    /// The elements of an array.
    pub(crate) fn list(&mut self, node: Node<'a>, what: &str) -> Option<Vec<Node<'a>>> {
        let DeValue::Array(array) = node.get_ref() else {
            self.wrong_type(node, what, "a list");
            return None;
        };
        Some(array.iter().collect())
    }

    /// One value, or the elements of an array.
    pub(crate) fn one_or_many(&mut self, node: Node<'a>) -> Vec<Node<'a>> {
        match node.get_ref() {
            DeValue::Array(array) => self.few(array.iter().collect(), MAX_ENTRIES, node, "a list"),
            _ => vec![node],
        }
    }

    /// Text.
    pub(crate) fn text(&mut self, node: Node<'a>, what: &str) -> Option<&'a str> {
        let text = node.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(node, what, "a text");
        }
        text
    }

    /// Text that logs and reports show as part of a line, such as a name.
    pub(crate) fn line(&mut self, node: Node<'a>, what: &str) -> Option<&'a str> {
        let text = self.text(node, what)?;
        if text.contains(|c: char| c == '\n' || is_hidden(c)) {
            self.error(
                Diagnostic::new(Code::BadValue, format!("{what} holds a character that cannot be seen"))
                    .at(node.span())
                    .label("the end of a line, or another control character")
                    .help("write it in one line, in letters that can be seen"),
            );
            return None;
        }
        Some(text)
    }

    /// Text that says something.
    pub(crate) fn filled(&mut self, node: Node<'a>, what: &str) -> Option<&'a str> {
        let text = self.text(node, what)?;
        if text.trim().is_empty() {
            self.error(
                Diagnostic::new(Code::BadValue, format!("{what} is empty"))
                    .at(node.span())
                    .label("empty")
                    .help("write what is meant, or leave the key out"),
            );
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, node: Node<'a>, what: &str) -> Option<bool> {
        let value = node.get_ref().as_bool();
        if value.is_none() {
            self.wrong_type(node, what, "true or false");
        }
        value
    }

    /// One of `choices`.
    pub(crate) fn choice(
        &mut self,
        node: Node<'a>,
        what: &str,
        choices: &[&'static str],
    ) -> Option<&'static str> {
        let text = self.text(node, what)?;
        let found = choices.iter().find(|c| **c == text).copied();
        if found.is_none() {
            self.error(
                Diagnostic::new(Code::BadValue, format!("{what} cannot be `{text}`"))
                    .at(node.span())
                    .label("not one of the choices")
                    .maybe_help(self.suggestion(text, choices.iter().copied())),
            );
        }
        found
    }

    /// A reference to one of `known`, as its position.
    pub(crate) fn reference(&mut self, node: Node<'a>, kind: &str, known: &[&str]) -> Option<usize> {
        let name = self.text(node, kind)?;
        let found = known.iter().position(|k| *k == name);
        if found.is_none() {
            self.unknown_name(node.span(), kind, name, known);
        }
        found
    }

    /// Note that there is no `kind` called `name`.
    pub(crate) fn unknown_name(&mut self, span: Range<usize>, kind: &str, name: &str, known: &[&str]) {
        let help = match known {
            [] => Some(format!("the suite has no {kind}")),
            _ => self.suggestion(name, known.iter().copied()),
        };
        self.error(
            Diagnostic::new(Code::UnknownName, format!("there is no {kind} called `{name}`"))
                .at(span)
                .label(format!("unknown {kind}"))
                .maybe_help(help),
        );
    }

    /// Check that a name given by the suite can be written everywhere a name is used.
    pub(crate) fn check_name(&mut self, field: &Field<'a>, kind: &str) -> bool {
        self.good_name(field.key, &field.key_span, kind)
    }

    /// The same, of a name that is a value.
    pub(crate) fn good_name(&mut self, name: &str, span: &Range<usize>, kind: &str) -> bool {
        let mut chars = name.chars();
        let good = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            && name.len() <= 100;
        if !good {
            self.error(
                Diagnostic::new(Code::BadValue, format!("`{name}` cannot be the name of a {kind}"))
                    .at(span.clone())
                    .label("not a name")
                    .help("a name is made of letters, digits, `_` and `-`, and begins with a letter or `_`"),
            );
        }
        good
    }

    /// Where in the file the byte range `within` of the text `value` stands, which takes up `span`: exactly when
    /// it is written as it is, the whole when it is written with escapes.
    pub(crate) fn inside(&self, span: &Range<usize>, value: &str, within: Range<usize>) -> Range<usize> {
        let span = span.clone();
        let raw = self.text.get(span.clone()).unwrap_or_default();
        for quote in ["\"\"\"", "'''", "\"", "'"] {
            let inner = raw.strip_prefix(quote).and_then(|r| r.strip_suffix(quote));
            if inner == Some(value) {
                let start = span.start + quote.len();
                return start + within.start..start + within.end;
            }
        }
        // A bare key has no quotes.
        if raw == value { span.start + within.start..span.start + within.end } else { span }
    }
}

/// Where a span begins: tables can be long, and a label should not cover pages.
pub(crate) fn head(span: &Range<usize>) -> Range<usize> {
    span.start..span.start
}
