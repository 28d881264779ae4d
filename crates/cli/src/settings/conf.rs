//! The syntax of `locust.conf`: `key = value`, `key: value`, `key value`, a bare `flag`, `key = [a, b]`, comments
//! with `#` or `;` at the start of a line or after a space, and `---` and `[section]` lines without effect.

/// A line that is none of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// Keys and values in the order of the file; a bare key has the value `true`.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, Vec<String>)>, BadLine> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';', '[']) || line.starts_with("---") {
            continue;
        }
        let entry = entry(line).ok_or_else(|| BadLine { number: index + 1, text: line.to_owned() })?;
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(line: &str) -> Option<(String, Vec<String>)> {
    let end = line.find([':', '=', ';', '#', ' ', '\t']).unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    if key.is_empty() || rest.starts_with([';', '#']) {
        return None;
    }
    let rest = without_comment(rest).trim();
    let value = match rest.strip_prefix(['=', ':']) {
        Some(value) => unquoted(value.trim()),
        None if rest.is_empty() => "true",
        None => unquoted(rest),
    };
    Some((key.to_owned(), list(value).unwrap_or_else(|| vec![value.to_owned()])))
}

/// A comment begins with `#` or `;` after white space.
fn without_comment(text: &str) -> &str {
    let mut previous = None;
    for (at, c) in text.char_indices() {
        if matches!(c, '#' | ';') && previous.is_some_and(char::is_whitespace) {
            return &text[..at];
        }
        previous = Some(c);
    }
    text
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|v| v.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

/// The elements of `[a, b]` or `["a", "b"]`; `None` when `value` is no list.
pub(crate) fn list(value: &str) -> Option<Vec<String>> {
    let inner = value.trim().strip_prefix('[')?.strip_suffix(']')?;
    Some(
        inner
            .split(',')
            .map(|item| unquoted(item.trim()).to_owned())
            .filter(|item| !item.is_empty())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::{BadLine, parse};

    #[test]
    fn every_way_to_write_a_setting() {
        for (line, key, value) in [
            ("users = 100", "users", vec!["100"]),
            ("users=100", "users", vec!["100"]),
            ("users: 100", "users", vec!["100"]),
            ("users 100", "users", vec!["100"]),
            ("users\t100", "users", vec!["100"]),
            ("  run-time = 5m  ", "run-time", vec!["5m"]),
            ("headless", "headless", vec!["true"]),
            ("headless = false", "headless", vec!["false"]),
            ("host = http://localhost:8000", "host", vec!["http://localhost:8000"]),
            ("host = http://h/#part", "host", vec!["http://h/#part"]),
            ("users = 100 # at the peak", "users", vec!["100"]),
            ("users = 100 ; at the peak", "users", vec!["100"]),
            ("headless # no web", "headless", vec!["true"]),
            ("csv = \"my results\"", "csv", vec!["my results"]),
            ("csv = 'my results'", "csv", vec!["my results"]),
            ("tags = [a, b]", "tags", vec!["a", "b"]),
            ("tags = [\"a\", \"b c\"]", "tags", vec!["a", "b c"]),
            ("tags = []", "tags", vec![]),
            ("html =", "html", vec![""]),
            ("--users = 1", "--users", vec!["1"]),
        ] {
            let expected = value.into_iter().map(str::to_owned).collect();
            assert_eq!(parse(line), Ok(vec![(key.to_owned(), expected)]), "{line}");
        }
    }

    #[test]
    fn comments_sections_and_rules_are_nothing() {
        assert_eq!(parse("# c\n; c\n\n[section]\n---\n--- # x\n"), Ok(vec![]));
    }

    #[test]
    fn a_line_without_a_key_is_refused_with_its_number() {
        assert_eq!(parse("users = 1\n= 5"), Err(BadLine { number: 2, text: "= 5".to_owned() }));
    }
}
