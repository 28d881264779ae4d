//! Everything measured in one second of the run: the only message from the data plane to the control plane.

use squall_core::{Nanos, PhaseId, UserClassId};

use crate::{Cell, CellKey, ErrorTable, Histogram};

/// What happened between `start` and `start + span`. A request is counted in the window in which it completed,
/// under the phase in which it started; windows never reopen.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Number of the window: whole seconds of the run.
    pub seq: u64,
    /// Where it begins.
    pub start: Nanos,
    /// How long it is: 1 s, except for the last one.
    pub span: Nanos,
    /// The phase in force at its end.
    pub phase: Option<PhaseId>,
    /// Users running at its end, by class.
    pub users: Vec<u32>,
    /// Runs and skips of every task, by `TaskId`.
    pub tasks: Vec<TaskCounts>,
    /// Send lag: how late requests left, through no fault of the server.
    pub send_lag: Histogram,
    /// Loop lag: how late a worker thread came to its heartbeat of every 10 ms, because it was busy.
    pub loop_lag: Histogram,
    /// Errors that happened in it.
    pub errors: ErrorTable,
    /// Requests begun in it.
    pub started: u64,
    /// Task iterations, by the phase they belong to and class.
    iterations: Vec<(PhaseId, Vec<Iterations>)>,
    cells: Vec<(CellKey, Cell)>,
}

/// What became of the task iterations of a class. In the closed model users offer one whenever they are free, so that
/// `offered` equals `started`; in the open model they arrive by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Iterations {
    /// Due to start.
    pub offered: u64,
    /// Begun by a user.
    pub started: u64,
    /// Run to their end, or skipped because something they need was missing.
    pub completed: u64,
    /// Given up, because no user was free in time.
    pub dropped: u64,
}

impl Iterations {
    /// Add what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.started += other.started;
        self.completed += other.completed;
        self.dropped += other.dropped;
    }

    /// Take away what was merged before.
    pub fn remove(&mut self, other: &Self) {
        self.offered -= other.offered;
        self.started -= other.started;
        self.completed -= other.completed;
        self.dropped -= other.dropped;
    }

    /// Share of those due that were given up, from 0 to 1; `None` when there were none. One that waits is due in one window
    /// and given up in a later one, so that in a part of a run more may be given up than are due: that is all of them.
    pub fn dropped_share(&self) -> Option<f64> {
        let due = self.offered.max(self.dropped);
        (due > 0).then(|| self.dropped as f64 / due as f64)
    }
}

/// What became of a task's turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// Times it ran to its end.
    pub runs: u64,
    /// Times it was its turn and a variable it needs held no value.
    pub skipped: u64,
}

impl Window {
    /// An empty window for `classes` user classes and `tasks` tasks.
    pub fn new(classes: usize, tasks: usize) -> Self {
        Self { users: vec![0; classes], tasks: vec![TaskCounts::default(); tasks], ..Self::default() }
    }

    /// The cells in which something was counted.
    pub fn cells(&self) -> impl Iterator<Item = (&CellKey, &Cell)> {
        self.cells.iter().filter(|(_, cell)| cell.count > 0).map(|(key, cell)| (key, cell))
    }

    /// The cell of `key`, new if there is none.
    pub fn cell_mut(&mut self, key: CellKey) -> &mut Cell {
        let position = self.cells.iter().position(|(k, _)| *k == key);
        let position = position.unwrap_or_else(|| self.add_cell(key));
        &mut self.cells[position].1
    }

    /// Append an empty cell and return its position. The caller has made sure that `key` is new.
    pub(crate) fn add_cell(&mut self, key: CellKey) -> usize {
        self.cells.push((key, Cell::default()));
        self.cells.len() - 1
    }

    pub(crate) fn cell_at(&mut self, position: usize) -> &mut Cell {
        &mut self.cells[position].1
    }

    pub(crate) fn cell_count(&self) -> usize {
        self.cells.len()
    }

    pub(crate) fn key_at(&self, position: usize) -> CellKey {
        self.cells[position].0
    }

    /// Task iterations by phase and class, where there were any.
    pub fn iterations(&self) -> impl Iterator<Item = (PhaseId, UserClassId, &Iterations)> {
        self.iterations.iter().flat_map(|(phase, classes)| {
            let counted = classes.iter().enumerate().filter(|(_, counts)| **counts != Iterations::default());
            counted.map(|(class, counts)| (*phase, UserClassId::from(class), counts))
        })
    }

    /// The counters of a phase and class.
    pub fn iterations_mut(&mut self, phase: PhaseId, class: UserClassId) -> &mut Iterations {
        // The last phase is nearly always the one.
        let position = self.iterations.iter().rposition(|(known, _)| *known == phase);
        let position = position.unwrap_or_else(|| {
            self.iterations.push((phase, vec![Iterations::default(); self.users.len()]));
            self.iterations.len() - 1
        });
        &mut self.iterations[position].1[class.index()]
    }

    /// Add another worker's measurements of the same second. Exact.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.users.iter_mut().zip(&other.users) {
            *mine += theirs;
        }
        self.merge_counts(other);
    }

    /// Join the next second onto this one, when a reader is too slow for single seconds. Exact but for the
    /// time resolution; users and phase are those of the later window.
    pub fn extend(&mut self, later: &Self) {
        self.span = (later.start + later.span).since(self.start);
        self.users.clone_from(&later.users);
        self.phase = later.phase;
        self.merge_counts(later);
    }

    fn merge_counts(&mut self, other: &Self) {
        for (mine, theirs) in self.tasks.iter_mut().zip(&other.tasks) {
            mine.runs += theirs.runs;
            mine.skipped += theirs.skipped;
        }
        self.started += other.started;
        for (phase, class, counts) in other.iterations() {
            self.iterations_mut(phase, class).merge(counts);
        }
        self.send_lag.merge(&other.send_lag);
        self.loop_lag.merge(&other.loop_lag);
        self.errors.merge(&other.errors);
        for (key, cell) in other.cells() {
            self.cell_mut(*key).merge(cell);
        }
    }

    /// Forget everything, keep the memory: the window goes back to the worker that filled it.
    pub fn reset(&mut self) {
        self.users.fill(0);
        self.tasks.fill(TaskCounts::default());
        self.send_lag.reset();
        self.loop_lag.reset();
        self.errors.clear();
        self.started = 0;
        self.iterations.iter_mut().for_each(|(_, classes)| classes.fill(Iterations::default()));
        self.phase = None;
        for (_, cell) in &mut self.cells {
            cell.reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_all_are_given_up_and_of_none_there_is_no_share() {
        let share =
            |offered, dropped| Iterations { offered, dropped, ..Iterations::default() }.dropped_share();
        assert_eq!(share(0, 0), None);
        assert_eq!(share(8, 2), Some(0.25));
        // Due before, given up now.
        assert_eq!((share(1, 3), share(0, 3)), (Some(1.0), Some(1.0)));
    }
}
