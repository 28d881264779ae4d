//! Timers of one thread's users: sleeps that wake on time, deadlines that cost nothing while they are met.
//!
//! Sleeps are a heap behind one timerfd, because tokio's own timer is 1–2 ms late. Deadlines are re-armed with
//! every request and hardly ever expire, so re-arming only writes a number: an entry of the heap that comes up
//! early is put back to where the number says. Each user has at most one sleep and one deadline.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::task::{Context, Poll, Waker};

use squall_core::Nanos;

/// Position of a user in its thread.
pub(crate) type UserKey = u32;

/// A deadline that was found to have passed.
const EXPIRED: Nanos = Nanos::ZERO;

#[derive(Debug, Default)]
pub(crate) struct Timers {
    users: RefCell<Vec<Entry>>,
    sleeps: RefCell<BinaryHeap<Reverse<(Nanos, UserKey)>>>,
    deadlines: RefCell<BinaryHeap<Reverse<(Nanos, UserKey)>>>,
    /// What the alarm is set for; the driver of the thread keeps it.
    alarm: Cell<Nanos>,
}

#[derive(Debug)]
struct Entry {
    waker: Option<Waker>,
    sleep: Cell<Nanos>,
    deadline: Cell<Nanos>,
    /// Earliest entry of this user in the heap of deadlines.
    queued: Cell<Nanos>,
}

impl Timers {
    /// Make room for the user at `key`, which must be one past the last or free.
    pub(crate) fn add(&self, key: UserKey) {
        let fresh = Entry {
            waker: None,
            sleep: Cell::new(Nanos::MAX),
            deadline: Cell::new(Nanos::MAX),
            queued: Cell::new(Nanos::MAX),
        };
        let mut users = self.users.borrow_mut();
        match users.get_mut(key as usize) {
            Some(entry) => *entry = fresh,
            None => users.push(fresh),
        }
    }

    /// The user has ended: drop the way to wake its task.
    pub(crate) fn remove(&self, key: UserKey) {
        let entry = &mut self.users.borrow_mut()[key as usize];
        entry.waker = None;
        entry.sleep.set(Nanos::MAX);
        entry.deadline.set(Nanos::MAX);
    }

    /// Wake the user's task, whatever it waits for.
    pub(crate) fn wake(&self, key: UserKey) {
        if let Some(waker) = self.users.borrow().get(key as usize).and_then(|entry| entry.waker.as_ref()) {
            waker.wake_by_ref();
        }
    }

    /// Remember how to wake the user's task.
    pub(crate) fn register(&self, key: UserKey, cx: &Context<'_>) {
        let entry = &mut self.users.borrow_mut()[key as usize];
        match &entry.waker {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            _ => entry.waker = Some(cx.waker().clone()),
        }
    }

    /// Wake the user at `at`. Returns true when that is sooner than the alarm.
    pub(crate) fn sleep_until(&self, key: UserKey, at: Nanos) -> bool {
        self.users.borrow()[key as usize].sleep.set(at);
        self.sleeps.borrow_mut().push(Reverse((at, key)));
        at < self.alarm.get()
    }

    /// Is the user's sleep over?
    pub(crate) fn slept(&self, key: UserKey) -> bool {
        self.users.borrow()[key as usize].sleep.get() == Nanos::MAX
    }

    /// Replace the user's deadline; `Nanos::MAX` takes it away.
    pub(crate) fn arm_deadline(&self, key: UserKey, at: Nanos) {
        let at = at.max(EXPIRED + Nanos(1));
        let users = self.users.borrow();
        let entry = &users[key as usize];
        entry.deadline.set(at);
        if at < entry.queued.get() {
            entry.queued.set(at);
            self.deadlines.borrow_mut().push(Reverse((at, key)));
        }
    }

    /// Has the user's deadline passed? As of the last check of all deadlines, so that nobody reads a clock for it.
    pub(crate) fn deadline_passed(&self, key: UserKey) -> bool {
        self.users.borrow()[key as usize].deadline.get() == EXPIRED
    }

