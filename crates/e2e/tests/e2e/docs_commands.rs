//! Every command in the documents is one that the programs take: no option that is gone, no profile that never was.
//!
//! Nothing is run: `--help` or `--show-settings` after the words makes a program read them and stop. Where a command
//! names a suite that is there, the suite is read too.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Answer, Place};

/// A command of a document, as its shell would split it.
#[derive(Debug)]
struct Documented {
    /// File and line.
    place: String,
    variables: Vec<(String, String)>,
    words: Vec<String>,
}

/// What a command starts.
#[derive(Debug, PartialEq, Eq)]
enum Program {
    Squall,
    MueJam,
    Xtask,
}

#[test]
fn every_documented_command_is_understood() {
    let place = Place::shared();
    let documented: Vec<Documented> = documents().iter().flat_map(|file| commands(file)).collect();
    let asked = documented.iter().filter_map(|command| Some((command, program(&command.words)?)));
    let answers: Vec<Result<(), String>> = asked
        .map(|(command, (program, arguments))| {
            let result = match program {
                Program::Squall => try_squall(&place, command, arguments),
                Program::MueJam => {
                    let all: Vec<&str> = ["muejam-api"].into_iter().chain(words(arguments)).collect();
                    ask(&place, command, &all, "--help")
                }
                Program::Xtask => try_xtask(&place, arguments),
            };
            result.map_err(|answer| format!("{}: {:?}\n{answer}", command.place, command.words))
        })
        .collect();
    assert!(answers.len() >= 8, "the README alone has more than {} commands", answers.len());
    let wrong: Vec<String> = answers.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The project's Markdown: beside the workspace's manifest, under `docs`, in `bench` and in every crate's folder.
fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut folders = vec![root.clone(), root.join("bench")];
    let crates = std::fs::read_dir(root.join("crates")).unwrap();
    folders.extend(crates.map(|entry| entry.unwrap().path()));
    let mut below = vec![root.join("docs"), root.join("suites")];
    while let Some(folder) = below.pop() {
        let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        below.extend(entries.filter(|path| path.is_dir()));
        folders.push(folder);
    }
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let files = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    files.sort();
    files
}

/// The commands in the fenced blocks for a shell.
fn commands(file: &Path) -> Vec<Documented> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut found = Vec::new();
    let mut fence: Option<bool> = None;
    let mut command = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            fence = fence.is_none().then_some(["", "bash", "sh", "shell", "console"].contains(&language));
            continue;
        }
        if fence != Some(true) {
            continue;
        }
        command += line.strip_prefix("$ ").unwrap_or(line);
        // A line that ends in a backslash goes on.
        if command.ends_with('\\') {
            command.pop();
            continue;
        }
        let (variables, words) = split(&std::mem::take(&mut command));
        found.push(Documented { place: format!("{}:{}", file.display(), number + 1), variables, words });
    }
    found
}

/// What a shell makes of a line: quotes, comments, variables before the command; up to the first `|`, `&`, `;`, `>`.
fn split(line: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | '&' | ';' | '>') => break,
            (None, ' ' | '\t') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let assignment = |word: &String| {
        let (name, value) = word.split_once('=')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        (is_name && !name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    };
    let variables: Vec<_> = words.iter().map_while(assignment).collect();
    words.drain(..variables.len());
    (variables, words)
}

/// Which of this project's programs the words start, and with what; `None` for any other.
fn program(all: &[String]) -> Option<(Program, &[String])> {
    let start = words(all).collect::<Vec<_>>();
    match start[..] {
        ["squall" | "target/release/squall" | "./target/release/squall", ..] => {
            Some((Program::Squall, &all[1..]))
        }
        ["muejam-api", ..] => Some((Program::MueJam, &all[1..])),
        ["cargo", "xtask", ..] => Some((Program::Xtask, &all[2..])),
        ["cargo", "run", ..] => {
            let end = start.iter().position(|word| *word == "--")?;
            let program = match start[..end].iter().position(|word| *word == "--bin" || *word == "-p") {
                None => Program::Squall,
                Some(_) if start[..end].contains(&"muejam-api") => Program::MueJam,
                Some(_) => return None,
            };
            Some((program, &all[end + 1..]))
        }
        _ => None,
    }
}

