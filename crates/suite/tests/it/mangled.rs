//! Whatever the text, reading ends with a suite or with mistakes that can be shown; it never panics.

use proptest::prelude::*;
use squall_suite::Selection;

use crate::{parse, rendered};

const SUITE: &str = include_str!("../../../../suites/muejam/suite.toml");

/// Pieces that mean something to the format, put where they do not belong.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "{{",
    "[",
    "]]",
    "\"",
    "'",
    "'''",
    "=",
    ",",
    "\n",
    "..",
    "-1",
    "nan",
    "inf",
    "0",
    "99999999999999999999",
    "{pick(",
    "$.",
    "env:",
    "é",
    "\u{feff}",
    "true",
    "[users.",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(suite) => {
            for profile in suite.profiles() {
                let profile = Some(profile.name().to_owned());
                let _ = suite.plan(&Selection { profile, ..Selection::default() });
            }
        }
        Err(errors) => {
            prop_assert!(!errors.errors().is_empty());
            for span in errors.errors().iter().filter_map(|e| e.span.clone()) {
                prop_assert!(span.start <= span.end && span.end <= text.len());
            }
            prop_assert!(!rendered(&errors).is_empty());
        }
    }
    Ok(())
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mangled_suite_never_panics(edits in proptest::collection::vec((0..SUITE.len(), 0..40usize, 0..PIECES.len()), 1..6)) {
        let mut text = SUITE.to_owned();
        for (at, cut, piece) in edits {
            let start = boundary(&text, at);
            let end = boundary(&text, at + cut).max(start);
            text.replace_range(start..end, PIECES[piece]);
        }
        check(&text)?;
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,200}") {
        check(&text)?;
        check(&format!("schema = 1\n[users.A.tasks]\na = {{ get = {text:?} }}"))?;
    }
}
