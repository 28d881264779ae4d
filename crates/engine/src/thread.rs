//! One worker thread: its users, their shared resources, and the loop that drives time.
//!
//! Everything here belongs to one thread. Commands come in and windows go out by message; the loop itself does
//! four things: wakes sleepers, checks deadlines every [`HEARTBEAT`], starts and stops users when they are due,
//! and cuts a window at every whole second.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Receiver as RecycleReceiver;
use std::task::Poll;
use std::time::Duration;

use squall_core::{Nanos, PhaseId, Slot};
use squall_http::{Client, ClientConfig, Connector, Tls};
use squall_plan::{FeedOrder, Plan};
use squall_stats::{ErrorKey, MAX_ERRORS, MAX_SAMPLES, Recorder, Window};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::alarm::Alarm;
use crate::clock::RunClock;
use crate::command::{Assignment, Change, Command, Report};
use crate::program::Program;
use crate::timers::{Timers, UserKey};
use crate::user::User;

/// Deadlines are checked, and loop lag is measured, this often.
const HEARTBEAT: Nanos = Nanos::from_millis(10);

/// How far a user's life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    /// Finish the current task, then `on_stop`, then end.
    Stopping,
    /// End now.
    Cut,
}

/// Buffers for one request in flight.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) target: Vec<u8>,
    pub(crate) headers: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Scratch {
    pub(crate) fn clear(&mut self) {
        self.target.clear();
        self.headers.clear();
        self.body.clear();
    }
}

/// What the users of a thread share.
pub(crate) struct Thread<C: Connector> {
    pub(crate) program: Program,
    pub(crate) clock: RunClock,
    pub(crate) timers: Timers,
    pub(crate) recorder: RefCell<Recorder>,
    pub(crate) client: Client<C>,
    alarm: Alarm,
    phase: Cell<PhaseId>,
    users: RefCell<Users>,
    scratch: RefCell<Vec<Scratch>>,
    sampling: RefCell<Sampling>,
    warned: RefCell<HashSet<String>>,
    loopback: bool,
    reports: UnboundedSender<Report>,
}

#[derive(Default)]
struct Users {
    lives: Vec<Life>,
    free: Vec<UserKey>,
    by_slot: HashMap<Slot, UserKey>,
}

/// Which errors still want samples. Lives as long as the thread: the bound holds for the whole run.
#[derive(Default)]
struct Sampling {
    taken: HashMap<ErrorKey, usize>,
    /// By site: read the next response, it may become a sample.
    wanted: Vec<bool>,
}

/// What a thread is started with.
pub(crate) struct ThreadConfig {
    /// Its number.
    pub(crate) index: usize,
    pub(crate) clock: RunClock,
    pub(crate) tls: Tls,
    pub(crate) alarm: Alarm,
    pub(crate) loopback: bool,
}

/// The ends of a thread's channels.
pub(crate) struct Channels {
    pub(crate) commands: UnboundedReceiver<Command>,
    pub(crate) reports: UnboundedSender<Report>,
    pub(crate) recycled: RecycleReceiver<Box<Window>>,
}

