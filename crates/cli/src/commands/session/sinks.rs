//! Everything that is told about a run while it goes: the record, the CSV files, the live view, the log.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use squall_control::{Event, Handle};
use squall_core::{EndReason, Nanos, PhaseId};
use squall_monitor::MonitorEvent;
use squall_plan::{PhasePlan, Plan};
use squall_record::{End, LogLevel, LogLine, Mark, MarkKind, PhaseMark, Point, Writer};
use squall_report::console::Live;
use squall_report::csv::CsvFiles;
use squall_stats::Window;
use squall_verdict::Judge;
use tracing::{error, info, warn};

use super::super::faults::Report;
use crate::errors::plain;

const MAIN: &str = "squall.main";
const RUNNERS: &str = "squall.runners";

/// What is left of the sinks when a run is over.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) end: End,
    pub(super) lacking: Option<String>,
    pub(super) incomplete: bool,
}

/// Everything that is told about a run.
pub(super) struct Sinks {
    plan: Arc<Plan>,
    writer: Writer,
    csv: Option<CsvFiles>,
    live: Option<Live>,
    phases: Vec<PhaseMark>,
    /// A statistics reset is due when all users are there.
    reset_pending: bool,
    incomplete: bool,
    stopping: bool,
    /// Judges by the criteria that may end the run; `None` without such.
    judge: Option<Judge>,
    /// The latest moment heard of.
    last: Nanos,
}

impl Sinks {
    pub(super) fn new(
        plan: &Arc<Plan>,
        writer: Writer,
        csv: Option<CsvFiles>,
        live: Option<Live>,
        reset_stats: bool,
    ) -> Self {
        Self {
            plan: Arc::clone(plan),
            writer,
            csv,
            live,
            phases: Vec::new(),
            reset_pending: reset_stats,
            incomplete: false,
            stopping: false,
            judge: judge(plan),
            last: Nanos::ZERO,
        }
    }

    /// The wall time at run time zero.
    pub(super) fn started(&self, at: Timestamp) {
        self.writer.started(at);
    }

    /// The latest moment heard of.
    pub(super) fn last(&self) -> Nanos {
        self.last
    }

    /// What happened to a fault.
    pub(super) fn fault(&mut self, report: Report) {
        let Report { at, mark, level, text } = report;
        self.note(at, level, &text);
        if let Some(mark) = mark {
            self.writer.fault(mark);
        }
    }

    /// What a monitor said.
    pub(super) fn watched(&mut self, event: MonitorEvent) {
        match event {
            MonitorEvent::Sample { series, at, value } => {
                let point = Point { at, value };
                self.writer.sample(series, point);
                if let Some(judge) = &mut self.judge {
                    judge.sample(series as usize, point);
                }
            }
            MonitorEvent::Warning(text) => self.note(self.last, LogLevel::Warn, &text),
        }
    }

    pub(super) fn take(&mut self, event: Event, handle: &Handle) {
        match event {
            Event::PhaseStarted { id, at } => self.phase_started(id, at),
            Event::Spawned { id, at, users } => self.spawned(id, at, &users),
            Event::PhaseEnded { id, at } => self.change_phase(id, |phase| phase.end = Some(at)),
            Event::Window(window) => self.window(window, handle),
            Event::Stopping { reason, at } => self.note(at, LogLevel::Info, &stopping(&self.plan, &reason)),
            Event::WorkerLost { at, note } => self.worker_lost(at, note),
            Event::Warning(text) => self.note(self.last, LogLevel::Warn, &text),
            // Ends the loop that calls this.
            Event::Ended { .. } => {}
        }
    }

    fn phase_started(&mut self, id: PhaseId, at: Nanos) {
        let plan = Arc::clone(&self.plan);
        let Some(phase) = plan.load.phases.get(id.index()) else { return };
        let mark = PhaseMark {
            id,
            name: phase.name.clone(),
            start: at,
            ramped: None,
            end: None,
            measured: phase.measured,
            users: phase.users,
        };
        let before = self.phases.last().map(|phase| phase.users);
        self.writer.phase(mark.clone());
        self.phases.push(mark);
        if let Some(live) = &mut self.live {
            live.phase(&phase.name);
        }
        let only = plan.load.phases.len() == 1;
        self.note(at, LogLevel::Info, &ramp(phase, before, only));
    }

    fn spawned(&mut self, id: PhaseId, at: Nanos, users: &[u32]) {
        self.change_phase(id, |phase| phase.ramped = Some(at));
        if std::mem::take(&mut self.reset_pending) {
            self.writer.mark(Mark { at, kind: MarkKind::Reset, note: String::new() });
            self.csv.iter_mut().for_each(|csv| csv.reset(at));
            self.live.iter_mut().for_each(|live| live.reset(at));
            self.note(at, LogLevel::Info, "Resetting stats");
        }
        let by_class = self.plan.classes.iter().zip(users);
        let by_class: Vec<String> =
            by_class.map(|(class, users)| format!("{}: {users}", Value::from(class.name.as_str()))).collect();
        let total: u32 = users.iter().sum();
        let text = format!("All users spawned: {{{}}} ({total} total users)", by_class.join(", "));
        self.note(at, LogLevel::Info, &text);
    }

    fn worker_lost(&self, at: Nanos, note: String) {
        self.note(at, LogLevel::Error, &note);
        self.writer.mark(Mark { at, kind: MarkKind::WorkerLost, note });
    }

