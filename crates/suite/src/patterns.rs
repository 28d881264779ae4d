//! JSONPaths and regular expressions: bounded before anybody parses them, and what they may cost with them.
//!
//! The parser of JSONPaths calls itself for each parenthesis, so that nesting without end would end the
//! program; and descendants of descendants take time that grows with a power of the size of each response.

use std::ops::Range;

use regex::Regex;
use serde_json_path::JsonPath;

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::Ctx;

/// Longest JSONPath or regular expression, in bytes.
const MAX_PATTERN: usize = 1000;
/// Deepest nesting of brackets and parentheses in a JSONPath.
const MAX_NESTING: usize = 16;
/// Most descendant segments `..` of a JSONPath.
const MAX_DESCENDANTS: usize = 2;
/// Most filters `?` of a JSONPath: parsing takes twice the time for each within another.
const MAX_FILTERS: usize = 4;
/// Most commas of a JSONPath: each union multiplies what the next segment is applied to.
const MAX_COMMAS: usize = 16;

/// Is `path` a JSONPath that can be evaluated for every response? Notes a mistake if it is not.
pub(crate) fn json_path(cx: &mut Ctx<'_>, path: &str, span: Range<usize>) -> bool {
    if let Some((problem, remedy)) = too_costly(path) {
        cx.error(
            Diagnostic::new(Code::BadJsonPath, format!("the JSONPath {problem}"))
                .at(span)
                .label("too much")
                .help(remedy),
        );
        return false;
    }
    let parsed = JsonPath::parse(path);
    if let Err(error) = &parsed {
        let help = if path.starts_with('$') {
            format!("{} (position {})", error.message(), error.position() + 1)
        } else {
            format!("a JSONPath begins with `$`: did you mean \"$.{path}\"?")
        };
        cx.error(
            Diagnostic::new(Code::BadJsonPath, format!("`{path}` is not a JSONPath"))
                .at(span)
                .label("not understood")
                .help(help),
        );
    }
    parsed.is_ok()
}

/// What is too much about `path`, and what to do about it.
fn too_costly(path: &str) -> Option<(String, String)> {
    if path.len() > MAX_PATTERN {
        let problem = format!("is {} bytes long", path.len());
        return Some((problem, format!("at most {MAX_PATTERN} bytes: name the place more directly")));
    }
    let found = Shape::of(path);
    if found.nesting > MAX_NESTING {
        let remedy = format!("at most {MAX_NESTING} levels of `(` and `[`: leave out what is not needed");
        return Some((format!("is nested {} levels deep", found.nesting), remedy));
    }
    if found.descendants > MAX_DESCENDANTS {
        let remedy = format!("at most {MAX_DESCENDANTS}: name the members on the way, e.g. `$.data[*].id`");
        return Some((format!("descends with `..` {} times", found.descendants), remedy));
    }
    if found.filters > MAX_FILTERS {
        let remedy = format!("at most {MAX_FILTERS}: join conditions with `&&`");
        return Some((format!("has {} filters", found.filters), remedy));
    }
    if found.commas > MAX_COMMAS {
        let remedy = format!("at most {MAX_COMMAS} commas: capture with several paths");
        return Some((format!("chooses between too much: {} commas", found.commas), remedy));
    }
    None
}

/// What of a JSONPath decides what it costs; texts in quotes do not count.
#[derive(Default)]
struct Shape {
    nesting: usize,
    descendants: usize,
    filters: usize,
    commas: usize,
}

impl Shape {
    fn of(path: &str) -> Self {
        let mut shape = Self::default();
        let (mut depth, mut quote, mut before) = (0usize, None, ' ');
        let mut chars = path.chars();
        while let Some(c) = chars.next() {
            if let Some(open) = quote {
                match c {
                    '\\' => drop(chars.next()),
                    _ if c == open => quote = None,
                    _ => {}
                }
                continue;
            }
            match c {
                '"' | '\'' => quote = Some(c),
                '(' | '[' => depth += 1,
                ')' | ']' => depth = depth.saturating_sub(1),
                '.' if before == '.' => shape.descendants += 1,
                '?' => shape.filters += 1,
                ',' => shape.commas += 1,
                _ => {}
            }
            shape.nesting = shape.nesting.max(depth);
            before = c;
        }
        shape
    }
}

/// Is `pattern` a regular expression? Notes a mistake if it is not.
pub(crate) fn regex(cx: &mut Ctx<'_>, pattern: &str, span: Range<usize>) -> bool {
    if pattern.len() > MAX_PATTERN {
        let message = format!("the regular expression is {} bytes long", pattern.len());
        let error = Diagnostic::new(Code::BadRegex, message).at(span).label("too much");
        cx.error(error.help(format!("at most {MAX_PATTERN} bytes: match only what surrounds the value")));
        return false;
    }
    let Err(error) = Regex::new(pattern) else { return true };
    let reason = error.to_string();
    let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    cx.error(
        Diagnostic::new(Code::BadRegex, "not a regular expression")
            .at(span)
            .label("not understood")
            .help(reason),
    );
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_measured_outside_of_its_texts() {
        for path in
            ["$.data[*].id", "$..a..b", "$['((((((((((((']", r#"$["..,..\",..,.."]"#, "$[?@.a == '????']"]
        {
            assert_eq!(too_costly(path), None, "{path}");
        }
        let deep = format!("$[?{}1==1{}]", "(".repeat(5000), ")".repeat(5000));
        let nested = format!("$[?{}1==1{}]", "(".repeat(17), ")".repeat(17));
        let many = format!("$[{}0]", "0,".repeat(17));
        for path in [deep.as_str(), &nested, &many, "$..*..*..*", "$[?@[?@[?@[?@[?@.a]]]]]"] {
            assert!(too_costly(path).is_some(), "{path}");
        }
    }

    #[test]
    fn the_deepest_path_that_is_let_through_is_parsed_at_once() {
        let (open, close) = ("(".repeat(MAX_NESTING - 1), ")".repeat(MAX_NESTING - 1));
        let calls = format!("$[?{}'a'{} == 1]", "length(".repeat(MAX_NESTING - 1), close);
        let filters = format!("$[?{open}@[?@.a]{close}]");
        for path in [format!("$[?{open}1==1{close}]"), calls, filters] {
            let _ = JsonPath::parse(&path);
        }
    }
}
