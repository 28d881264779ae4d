//! A run as it is read back: what was asked, where it ran, and everything that was measured.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use squall_core::{EndReason, EndpointId, Nanos, PhaseId, UserClassId};
use squall_plan::{Endpoint, Plan, Unit};
use squall_stats::{CellKey, ErrorTable, Histogram, Iterations, Summary, TaskCounts, Window};

use crate::Environment;

/// A recorded run. Every number of a report comes from here.
#[derive(Clone, Debug)]
pub struct Run {
    /// The version of squall that made it.
    pub squall_version: String,
    /// What was run. Secrets are masked and feeds have no rows: enough to judge and report, not to repeat.
    pub plan: Plan,
    /// The resolved settings, as the caller gave them.
    pub settings: Value,
    /// The machine the load came from.
    pub environment: Environment,
    /// Wall time at run time zero: the one anchor between the two clocks.
    pub started: jiff::Timestamp,
    /// The phases, in the order they began.
    pub phases: Vec<PhaseMark>,
    /// What was measured, in the order of time. Not every window is one second long: see `merged_windows`.
    pub windows: Vec<Window>,
    /// Moments worth knowing.
    pub marks: Vec<Mark>,
    /// What was watched, in the order of `Plan::series`; records of format 1 have none.
    pub series: Vec<Series>,
    /// What was broken on purpose, in the order it began.
    pub faults: Vec<FaultMark>,
    /// What was said during the run.
    pub log: Vec<LogLine>,
    /// How it ended; `None` when it was cut off (killed, power lost) or still runs.
    pub end: Option<End>,
    /// Windows that were joined onto an earlier one because the disk was too slow.
    pub merged_windows: u64,
}

/// A phase as it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseMark {
    /// Position in the order in which phases began.
    pub id: PhaseId,
    /// As in the plan; `edit-N` for a live edit.
    pub name: String,
    /// When it began.
    pub start: Nanos,
    /// When the users reached the number asked for; `None` when they never did, or not yet.
    pub ramped: Option<Nanos>,
    /// When it gave way to the next phase, or the load ended; draining is no part of it. `None` while it lasts.
    pub end: Option<Nanos>,
    /// False for a warm-up.
    pub measured: bool,
    /// Users asked for.
    pub users: u32,
}

/// A moment worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Nanos,
    /// What.
    pub kind: MarkKind,
    /// More about it, in words; may be empty.
    pub note: String,
}

/// What a [`Mark`] marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// Somebody reset the statistics: readers may start from here, nothing is erased.
    Reset,
    /// A worker (a thread, or another machine's process) is gone; the note says which and with what share.
    WorkerLost,
}

/// A monitored number in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Full name, e.g. `process.rss`.
    pub name: String,
    /// Unit of its values.
    pub unit: Unit,
    /// In the order of time. One sample for each time the monitor was due.
    pub samples: Vec<Point>,
}

/// One sample of a [`Series`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When.
    pub at: Nanos,
    /// The value; `None` when the monitor could not tell: a gap.
    pub value: Option<f64>,
}

impl Series {
    /// The values without the gaps, as (moment, value).
    pub fn values(&self) -> impl Iterator<Item = (Nanos, f64)> {
        self.samples.iter().filter_map(|point| Some((point.at, point.value?)))
    }
}

/// A fault as it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultMark {
    /// Index into `Plan::faults`.
    pub id: u32,
    /// As the plan calls it.
    pub name: String,
    /// When its command was started.
    pub start: Nanos,
    /// When it was over: undone, or its command done where nothing undoes it. `None` while it lasts.
    pub end: Option<Nanos>,
    /// True when one of its commands could not be run or reported an error.
    pub failed: bool,
    /// What came of its commands, in words.
    pub outcome: String,
}

/// A line of the run's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Nanos,
    /// How serious.
    pub level: LogLevel,
    /// The line.
    pub text: String,
}

/// How serious a [`LogLine`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For whoever looks for a fault in squall.
    Debug,
    /// Good to know.
    Info,
    /// Worth a look.
    Warn,
    /// Something went wrong.
    Error,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// When, draining included.
    pub at: Nanos,
}

impl Run {
    /// How long it ran, draining included: up to its end, or up to its last window when it was cut off.
    pub fn duration(&self) -> Nanos {
        let measured = self.windows.iter().map(|w| w.start + w.span).max().unwrap_or(Nanos::ZERO);
        self.end.as_ref().map_or(measured, |end| end.at)
    }

    /// True when the run has no end: it was killed, or still runs.
    pub fn was_cut_off(&self) -> bool {
        self.end.is_none()
    }