fn words(words: &[String]) -> impl Iterator<Item = &str> {
    words.iter().map(String::as_str)
}

/// The answer is the error.
fn try_squall(place: &Place, command: &Documented, arguments: &[String]) -> Result<(), Answer> {
    let arguments: Vec<&str> = words(arguments).collect();
    let is_there = |suite: &str| root().join(suite).is_file();
    let suite = match arguments[..] {
        ["demo" | "report" | "verdict" | "compare" | "muejam-api", ..] => {
            return ask(place, command, &arguments, "--help");
        }
        ["check", suite, ..] if !is_there(suite) => return ask(place, command, &arguments, "--help"),
        ["check", ..] => {
            let answer = squall(place, command, &arguments);
            // A target that cannot be reached is what the documents show: only a usage error is an error.
            return if answer.code == Some(2) { Err(answer) } else { Ok(()) };
        }
        ["run", suite, ..] => Some(suite),
        _ => arguments.iter().position(|word| *word == "-f").and_then(|at| arguments.get(at + 1)).copied(),
    };
    let stops = ["--help", "--version", "-h", "-V"];
    if arguments.is_empty() || arguments.iter().any(|word| stops.contains(word)) {
        return ask(place, command, &arguments, "--help");
    }
    ask(place, command, &arguments, "--show-settings")?;
    if suite.is_some_and(is_there) {
        ask(place, command, &arguments, "--show-task-ratio-json")?;
    }
    Ok(())
}

/// `--` separates what is for somebody else.
fn try_xtask(place: &Place, arguments: &[String]) -> Result<(), Answer> {
    let own = arguments.iter().take_while(|word| *word != "--");
    let mut cargo = place.program(Path::new(env!("CARGO")));
    // Cargo and the toolchain are found from the real home.
    cargo.current_dir(root()).envs(std::env::vars_os().filter(|(name, _)| name == "HOME"));
    cargo.args(["run", "--quiet", "--package", "xtask", "--"]).args(own).arg("--help");
    taken(Answer::of(&cargo.output().unwrap()))
}

/// The words and one more, which makes `squall` stop before it does anything.
fn ask(place: &Place, command: &Documented, arguments: &[&str], stop: &str) -> Result<(), Answer> {
    let arguments: Vec<&str> = arguments.iter().copied().chain([stop]).collect();
    taken(squall(place, command, &arguments))
}

fn taken(answer: Answer) -> Result<(), Answer> {
    if answer.code == Some(0) { Ok(()) } else { Err(answer) }
}

/// In the workspace's folder, where the documents say their commands are typed; with a secret, as the suites need one.
fn squall(place: &Place, command: &Documented, arguments: &[&str]) -> Answer {
    let mut process: Command = place.command("");
    process.current_dir(root()).args(arguments).env("TEST_JWT_SECRET", "secret");
    process.envs(command.variables.iter().map(|(name, value)| (name, value)));
    Answer::of(&process.output().unwrap())
}

#[test]
fn lines_are_split_as_a_shell_does() {
    let words = |line: &str| split(line).1;
    assert_eq!(
        words("squall run 'my suite.toml' -T \"a b\"  # all"),
        ["squall", "run", "my suite.toml", "-T", "a b"]
    );
    assert_eq!(words("squall report a.squall --json | head > x"), ["squall", "report", "a.squall", "--json"]);
    assert_eq!(words("# nothing"), [""; 0]);
    let (variables, words) = split("LOCUST_USERS=3 squall -f s.toml -H=x");
    assert_eq!(variables, [("LOCUST_USERS".to_owned(), "3".to_owned())]);
    assert_eq!(words, ["squall", "-f", "s.toml", "-H=x"]);
}
