//! One process's share of a run: its threads, and their windows merged second by second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver as ReadyReceiver, Sender as RecycleSender, channel};

use squall_core::{Nanos, Slot, UserClassId};
use squall_http::{ClientCertificate, TcpConnector, Tls, TlsOptions};
use squall_plan::Plan;
use squall_stats::Window;
use thiserror::Error;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::alarm::Alarm;
use crate::clock::RunClock;
use crate::command::{ArrivalShare, Assignment, Change, Command, Report, Share};
use crate::program::{CompileError, Program, Targets};
use crate::thread::{Channels, ThreadConfig, run_thread};

/// How a worker runs.
#[derive(Clone, Copy, Debug)]
pub struct WorkerConfig {
    /// Worker threads; at least one.
    pub threads: usize,
}

/// What a worker tells control.
#[derive(Debug)]
pub enum WorkerEvent {
    /// A second of measurements of all threads.
    Window(Box<Window>),
    /// After a stop: no users are left.
    Idle,
    /// Something worth a line in the log.
    Warning(String),
    /// A thread died. Its users and its last second are gone; the others go on.
    Died(String),
    /// The last window has been delivered.
    Ended,
}

/// A worker that could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The plan does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Certificates or keys are unusable.
    #[error(transparent)]
    Tls(#[from] squall_http::TlsError),
    /// A thread could not be started.
    #[error("failed to start worker thread {index}: {reason}")]
    Thread {
        /// Which thread.
        index: usize,
        /// Why.
        reason: String,
    },
}

/// A worker whose threads are ready: everything that can fail has succeeded, and nothing has been sent.
pub struct ReadyWorker {
    starting: Vec<StartingThread>,
    reports: UnboundedReceiver<Report>,
}

/// The threads that make load in this process.
pub struct Worker {
    clock: RunClock,
    threads: Vec<ThreadHandle>,
    reports: UnboundedReceiver<Report>,
    merger: Merger,
    /// Which thread runs a slot, for good; a new slot goes to the next thread.
    placed: BTreeMap<Slot, usize>,
    next_thread: usize,
    /// By thread: after a stop, no user is left.
    idle: Vec<bool>,
}

struct ThreadHandle {
    commands: UnboundedSender<Command>,
    recycle: RecycleSender<Box<Window>>,
}

impl ReadyWorker {
    /// Resolve the targets, compile the plan and start the threads.
    ///
    /// # Errors
    /// [`StartError`] when a name does not resolve, a certificate cannot be read, or a thread cannot start.
    pub fn prepare(plan: &Arc<Plan>, config: WorkerConfig) -> Result<Self, StartError> {
        let targets = Arc::new(Targets::resolve(plan)?);
        let tls = Tls::load(&tls_options(plan))?;
        let (reports, incoming) = unbounded_channel();
        let mut starting = Vec::new();
        for index in 0..config.threads.max(1) {
            let seed = ThreadSeed {
                index,
                plan: Arc::clone(plan),
                targets: Arc::clone(&targets),
                tls: tls.clone(),
                reports: reports.clone(),
            };
            starting.push(seed.spawn()?);
        }
        for (index, thread) in starting.iter().enumerate() {
            let failed = |reason: String| StartError::Thread { index, reason };
            match thread.ready.recv() {
                Ok(Ok(())) => {}
                Ok(Err(reason)) => return Err(failed(reason)),
                Err(_) => return Err(failed("it ended before it was ready".to_owned())),
            }
        }
        Ok(Self { starting, reports: incoming })
    }

    /// Start the clock of the run.
    pub fn begin(self) -> Worker {
        let clock = RunClock::start();
        let threads: Vec<_> = self.starting.into_iter().map(|thread| thread.begin(clock)).collect();
        Worker {
            clock,
            merger: Merger::new(threads.len()),
            idle: vec![false; threads.len()],
            threads,
            reports: self.reports,
            placed: BTreeMap::new(),
            next_thread: 0,
        }
    }
}

impl Worker {
    /// The clock of the run.
    pub fn clock(&self) -> RunClock {
        self.clock
    }

    /// Add to what is due. Users are dealt to the threads in turn.
    pub fn assign(&mut self, assignment: &Assignment) {
        let mut shares: Vec<Vec<Change>> = vec![Vec::new(); self.threads.len()];
        for change in &assignment.changes {
            let thread = self.place(change.slot);
            shares[thread].push(*change);
        }
        let arrivals = assignment.arrivals.as_ref().map(|schedule| {
            let class = |(class, &users): (usize, &u32)| {
                let slots = (0..users).map(|index| Slot { class: UserClassId::from(class), index });
                slots.map(|slot| self.place(slot)).collect()
            };
            let owners = Arc::new(schedule.users.iter().enumerate().map(class).collect());
            ArrivalShare { schedule: Arc::clone(schedule), owners }
        });
        for (thread, changes) in self.threads.iter().zip(shares) {
            let (at, phase) = (assignment.at, assignment.phase);
            thread.tell(Command::Assign(Share { at, phase, changes, arrivals: arrivals.clone() }));
        }
    }

