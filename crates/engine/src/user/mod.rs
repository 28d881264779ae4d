//! A virtual user: picks a task, runs it, waits, until it is told to stop. What it waits for is its own think time or
//! schedule in the closed model, and the next arrival in the open one.

mod counted;
mod render;
mod request;

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use squall_core::{Nanos, PhaseId, Slot};
use squall_http::{Connector, Session};
use squall_plan::{FeedOrder, Wait};

use crate::identity::Token;
use crate::program::{Class, Step};
use crate::thread::{Arrival, Call, Life, Thread};
use crate::timers::UserKey;

/// One virtual user. Everything here belongs to its slot, whichever thread runs it.
pub(crate) struct User<C: Connector> {
    thread: Rc<Thread<C>>,
    key: UserKey,
    slot: Slot,
    rng: SmallRng,
    session: Session<C>,
    vars: Vec<Vec<String>>,
    /// Row of each feed for the current task.
    rows: Vec<u32>,
    token: Token,
    tasks_begun: u32,
    due: Due,
}

/// When the next request should leave. Taken by the first request of a task.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    /// Set by a schedule: response time counts from here.
    intended: Option<Nanos>,
    /// The moment from which nothing but this machine holds the request up: send lag counts from here.
    ready: Option<Nanos>,
}

/// Why a user leaves what it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    /// Told to finish: `on_stop` still runs.
    Stopping,
    /// Told to end at once.
    Cut,
}