    fn change_phase(&mut self, id: PhaseId, change: impl FnOnce(&mut PhaseMark)) {
        if let Some(phase) = self.phases.iter_mut().find(|phase| phase.id == id) {
            change(phase);
            self.writer.phase(phase.clone());
        }
    }

    fn window(&mut self, window: Arc<Window>, handle: &Handle) {
        self.last = window.start + window.span;
        // A terminal or a disk that fails takes only its own output with it; the record keeps everything.
        if self.live.as_mut().is_some_and(|live| live.push(&window).is_err()) {
            self.live = None;
        }
        if let Some(Err(failure)) = self.csv.as_mut().map(|csv| csv.push(&window)) {
            self.csv_failed(&failure);
        }
        if let Some(judge) = &mut self.judge {
            judge.push(&window, &self.phases);
        }
        self.writer.window(window);
        if !self.stopping
            && let Some(why) = self.breach()
        {
            self.stopping = true;
            handle.stop(EndReason::Aborted(why));
        }
    }

    /// Why the run cannot go on.
    fn breach(&self) -> Option<String> {
        let unwritable = || Some(format!("the record cannot be written: {}", self.writer.failed()?));
        let failing = || Some(format!("{} (abort = true)", self.judge.as_ref()?.breach(&self.phases)?));
        unwritable().or_else(failing)
    }

    /// Into the log and into the record.
    fn note(&self, at: Nanos, level: LogLevel, text: &str) {
        match level {
            LogLevel::Error => error!(target: RUNNERS, "{text}"),
            LogLevel::Warn => warn!(target: RUNNERS, "{text}"),
            LogLevel::Info | LogLevel::Debug => info!(target: RUNNERS, "{text}"),
        }
        self.writer.log(LogLine { at, level, text: text.to_owned() });
    }

    pub(super) fn finish(mut self, reason: EndReason, at: Nanos) -> Written {
        if let Some(live) = self.live.take() {
            live.finish();
        }
        if let Some(Err(failure)) = self.csv.take().map(CsvFiles::finish) {
            self.csv_failed(&failure);
        }
        let end = End { reason, at };
        let lacking = self.writer.finish(end.reason.clone(), at).err();
        let lacking = lacking.map(|failure| plain(&failure.to_string()));
        Written { end, lacking, incomplete: self.incomplete }
    }

    fn csv_failed(&mut self, failure: &std::io::Error) {
        error!(target: MAIN, "the CSV files cannot be written: {}", plain(&failure.to_string()));
        (self.csv, self.incomplete) = (None, true);
    }
}

/// A judge by the criteria with `abort = true`, if there are any.
fn judge(plan: &Plan) -> Option<Judge> {
    let criteria: Vec<_> = plan.criteria.iter().filter(|criterion| criterion.abort).cloned().collect();
    (!criteria.is_empty()).then(|| Judge::by(plan, &criteria, &[]))
}

/// What `phase` does to the `before` users of the phase ahead of it; the `only` one has Locust's words.
fn ramp(phase: &PhasePlan, before: Option<u32>, only: bool) -> String {
    let PhasePlan { name, users, spawn_rate, .. } = phase;
    if let Some(arrivals) = &phase.arrivals {
        format!("Phase {name}: task iterations arrive at {arrivals}, for up to {users} users to serve")
    } else if only {
        format!("Ramping to {users} users at a rate of {spawn_rate:.2} per second")
    } else if before == Some(*users) {
        format!("Phase {name}: holding {users} users")
    } else {
        format!("Phase {name}: ramping to {users} users at a rate of {spawn_rate:.2} per second")
    }
}

fn stopping(plan: &Plan, reason: &EndReason) -> String {
    match reason {
        EndReason::Completed if plan.load.run_time().is_some() => {
            "--run-time limit reached, shutting down".to_owned()
        }
        other => format!("Stopping: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use squall_record::{Environment, Header, Record};
    use squall_suite::Selection;
    use squall_verdict::{DoubtKind, Severity, judge};

    use super::*;

    #[test]
    fn a_run_that_lost_a_worker_says_so_and_is_not_valid() {
        let text = "schema = 1\nhost = \"http://127.0.0.1:1\"\n[users.A.tasks]\nt = { get = \"/\" }";
        let suite = squall_suite::parse(text, "suite.toml", Path::new(""), &|_| None).unwrap();
        let plan = Arc::new(suite.plan(&Selection { users: Some(1), ..Selection::default() }).unwrap().plan);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.squall");
        let header = Header {
            plan: Plan::clone(&plan),
            settings: Value::Null,
            environment: Environment::capture(&plan.host),
            started: Timestamp::UNIX_EPOCH,
        };
        let sinks = Sinks::new(&plan, Writer::create(&path, &header).unwrap(), None, None, false);
        let note = "worker thread 1 of 2 died, with its users";
        sinks.worker_lost(Nanos::from_secs(3), note.to_owned());
        let written = sinks.finish(EndReason::Aborted(note.to_owned()), Nanos::from_secs(4));
        assert_eq!(written.lacking, None);

        let run = Record::open(&path).unwrap();
        let verdict = judge(&run);
        let doubt = verdict.doubts.iter().find(|doubt| doubt.kind == DoubtKind::WorkerLost).unwrap();
        assert_eq!(doubt.evidence, format!("At 3s: {note}."));
        assert_eq!(doubt.severity, Severity::Invalid);
        let line = run.log.iter().find(|line| line.text == note).unwrap();
        assert_eq!(line.level, LogLevel::Error);
    }
}