    /// The thread that runs a slot.
    fn place(&mut self, slot: Slot) -> usize {
        *self.placed.entry(slot).or_insert_with(|| {
            let thread = self.next_thread;
            self.next_thread = (thread + 1) % self.threads.len();
            thread
        })
    }

    /// Start no new task; with a `timeout` of zero, cut the users at once.
    pub fn stop(&self, timeout: Nanos) {
        self.tell_all(&Command::Stop { timeout });
    }

    /// Cut every user that is still busy.
    pub fn cut(&self) {
        self.tell_all(&Command::Cut);
    }

    /// Deliver the last window and end the threads.
    pub fn finish(&self) {
        self.tell_all(&Command::Finish);
    }

    fn tell_all(&self, command: &Command) {
        for thread in &self.threads {
            thread.tell(command.clone());
        }
    }

    /// The next event; after [`WorkerEvent::Ended`] there are no more. Cancel safe.
    pub async fn next(&mut self) -> WorkerEvent {
        loop {
            if let Some(window) = self.merger.next() {
                return WorkerEvent::Window(window);
            }
            if self.merger.is_done() {
                return WorkerEvent::Ended;
            }
            match self.reports.recv().await {
                Some(Report::Window { thread, window, last }) => {
                    self.merger.add(thread, &window, last);
                    // A thread that has ended takes nothing back, which is fine.
                    let _ = self.threads[thread].recycle.send(window);
                }
                Some(Report::Idle { thread }) => {
                    self.idle[thread] = true;
                    if self.idle.iter().all(|&idle| idle) {
                        return WorkerEvent::Idle;
                    }
                }
                Some(Report::Died { thread }) => {
                    self.merger.end(thread);
                    self.idle[thread] = true;
                    let (number, all) = (thread + 1, self.threads.len());
                    return WorkerEvent::Died(format!(
                        "worker thread {number} of {all} died, with its users"
                    ));
                }
                Some(Report::Warning(text)) => return WorkerEvent::Warning(text),
                None => return WorkerEvent::Ended,
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Not joined: a thread that does not end must not hold up what is left to do.
        self.finish();
    }
}

impl ThreadHandle {
    fn tell(&self, command: Command) {
        // A thread that has ended needs no commands.
        let _ = self.commands.send(command);
    }
}

/// Everything a thread needs before the clock starts.
struct ThreadSeed {
    index: usize,
    plan: Arc<Plan>,
    targets: Arc<Targets>,
    tls: Tls,
    reports: UnboundedSender<Report>,
}

struct StartingThread {
    ready: ReadyReceiver<Result<(), String>>,
    begin: std::sync::mpsc::Sender<RunClock>,
    handle: ThreadHandle,
}

impl StartingThread {
    fn begin(self, clock: RunClock) -> ThreadHandle {
        // A thread that reported ready waits for exactly this.
        let _ = self.begin.send(clock);
        self.handle
    }
}

impl ThreadSeed {
    fn spawn(self) -> Result<StartingThread, StartError> {
        let index = self.index;
        let (ready_sender, ready) = channel();
        let (begin, begin_receiver) = channel();
        let (commands, command_receiver) = unbounded_channel();
        let (recycle, recycled) = channel();
        let body = move || {
            let mut obituary = Obituary { thread: index, reports: self.reports.clone(), expected: false };
            let channels = Channels { commands: command_receiver, reports: self.reports.clone(), recycled };
            if let Err(reason) = self.run(channels, &ready_sender, &begin_receiver) {
                // The starter may have given up on an earlier thread's error.
                let _ = ready_sender.send(Err(reason));
            }
            obituary.expected = true;
        };
        std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(body)
            .map_err(|error| StartError::Thread { index, reason: error.to_string() })?;
        let handle = ThreadHandle { commands, recycle };
        Ok(StartingThread { ready, begin, handle })
    }

    fn run(
        self,
        channels: Channels,
        ready: &std::sync::mpsc::Sender<Result<(), String>>,
        begin: &ReadyReceiver<RunClock>,
    ) -> Result<(), String> {
        let program =
            Program::compile(Arc::clone(&self.plan), &self.targets).map_err(|error| error.to_string())?;
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build_local(LocalOptions::default())
            .map_err(|error| error.to_string())?;
        let alarm = {
            let _guard = runtime.enter();
            Alarm::timerfd().map_err(|error| error.to_string())?
        };
        ready.send(Ok(())).map_err(|error| error.to_string())?;
        let Ok(clock) = begin.recv() else { return Ok(()) };
        let loopback = self.targets.is_loopback();
        let config = ThreadConfig { index: self.index, clock, tls: self.tls, alarm, loopback };
        runtime.block_on(run_thread(program, config, TcpConnector, channels));
        Ok(())
    }
}

/// Tells of a thread that ends by a panic.
struct Obituary {
    thread: usize,
    reports: UnboundedSender<Report>,
    expected: bool,
}

impl Drop for Obituary {
    fn drop(&mut self) {
        if !self.expected {
            // Nobody may be listening any more.
            let _ = self.reports.send(Report::Died { thread: self.thread });
        }
    }
}

fn tls_options(plan: &Plan) -> TlsOptions {
    let certificate = plan.http.client_certificate.as_ref();
    TlsOptions {
        insecure: plan.http.insecure,
        ca_file: plan.http.ca_file.clone(),
        client_certificate: certificate
            .map(|c| ClientCertificate { cert: c.cert.clone(), key: c.key.clone() }),
    }
}

/// Joins the windows of all threads, second by second.
struct Merger {
    /// By second: the merged window, and which threads have delivered theirs.
    open: BTreeMap<u64, (Box<Window>, Vec<bool>)>,
    ended: Vec<bool>,
}

impl Merger {
    fn new(threads: usize) -> Self {
        Self { open: BTreeMap::new(), ended: vec![false; threads] }
    }

    fn add(&mut self, thread: usize, window: &Window, last: bool) {
        let (merged, delivered) = self.open.entry(window.seq).or_insert_with(|| {
            let mut merged = Window::new(window.users.len(), window.tasks.len());
            (merged.seq, merged.start) = (window.seq, window.start);
            (Box::new(merged), vec![false; self.ended.len()])
        });
        merged.merge(window);
        merged.span = merged.span.max(window.span);
        merged.phase = merged.phase.max(window.phase);
        delivered[thread] = true;
        self.ended[thread] |= last;
    }

    /// Nothing more comes from this thread.
    fn end(&mut self, thread: usize) {
        self.ended[thread] = true;
    }

    /// The earliest second, once every thread that will has delivered it.
    fn next(&mut self) -> Option<Box<Window>> {
        let (_, (_, delivered)) = self.open.first_key_value()?;
        let complete = delivered.iter().zip(&self.ended).all(|(&delivered, &ended)| delivered || ended);
        let (_, (window, _)) = if complete { self.open.pop_first()? } else { return None };
        // The last cut may fall on a whole second and be empty.
        let empty = window.cells().next().is_none() && window.iterations().next().is_none();
        if window.span == Nanos::ZERO && empty { self.next() } else { Some(window) }
    }

    fn is_done(&self) -> bool {
        self.open.is_empty() && self.ended.iter().all(|&ended| ended)
    }
}

#[cfg(test)]
mod tests {
    use squall_core::PhaseId;

    use super::*;

    fn window(seq: u64, users: u32) -> Window {
        let mut window = Window::new(1, 0);
        (window.seq, window.start, window.span) = (seq, Nanos::from_secs(seq), Nanos::SECOND);
        window.users[0] = users;
        window
    }

    #[test]
    fn a_second_is_delivered_once_every_thread_has_reported_it() {
        let mut merger = Merger::new(2);
        merger.add(0, &window(0, 3), false);
        merger.add(0, &window(1, 4), false);
        assert!(merger.next().is_none());
        merger.add(1, &window(0, 2), false);
        assert_eq!(merger.next().unwrap().users, [5]);
        assert!(merger.next().is_none());
        merger.add(1, &window(1, 0), true);
        assert_eq!(merger.next().unwrap().seq, 1);
        assert!(!merger.is_done());
        merger.add(0, &window(2, 4), true);
        assert_eq!(merger.next().unwrap().users, [4], "thread 1 has ended");
        assert!(merger.is_done());
    }

    #[test]
    fn an_empty_last_cut_is_left_out_but_not_one_that_only_dropped_arrivals() {
        let mut merger = Merger::new(1);
        let mut last = window(1, 0);
        last.span = Nanos::ZERO;
        merger.add(0, &window(0, 1), false);
        merger.add(0, &last, true);
        assert_eq!(merger.next().unwrap().seq, 0);
        assert!(merger.next().is_none() && merger.is_done());

        let mut merger = Merger::new(1);
        last.iterations_mut(PhaseId(0), UserClassId(0)).dropped = 3;
        merger.add(0, &last, true);
        assert_eq!(merger.next().unwrap().iterations().map(|(.., counts)| counts.dropped).sum::<u64>(), 3);
    }

    #[test]
    fn what_a_thread_delivered_before_it_died_is_kept() {
        let mut merger = Merger::new(2);
        merger.add(0, &window(0, 3), false);
        merger.add(1, &window(0, 2), false);
        merger.add(0, &window(1, 3), false);
        merger.end(1);
        assert_eq!(merger.next().unwrap().users, [5]);
        assert_eq!(merger.next().unwrap().users, [3], "the other thread's seconds go on");
        assert!(!merger.is_done());
    }
}