impl<C: Connector + 'static> Thread<C> {
    pub(crate) fn phase(&self) -> PhaseId {
        self.phase.get()
    }

    pub(crate) fn wall_now(&self) -> Duration {
        self.clock.since_epoch(self.clock.now())
    }

    pub(crate) fn life(&self, key: UserKey) -> Life {
        self.users.borrow().lives[key as usize]
    }

    /// Sleep until `until`, or until `leave` finds a reason not to.
    pub(crate) async fn sleep<E>(
        &self,
        key: UserKey,
        until: Nanos,
        leave: impl Fn(Life) -> Option<E>,
    ) -> Result<(), E> {
        if self.timers.sleep_until(key, until) {
            self.timers.set_alarm(until);
            self.alarm.set(&self.clock, until);
        }
        poll_fn(|_| {
            if let Some(reason) = leave(self.life(key)) {
                return Poll::Ready(Err(reason));
            }
            if self.timers.slept(key) { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    pub(crate) fn take_scratch(&self) -> Scratch {
        self.scratch.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn put_scratch(&self, scratch: Scratch) {
        self.scratch.borrow_mut().push(scratch);
    }

    /// Should the response of the next request at this site be read, for a sample of an error seen there?
    pub(crate) fn wants_sample(&self, site: u32) -> bool {
        self.sampling.borrow().wanted.get(site as usize).copied().unwrap_or(false)
    }

    /// Is this occurrence one of the few that are kept as samples?
    pub(crate) fn takes_sample(&self, key: ErrorKey, site: u32) -> bool {
        let mut sampling = self.sampling.borrow_mut();
        let Sampling { taken, wanted } = &mut *sampling;
        if !taken.contains_key(&key) && taken.len() >= MAX_ERRORS {
            return false;
        }
        let count = taken.entry(key).or_default();
        *count += 1;
        if wanted.len() <= site as usize {
            wanted.resize(site as usize + 1, false);
        }
        wanted[site as usize] = *count < MAX_SAMPLES;
        *count <= MAX_SAMPLES
    }

    /// Say something once in the thread's life.
    pub(crate) fn warn_once(&self, what: &dyn std::fmt::Display) {
        let text = what.to_string();
        if self.warned.borrow_mut().insert(text.clone()) {
            self.report(Report::Warning(text));
        }
    }

    /// The address a user connects from. Addresses of loopback ranges are no use for a target elsewhere.
    pub(crate) fn source_of(&self, slot: Slot) -> Option<IpAddr> {
        let range = self.program.plan.classes[slot.class.index()].source?;
        if range.first.is_loopback() && !self.loopback {
            return None;
        }
        let offset = slot.index % range.count.max(1);
        Some(match range.first {
            IpAddr::V4(first) => IpAddr::V4((u32::from(first).saturating_add(offset)).into()),
            IpAddr::V6(first) => IpAddr::V6((u128::from(first).saturating_add(u128::from(offset))).into()),
        })
    }

    pub(crate) fn user_ended(&self, key: UserKey, slot: Slot) {
        self.recorder.borrow_mut().users()[slot.class.index()] -= 1;
        let mut users = self.users.borrow_mut();
        users.by_slot.remove(&slot);
        users.free.push(key);
        self.timers.remove(key);
    }

    fn report(&self, report: Report) {
        // Control may be gone already when the process ends; nobody is left to tell then.
        let _ = self.reports.send(report);
    }

    fn start_user(self: &Rc<Self>, slot: Slot, due: Nanos) {
        if let Some(feed) = self.exhausted_feed(slot) {
            self.warn_once(&format_args!(
                "feed '{feed}' is used up: users of {} without a row of their own do not start",
                self.program.plan.classes[slot.class.index()].name
            ));
            return;
        }
        let key = {
            let mut users = self.users.borrow_mut();
            let key = users.free.pop().unwrap_or(users.lives.len() as UserKey);
            match users.lives.get_mut(key as usize) {
                Some(life) => *life = Life::Running,
                None => users.lives.push(Life::Running),
            }
            users.by_slot.insert(slot, key);
            key
        };
        self.timers.add(key);
        self.recorder.borrow_mut().users()[slot.class.index()] += 1;
        let user = User::new(Rc::clone(self), key, slot, due);
        let thread = Rc::clone(self);
        tokio::task::spawn_local(async move {
            poll_fn(|cx| {
                thread.timers.register(key, cx);
                Poll::Ready(())
            })
            .await;
            drop(thread);
            user.run().await;
        });
    }

    /// The `unique` feed that has no row for this slot.
    fn exhausted_feed(&self, slot: Slot) -> Option<&str> {
        let strides = &self.program.classes[slot.class.index()].feed_strides;
        let feeds = self.program.plan.feeds.iter().zip(strides);
        feeds
            .filter(|(feed, _)| feed.order == FeedOrder::Unique)
            .find(|(feed, (stride, offset))| {
                let row = u64::from(slot.index) * u64::from(*stride) + u64::from(*offset);
                *stride > 0 && row >= feed.rows.len() as u64
            })
            .map(|(feed, _)| feed.name.as_str())
    }

    fn set_life(&self, key: UserKey, life: Life) {
        self.users.borrow_mut().lives[key as usize] = life;
        self.timers.wake(key);
    }

    fn running(&self) -> Vec<UserKey> {
        self.users.borrow().by_slot.values().copied().collect()
    }
}

/// What the driving loop of a thread keeps track of.
struct Driver<C: Connector> {
    thread: Rc<Thread<C>>,
    pending: VecDeque<Assignment>,
    changes: VecDeque<Change>,
    /// Users told to stop, and when they are cut.
    stopping: VecDeque<(Nanos, UserKey, Slot)>,
    /// How long a user that is ramped down may take.
    stop_timeout: Nanos,
    window_start: Nanos,
    next_heartbeat: Nanos,
    /// Told to stop: no user starts any more.
    stopped: bool,
    idle_reported: bool,
    recycled: RecycleReceiver<Box<Window>>,
    index: usize,
}

/// Run the thread until it is told to finish.
pub(crate) async fn run_thread<C: Connector + 'static>(
    program: Program,
    config: ThreadConfig,
    connector: C,
    channels: Channels,
) {
    let plan = Arc::clone(&program.plan);
    let tasks = plan.tasks().count();
    let recorder = Recorder::new(program.sites.clone(), plan.classes.len(), tasks);
    let client = Client::new(client_config(&plan), config.tls, connector, Rc::new(config.clock));
    let Channels { mut commands, reports, recycled } = channels;
    let thread = Rc::new(Thread {
        program,
        clock: config.clock,
        timers: Timers::default(),
        recorder: RefCell::new(recorder),
        client,
        alarm: config.alarm,
        phase: Cell::new(PhaseId(0)),
        users: RefCell::default(),
        scratch: RefCell::default(),
        sampling: RefCell::default(),
        warned: RefCell::default(),
        loopback: config.loopback,
        reports,
    });
    let mut driver = Driver {
        pending: VecDeque::new(),
        changes: VecDeque::new(),
        stopping: VecDeque::new(),
        stop_timeout: plan.load.stop_timeout,
        window_start: Nanos::ZERO,
        next_heartbeat: HEARTBEAT,
        stopped: false,
        idle_reported: false,
        recycled,
        index: config.index,
        thread: Rc::clone(&thread),
    };
    loop {
        let wake = driver.next_wake();
        thread.timers.set_alarm(wake);
        thread.alarm.set(&thread.clock, wake);
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(Command::Finish) | None => break,
                Some(command) => driver.obey(command),
            },
            () = thread.alarm.wait() => {}
        }
        driver.advance();
    }
    driver.cut_window(thread.clock.now(), true);
}

fn client_config(plan: &Plan) -> ClientConfig {
    ClientConfig {
        connect_timeout: plan.http.connect_timeout,
        max_redirects: plan.http.max_redirects,
        max_body: plan.http.max_body,
        keep_alive: plan.http.keep_alive,
        ..ClientConfig::default()
    }
}

impl<C: Connector + 'static> Driver<C> {
    fn next_wake(&self) -> Nanos {
        let assignment = self.pending.front().map_or(Nanos::MAX, |assignment| assignment.at);
        let change = self.changes.front().map_or(Nanos::MAX, |change| change.due);
        let cut = self.window_start + Nanos::SECOND;
        [assignment, change, cut, self.thread.timers.next_sleep()]
            .into_iter()
            .fold(self.next_heartbeat, Nanos::min)
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Assign(assignment) => self.pending.push_back(assignment),
            Command::Stop { timeout } => {
                self.stopped = true;
                self.pending.clear();
                self.changes.clear();
                self.stopping.clear();
                for key in self.thread.running() {
                    self.thread
                        .set_life(key, if timeout == Nanos::ZERO { Life::Cut } else { Life::Stopping });
                }
            }
            Command::Cut => {
                self.stopped = true;
                self.pending.clear();
                self.changes.clear();
                for key in self.thread.running() {
                    self.thread.set_life(key, Life::Cut);
                }
            }
            Command::Finish => {}
        }
        self.report_idle();
    }

    /// Do everything that is due by now.
    fn advance(&mut self) {
        let now = self.thread.clock.now();
        self.thread.timers.fire_sleeps(now);
        if now >= self.next_heartbeat {
            self.thread.timers.fire_deadlines(now);
            if self.active() > 0 {
                self.thread.recorder.borrow_mut().loop_lag(now.since(self.next_heartbeat));
            }
            while self.next_heartbeat <= now {
                self.next_heartbeat += HEARTBEAT;
            }
            self.cut_overdue(now);
            self.report_idle();
        }
        self.assign(now);
        // A thread that slept through a second gives its measurements to the first one and empty windows after.
        while now >= self.window_start + Nanos::SECOND {
            self.cut_window(self.window_start + Nanos::SECOND, false);
        }
    }

    fn assign(&mut self, now: Nanos) {
        loop {
            let assignment = self.pending.front().map_or(Nanos::MAX, |assignment| assignment.at);
            let change = self.changes.front().map_or(Nanos::MAX, |change| change.due);
            if assignment.min(change) > now {
                return;
            }
            if assignment <= change {
                if let Some(assignment) = self.pending.pop_front() {
                    self.thread.phase.set(assignment.phase);
                    self.changes.extend(assignment.changes);
                }
            } else if let Some(change) = self.changes.pop_front() {
                self.change(change, now);
            }
        }
    }

    fn change(&mut self, change: Change, now: Nanos) {
        if change.start {
            self.thread.start_user(change.slot, change.due);
            return;
        }
        let key = self.thread.users.borrow().by_slot.get(&change.slot).copied();
        if let Some(key) = key {
            if self.stop_timeout == Nanos::ZERO {
                self.thread.set_life(key, Life::Cut);
            } else {
                self.thread.set_life(key, Life::Stopping);
                self.stopping.push_back((now + self.stop_timeout, key, change.slot));
            }
        }
    }

    /// Cut users that were ramped down and did not end in time.
    fn cut_overdue(&mut self, now: Nanos) {
        while let Some(&(at, key, slot)) = self.stopping.front()
            && at <= now
        {
            self.stopping.pop_front();
            let still = self.thread.users.borrow().by_slot.get(&slot) == Some(&key);
            if still && self.thread.life(key) == Life::Stopping {
                self.thread.set_life(key, Life::Cut);
            }
        }
    }

    fn active(&self) -> usize {
        self.thread.users.borrow().by_slot.len()
    }

    fn report_idle(&mut self) {
        if self.stopped && !self.idle_reported && self.active() == 0 {
            self.idle_reported = true;
            self.thread.report(Report::Idle);
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
