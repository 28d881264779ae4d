//! The loop that drives a thread's time: wakes sleepers, checks deadlines at every heartbeat, starts and stops
//! users when they are due, hands out what arrives, and cuts a window at every whole second.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::mpsc::Receiver as RecycleReceiver;

use squall_core::Nanos;
use squall_http::Connector;
use squall_stats::Window;

use super::Thread;
use super::arrivals::Source;
use super::turns::Arrival;
use super::users::Life;
use crate::command::{Change, Command, Report, Share};
use crate::timers::UserKey;

/// Deadlines are checked, and loop lag is measured, this often.
const HEARTBEAT: Nanos = Nanos::from_millis(10);

/// What the loop keeps track of.
pub(super) struct Driver<C: Connector> {
    thread: Rc<Thread<C>>,
    index: usize,
    recycled: RecycleReceiver<Box<Window>>,
    pending: VecDeque<Share>,
    changes: VecDeque<Change>,
    /// What arrives in an open phase.
    source: Option<Source>,
    /// Users told to stop: when they are cut, and which life is meant.
    stopping: VecDeque<(Nanos, UserKey, u64)>,
    /// How long a user that is ramped down may take.
    stop_timeout: Nanos,
    window_start: Nanos,
    next_heartbeat: Nanos,
    /// Told to stop: no user starts any more.
    stopped: bool,
    idle_reported: bool,
}

impl<C: Connector + 'static> Driver<C> {
    pub(super) fn new(thread: Rc<Thread<C>>, index: usize, recycled: RecycleReceiver<Box<Window>>) -> Self {
        Self {
            index,
            recycled,
            pending: VecDeque::new(),
            changes: VecDeque::new(),
            source: None,
            stopping: VecDeque::new(),
            stop_timeout: thread.program.plan.load.stop_timeout,
            window_start: Nanos::ZERO,
            next_heartbeat: HEARTBEAT,
            stopped: false,
            idle_reported: false,
            thread,
        }
    }

    /// The next moment at which there is something to do.
    pub(super) fn next_wake(&self) -> Nanos {
        let sleep = self.thread.timers.next_sleep();
        let arrival = self.next_arrival();
        [self.next_change(), arrival, self.boundary(), sleep]
            .into_iter()
            .fold(self.next_heartbeat, Nanos::min)
    }

    pub(super) fn obey(&mut self, command: Command) {
        let life = match command {
            Command::Assign(share) => {
                self.pending.push_back(share);
                return;
            }
            Command::Stop { timeout: Nanos::ZERO } | Command::Cut => Life::Cut,
            Command::Stop { .. } => Life::Stopping,
            Command::Finish => return,
        };
        // What was due before belongs to the run.
        self.arrive_until(self.thread.clock.now());
        self.stopped = true;
        self.pending.clear();
        self.changes.clear();
        self.source = None;
        self.thread.close_arrivals();
        let users = self.thread.users.borrow().keys();
        users.into_iter().for_each(|key| self.thread.advance_life(key, life));
        self.report_idle();
    }

    /// Do everything that is due by `now`.
    pub(super) fn advance(&mut self, now: Nanos) {
        self.thread.timers.fire_sleeps(now);
        if now >= self.next_heartbeat {
            self.heartbeat(now);
        }
        // What is due at a whole second belongs to the window that begins there. A thread that slept through a
        // second gives its measurements to the first one and empty windows after.
        while now >= self.boundary() {
            self.change_until(self.boundary() - Nanos(1));
            self.cut_window(self.boundary(), false);
        }
        self.change_until(now);
    }

    /// Deliver the last window.
    pub(super) fn finish(&mut self, now: Nanos) {
        self.advance(now);
        self.cut_window(now, true);
    }

    fn boundary(&self) -> Nanos {
        self.window_start + Nanos::SECOND
    }

    fn heartbeat(&mut self, now: Nanos) {
        self.thread.timers.fire_deadlines(now);
        if self.thread.users.borrow().count() > 0 {
            self.thread.recorder.borrow_mut().loop_lag(now.since(self.next_heartbeat));
        }
        while self.next_heartbeat <= now {
            self.next_heartbeat += HEARTBEAT;
        }
        self.cut_overdue(now);
        self.thread.expire_arrivals(now);
        self.report_idle();
    }

    fn next_change(&self) -> Nanos {
        let share = self.pending.front().map_or(Nanos::MAX, |share| share.at);
        self.changes.front().map_or(Nanos::MAX, |change| change.due).min(share)
    }

    fn next_arrival(&self) -> Nanos {
        self.source.as_ref().map_or(Nanos::MAX, Source::due)
    }

    /// Apply assignments and changes that are due by `until`, and hand out what arrives, in their order.
    fn change_until(&mut self, until: Nanos) {
        loop {
            let change = self.next_change();
            self.arrive_until(until.min(change - Nanos(1)));
            if change > until {
                return;
            }
            let users = self.changes.front().map_or(Nanos::MAX, |change| change.due);
            match self.pending.pop_front_if(|share| share.at <= users) {
                Some(share) => self.begin(share),
                None => {
                    if let Some(change) = self.changes.pop_front() {
                        self.change(change);
                    }
                }
            }
        }
    }

    fn begin(&mut self, share: Share) {
        self.thread.phase.set(share.phase);
        self.changes.extend(share.changes);
        self.source = share.arrivals.map(|arrivals| Source::new(arrivals, share.phase, share.at, self.index));
        match &self.source {
            Some(source) => self.thread.open_arrivals(source),
            None => self.thread.close_arrivals(),
        }
    }

    fn arrive_until(&mut self, until: Nanos) {
        let Some(source) = &mut self.source else { return };
        while source.due() <= until {
            let arrival = Arrival { due: source.due(), phase: source.phase() };
            if let Some(class) = source.pop() {
                self.thread.arrive(class, arrival);
            }
        }
    }

    fn change(&mut self, change: Change) {
        if change.start {
            self.thread.start_user(change.slot, change.due);
            return;
        }
        let users = self.thread.users.borrow();
        let Some((key, alive)) = users.of(change.slot).and_then(|key| Some((key, users.get(key)?))) else {
            return;
        };
        drop(users);
        if self.stop_timeout == Nanos::ZERO {
            self.thread.advance_life(key, Life::Cut);
        } else {
            self.thread.advance_life(key, Life::Stopping);
            self.stopping.push_back((change.due + self.stop_timeout, key, alive.born));
        }
    }

    /// Cut users that were ramped down and did not end in time.
    fn cut_overdue(&mut self, now: Nanos) {
        while let Some((_, key, born)) = self.stopping.pop_front_if(|(at, ..)| *at <= now) {
            let alive = self.thread.users.borrow().get(key);
            if alive.is_some_and(|alive| alive.born == born) {
                self.thread.advance_life(key, Life::Cut);
            }
        }
    }

    fn report_idle(&mut self) {
        if self.stopped && !self.idle_reported && self.thread.users.borrow().count() == 0 {
            self.idle_reported = true;
            self.thread.report(Report::Idle { thread: self.index });
        }
    }

    fn cut_window(&mut self, end: Nanos, last: bool) {
        let mut recycled = self.recycled.try_recv().ok();
        if let Some(window) = &mut recycled {
            window.reset();
        }
        let mut window = self.thread.recorder.borrow_mut().cut(recycled);
        window.seq = self.window_start.whole_secs();
        window.start = self.window_start;
        window.span = end.since(self.window_start);
        window.phase = Some(self.thread.phase.get());
        self.window_start = end;
        self.thread.report(Report::Window { thread: self.index, window, last });
    }
}
