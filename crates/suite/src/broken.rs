//! Text that is no TOML: each mistake where it is, once, and of those that follow from it only what stands on its own.

use std::collections::HashSet;
use std::ops::Range;

use toml::de::Error;

use crate::diagnostic::{Code, Diagnostic};

/// Most mistakes of the TOML itself that are looked at.
const MAX_BROKEN: usize = 1000;
/// Longest function that is recognized, in characters.
const MAX_FUNCTION: usize = 200;

/// What is wrong with `text`, and how many mistakes were left out.
pub(crate) fn mistakes(text: &str, broken: &[Error]) -> (Vec<Diagnostic>, usize) {
    let start = |error: &Error| error.span().map_or(0, |span| span.start);
    let mut looked_at: Vec<&Error> = broken.iter().take(MAX_BROKEN).collect();
    looked_at.sort_by_key(|error| start(error));
    let mut told = Vec::new();
    let mut said = 0..0;
    for error in looked_at {
        let at = start(error);
        // Both parentheses of a function are mistakes to the parser.
        if said.contains(&at) {
            continue;
        }
        said = function(text, at).unwrap_or(0..0);
        told.push(not_toml(text, error));
    }
    (told, broken.len().saturating_sub(MAX_BROKEN))
}

/// The function that stands as a key without quotes and whose parenthesis opens at `at`: `recovery(p95) = …`.
fn function(text: &str, at: usize) -> Option<Range<usize>> {
    let (before, rest) = (text.get(..at)?, text.get(at..)?.strip_prefix('(')?);
    let name = before
        .chars()
        .rev()
        .take(MAX_FUNCTION)
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .count();
    let key = rest.char_indices().take(MAX_FUNCTION).take_while(|(_, c)| !matches!(c, '\n' | '='));
    let (close, _) = key.filter(|(_, c)| *c == ')').last()?;
    let after = rest[close + 1..].chars().take(MAX_FUNCTION).find(|c| !matches!(c, ' ' | '\t'))?;
    // The closing parenthesis is the byte after what `rest` begins with, and it is one byte itself.
    (name > 0 && after == '=').then_some(at - name..at + 1 + close + 1)
}

/// Keep the mistakes that stand on their own beside those of the TOML itself. A key defined twice breaks
/// nothing else; where the text could not be read, only what the place alone shows is worth saying.
pub(crate) fn drop_consequences(text: &str, broken: &[Error], errors: &mut Vec<Diagnostic>) {
    let starts: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line_of = |at: usize| starts.partition_point(|start| *start < at);
    let lines: HashSet<usize> = broken.iter().filter_map(|e| Some(line_of(e.span()?.start))).collect();
    let readable = broken.iter().all(is_duplicate);
    errors.retain(|e| {
        // What recovery puts in place of a value stands nowhere.
        let Some(span) = e.span.clone().filter(|span| readable || !span.is_empty()) else { return readable };
        (readable || e.code.is_local()) && !lines.contains(&line_of(span.start))
    });
}

fn is_duplicate(error: &Error) -> bool {
    error.message().contains("duplicate key")
}

fn not_toml(text: &str, error: &Error) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    let span = span.start.min(text.len())..span.end.min(text.len());
    if is_duplicate(error) {
        let key = text.get(span.clone()).unwrap_or_default();
        return Diagnostic::new(Code::Duplicate, format!("`{key}` is defined twice"))
            .at(span)
            .label("defined again here")
            .help("give it another name, or put both into one table");
    }
    let help = function(text, span.start)
        .and_then(|name| text.get(name))
        .map(|name| format!("put a function into quotes: \"{name}\" = …"));
    Diagnostic::new(Code::Toml, format!("not TOML: {}", error.message())).at(span).maybe_help(help)
}
