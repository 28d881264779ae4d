//! Keeps `bench/RESULTS.md`: one section per subject, each replaced when it is measured anew.

use anyhow::Context as _;

use super::Section;

const FILE: &str = "bench/RESULTS.md";
const HEAD: &str = "# Results\n\nWritten by `cargo xtask bench -- --write`; not edited by hand.\n";

/// Puts the sections into the file.
pub(super) fn write(sections: &[Section]) -> anyhow::Result<()> {
    let mut text = std::fs::read_to_string(FILE).unwrap_or_else(|_| HEAD.to_owned());
    for section in sections {
        text = with_section(&text, section.title, &section.body);
    }
    std::fs::write(FILE, text).with_context(|| format!("failed to write {FILE}"))
}

/// `text` with the section of this title replaced or appended.
fn with_section(text: &str, title: &str, body: &str) -> String {
    let heading = format!("## {title}");
    let mut parts: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with("## ") || parts.is_empty() {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    let new = format!("{heading}\n\n{}\n", body.trim());
    match parts.iter_mut().find(|part| part.lines().next() == Some(&heading)) {
        Some(part) => *part = new,
        None => parts.push(new),
    }
    let trimmed: Vec<_> = parts.iter().map(|part| part.trim_end()).collect();
    format!("{}\n", trimmed.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_appended_then_replaced_and_the_others_stay() {
        let one = with_section(HEAD, "A", "old");
        let two = with_section(&one, "B", "b");
        let three = with_section(&two, "A", "new\n\n| x |");
        assert_eq!(three, format!("{HEAD}\n## A\n\nnew\n\n| x |\n\n## B\n\nb\n"));
    }
}
