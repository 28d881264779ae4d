//! The parts of a [`Report`](super::Report) that describe the run as a whole.

use serde::Serialize;
use squall_core::{EndReason, Nanos};
use squall_record::{LogLevel, Run};
use squall_stats::ErrorEntry;

use super::Requests;

/// What was run, when, and how it ended. Moments are seconds of the run unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunInfo {
    /// Name of the suite.
    pub suite: String,
    /// The profile, if one was chosen.
    pub profile: Option<String>,
    /// Base URL of the target.
    pub target: String,
    /// Wall time of the start, RFC 3339 in UTC.
    pub started: String,
    /// How long it ran, draining included, in seconds.
    pub duration_s: f64,
    /// `completed`, `interrupted`, `terminated`, `aborted: …`; `cut off` when the record has no end.
    pub ended: String,
    /// False when the run ended before its time.
    pub complete: bool,
    /// A signal ended the run before its time: what is judged is a part of it.
    pub interrupted: bool,
    /// The run stopped itself before its time.
    pub aborted: bool,
    /// The largest number of users that ran at once.
    pub peak_users: u32,
    /// Seed of every random choice.
    pub seed: u64,
    /// Version of squall that made the run.
    pub squall_version: String,
    /// Windows that were joined because the disk was too slow; the numbers stay exact, their times coarser.
    pub merged_windows: u64,
}

impl RunInfo {
    pub(super) fn new(run: &Run) -> Self {
        let end = run.end.as_ref().map(|end| end.reason.to_string());
        Self {
            suite: run.plan.name.clone(),
            profile: run.plan.profile.clone(),
            target: target(run),
            started: run.started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            duration_s: run.duration().as_secs_f64(),
            complete: run.reached_its_end(),
            interrupted: run.was_interrupted(),
            aborted: matches!(run.end.as_ref().map(|end| &end.reason), Some(EndReason::Aborted(_))),
            ended: end.unwrap_or_else(|| "cut off".into()),
            peak_users: run.peak_users(),
            seed: run.plan.seed,
            squall_version: run.squall_version.clone(),
            merged_windows: run.merged_windows,
        }
    }
}

/// The environment's address has no credentials in it; the plan's may.
fn target(run: &Run) -> String {
    if run.environment.target.is_empty() { run.plan.host.clone() } else { run.environment.target.clone() }
}

/// An endpoint and its requests over the whole run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndpointReport {
    /// Method.
    pub method: String,
    /// The name requests are grouped under.
    pub name: String,
    /// Its share of all completed requests.
    pub share: Option<f64>,
    /// Its requests.
    #[serde(flatten)]
    pub requests: Requests,
}

/// A phase and the requests that began in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhaseReport {
    /// As in the plan; `edit-N` for a live edit.
    pub name: String,
    /// False for a warm-up.
    pub measured: bool,
    /// Users asked for.
    pub users: u32,
    /// Its begin.
    pub start_s: f64,
    /// When the users reached the number asked for; `null` when they never did.
    pub ramped_s: Option<f64>,
    /// Its end.
    pub end_s: f64,
    /// Its requests; rates are over the length of the phase.
    #[serde(flatten)]
    pub requests: Requests,
}

/// An error and how often it happened, over all user classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorReport {
    /// Method of the endpoint.
    pub method: String,
    /// Name of the endpoint.
    pub name: String,
    /// Class of the error, e.g. `status`, `timeout`.
    pub error: &'static str,
    /// `target`, `network` or `generator`: whose fault it is, as far as the generator can tell.
    pub fault: &'static str,
    /// The error in words.
    pub message: String,
    /// Occurrences.
    pub count: u64,
    /// The first one.
    pub first_s: f64,
    /// The last one.
    pub last_s: f64,
    /// What the first few looked like.
    pub samples: Vec<String>,
}

impl ErrorReport {
    pub(super) fn new(run: &Run, entry: &ErrorEntry) -> Self {
        let endpoint = run.plan.endpoints.get(entry.key.endpoint.index());
        Self {
            method: endpoint.map_or_else(String::new, |endpoint| endpoint.method.clone()),
            name: endpoint.map_or_else(|| "(other)".into(), |endpoint| endpoint.name.clone()),
            error: entry.key.error.name(),
            fault: match entry.key.error.fault() {
                squall_core::Fault::Target => "target",
                squall_core::Fault::Network => "network",
                squall_core::Fault::Generator => "generator",
            },
            message: entry.message.clone(),
            count: entry.count,
            first_s: entry.first.as_secs_f64(),
            last_s: entry.last.as_secs_f64(),
            samples: entry.samples.clone(),
        }
    }
}

/// A line of the run's log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogReport {
    /// When.
    pub at_s: f64,
    /// How serious.
    pub level: LogLevel,
    /// The line.
    pub text: String,
}

/// The span rates of the whole run are over: its windows, without the time the record took to close.
pub(super) fn measured_span(run: &Run) -> Nanos {
    let (first, last) = (run.windows.first(), run.windows.last());
    match (first, last) {
        (Some(first), Some(last)) => (last.start + last.span).since(first.start),
        _ => Nanos::ZERO,
    }
}
