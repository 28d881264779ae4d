//! What waits for the disk: bounded, never blocking whoever adds to it.
//!
//! At most [`MAX_WINDOWS`] windows wait; when the disk is slower, the newest is joined onto the one before it,
//! so that totals stay exact and only the resolution in time suffers. What could not be written stays here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use squall_core::PhaseId;
use squall_stats::Window;

use crate::{End, Error, FaultMark, LogLevel, LogLine, Mark, PhaseMark, Point};

/// Windows that may wait: eight seconds of a run.
pub(crate) const MAX_WINDOWS: usize = 8;
/// Log lines that may wait; further ones are counted and their number is logged.
const MAX_LINES: usize = 1_000;
/// Samples that may wait: minutes of a hundred series. Further ones are dropped, which leaves a gap that is seen.
const MAX_SAMPLES: usize = 50_000;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    windows: VecDeque<Arc<Window>>,
    phases: BTreeMap<PhaseId, PhaseMark>,
    started: Option<jiff::Timestamp>,
    marks: Vec<Mark>,
    samples: Vec<(u32, Point)>,
    faults: BTreeMap<u32, FaultMark>,
    log: Vec<LogLine>,
    lines_dropped: u64,
    samples_dropped: u64,
    merged: u64,
    merged_written: u64,
    end: Option<End>,
    closing: bool,
    /// After an error: wait until something happens before trying again.
    stalled: bool,
    failed: Option<String>,
}

/// What is written in one transaction.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) window: Option<Arc<Window>>,
    pub(crate) phases: BTreeMap<PhaseId, PhaseMark>,
    /// Wall time at run time zero, when it is news.
    pub(crate) started: Option<jiff::Timestamp>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) samples: Vec<(u32, Point)>,
    pub(crate) faults: BTreeMap<u32, FaultMark>,
    pub(crate) log: Vec<LogLine>,
    /// Windows merged so far, when that number is new.
    pub(crate) merged: Option<u64>,
    pub(crate) end: Option<End>,
    /// Nothing will come that would give reason to try again.
    pub(crate) last_attempt: bool,
}

impl Queue {
    pub(crate) fn push_window(&self, window: Arc<Window>) {
        self.change(|state| {
            let full = state.windows.len() >= MAX_WINDOWS;
            match state.windows.back_mut().filter(|_| full) {
                Some(last) => {
                    // Shared with the caller only the first time: then this copies it once.
                    Arc::make_mut(last).extend(&window);
                    state.merged += 1;
                }
                None => state.windows.push_back(window),
            }
        });
    }

    pub(crate) fn push_phase(&self, phase: PhaseMark) {
        self.change(|state| {
            state.phases.insert(phase.id, phase);
        });
    }

    pub(crate) fn set_started(&self, at: jiff::Timestamp) {
        self.change(|state| state.started = Some(at));
    }

    pub(crate) fn push_mark(&self, mark: Mark) {
        self.change(|state| state.marks.push(mark));
    }

    /// Samples are written with the next window, so that a chatty monitor makes no transactions of its own.
    pub(crate) fn push_sample(&self, series: u32, point: Point) {
        let mut state = self.lock();
        if state.samples.len() < MAX_SAMPLES {
            state.samples.push((series, point));
        } else {
            state.samples_dropped += 1;
        }
    }

    pub(crate) fn push_fault(&self, fault: FaultMark) {
        self.change(|state| {
            state.faults.insert(fault.id, fault);
        });
    }

    pub(crate) fn push_log(&self, line: LogLine) {
        self.change(|state| {
            if state.log.len() < MAX_LINES {
                state.log.push(line);
            } else {
                state.lines_dropped += 1;
            }
        });
    }

