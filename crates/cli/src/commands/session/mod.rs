//! One run, from a plan to its finished record: starts it, hands every event to the record, the CSV files and the
//! live view, and turns signals into stops.
//!
//! It runs on the main thread. Nothing it does can slow the load down: events come over a queue.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use squall_control::{Event, Handle, Prepared, Started};
use squall_core::EndReason;
use squall_monitor::Monitors;
use squall_plan::Plan;
use squall_record::{Environment, Header, Record, Run, Writer};
use squall_report::console::{Live, LiveOptions};
use squall_report::csv::CsvFiles;
use squall_verdict::{FAILED, INTERRUPTED, PASSED};
use tracing::{error, info};

use self::sinks::{Sinks, Written};
use super::faults::Faults;

use crate::errors::{Exit, Failure, Problem};
use crate::preflight;
use crate::settings::Csv;
use crate::signals::Signals;
use crate::terminal::Terminal;

mod sinks;

const MAIN: &str = "squall.main";

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
        let monitors = Monitors::prepare(&self.plan).map_err(|error| {
            Problem::new("what is to be watched cannot be watched")
                .help("start it before the load, correct the monitor in the suite, or take it out")
                .cause(error)
        })?;
        let (mut sinks, record) = self.sinks(Timestamp::now())?;
        let Started { handle, mut events, wall_origin, clock } = prepared.start();
        let mut watch = monitors.start(move || clock.now());
        let mut faults = Faults::start(&self.plan, clock);
        if let Ok(started) = Timestamp::try_from(wall_origin) {
            sinks.started(started);
        }
        let mut stops = 0u32;
        let (reason, at) = loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(Event::Ended { reason, at }) => break (reason, at),
                    Some(event) => {
                        if matches!(event, Event::Stopping { .. }) {
                            faults.stop();
                        }
                        sinks.take(event, &handle);
                    }
                    None => break (EndReason::Aborted("the run's control thread ended early".to_owned()), sinks.last()),
                },
                Some(event) = watch.events.recv() => sinks.watched(event),
                Some(report) = faults.next() => sinks.fault(report),
                reason = signals.next() => stop(&handle, reason, &mut stops),
            }
        };
        faults.stop();
        // What was sampled while the run went is part of it, however late it is heard of.
        watch.events.close();
        while let Some(event) = watch.events.recv().await {
            sinks.watched(event);
        }
        loop {
            tokio::select! {
                report = faults.next() => match report {
                    Some(report) => sinks.fault(report),
                    None => break,
                },
                _ = signals.next() => info!(target: MAIN, "Still taking faults back; a command may take half a minute"),
            }
        }
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
        Ok((Sinks::new(plan, writer, csv, live, self.reset_stats), record))
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
