//! One run, from a plan to its finished record: starts it, hands every event to the record, the CSV files and the
//! live view, and turns signals into stops.
//!
//! It runs on the main thread. Nothing it does can slow the load down: events come over a queue.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use squall_control::{Event, Handle, Prepared, Started};
use squall_core::{EndReason, Nanos, PhaseId};
use squall_plan::{PhasePlan, Plan};
use squall_record::{
    End, Environment, Header, LogLevel, LogLine, Mark, MarkKind, PhaseMark, Record, Run, Writer,
};
use squall_report::console::{Live, LiveOptions};
use squall_report::csv::CsvFiles;
use squall_stats::Window;
use squall_verdict::{FAILED, INTERRUPTED, PASSED};
use tracing::{error, info, warn};

use crate::errors::{Exit, Failure, Problem, plain};
use crate::preflight;
use crate::settings::Csv;
use crate::signals::Signals;
use crate::terminal::Terminal;

const MAIN: &str = "squall.main";
const RUNNERS: &str = "squall.runners";

/// What a run needs beside its plan.
#[derive(Debug)]
pub(super) struct Session<'s> {
    pub(super) plan: Arc<Plan>,
    /// The record to write.
    pub(super) record: RecordName,
    /// The settings as the record keeps them, secrets masked.
    pub(super) settings: Value,
    pub(super) csv: Option<&'s Csv>,
    /// How the run is shown while it goes; `None` shows nothing.
    pub(super) live: Option<LiveOptions>,
    /// Readers of the record start when all users are there.
    pub(super) reset_stats: bool,
    /// 0 is one per core.
    pub(super) threads: usize,
    pub(super) terminal: &'s Terminal,
}

/// Where a run is saved. Nothing is ever overwritten.
#[derive(Clone, Debug)]
pub(super) enum RecordName {
    /// There, and there must be no such file yet.
    Exactly(PathBuf),
    /// In the first of `stem.squall`, `stem-2.squall`, … that is free.
    Free(String),
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Finished {
    /// The run, as the record tells it.
    pub(super) run: Run,
    /// Where the record is.
    pub(super) record: PathBuf,
    /// What the record lacks, or why.
    pub(super) lacking: Option<String>,
    /// Another output could not be written, and that has been said.
    pub(super) incomplete: bool,
}

impl Finished {
    /// Say where the run is.
    pub(super) fn announce(&self) {
        let record = self.record.display();
        match &self.lacking {
            None => info!(target: MAIN, "The run is saved in {record}"),
            Some(why) => error!(target: MAIN, "The run is saved in {record}, but incomplete: {why}"),
        }
    }

    /// What the shell sees of a run that was `judged`, when outputs are missing or not.
    pub(super) fn exit(&self, judged: u8, incomplete: bool) -> Exit {
        match judged {
            INTERRUPTED => Exit::Code(INTERRUPTED),
            // Numbers over a part of the run are not its result.
            _ if self.lacking.is_some() => Exit::Invalid,
            // What was asked for is not there, so the command did not succeed, whatever the server did.
            PASSED if incomplete => Exit::Code(FAILED),
            code => Exit::Code(code),
        }
    }
}

impl Session<'_> {
    /// Run to the end, whatever ends it.
    pub(super) fn run(self) -> Result<Finished, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Problem::new("the control plane cannot be started").cause(error))?;
        let (record, written) = runtime.block_on(self.drive())?;
        let mut run = Record::open(&record).map_err(|error| {
            let problem =
                Problem::new(format!("the record {} cannot be read back", record.display())).cause(error);
            Failure::from(problem).exit(Exit::Invalid)
        })?;
        // A record that could not be finished does not know how the run ended.
        run.end.get_or_insert(written.end);
        Ok(Finished { run, record, lacking: written.lacking, incomplete: written.incomplete })
    }

    async fn drive(self) -> Result<(PathBuf, Written), Failure> {
        let mut signals =
            Signals::listen().map_err(|error| Problem::new("signals cannot be listened for").cause(error))?;
        let options = squall_control::Options { threads: self.threads };
        let prepared = Prepared::new(&self.plan, options)
            .map_err(|error| Problem::new("the run cannot be started").cause(error))?;
        let (mut sinks, record) = self.sinks(Timestamp::now())?;
        let Started { handle, mut events, wall_origin, clock: _ } = prepared.start();
        if let Ok(started) = Timestamp::try_from(wall_origin) {
            sinks.writer.started(started);
        }
        let mut stops = 0u32;
        let (reason, at) = loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(Event::Ended { reason, at }) => break (reason, at),
                    Some(event) => sinks.take(event, &handle),
                    None => break (EndReason::Aborted("the run's control thread ended early".to_owned()), sinks.last),
                },
                reason = signals.next() => stop(&handle, reason, &mut stops),
            }
        };
        Ok((record, sinks.finish(reason, at)))
    }

    fn sinks(&self, started: Timestamp) -> Result<(Sinks, PathBuf), Failure> {
        let plan = &self.plan;
        let csv = self.csv.map(|csv| {
            let prefix = Path::new(&csv.prefix);
            preflight::make_parent(prefix)
                .and_then(|()| CsvFiles::create(prefix, csv.full_history, plan, started))
                .map_err(|error| preflight::unwritable(prefix, "--csv").cause(error))
        });
        let csv = csv.transpose()?;
        let header = Header {
            plan: Plan::clone(plan),
            settings: self.settings.clone(),
            environment: Environment::capture(&plan.host),
            started,
        };
        let (writer, record) = self.record.create(&header).map_err(|error| {
            Problem::new("the run cannot be saved")
                .help("give --record a path where there is no file yet, in a directory you may write to, on a disk with room")
                .cause(error)
        })?;
        // A terminal that cannot be written to is no reason not to run.
        let live = self.live.and_then(|options| Live::new(plan, options, self.terminal.screen.clone()).ok());
        let sinks = Sinks {
            plan: Arc::clone(plan),
            writer,
            csv,
            live,
            phases: Vec::new(),
            reset_pending: self.reset_stats,
            incomplete: false,
            stopping: false,
            last: Nanos::ZERO,
        };
        Ok((sinks, record))
    }
}