    pub(crate) fn failed(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    /// Nothing more will come.
    pub(crate) fn close(&self, end: Option<End>) {
        self.change(|state| {
            state.end = end;
            state.closing = true;
        });
    }

    /// Wait for something to write; `None` when all is written and nothing more will come.
    pub(crate) fn next(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            if !state.stalled && state.has_work() {
                return Some(state.take());
            }
            if state.closing && !state.has_work() {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The batch is on the disk.
    pub(crate) fn written(&self, batch: &Batch) {
        let mut state = self.lock();
        if batch.window.is_some() {
            state.windows.pop_front();
        }
        if batch.end.is_some() {
            state.end = None;
        }
        state.merged_written = batch.merged.unwrap_or(state.merged_written);
    }

    /// The batch is not on the disk: keep it for another attempt.
    pub(crate) fn not_written(&self, batch: Batch, error: &Error) {
        let mut state = self.lock();
        for (id, phase) in batch.phases {
            state.phases.entry(id).or_insert(phase);
        }
        state.started = state.started.or(batch.started);
        for (id, fault) in batch.faults {
            state.faults.entry(id).or_insert(fault);
        }
        let samples = std::mem::take(&mut state.samples);
        state.samples = [batch.samples, samples].concat();
        let (marks, log) = (std::mem::take(&mut state.marks), std::mem::take(&mut state.log));
        state.marks = [batch.marks, marks].concat();
        state.log = [batch.log, log].concat();
        // Once closed, nothing happens any more that would end the stall: the last attempt follows at once.
        state.stalled = !state.closing;
        state.failed.get_or_insert_with(|| error.to_string());
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        state.stalled = false;
        drop(state);
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic, so a poisoned state is a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_work(&self) -> bool {
        !self.windows.is_empty()
            || !self.phases.is_empty()
            || self.started.is_some()
            || !self.marks.is_empty()
            || !self.faults.is_empty()
            || (self.closing && !self.samples.is_empty())
            || !self.log.is_empty()
            || self.end.is_some()
    }

    /// The window stays in the queue until it is written; it cannot change there, because only the last one of
    /// a full queue does.
    fn take(&mut self) -> Batch {
        let mut log = std::mem::take(&mut self.log);
        if let (Some(last), 1..) = (log.last(), self.lines_dropped) {
            let text = format!("{} lines were dropped: the record could not be written", self.lines_dropped);
            log.push(LogLine { at: last.at, level: LogLevel::Warn, text });
            self.lines_dropped = 0;
        }
        if let (Some((_, last)), 1..) = (self.samples.last(), self.samples_dropped) {
            let text =
                format!("{} samples were dropped: the record could not be written", self.samples_dropped);
            log.push(LogLine { at: last.at, level: LogLevel::Warn, text });
            self.samples_dropped = 0;
        }
        Batch {
            window: self.windows.front().cloned(),
            phases: std::mem::take(&mut self.phases),
            started: self.started.take(),
            marks: std::mem::take(&mut self.marks),
            samples: std::mem::take(&mut self.samples),
            faults: std::mem::take(&mut self.faults),
            log,
            merged: (self.merged > self.merged_written).then_some(self.merged),
            end: self.end.clone().filter(|_| self.windows.len() <= 1),
            last_attempt: self.closing,
        }
    }
}

#[cfg(test)]
mod tests {
    use squall_core::{EndReason, EndpointId, Nanos, OutcomeKind, UserClassId};
    use squall_stats::{CellKey, PageReserve, Sample};

    use super::*;

    fn window(second: u64) -> Arc<Window> {
        let mut window = Window::new(1, 1);
        (window.seq, window.start) = (second, Nanos::from_secs(second));
        window.span = Nanos::SECOND;
        window.started = second;
        window.tasks[0].runs = 1;
        let key = CellKey {
            phase: PhaseId(0),
            class: UserClassId(0),
            endpoint: EndpointId(0),
            outcome: OutcomeKind::Ok,
        };
        let sample = Sample { response: Nanos::from_millis(second + 1), ..Sample::default() };
        window.cell_mut(key).record(&sample, &mut PageReserve::default());
        Arc::new(window)
    }

    fn drain(queue: &Queue) -> Vec<Batch> {
        std::iter::from_fn(|| {
            let batch = queue.next()?;
            queue.written(&batch);
            Some(batch)
        })
        .collect()
    }

    #[test]
    fn a_full_queue_merges_and_loses_nothing() {
        let queue = Queue::default();
        let pushed: Vec<_> = (0..20).map(window).collect();
        pushed.iter().for_each(|window| queue.push_window(Arc::clone(window)));
        queue.close(Some(End { reason: EndReason::Completed, at: Nanos::from_secs(20) }));

        let batches = drain(&queue);
        let windows: Vec<_> = batches.iter().filter_map(|batch| batch.window.as_deref()).collect();
        assert_eq!(windows.len(), MAX_WINDOWS);
        assert_eq!(windows[7].start, Nanos::from_secs(7));
        assert_eq!(windows[7].start + windows[7].span, Nanos::from_secs(20), "the last one covers the rest");
        assert_eq!(windows.iter().map(|w| w.started).sum::<u64>(), (0..20).sum::<u64>());
        assert_eq!(windows.iter().map(|w| w.tasks[0].runs).sum::<u64>(), 20);
        let mut all = squall_stats::Histogram::default();
        windows.iter().flat_map(|w| w.cells()).for_each(|(_, cell)| all.merge(&cell.response));
        let mut expected = squall_stats::Histogram::default();
        (0..20).for_each(|second| expected.record(Nanos::from_millis(second + 1)));
        assert_eq!(all.buckets().collect::<Vec<_>>(), expected.buckets().collect::<Vec<_>>());
        assert_eq!(batches[0].merged, Some(12));
        assert!(batches[..7].iter().all(|batch| batch.end.is_none()) && batches[7].end.is_some());
        assert_eq!(pushed[7].span, Nanos::SECOND, "the caller's window is untouched");
    }

    #[test]
    fn what_was_not_written_is_tried_again_with_what_came_since() {
        let queue = Queue::default();
        let phase = |end| PhaseMark {
            id: PhaseId(0),
            name: "peak".into(),
            start: Nanos::ZERO,
            ramped: None,
            end,
            measured: true,
            users: 1,
        };
        queue.push_window(window(0));
        queue.push_phase(phase(None));
        queue.push_mark(Mark { at: Nanos(1), kind: crate::MarkKind::Reset, note: String::new() });
        let batch = queue.next().unwrap();
        queue.push_phase(phase(Some(Nanos(9))));
        queue.not_written(batch, &Error::WriterDied);
        assert!(queue.failed().is_some());

        queue.push_mark(Mark { at: Nanos(2), kind: crate::MarkKind::Reset, note: String::new() });
        let again = queue.next().unwrap();
        assert_eq!(again.window.as_ref().unwrap().seq, 0);
        assert_eq!(again.phases[&PhaseId(0)].end, Some(Nanos(9)), "the newer mark wins");
        assert_eq!(again.marks.iter().map(|mark| mark.at.0).collect::<Vec<_>>(), [1, 2]);
        queue.written(&again);
        assert!(queue.failed().is_some(), "a failure is remembered");
        queue.close(None);
        assert!(queue.next().is_none());
    }

    #[test]
    fn closing_while_a_write_fails_still_ends() {
        let queue = Queue::default();
        queue.push_window(window(0));
        let batch = queue.next().unwrap();
        assert!(!batch.last_attempt);
        queue.close(None);
        queue.not_written(batch, &Error::WriterDied);
        assert!(queue.next().unwrap().last_attempt, "and the thread does not wait for ever");
    }

    #[test]
    fn samples_wait_for_a_window_or_for_the_end() {
        let queue = Queue::default();
        let point = |at| Point { at: Nanos(at), value: Some(1.5) };
        queue.push_sample(0, point(1));
        queue.push_window(window(0));
        let batch = queue.next().unwrap();
        assert_eq!(batch.samples, [(0, point(1))]);
        queue.not_written(batch, &Error::WriterDied);
        queue.push_sample(1, point(2));
        queue.close(None);
        let batches = drain(&queue);
        assert_eq!(batches[0].samples, [(0, point(1)), (1, point(2))], "kept for another attempt, in order");
        assert_eq!(batches.len(), 1);
    }

    #[test]
    fn samples_beyond_the_bound_are_counted() {
        let queue = Queue::default();
        for n in 0..MAX_SAMPLES as u64 + 3 {
            queue.push_sample(0, Point { at: Nanos(n), value: None });
        }
        queue.push_window(window(0));
        let batch = queue.next().unwrap();
        assert_eq!(batch.samples.len(), MAX_SAMPLES);
        assert!(batch.log[0].text.starts_with("3 samples were dropped"), "{:?}", batch.log);
    }

    #[test]
    fn lines_beyond_the_bound_are_counted() {
        let queue = Queue::default();
        for n in 0..MAX_LINES as u64 + 5 {
            queue.push_log(LogLine { at: Nanos(n), level: LogLevel::Info, text: "again".into() });
        }
        let batch = queue.next().unwrap();
        assert_eq!(batch.log.len(), MAX_LINES + 1);
        assert!(batch.log[MAX_LINES].text.starts_with("5 lines were dropped"));
    }
}