    /// True when a signal ended the run before its run time was over. A run without a run time has no other end.
    pub fn was_interrupted(&self) -> bool {
        let signalled = matches!(
            self.end.as_ref().map(|end| &end.reason),
            Some(EndReason::Interrupted | EndReason::Terminated)
        );
        signalled && self.plan.load.run_time().is_some()
    }

    /// True when the run ended as planned.
    pub fn reached_its_end(&self) -> bool {
        match self.end.as_ref().map(|end| &end.reason) {
            Some(EndReason::Completed) => true,
            Some(EndReason::Interrupted | EndReason::Terminated) => !self.was_interrupted(),
            Some(EndReason::Aborted(_)) | None => false,
        }
    }

    /// Wall time at a moment of the run.
    pub fn wall(&self, at: Nanos) -> jiff::Timestamp {
        let span = jiff::SignedDuration::from_nanos(i64::try_from(at.0).unwrap_or(i64::MAX));
        self.started.checked_add(span).unwrap_or(jiff::Timestamp::MAX)
    }

    /// The last statistics reset.
    pub fn last_reset(&self) -> Option<Nanos> {
        self.marks.iter().rev().find(|mark| mark.kind == MarkKind::Reset).map(|mark| mark.at)
    }

    /// The phase with this id.
    pub fn phase(&self, id: PhaseId) -> Option<&PhaseMark> {
        self.phases.iter().find(|phase| phase.id == id)
    }

    /// The largest number of users at the end of any window.
    pub fn peak_users(&self) -> u32 {
        self.windows.iter().map(|w| w.users.iter().sum()).max().unwrap_or(0)
    }

    /// All requests that `filter` lets through, in one summary.
    pub fn summary(&self, filter: impl Fn(&CellKey) -> bool) -> Summary {
        self.summaries(|key| filter(key).then_some(())).remove(&()).unwrap_or_default()
    }

    /// Requests grouped by whatever `group` makes of their key, in one pass; `None` leaves a request out.
    pub fn summaries<K: Ord>(&self, group: impl Fn(&CellKey) -> Option<K>) -> BTreeMap<K, Summary> {
        let mut summaries = BTreeMap::new();
        for (key, cell) in self.windows.iter().flat_map(Window::cells) {
            if let Some(group) = group(key) {
                summaries.entry(group).or_insert_with(Summary::default).add(key.outcome, cell);
            }
        }
        summaries
    }

    /// The endpoints that were requested, with all their requests, in the plan's order.
    pub fn endpoints(&self) -> impl Iterator<Item = (EndpointId, &Endpoint, Summary)> {
        let by_endpoint = self.summaries(|key| Some(key.endpoint));
        by_endpoint.into_iter().filter_map(|(id, summary)| {
            self.plan.endpoints.get(id.index()).map(|endpoint| (id, endpoint, summary))
        })
    }

    /// Every error of the run.
    pub fn errors(&self) -> ErrorTable {
        let mut errors = ErrorTable::default();
        for window in &self.windows {
            errors.merge(&window.errors);
        }
        errors
    }

    /// The series of that full name.
    pub fn series(&self, name: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.name == name)
    }

    /// Task iterations of the phases and classes that `filter` lets through.
    pub fn iterations(&self, filter: impl Fn(PhaseId, UserClassId) -> bool) -> Iterations {
        let mut sum = Iterations::default();
        for (phase, class, counts) in self.windows.iter().flat_map(Window::iterations) {
            if filter(phase, class) {
                sum.merge(counts);
            }
        }
        sum
    }

    /// Runs and skips of every task, by `TaskId`.
    pub fn tasks(&self) -> Vec<TaskCounts> {
        let mut tasks = vec![TaskCounts::default(); self.plan.tasks().count()];
        for (task, counts) in self.windows.iter().flat_map(|w| w.tasks.iter().enumerate()) {
            if let Some(total) = tasks.get_mut(task) {
                total.runs += counts.runs;
                total.skipped += counts.skipped;
            }
        }
        tasks
    }

    /// Send lag of the whole run: how late requests left, through no fault of the server.
    pub fn send_lag(&self) -> Histogram {
        merged(self.windows.iter().map(|w| &w.send_lag))
    }

    /// Loop lag of the whole run: how long a worker thread took from one look at its sockets to the next.
    pub fn loop_lag(&self) -> Histogram {
        merged(self.windows.iter().map(|w| &w.loop_lag))
    }
}

fn merged<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Histogram {
    histograms.fold(Histogram::default(), |mut all, one| {
        all.merge(one);
        all
    })
}