impl RecordName {
    /// Begin the record. Several processes may look for a free name at once: whoever makes the file has it.
    fn create(&self, header: &Header) -> Result<(Writer, PathBuf), squall_record::Error> {
        let stem = match self {
            Self::Exactly(path) => return Writer::create(path, header).map(|writer| (writer, path.clone())),
            Self::Free(stem) => stem,
        };
        let mut number = 1u32;
        loop {
            let path = match number {
                1 => PathBuf::from(format!("{stem}.squall")),
                _ => PathBuf::from(format!("{stem}-{number}.squall")),
            };
            match Writer::create(&path, header) {
                Err(squall_record::Error::Exists(_)) if number < u32::MAX => number += 1,
                created => return created.map(|writer| (writer, path)),
            }
        }
    }
}

/// The first signal stops in good order, the second cuts.
fn stop(handle: &Handle, reason: EndReason, stops: &mut u32) {
    *stops += 1;
    if *stops == 1 {
        info!(target: MAIN, "Stopping: users finish what they are doing; interrupt again to cut them off");
        handle.stop(reason);
    } else {
        handle.cut();
    }
}

/// What is left of the sinks when a run is over.
#[derive(Debug)]
struct Written {
    end: End,
    lacking: Option<String>,
    incomplete: bool,
}

/// Everything that is told about a run.
struct Sinks {
    plan: Arc<Plan>,
    writer: Writer,
    csv: Option<CsvFiles>,
    live: Option<Live>,
    phases: Vec<PhaseMark>,
    /// A statistics reset is due when all users are there.
    reset_pending: bool,
    incomplete: bool,
    stopping: bool,
    /// The latest moment heard of.
    last: Nanos,
}

impl Sinks {
    fn take(&mut self, event: Event, handle: &Handle) {
        match event {
            Event::PhaseStarted { id, at } => self.phase_started(id, at),
            Event::Spawned { id, at, users } => self.spawned(id, at, &users),
            Event::PhaseEnded { id, at } => self.change_phase(id, |phase| phase.end = Some(at)),
            Event::Window(window) => self.window(window, handle),
            Event::Stopping { reason, at } => self.note(at, LogLevel::Info, &stopping(&self.plan, &reason)),
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
        self.writer.window(window);
        if let Some(failure) = self.writer.failed().filter(|_| !self.stopping) {
            self.stopping = true;
            handle.stop(EndReason::Aborted(format!("the record cannot be written: {failure}")));
        }
    }

    /// Into the log and into the record.
    fn note(&self, at: Nanos, level: LogLevel, text: &str) {
        match level {
            LogLevel::Warn | LogLevel::Error => warn!(target: RUNNERS, "{text}"),
            LogLevel::Info | LogLevel::Debug => info!(target: RUNNERS, "{text}"),
        }
        self.writer.log(LogLine { at, level, text: text.to_owned() });
    }

    fn finish(mut self, reason: EndReason, at: Nanos) -> Written {
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

/// What `phase` does to the `before` users of the phase ahead of it; the `only` one has Locust's words.
fn ramp(phase: &PhasePlan, before: Option<u32>, only: bool) -> String {
    let PhasePlan { name, users, spawn_rate, .. } = phase;
    if only {
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
