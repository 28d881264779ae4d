//! Checks that no compiler makes; each is a pure function from text to complaints.

mod docs;
mod graph;
mod source;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::{cargo, output, say};

/// A file of the repository.
struct File {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

/// Prints every complaint; fails if there is one.
pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let metadata = output(cargo(root).args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let mut complaints = graph::check(&serde_json::from_str(&metadata)?);
    let (paths, files) = read_files(root)?;
    for file in &files {
        complaints.extend(source::check(file));
    }
    complaints.extend(source::check_hot_files_exist(&paths));
    complaints.extend(docs::check(&files, &paths));
    for complaint in &complaints {
        say(complaint);
    }
    let verdict =
        if complaints.is_empty() { "tidy".to_owned() } else { format!("{} complaints", complaints.len()) };
    say(&format!("{} files: {verdict}", files.len()));
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All paths git knows or would add, and the text of those that are text.
fn read_files(root: &Path) -> anyhow::Result<(Vec<String>, Vec<File>)> {
    let listed = output(Command::new("git").current_dir(root).args([
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))
    .context("failed to list the files of the repository")?;
    // A file removed from disk and not yet from the index is listed too.
    let mut paths: Vec<_> =
        listed.split('\0').filter(|p| root.join(p).is_file()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    let read = |path: &String| {
        let text = std::fs::read_to_string(root.join(path)).ok()?;
        Some(File { path: path.clone(), text })
    };
    let files = paths.iter().filter_map(read).collect();
    Ok((paths, files))
}
