//! What a source file must not contain, and how long it may be.

use super::File;

/// A file holds one idea; past this there is a second one in it.
const MOST_LINES: usize = 500;

/// Files or folders run through once per request: no allocation by accident, no lock, no clock of their own.
const HOT: &[&str] = &[
    "crates/engine/src/alarm.rs",
    "crates/engine/src/timers.rs",
    "crates/engine/src/thread/sampling.rs",
    "crates/engine/src/thread/users.rs",
    "crates/engine/src/user/mod.rs",
    "crates/engine/src/user/render.rs",
    "crates/engine/src/user/request.rs",
    "crates/http/src/driver.rs",
    "crates/http/src/exchange.rs",
    "crates/http/src/request.rs",
    "crates/http/src/response/",
    "crates/stats/src/cell.rs",
    "crates/stats/src/histogram/counters.rs",
    "crates/stats/src/histogram/layout.rs",
    "crates/stats/src/histogram/mod.rs",
    "crates/stats/src/recorder.rs",
];

/// What does not belong there; comments and tests are exempt.
const NOT_IN_HOT: &[&str] = &[
    "format!",
    "to_string(",
    "println",
    "Mutex",
    "RwLock",
    ".lock()",
    "Instant::now",
    "SystemTime",
    "Box<dyn",
];

/// Marks of unfinished work. Written in two parts, or this file would complain about itself.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Folders of somebody's machine.
const MACHINES: &[&str] =
    &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

const SKIPPED_TEST: &str = concat!("#[ig", "nore");

/// Complaints about one file.
pub(super) fn check(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    let is_rust = has_extension(file, &["rs"]);
    let lines = file.text.lines().count();
    if is_rust && lines > MOST_LINES {
        complaints.push(format!("{}: {lines} lines, more than {MOST_LINES}", file.path));
    }
    let is_code = is_rust || has_extension(file, &["py", "js", "ts", "css", "sh", "toml", "yml", "yaml"]);
    for (number, line) in (1..).zip(file.text.lines()) {
        let mut found = |what: &str, words: &[&str]| {
            let hits = words.iter().filter(|word| contains_word(line, word));
            complaints.extend(hits.map(|word| format!("{}:{number}: {what} '{word}'", file.path)));
        };
        if is_code {
            found("unfinished work", UNFINISHED);
        }
        if is_rust {
            found("a test that does not run", &[SKIPPED_TEST]);
        }
        if is_code || has_extension(file, &["md", "html", "snap"]) {
            found("a path of one machine", MACHINES);
        }
    }
    if is_rust && is_hot(&file.path) {
        complaints.extend(check_hot(file));
    }
    complaints
}

/// A hot file that was moved would otherwise be no longer looked at.
pub(super) fn check_hot_files_exist(paths: &[String]) -> Vec<String> {
    let missing = |hot: &&&str| !paths.iter().any(|path| path.starts_with(**hot));
    HOT.iter()
        .filter(missing)
        .map(|hot| format!("{hot}: a hot file in xtask/src/tidy/source.rs, and not there"))
        .collect()
}

fn is_hot(path: &str) -> bool {
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
    !is_test && HOT.iter().any(|hot| path.starts_with(hot))
}

fn check_hot(file: &File) -> Vec<String> {
    let code = file.text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    // An error's text may be made where the error is.
    let cold = |line: &str| line.trim_start().starts_with("//") || line.contains("map_err(");
    let numbered = (1..).zip(code).filter(|(_, line)| !cold(line));
    numbered
        .flat_map(|(number, line)| {
            let hits = NOT_IN_HOT.iter().filter(move |word| line.contains(**word));
            hits.map(move |word| format!("{}:{number}: '{word}' in a hot file", file.path))
        })
        .collect()
}

/// `word` in `line`, not as part of a longer one where it begins and ends with a letter.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let after = line[at + word.len()..].chars().next().is_some_and(char::is_alphanumeric);
        let letters = word.chars().all(char::is_alphanumeric);
        // A path of a machine begins a path: after a letter it is the middle of a longer one.
        !(before || (letters && after))
    })
}

fn has_extension(file: &File, extensions: &[&str]) -> bool {
    file.path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        check(&File { path: path.to_owned(), text: text.to_owned() })
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(complaints("a.rs", &"x\n".repeat(500)), [""; 0]);
        assert_eq!(complaints("a.rs", &"x\n".repeat(501)), ["a.rs: 501 lines, more than 500"]);
        assert_eq!(complaints("a.json", &"x\n".repeat(501)), [""; 0]);
    }

    #[test]
    fn unfinished_work_is_found() {
        for word in UNFINISHED {
            let text = format!("fn a() {{}} // {word}: later");
            assert_eq!(complaints("a.rs", &text), [format!("a.rs:1: unfinished work '{word}'")]);
        }
        assert_eq!(complaints("a.py", &format!("x = '{}s'", UNFINISHED[0])), [""; 0]);
        assert_eq!(complaints("a.rs", &format!("{SKIPPED_TEST}]\nfn a() {{}}")).len(), 1);
    }

    #[test]
    fn paths_of_a_machine_are_found_and_urls_are_not() {
        for path in MACHINES {
            assert_eq!(complaints("a.md", &format!("see {path}x")).len(), 1, "{path}");
            assert_eq!(complaints("a.md", &format!("GET /v1{path}x")), [""; 0], "{path}");
        }
    }

    #[test]
    fn hot_files_are_held_to_more() {
        for word in NOT_IN_HOT {
            let text = format!("fn a() {{ {word} }}");
            assert_eq!(complaints("crates/http/src/driver.rs", &text).len(), 1, "{word}");
            assert_eq!(complaints("crates/http/src/config.rs", &text), [""; 0], "{word}");
        }
        let exempt = "// no Mutex here\nx.map_err(|e| E(format!(\"{e}\")))?;\n#[cfg(test)]\nmod tests { fn b() { format!(\"\") } }";
        assert_eq!(complaints("crates/http/src/driver.rs", exempt), [""; 0]);
        assert_eq!(complaints("crates/http/src/response/tests.rs", "format!"), [""; 0]);
        let paths: Vec<_> = HOT.iter().skip(1).map(|hot| (*hot).to_owned()).collect();
        assert_eq!(check_hot_files_exist(&paths).len(), 1);
    }
}
