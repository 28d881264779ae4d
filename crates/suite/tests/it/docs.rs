//! Every example of the format's reference is a suite.

use std::path::Path;

use crate::{USERS, rendered};

/// The TOML blocks of `text`, with the line each begins at.
fn examples(text: &str) -> Vec<(usize, String)> {
    let mut examples = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line) {
            (None, "```toml") => open = Some((number + 1, String::new())),
            (Some(_), "```") => examples.extend(open.take()),
            (Some((_, example)), line) => {
                example.push_str(line);
                example.push('\n');
            }
            (None, _) => {}
        }
    }
    examples
}

#[test]
fn the_examples_of_the_reference_are_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/suite-file.md")).unwrap();
    let folder = std::env::temp_dir().join(format!("squall-suite-docs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("accounts.csv"), "email,password\nada@example.com,x\n").unwrap();
    std::fs::write(folder.join("books.jsonl"), "{\"isbn\": \"1\", \"title\": \"t\"}\n").unwrap();
    std::fs::write(folder.join("jwt.key"), "key").unwrap();
    let env = |_: &str| Some("value".to_owned());
    let examples = examples(&text);
    assert!(examples.len() >= 8, "{}", examples.len());
    for (line, example) in examples {
        // A part of a suite is made whole: its version in front, a class of users behind.
        let version = if example.contains("schema =") { "" } else { "schema = 1\n" };
        let users = if example.contains("[users.") { "" } else { USERS };
        let whole = format!("{version}{example}\n{users}");
        if let Err(errors) = squall_suite::parse(&whole, "suite-file.md", &folder, &env) {
            panic!("example at line {line}:\n{}", rendered(&errors));
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