impl<C: Connector + 'static> User<C> {
    /// The user of `slot`, due to start at `due`.
    pub(crate) fn new(thread: Rc<Thread<C>>, key: UserKey, slot: Slot, due: Nanos) -> Self {
        let seed = thread.program.plan.seed;
        let class = &thread.program.classes[slot.class.index()];
        Self {
            rng: SmallRng::seed_from_u64(mix(seed, slot)),
            session: Session::new(thread.source_of(slot)),
            vars: vec![Vec::new(); class.vars],
            rows: vec![0; thread.program.plan.feeds.len()],
            token: Token::default(),
            tasks_begun: 0,
            due: Due { intended: None, ready: Some(due) },
            thread,
            key,
            slot,
        }
    }

    /// The whole life of the user.
    pub(crate) async fn run(mut self) {
        let thread = Rc::clone(&self.thread);
        let class = &thread.program.classes[self.slot.class.index()];
        self.pick_rows(class, 0);
        let left = match self.steps(&class.on_start).await {
            Ok(()) if class.tasks.is_empty() => Leave::Stopping,
            Ok(()) => self.work(class).await,
            Err(leave) => leave,
        };
        if left == Leave::Stopping {
            let _ = self.steps(&class.on_stop).await;
        }
    }

    /// Tasks and waits, until told to leave.
    async fn work(&mut self, class: &Class) -> Leave {
        let mut schedule = self.due.ready.unwrap_or_else(|| self.thread.clock.now());
        loop {
            if let Some(leave) = self.told_to_leave() {
                return leave;
            }
            let turn = if self.thread.is_open() {
                self.open_turn(class, &mut schedule).await
            } else {
                self.closed_turn(class, &mut schedule).await
            };
            if let Err(leave) = turn {
                return leave;
            }
        }
    }

    /// A task that this user begins because it is free, and the wait after it.
    async fn closed_turn(&mut self, class: &Class, schedule: &mut Nanos) -> Result<(), Leave> {
        if let Wait::Pacing(_) = class.wait {
            let free = self.thread.clock.now().max(*schedule);
            self.due = Due { intended: Some(*schedule), ready: Some(self.due.ready.unwrap_or(free)) };
        }
        let phase = self.thread.phase();
        self.thread.recorder.borrow_mut().iterations(phase, self.slot.class).offered += 1;
        self.task(class, phase).await?;
        self.rest(class, schedule).await
    }

    /// A task that has arrived.
    async fn open_turn(&mut self, class: &Class, schedule: &mut Nanos) -> Result<(), Leave> {
        if let Some((arrival, ready)) = self.next_arrival().await? {
            self.due = Due { intended: Some(arrival.due), ready: Some(ready) };
            self.task(class, arrival.phase).await?;
            // Only its first request is late when it is, and it may have had none.
            self.due = Due::default();
        }
        if self.thread.is_open() {
            return Ok(());
        }
        // Users set the pace again: this one goes on as after a task of its own.
        *schedule = self.thread.clock.now();
        self.rest(class, schedule).await
    }

    /// Between two tasks of the closed model.
    async fn rest(&mut self, class: &Class, schedule: &mut Nanos) -> Result<(), Leave> {
        if class.wait == Wait::Constant(Nanos::ZERO) {
            self.due = Due::default();
            return Ok(());
        }
        let now = self.thread.clock.now();
        let until = match class.wait {
            Wait::Pacing(interval) => {
                *schedule += interval;
                *schedule
            }
            wait => now + self.draw(wait),
        };
        // Behind the schedule: the next one is due already and only waited for this user to be free.
        self.due = Due { intended: None, ready: (until > now).then_some(until) };
        if until > now { self.sleep(until).await } else { Ok(()) }
    }

    /// Wait for something to arrive. Returns it and the moment from which this user could have served it; `None` when
    /// nothing arrives any more.
    async fn next_arrival(&self) -> Result<Option<(Arrival, Nanos)>, Leave> {
        let free = self.thread.clock.now();
        if let Some(arrival) = self.thread.take_or_wait(self.key, self.slot.class, free) {
            return Ok(Some((arrival, free)));
        }
        poll_fn(|_| {
            let life = self.thread.life(self.key);
            if life == Life::Cut {
                return Poll::Ready(Err(Leave::Cut));
            }
            match self.thread.called(self.key) {
                // Being told to stop at the same time does not take back what was given before.
                // Handed out late, it may have been due before this user was free.
                Call::Serve(arrival) => Poll::Ready(Ok(Some((arrival, arrival.due.max(free))))),
                _ if life == Life::Stopping => {
                    // `on_stop` is still to come, and this user must not be given anything meanwhile.
                    self.thread.leave_line(self.key, self.slot.class);
                    Poll::Ready(Err(Leave::Stopping))
                }
                Call::Closed => Poll::Ready(Ok(None)),
                Call::Wait => Poll::Pending,
            }
        })
        .await
    }

    /// One task iteration, which belongs to `phase`.
    async fn task(&mut self, class: &Class, phase: PhaseId) -> Result<(), Leave> {
        let task = &class.tasks[self.pick(&class.weights)];
        self.thread.recorder.borrow_mut().iterations(phase, self.slot.class).started += 1;
        if task.needs.iter().any(|var| self.vars[usize::from(var.0)].is_empty()) {
            {
                let mut recorder = self.thread.recorder.borrow_mut();
                recorder.task_skipped(task.id);
                recorder.iterations(phase, self.slot.class).completed += 1;
            }
            // A user whose every turn is skipped without a wait must still let the others run.
            tokio::task::yield_now().await;
            return Ok(());
        }
        self.pick_rows(class, self.tasks_begun);
        self.tasks_begun = self.tasks_begun.wrapping_add(1);
        self.steps(&task.steps).await?;
        let mut recorder = self.thread.recorder.borrow_mut();
        recorder.task_ran(task.id);
        recorder.iterations(phase, self.slot.class).completed += 1;
        Ok(())
    }

    async fn steps(&mut self, steps: &[Step]) -> Result<(), Leave> {
        for step in steps {
            match step {
                Step::Request(request) => self.request(request).await?,
                Step::Wait(wait) => {
                    let time = self.draw(*wait);
                    let until = self.thread.clock.now() + time;
                    // A schedule that this wait is a part of moves on with it.
                    self.due = Due { intended: self.due.intended.map(|at| at + time), ready: Some(until) };
                    self.sleep_through(until).await?;
                }
            }
        }
        Ok(())
    }

    /// Sleep between tasks: a user told to stop wakes and leaves, and one that may be needed for what arrives wakes too.
    async fn sleep(&self, until: Nanos) -> Result<(), Leave> {
        let reason = |life| match life {
            Life::Running => self.thread.is_open().then_some(Ok(())),
            Life::Stopping => Some(Err(Leave::Stopping)),
            Life::Cut => Some(Err(Leave::Cut)),
        };
        self.thread.sleep(self.key, until, reason).await.or_else(|reason| reason)
    }

    /// Sleep within a task: a user told to stop finishes its task first.
    async fn sleep_through(&self, until: Nanos) -> Result<(), Leave> {
        self.thread.sleep(self.key, until, |life| (life == Life::Cut).then_some(Leave::Cut)).await
    }

    fn told_to_leave(&self) -> Option<Leave> {
        match self.thread.life(self.key) {
            Life::Running => None,
            Life::Stopping => Some(Leave::Stopping),
            Life::Cut => Some(Leave::Cut),
        }
    }

    fn pick(&mut self, weights: &[u32]) -> usize {
        let total = weights.last().copied().unwrap_or(0);
        if weights.len() < 2 || total == 0 {
            return 0;
        }
        let ticket = self.rng.random_range(0..total);
        weights.partition_point(|&sum| sum <= ticket)
    }

    fn draw(&mut self, wait: Wait) -> Nanos {
        match wait {
            Wait::Constant(time) | Wait::Pacing(time) => time,
            Wait::Uniform(low, high) if low < high => Nanos(self.rng.random_range(low.0..=high.0)),
            Wait::Uniform(low, _) => low,
            Wait::Exponential(mean) => {
                // Inverse transform sampling; 1 − u lies in (0, 1], so the logarithm is finite.
                let u: f64 = self.rng.random();
                Nanos::from_secs_f64(-(1.0 - u).ln() * mean.as_secs_f64())
            }
        }
    }

    /// The row of every feed for the `turn`-th task of the user.
    fn pick_rows(&mut self, class: &Class, turn: u32) {
        let feeds = self.thread.program.plan.feeds.iter().zip(&class.feed_strides);
        for ((feed, (stride, offset)), row) in feeds.zip(self.rows.iter_mut()) {
            let rows = feed.rows.len() as u32;
            *row = match feed.order {
                _ if rows == 0 => 0,
                FeedOrder::Random => self.rng.random_range(0..rows),
                FeedOrder::Circular => (self.slot.index % rows + turn % rows) % rows,
                FeedOrder::Unique => self.slot.index * stride + offset,
            };
        }
    }
}

/// A seed for a user that differs from every other user's.
fn mix(seed: u64, slot: Slot) -> u64 {
    scramble(seed, u64::from(slot.class.0) << 32 | u64::from(slot.index))
}

/// A seed of its own for each number: splitmix64.
pub(crate) fn scramble(seed: u64, number: u64) -> u64 {
    let mut x = seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