    /// The next moment at which a sleep ends.
    pub(crate) fn next_sleep(&self) -> Nanos {
        self.sleeps.borrow().peek().map_or(Nanos::MAX, |Reverse((at, _))| *at)
    }

    /// Remember what the alarm is set for.
    pub(crate) fn set_alarm(&self, at: Nanos) {
        self.alarm.set(at);
    }

    /// Wake every user whose sleep is over by `now`.
    pub(crate) fn fire_sleeps(&self, now: Nanos) {
        let users = self.users.borrow();
        let mut sleeps = self.sleeps.borrow_mut();
        while let Some(&Reverse((at, key))) = sleeps.peek()
            && at <= now
        {
            sleeps.pop();
            let entry = &users[key as usize];
            if entry.sleep.get() <= now {
                entry.sleep.set(Nanos::MAX);
                if let Some(waker) = &entry.waker {
                    waker.wake_by_ref();
                }
            }
        }
    }

    /// Wake every user whose deadline has passed by `now`.
    pub(crate) fn fire_deadlines(&self, now: Nanos) {
        let users = self.users.borrow();
        let mut deadlines = self.deadlines.borrow_mut();
        while let Some(&Reverse((at, key))) = deadlines.peek()
            && at <= now
        {
            deadlines.pop();
            let entry = &users[key as usize];
            if entry.queued.get() != at {
                continue; // An earlier entry of the user took over.
            }
            let deadline = entry.deadline.get();
            if deadline <= now {
                entry.deadline.set(EXPIRED);
                entry.queued.set(Nanos::MAX);
                if let Some(waker) = &entry.waker {
                    waker.wake_by_ref();
                }
            } else {
                entry.queued.set(deadline);
                if deadline < Nanos::MAX {
                    deadlines.push(Reverse((deadline, key)));
                }
            }
        }
    }
}

/// The deadline of one user, as the HTTP client wants it.
pub(crate) struct UserDeadline<'a> {
    pub(crate) timers: &'a Timers,
    pub(crate) key: UserKey,
}

impl squall_http::Deadline for UserDeadline<'_> {
    fn arm(&self, at: Nanos) {
        self.timers.arm_deadline(self.key, at);
    }

    fn poll_expired(&self, _cx: &mut Context<'_>) -> Poll<()> {
        // The user's task registered its waker when it began.
        if self.timers.deadline_passed(self.key) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn timers() -> (Timers, Arc<Count>) {
        let timers = Timers::default();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        timers.add(0);
        timers.register(0, &Context::from_waker(&waker));
        (timers, count)
    }

    #[test]
    fn a_sleep_wakes_once_and_on_time() {
        let (timers, count) = timers();
        timers.set_alarm(Nanos::MAX);
        assert!(timers.sleep_until(0, Nanos(100)));
        timers.fire_sleeps(Nanos(99));
        assert!(!timers.slept(0));
        timers.fire_sleeps(Nanos(100));
        assert!(timers.slept(0));
        timers.fire_sleeps(Nanos(200));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn re_arming_a_deadline_leaves_one_entry() {
        let (timers, count) = timers();
        for now in 0..1000u64 {
            timers.arm_deadline(0, Nanos(now + 100));
            timers.fire_deadlines(Nanos(now));
            assert!(timers.deadlines.borrow().len() <= 1);
        }
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        timers.fire_deadlines(Nanos(2000));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn an_earlier_deadline_overtakes_and_a_later_one_is_kept() {
        let (timers, count) = timers();
        timers.arm_deadline(0, Nanos(300));
        timers.arm_deadline(0, Nanos(100));
        timers.arm_deadline(0, Nanos(300));
        timers.fire_deadlines(Nanos(150));
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        assert!(!timers.deadline_passed(0));
        timers.fire_deadlines(Nanos(300));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(timers.deadline_passed(0));
        timers.arm_deadline(0, Nanos::MAX);
        assert!(!timers.deadline_passed(0));
        timers.fire_deadlines(Nanos(1000));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
