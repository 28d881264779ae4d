//! The course of one fault, on a thread of its own: wait, break, wait, take it back.
//!
//! From the moment `run` was tried, `undo` is run exactly once, whatever ends the fault. One that the run ends before
//! its moment never happens.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use squall_control::RunClock;
use squall_core::Nanos;
use squall_plan::FaultPlan;
use squall_record::{FaultMark, LogLevel};
use tokio::sync::mpsc::UnboundedSender;

use super::process::{Ended, LOOK, Process};
use super::shown;

/// The longest that taking something back is waited for.
const UNDO_BOUND: Nanos = Nanos::from_secs(30);

/// Something that happened to a fault.
#[derive(Debug)]
pub(in crate::commands) struct Report {
    /// When.
    pub(in crate::commands) at: Nanos,
    /// For the record; `None` for a fault that never began.
    pub(in crate::commands) mark: Option<FaultMark>,
    /// For the log.
    pub(in crate::commands) level: LogLevel,
    /// For the log.
    pub(in crate::commands) text: String,
}

impl Report {
    /// A fault for which no thread could be had.
    pub(super) fn never(id: u32, name: &str, at: Nanos, why: &str) -> Self {
        let outcome = format!("no thread could be started for it: {why}");
        let text = format!("Fault {name} failed: {outcome}");
        let mark = FaultMark { id, name: name.to_owned(), start: at, end: Some(at), failed: true, outcome };
        Self { at, mark: Some(mark), level: LogLevel::Error, text }
    }
}

/// What the thread of a fault needs.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) id: u32,
    pub(super) plan: Arc<FaultPlan>,
    pub(super) clock: RunClock,
    /// Ends when the load does.
    pub(super) stop: Receiver<()>,
    pub(super) reports: UnboundedSender<Report>,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    InTime,
    LoadOver,
}

impl Course {
    /// Live through it.
    pub(super) fn run(self) {
        let FaultPlan { name, run, undo, .. } = &*self.plan;
        if self.sleep_until(self.plan.at) == Woken::LoadOver {
            let text = format!("Fault {name}: not made, because the load ended before");
            self.tell(None, LogLevel::Warn, text);
            return;
        }
        let mut mark = FaultMark {
            id: self.id,
            name: name.clone(),
            start: self.clock.now(),
            end: None,
            failed: false,
            outcome: String::new(),
        };
        self.tell(Some(&mark), LogLevel::Info, format!("Fault {name}: {}", shown(run)));
        let ended = self.live(mark.start);
        mark.note(run, &ended);
        if !ended.well {
            self.tell(
                Some(&mark),
                LogLevel::Error,
                format!("Fault {name} failed: {} {}", shown(run), ended.words),
            );
        }
        let (level, text) = match undo {
            None => (LogLevel::Info, format!("Fault {name} is over: {} {}", shown(run), ended.words)),
            Some(undo) => {
                // Said before, because it may take a while; what failed has been said.
                let how =
                    if ended.well { format!("{} {}; ", shown(run), ended.words) } else { String::new() };
                let text = format!("Fault {name}: {how}taking it back: {}", shown(undo));
                self.tell(Some(&mark), LogLevel::Info, text);
                let ended = match Process::start(undo) {
                    Ok(process) => process.finish(UNDO_BOUND, &self.clock),
                    Err(ended) => ended,
                };
                mark.note(undo, &ended);
                let what = format!("{} {}", shown(undo), ended.words);
                if ended.well {
                    (LogLevel::Info, format!("Fault {name} is over: {what}"))
                } else {
                    (LogLevel::Error, format!("Fault {name} WAS NOT TAKEN BACK: {what}; do it by hand"))
                }
            }
        };
        mark.end = Some(self.clock.now());
        self.tell(Some(&mark), level, text);
    }

    /// Start `run` and stay until the fault is to end, whatever ends it; says how `run` ended.
    fn live(&self, start: Nanos) -> Ended {
        let until = self.plan.lasts.map(|lasts| start + lasts);
        // Nothing takes it back and it has no time of its own: it is as long as its command.
        let ends_with_command = self.plan.undo.is_none() && until.is_none();
        let mut process = match Process::start(&self.plan.run) {
            Ok(process) => process,
            Err(ended) => return ended,
        };
        let over = until.unwrap_or(Nanos::MAX);
        loop {
            if let Some(ended) = process.ended() {
                // What failed may have been done by half: it is taken back at once.
                if ended.well && !ends_with_command {
                    self.sleep_until(over);
                }
                return ended;
            }
            let next = self.clock.now() + Nanos::from(LOOK);
            if self.clock.now() >= over || self.sleep_until(next.min(over)) == Woken::LoadOver {
                return process.stop(&self.clock);
            }
        }
    }

    fn sleep_until(&self, moment: Nanos) -> Woken {
        loop {
            let left = moment.since(self.clock.now());
            // In pieces: no timer waits for ever.
            let piece = Duration::from(left).min(Duration::from_secs(3600));
            match self.stop.recv_timeout(piece) {
                Err(RecvTimeoutError::Timeout) if self.clock.now() < moment => {}
                Err(RecvTimeoutError::Timeout) => return Woken::InTime,
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Woken::LoadOver,
            }
        }
    }

    fn tell(&self, mark: Option<&FaultMark>, level: LogLevel, text: String) {
        // When nobody listens any more, there is still something to take back.
        let _ = self.reports.send(Report { at: self.clock.now(), mark: mark.cloned(), level, text });
    }
}

/// Of a fault, as it goes on.
trait Note {
    /// Add what came of a command.
    fn note(&mut self, command: &[String], ended: &Ended);
}

impl Note for FaultMark {
    fn note(&mut self, command: &[String], ended: &Ended) {
        self.failed |= !ended.well;
        if !self.outcome.is_empty() {
            self.outcome.push_str("; ");
        }
        self.outcome.push_str(&format!("{} {}", shown(command), ended.words));
    }
}
