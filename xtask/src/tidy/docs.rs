//! Documents name only files that exist.
//!
//! Looked at are relative links, and words in backticks that begin with one of the repository's own folders.

use std::collections::BTreeSet;

use super::File;

/// Complaints about all Markdown files among `files`; `paths` is everything in the repository.
pub(super) fn check(files: &[File], paths: &[String]) -> Vec<String> {
    let known = Known::new(paths);
    let documents = files.iter().filter(|file| file.path.ends_with(".md"));
    documents.flat_map(|file| check_document(file, &known)).collect()
}

/// Files and the folders they lie in.
struct Known<'a> {
    entries: BTreeSet<&'a str>,
    top_folders: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn new(paths: &'a [String]) -> Self {
        let mut entries = BTreeSet::new();
        let mut top_folders = BTreeSet::new();
        for path in paths {
            entries.insert(path.as_str());
            entries.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
            top_folders.extend(path.split_once('/').map(|(top, _)| top));
        }
        Self { entries, top_folders }
    }

    fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty() || self.entries.contains(path)
    }
}

fn check_document(file: &File, known: &Known<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(file.text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let links = links(line).filter_map(|target| resolve(&file.path, target));
        let mentions = line.split('`').skip(1).step_by(2).filter(|m| is_path(m, known)).map(str::to_owned);
        let missing = links.chain(mentions).filter(|path| !known.has(path));
        complaints.extend(missing.map(|path| format!("{}:{number}: '{path}' does not exist", file.path)));
    }
    complaints
}

/// Targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// A relative link as a path from the root; `None` if it leads elsewhere.
fn resolve(document: &str, target: &str) -> Option<String> {
    let target = target.split(['#', ' ']).next().unwrap_or_default();
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let mut parts: Vec<_> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A word in backticks that can only be a path of this repository.
fn is_path(text: &str, known: &Known<'_>) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let top = text.split_once('/').map(|(top, _)| top);
    plain && !text.contains("..") && top.is_some_and(|top| known.top_folders.contains(top) && top != "target")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> usize {
        let paths = ["README.md", "docs/a.md", "crates/http/src/lib.rs"].map(str::to_owned);
        check(&[File { path: path.to_owned(), text: text.to_owned() }], &paths).len()
    }

    #[test]
    fn what_exists_passes() {
        for text in [
            "[a](docs/a.md) and [b](docs/a.md#part), `crates/http/src/lib.rs`, `crates/http/`, [c](https://x.y/z)",
            "`http/1.1`, `cargo run -p crates/nothing`, `crates/*/src`, `docs`",
            "```\n[a](nothing.md) `crates/nothing`\n```",
        ] {
            assert_eq!(complaints("README.md", text), 0, "{text}");
        }
        assert_eq!(complaints("docs/a.md", "[up](../README.md) [same](a.md) [here](#x)"), 0);
    }

    #[test]
    fn what_does_not_exist_is_found() {
        for text in ["[a](docs/b.md)", "`crates/ghost/`", "see [x](docs/a.md) and [y](z.md)"] {
            assert_eq!(complaints("README.md", text), 1, "{text}");
        }
        assert_eq!(complaints("docs/a.md", "[a](docs/a.md)"), 1);
    }
}
