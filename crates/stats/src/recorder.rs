//! Where a worker thread counts: dense tables, no lock, no allocation for what was seen before.

use squall_core::{EndpointId, Nanos, OutcomeKind, PhaseId, TaskId, UserClassId};

use crate::{CellKey, Iterations, PageReserve, Sample, Window};

/// Pages held ready between two windows: 64 KiB a thread.
const RESERVE: usize = 64;
const KINDS: usize = OutcomeKind::ALL.len();

/// The (class, endpoint) pairs that can occur in a plan. A pair's position is its *site*: requests name their
/// site, so that finding their cell is an index and not a search.
#[derive(Clone, Debug, Default)]
pub struct Sites(Vec<(UserClassId, EndpointId)>);

impl Sites {
    /// The site of a pair, added when it is new.
    pub fn intern(&mut self, class: UserClassId, endpoint: EndpointId) -> u32 {
        let found = self.0.iter().position(|&site| site == (class, endpoint));
        found.unwrap_or_else(|| {
            self.0.push((class, endpoint));
            self.0.len() - 1
        }) as u32
    }

    /// The pair at a site.
    pub fn get(&self, site: u32) -> (UserClassId, EndpointId) {
        self.0[site as usize]
    }
}

/// Counts into the current window of one worker thread.
#[derive(Debug)]
pub struct Recorder {
    sites: Sites,
    window: Box<Window>,
    /// Position + 1 of the window's cell, by phase, site and kind; 0 where there is none yet.
    index: Vec<u32>,
    reserve: PageReserve,
}

impl Recorder {
    /// A recorder for the sites of a plan; `classes` and `tasks` size its windows.
    pub fn new(sites: Sites, classes: usize, tasks: usize) -> Self {
        let mut reserve = PageReserve::default();
        reserve.refill(RESERVE);
        Self { sites, window: Box::new(Window::new(classes, tasks)), index: Vec::new(), reserve }
    }

    /// Count one finished request.
    pub fn record(&mut self, phase: PhaseId, site: u32, kind: OutcomeKind, sample: &Sample) {
        let slot = (phase.index() * self.sites.0.len() + site as usize) * KINDS + kind.index();
        let position = match self.index.get(slot) {
            Some(&position) if position > 0 => position as usize - 1,
            _ => self.open_cell(slot, phase, site, kind),
        };
        self.window.cell_at(position).record(sample, &mut self.reserve);
    }

    #[cold]
    fn open_cell(&mut self, slot: usize, phase: PhaseId, site: u32, kind: OutcomeKind) -> usize {
        if self.index.len() <= slot {
            self.index.resize((phase.index() + 1) * self.sites.0.len() * KINDS, 0);
        }
        let (class, endpoint) = self.sites.get(site);
        let position = self.window.add_cell(CellKey { phase, class, endpoint, outcome: kind });
        self.index[slot] = position as u32 + 1;
        position
    }

    /// Count how late a request left.
    pub fn send_lag(&mut self, lag: Nanos) {
        self.window.send_lag.record_with(lag, &mut self.reserve);
    }

    /// Count how late the thread came to a heartbeat.
    pub fn loop_lag(&mut self, lag: Nanos) {
        self.window.loop_lag.record_with(lag, &mut self.reserve);
    }

    /// Count a request that begins.
    pub fn started(&mut self) {
        self.window.started += 1;
    }

    /// The counters of the task iterations of a phase and class.
    pub fn iterations(&mut self, phase: PhaseId, class: UserClassId) -> &mut Iterations {
        self.window.iterations_mut(phase, class)
    }

    /// Count a task that ran to its end.
    pub fn task_ran(&mut self, task: TaskId) {
        self.window.tasks[task.index()].runs += 1;
    }

    /// Count a task that was skipped.
    pub fn task_skipped(&mut self, task: TaskId) {
        self.window.tasks[task.index()].skipped += 1;
    }

    /// The table of errors of the current window.
    pub fn errors(&mut self) -> &mut crate::ErrorTable {
        &mut self.window.errors
    }

    /// Users that start or stop on this thread.
    pub fn users(&mut self) -> &mut [u32] {
        &mut self.window.users
    }

    /// End the current window and begin the next. `recycled` is an earlier window of this recorder, reset; with
    /// it the next window needs no memory. The users carry over.
    pub fn cut(&mut self, recycled: Option<Box<Window>>) -> Box<Window> {
        self.reserve.refill(RESERVE);
        let next = recycled
            .unwrap_or_else(|| Box::new(Window::new(self.window.users.len(), self.window.tasks.len())));
        let done = std::mem::replace(&mut self.window, next);
        self.window.users.clone_from(&done.users);
        self.reindex();
        done
    }

    /// The index describes the window in use: windows differ in which cells they have opened.
    fn reindex(&mut self) {
        self.index.fill(0);
        for position in 0..self.window.cell_count() {
            let key = self.window.key_at(position);
            let site = self.sites.0.iter().position(|&site| site == (key.class, key.endpoint));
            let site = site.expect("a window comes back to the recorder that filled it");
            let slot = (key.phase.index() * self.sites.0.len() + site) * KINDS + key.outcome.index();
            if self.index.len() <= slot {
                self.index.resize((key.phase.index() + 1) * self.sites.0.len() * KINDS, 0);
            }
            self.index[slot] = position as u32 + 1;
        }
    }

    /// The cell of a key in the current window; for tests.
    #[cfg(test)]
    fn peek(&mut self, key: CellKey) -> &mut crate::Cell {
        self.window.cell_mut(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ms: u64) -> Sample {
        Sample { response: Nanos::from_millis(ms), attempts: 1, ..Sample::default() }
    }

    #[test]
    fn windows_alternate_and_nothing_is_counted_twice() {
        let mut sites = Sites::default();
        let site = sites.intern(UserClassId(0), EndpointId(3));
        let other = sites.intern(UserClassId(1), EndpointId(3));
        assert_eq!(sites.intern(UserClassId(0), EndpointId(3)), site);
        let mut recorder = Recorder::new(sites, 2, 1);
        recorder.users()[1] = 7;

        recorder.record(PhaseId(0), site, OutcomeKind::Ok, &sample(1));
        recorder.record(PhaseId(0), site, OutcomeKind::Ok, &sample(2));
        recorder.record(PhaseId(1), other, OutcomeKind::Failed, &sample(3));
        let mut first = recorder.cut(None);
        assert_eq!(first.cells().map(|(_, c)| c.count).sum::<u64>(), 3);

        recorder.record(PhaseId(1), other, OutcomeKind::Failed, &sample(4));
        first.reset();
        let second = recorder.cut(Some(first));
        assert_eq!(second.cells().map(|(_, c)| c.count).collect::<Vec<_>>(), [1]);
        assert_eq!(second.users, [0, 7]);

        let key = CellKey {
            phase: PhaseId(1),
            class: UserClassId(1),
            endpoint: EndpointId(3),
            outcome: OutcomeKind::Failed,
        };
        recorder.record(PhaseId(1), other, OutcomeKind::Failed, &sample(5));
        assert_eq!(recorder.peek(key).response_max, Nanos::from_millis(5));
        assert_eq!(recorder.cut(None).cells().count(), 1, "the recycled window reuses its cells");
    }
}
