//! All the numbers of a run, worked out once: the HTML report, the tables at the end of a run and Squall's JSON
//! show the same [`Report`]. Each comes from the record; the verdict is handed in, because a record can be judged
//! by other criteria than its own.
//!
//! Tables count the whole run, warm-up included; criteria count what [`VerdictReport::excluded`] leaves.

mod analyses;
mod headline;
mod overview;
mod requests;
mod verdict;
mod watched;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use squall_core::{EndpointId, Nanos, PhaseId};
use squall_record::{Environment, Run};
use squall_stats::{ErrorTable, Window};
use squall_verdict::{Analyses, Mix, Verdict, analyse};

pub use analyses::{
    DriftReport, FaultReport, IterationRates, IterationsReport, PartReport, RecoveryReport, StretchReport,
};
pub(crate) use headline::Tone;
pub use overview::{EndpointReport, ErrorReport, LogReport, PhaseReport, RunInfo};
pub(crate) use requests::Group;
pub use requests::{Bound, Lag, PERCENTILES, Percentile, Requests};
pub use verdict::{CriterionReport, DoubtReport, Validity, VerdictReport};
pub use watched::WatchedReport;

/// The number of this shape; it rises when a key changes its meaning or goes.
const FORMAT: u32 = 1;

/// A run in numbers. As JSON it is `squall report --format json`: keys are stable within one `format`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The number of this shape: 1.
    pub format: u32,
    /// What was run, when, and how it ended.
    pub run: RunInfo,
    /// What it is worth.
    pub verdict: VerdictReport,
    /// All requests of the run.
    pub total: Requests,
    /// By endpoint, sorted by name and method; only those that were requested.
    pub endpoints: Vec<EndpointReport>,
    /// By the phase in which the requests began, in the order of the phases.
    pub phases: Vec<PhaseReport>,
    /// Ramps and holds of the phases by the time in which things were done, in the order of time.
    pub parts: Vec<PartReport>,
    /// Task iterations: what was due, and what became of it.
    pub iterations: IterationsReport,
    /// How requests came back after each phase that disturbs.
    pub recoveries: Vec<RecoveryReport>,
    /// What was broken on purpose, and what came of it.
    pub faults: Vec<FaultReport>,
    /// Names of the faults whose moment the run did not reach.
    pub faults_not_made: Vec<String>,
    /// What was looked at for drift.
    pub drifts: Vec<DriftReport>,
    /// What was watched beside the requests.
    pub series: Vec<WatchedReport>,
    /// Shares of users, requests and tasks, asked and achieved.
    pub mix: Mix,
    /// Errors, most frequent first.
    pub errors: Vec<ErrorReport>,
    /// Occurrences of errors beyond the number that is kept apart.
    pub other_errors: u64,
    /// How late requests left, through no fault of the server.
    pub send_lag: Option<Lag>,
    /// How long a worker thread took from one look at its sockets to the next.
    pub loop_lag: Option<Lag>,
    /// The machine the load came from.
    pub environment: Environment,
    /// The resolved settings.
    pub settings: Value,
    /// What was said during the run.
    pub log: Vec<LogReport>,
}

impl Report {
    /// The numbers of `run`, judged as `verdict`.
    pub fn new(run: &Run, verdict: &Verdict) -> Self {
        Self::with(run, verdict, &analyse(run))
    }

