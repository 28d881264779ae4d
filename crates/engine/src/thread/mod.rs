//! One worker thread: its users and what they share. Everything here belongs to one thread; commands come in and
//! windows go out by message.

mod arrivals;
mod driver;
mod run;
mod sampling;
mod turns;
mod users;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use squall_core::{Nanos, PhaseId, Slot, UserClassId};
use squall_http::{Client, Connector};
use squall_plan::FeedOrder;
use squall_stats::{ErrorKey, Recorder};
use tokio::sync::mpsc::UnboundedSender;

use crate::alarm::Alarm;
use crate::clock::RunClock;
use crate::command::Report;
use crate::program::Program;
use crate::timers::{Timers, UserKey};
use crate::user::User;

use arrivals::Source;
use sampling::Sampling;
use turns::Turns;
use users::Users;

pub(crate) use run::{Channels, ThreadConfig, run_thread};
pub(crate) use turns::{Arrival, Call};
pub(crate) use users::Life;

/// Buffers kept for reuse, and the size up to which they are.
const SPARE_SCRATCH: usize = 64;
const SPARE_BYTES: usize = 64 << 10;

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

    fn capacity(&self) -> usize {
        self.target.capacity() + self.headers.capacity() + self.body.capacity()
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
    turns: RefCell<Turns>,
    scratch: RefCell<Vec<Scratch>>,
    sampling: RefCell<Sampling>,
    warned: RefCell<HashSet<String>>,
    loopback: bool,
    reports: UnboundedSender<Report>,
}

impl<C: Connector + 'static> Thread<C> {
    pub(crate) fn phase(&self) -> PhaseId {
        self.phase.get()
    }

    pub(crate) fn wall_now(&self) -> Duration {
        self.clock.since_epoch(self.clock.now())
    }

    /// How far the user's life has come.
    pub(crate) fn life(&self, key: UserKey) -> Life {
        self.users.borrow().life(key)
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

    /// Do task iterations arrive by themselves now?
    pub(crate) fn is_open(&self) -> bool {
        self.turns.borrow().is_open()
    }

    /// A user is free since `now`: the arrival it is to serve at once. Without one it is idle, and to ask
    /// [`Thread::called`] whenever it is woken.
    pub(crate) fn take_or_wait(&self, key: UserKey, class: UserClassId, now: Nanos) -> Option<Arrival> {
        self.turns.borrow_mut().take_or_wait(key, class, now, &mut self.recorder.borrow_mut())
    }

    /// What an idle user is to do.
    pub(crate) fn called(&self, key: UserKey) -> Call {
        self.turns.borrow_mut().called(key)
    }

    /// The user serves nothing that arrives from now on.
    pub(crate) fn leave_line(&self, key: UserKey, class: UserClassId) {
        self.turns.borrow_mut().leave(key, class, &mut self.recorder.borrow_mut());
    }

    fn arrive(&self, class: UserClassId, arrival: Arrival) {
        let called = self.turns.borrow_mut().arrive(class, arrival, &mut self.recorder.borrow_mut());
        if let Some(key) = called {
            self.timers.wake(key);
        }
    }

    fn open_arrivals(&self, source: &Source) {
        let was_open = self.is_open();
        self.turns.borrow_mut().open((0..self.program.classes.len()).map(|class| source.users(class)));
        if !was_open {
            // Users who think between two tasks are free now.
            self.wake_users();
        }
    }

    fn close_arrivals(&self) {
        if self.is_open() {
            self.turns.borrow_mut().close(&mut self.recorder.borrow_mut());
            self.wake_users();
        }
    }

    fn expire_arrivals(&self, now: Nanos) {
        self.turns.borrow_mut().expire(now, &mut self.recorder.borrow_mut());
    }

    fn wake_users(&self) {
        self.users.borrow().keys().into_iter().for_each(|key| self.timers.wake(key));
    }

    pub(crate) fn take_scratch(&self) -> Scratch {
        self.scratch.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn put_scratch(&self, scratch: Scratch) {
        let mut spare = self.scratch.borrow_mut();
        if spare.len() < SPARE_SCRATCH && scratch.capacity() <= SPARE_BYTES {
            spare.push(scratch);
        }
    }

    /// Should the response of the next request at this site be read, for a sample of an error seen there?
    pub(crate) fn wants_sample(&self, site: u32) -> bool {
        self.sampling.borrow_mut().wants(site)
    }

    /// Is this occurrence of an error one of the few that are kept as samples?
    pub(crate) fn takes_sample(&self, key: ErrorKey, site: u32) -> bool {
        self.sampling.borrow_mut().takes(key, site)
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

    fn report(&self, report: Report) {
        // Control may be gone already when the process ends; nobody is left to tell then.
        let _ = self.reports.send(report);
    }

    /// Start the user of `slot`. One that drains there still is cut: an identity is nobody's twice.
    fn start_user(self: &Rc<Self>, slot: Slot, due: Nanos) {
        if let Some(feed) = self.exhausted_feed(slot) {
            self.warn_once(&format_args!(
                "feed '{feed}' is used up: users of {} without a row of their own do not start",
                self.program.plan.classes[slot.class.index()].name
            ));
            return;
        }
        let old = self.users.borrow().of(slot);
        if let Some(old) = old {
            self.advance_life(old, Life::Cut);
        }
        let key = self.users.borrow_mut().add(slot);
        self.timers.add(key);
        self.recorder.borrow_mut().users()[slot.class.index()] += 1;
        let user = User::new(Rc::clone(self), key, slot, due);
        let presence = Presence { thread: Rc::clone(self), key, slot };
        tokio::task::spawn_local(async move {
            poll_fn(|cx| {
                presence.thread.timers.register(key, cx);
                Poll::Ready(())
            })
            .await;
            user.run().await;
            drop(presence);
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

    fn advance_life(&self, key: UserKey, life: Life) {
        if self.users.borrow_mut().advance(key, life) {
            self.timers.wake(key);
        }
    }
}

/// A user is there as long as this is: however its task ends, it is counted out.
struct Presence<C: Connector + 'static> {
    thread: Rc<Thread<C>>,
    key: UserKey,
    slot: Slot,
}

impl<C: Connector + 'static> Drop for Presence<C> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.thread.report(Report::Warning("a user ended by a defect of the generator".to_owned()));
        }
        self.thread.timers.remove(self.key);
        self.thread.users.borrow_mut().remove(self.key);
        self.thread.leave_line(self.key, self.slot.class);
        self.thread.recorder.borrow_mut().users()[self.slot.class.index()] -= 1;
    }
}
