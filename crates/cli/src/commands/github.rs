//! What GitHub Actions shows of a run: annotations, and the summary of the step.
//!
//! Nothing happens unless the variable `GITHUB_ACTIONS` is `true`, as it is in every step of a workflow.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use squall_record::Run;
use squall_verdict::Verdict;
use tracing::warn;

use crate::errors::{Problem, plain};
use crate::terminal::Terminal;

/// Where annotations go. GitHub reads them in both streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// stdout.
    Data,
    /// stderr, because stdout is somebody's data.
    Talk,
}

/// Tell GitHub, if it listens. Nothing here makes a run fail.
pub(super) fn tell(run: &Run, verdict: &Verdict, stream: Stream, terminal: &Terminal) -> Result<(), Problem> {
    if env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
        let lines = squall_report::annotations(run, verdict);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        match stream {
            Stream::Data => super::print(&text)?,
            Stream::Talk => terminal.say(&text),
        }
        let summary = env::var_os("GITHUB_STEP_SUMMARY").filter(|name| !name.is_empty());
        if let Some(path) = summary {
            append(Path::new(&path), &squall_report::markdown(run, verdict));
        }
    }
    Ok(())
}

fn append(path: &Path, text: &str) {
    let written = OpenOptions::new().create(true).append(true).open(path);
    if let Err(error) = written.and_then(|mut file| file.write_all(format!("{text}\n").as_bytes())) {
        let why = plain(&error.to_string());
        warn!(target: "squall.main", "the summary of the step cannot be written to {}: {why}", path.display());
    }
}