    /// The numbers of `run`, judged as `verdict`, looked at as `analyses`.
    pub(crate) fn with(run: &Run, verdict: &Verdict, analyses: &Analyses) -> Self {
        let mut total = Group::default();
        let mut endpoints: BTreeMap<EndpointId, Group> = BTreeMap::new();
        let mut phases: BTreeMap<PhaseId, Group> = BTreeMap::new();
        for (key, cell) in run.windows.iter().flat_map(Window::cells) {
            total.add(key, cell);
            endpoints.entry(key.endpoint).or_default().add(key, cell);
            phases.entry(key.phase).or_default().add(key, cell);
        }
        let span = overview::measured_span(run);
        let errors = run.errors();
        Self {
            format: FORMAT,
            run: RunInfo::new(run),
            verdict: VerdictReport::new(run, verdict),
            endpoints: endpoint_reports(run, &endpoints, total.summary.completed(), span),
            phases: phase_reports(run, &phases),
            total: total.requests(span),
            parts: analyses.parts.iter().map(PartReport::new).collect(),
            iterations: IterationsReport::new(run, span),
            recoveries: RecoveryReport::all(analyses),
            faults: FaultReport::all(analyses),
            faults_not_made: not_made(run),
            drifts: analyses.drifts.iter().map(DriftReport::new).collect(),
            series: WatchedReport::all(run),
            mix: Mix::of(run),
            other_errors: errors.overflowed,
            errors: error_reports(run, &errors),
            send_lag: Lag::of(&run.send_lag()),
            loop_lag: Lag::of(&run.loop_lag()),
            environment: run.environment.clone(),
            settings: run.settings.clone(),
            log: run
                .log
                .iter()
                .map(|line| LogReport {
                    at_s: line.at.as_secs_f64(),
                    level: line.level,
                    text: line.text.clone(),
                })
                .collect(),
        }
    }
}

/// A record that has no end may still go on, so that they may still be made; it does not tell.
fn not_made(run: &Run) -> Vec<String> {
    let made = |index: usize| run.faults.iter().any(|mark| mark.id as usize == index);
    let missing = run.plan.faults.iter().enumerate().filter(|(index, _)| !made(*index));
    missing.map(|(_, fault)| fault.name.clone()).collect()
}

fn endpoint_reports(
    run: &Run,
    groups: &BTreeMap<EndpointId, Group>,
    completed: u64,
    span: Nanos,
) -> Vec<EndpointReport> {
    let mut reports: Vec<EndpointReport> = groups
        .iter()
        .map(|(id, group)| {
            let endpoint = run.plan.endpoints.get(id.index());
            let requests = group.requests(span);
            EndpointReport {
                method: endpoint.map_or_else(String::new, |endpoint| endpoint.method.clone()),
                name: endpoint.map_or_else(|| "(other)".into(), |endpoint| endpoint.name.clone()),
                share: (completed > 0).then(|| requests.completed as f64 / completed as f64),
                requests,
            }
        })
        .collect();
    reports.sort_by(|a, b| (&a.name, &a.method).cmp(&(&b.name, &b.method)));
    reports
}

fn phase_reports(run: &Run, groups: &BTreeMap<PhaseId, Group>) -> Vec<PhaseReport> {
    let nothing = Group::default();
    let report = |phase: &squall_record::PhaseMark| {
        let end = phase.end.unwrap_or_else(|| run.duration());
        PhaseReport {
            name: phase.name.clone(),
            measured: phase.measured,
            users: phase.users,
            start_s: phase.start.as_secs_f64(),
            ramped_s: phase.ramped.map(Nanos::as_secs_f64),
            end_s: end.as_secs_f64(),
            requests: groups.get(&phase.id).unwrap_or(&nothing).requests(end.since(phase.start)),
        }
    };
    run.phases.iter().map(report).collect()
}

/// Errors that read the same at one endpoint are one error, whichever class of users met them.
fn error_reports(run: &Run, errors: &ErrorTable) -> Vec<ErrorReport> {
    let mut reports: Vec<ErrorReport> = Vec::new();
    for entry in errors.entries() {
        let new = ErrorReport::new(run, entry);
        let same = |old: &&mut ErrorReport| {
            (&old.method, &old.name, &old.message) == (&new.method, &new.name, &new.message)
        };
        if let Some(old) = reports.iter_mut().find(same) {
            old.count += new.count;
            old.first_s = old.first_s.min(new.first_s);
            old.last_s = old.last_s.max(new.last_s);
            let room = squall_stats::MAX_SAMPLES.saturating_sub(old.samples.len());
            old.samples.extend(new.samples.into_iter().take(room));
        } else {
            reports.push(new);
        }
    }
    reports.sort_by(|a, b| {
        b.count.cmp(&a.count).then_with(|| (&a.name, &a.message).cmp(&(&b.name, &b.message)))
    });
    reports
}
