//! One run from its first user to its last window.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use squall_core::{EndReason, Nanos, NoUsers, PhaseId};
use squall_engine::{ReadyWorker, RunClock, WorkerConfig, WorkerEvent};
use squall_plan::Plan;
use thiserror::Error;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::event::Event;
use crate::schedule::{PhaseSchedule, schedule};
use crate::worker::Worker;

/// After users were cut, how long a worker may take to say that they are gone.
const CUT_GRACE: Nanos = Nanos::from_secs(5);
/// How long a worker may take to deliver its last windows.
const FINISH_GRACE: Nanos = Nanos::from_secs(5);

/// How a run is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Worker threads; 0 takes one for each core this process may use.
    pub threads: usize,
}

/// A run that could not start. Nothing was sent.
#[derive(Debug, Error)]
pub enum StartError {
    /// No class has a weight.
    #[error(transparent)]
    NoUsers(#[from] NoUsers),
    /// The worker could not start.
    #[error(transparent)]
    Worker(#[from] squall_engine::StartError),
}

/// Stops a run. Clones stop the same one.
#[derive(Clone, Debug)]
pub struct Handle(UnboundedSender<Request>);

#[derive(Debug)]
enum Request {
    Stop(EndReason),
    Cut,
}

impl Handle {
    /// End the run in good order: no new task, up to the stop timeout for those that run, then the last window.
    /// The first reason given counts.
    pub fn stop(&self, reason: EndReason) {
        // A run that is over needs no stopping.
        let _ = self.0.send(Request::Stop(reason));
    }

    /// After [`Handle::stop`]: wait no longer for whatever is waited for. Users that are still busy are cut.
    pub fn cut(&self) {
        let _ = self.0.send(Request::Cut);
    }
}

/// A run that is ready to begin: everything that can be known to fail has been tried, and nothing has been sent.
pub struct Prepared {
    plan: Arc<Plan>,
    phases: Vec<PhaseSchedule>,
    worker: ReadyWorker,
}

impl Prepared {
    /// Plan the phases, resolve the targets and start the threads of a run in this process.
    ///
    /// # Errors
    /// [`StartError`] when the plan has no users, a name does not resolve, or a certificate cannot be read.
    pub fn new(plan: &Arc<Plan>, options: Options) -> Result<Self, StartError> {
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let phases = schedule(plan)?;
        let worker = ReadyWorker::prepare(plan, WorkerConfig { threads })?;
        Ok(Self { plan: Arc::clone(plan), phases, worker })
    }

    /// Begin. Must be called within a tokio runtime; events arrive as the run goes.
    pub fn start(self) -> Started {
        start_on(self.worker.begin(), self.phases, self.plan.load.stop_timeout)
    }
}

/// A run under way.
pub struct Started {
    /// Stops it.
    pub handle: Handle,
    /// What happens, in order.
    pub events: UnboundedReceiver<Event>,
    /// Wall time at run time zero.
    pub wall_origin: SystemTime,
    /// The clock of the run, for whatever goes on beside it.
    pub clock: RunClock,
}

/// Begin a run on a worker.
fn start_on<W: Worker>(mut worker: W, phases: Vec<PhaseSchedule>, stop_timeout: Nanos) -> Started {
    let mut moments = VecDeque::new();
    let mut end = None;
    for phase in phases {
        let id = phase.assignment.phase;
        moments.push_back((phase.assignment.at, Moment::PhaseStarts(id)));
        moments.extend(phase.ramped.map(|at| (at, Moment::Ramped(id, phase.users))));
        moments.extend(phase.end.map(|at| (at, Moment::PhaseEnds(id))));
        end = phase.end;
        worker.assign(&phase.assignment);
    }
    moments.extend(end.map(|at| (at, Moment::RunEnds)));
    let (requests, incoming) = unbounded_channel();
    let (sender, events) = unbounded_channel();
    let clock = worker.clock();
    let wall_origin = clock.wall_origin();
    let run = Run { worker, events: sender, moments, phase: PhaseId(0), stop_timeout, state: State::Running };
    tokio::spawn(run.drive(incoming));
    Started { handle: Handle(requests), events, wall_origin, clock }
}

/// What happens at a known moment of the run.
#[derive(Debug)]
enum Moment {
    PhaseStarts(PhaseId),
    Ramped(PhaseId, Vec<u32>),
    PhaseEnds(PhaseId),
    RunEnds,
}

#[derive(Debug)]
enum State {
    Running,
    /// Users finish their tasks; at the given moment they are cut.
    Draining(EndReason, Nanos),
    /// Users were cut; at the given moment the run ends without waiting for more.
    Cutting(EndReason, Nanos),
    /// The worker delivers its last windows. The run was over at the first moment; at the second one it ends
    /// without them.
    Finishing(EndReason, Nanos, Nanos),
}

struct Run<W: Worker> {
    worker: W,
    events: UnboundedSender<Event>,
    moments: VecDeque<(Nanos, Moment)>,
    phase: PhaseId,
    stop_timeout: Nanos,
    state: State,
}

impl<W: Worker> Run<W> {
    async fn drive(mut self, mut requests: UnboundedReceiver<Request>) {
        let clock = self.worker.clock();
        loop {
            let due = self.next_moment();
            let wait = std::time::Duration::from(due.since(clock.now()).min(Nanos::from_secs(3600)));
            tokio::select! {
                event = self.worker.next() => {
                    if self.observe(event, clock.now()) {
                        return;
                    }
                }
                Some(request) = requests.recv() => self.obey(request, clock.now()),
                () = tokio::time::sleep(wait), if due < Nanos::MAX => {}
            }
            if self.advance(clock.now()) {
                return;
            }
        }
    }

    fn next_moment(&self) -> Nanos {
        match &self.state {
            State::Running => self.moments.front().map_or(Nanos::MAX, |(at, _)| *at),
            State::Draining(_, at) | State::Cutting(_, at) | State::Finishing(_, _, at) => *at,
        }
    }

    /// Do what is due by now. Returns true when the run is over.
    fn advance(&mut self, now: Nanos) -> bool {
        while let State::Running = self.state
            && let Some((at, _)) = self.moments.front()
            && *at <= now
        {
            let Some((at, moment)) = self.moments.pop_front() else { break };
            match moment {
                Moment::PhaseStarts(id) => {
                    self.phase = id;
                    self.emit(Event::PhaseStarted { id, at });
                }
                Moment::Ramped(id, users) => self.emit(Event::Spawned { id, at, users }),
                Moment::PhaseEnds(id) => self.emit(Event::PhaseEnded { id, at }),
                Moment::RunEnds => self.stop(EndReason::Completed, at),
            }
        }
        match std::mem::replace(&mut self.state, State::Running) {
            State::Draining(reason, at) if at <= now => {
                self.worker.cut();
                self.state = State::Cutting(reason, now + CUT_GRACE);
            }
            State::Cutting(reason, at) if at <= now => {
                self.emit(Event::Warning("users did not end in time; their last requests are lost".into()));
                self.finish(reason, now);
            }
            State::Finishing(_, ended, at) if at <= now => {
                let reason = self.lost("the worker did not deliver its last windows".into(), now);
                self.emit(Event::Ended { reason, at: ended });
                return true;
            }
            state => self.state = state,
        }
        false
    }

    fn stop(&mut self, reason: EndReason, at: Nanos) {
        if !matches!(self.state, State::Running) {
            return;
        }
        if reason != EndReason::Completed {
            self.emit(Event::PhaseEnded { id: self.phase, at });
        }
        self.emit(Event::Stopping { reason: reason.clone(), at });
        self.worker.stop(self.stop_timeout);
        self.state = State::Draining(reason, at + self.stop_timeout);
    }

    fn obey(&mut self, request: Request, now: Nanos) {
        match request {
            Request::Stop(reason) => self.stop(reason, now),
            Request::Cut => match &mut self.state {
                State::Running => {}
                State::Draining(_, at) | State::Cutting(_, at) | State::Finishing(_, _, at) => *at = now,
            },
        }
    }

    /// Returns true when the run is over.
    fn observe(&mut self, event: WorkerEvent, now: Nanos) -> bool {
        match event {
            WorkerEvent::Window(window) => self.emit(Event::Window(Arc::from(window))),
            WorkerEvent::Warning(text) => self.emit(Event::Warning(text)),
            WorkerEvent::Died(text) => {
                let reason = self.lost(text, now);
                self.stop(reason, now);
            }
            WorkerEvent::Idle => match std::mem::replace(&mut self.state, State::Running) {
                State::Draining(reason, _) | State::Cutting(reason, _) => self.finish(reason, now),
                state => self.state = state,
            },
            WorkerEvent::Ended => {
                let (reason, at) = match &self.state {
                    State::Finishing(reason, at, _) => (reason.clone(), *at),
                    _ => (self.lost("the worker ended unexpectedly".into(), now), now),
                };
                self.emit(Event::Ended { reason, at });
                return true;
            }
        }
        false
    }

    fn finish(&mut self, reason: EndReason, now: Nanos) {
        self.worker.finish();
        self.state = State::Finishing(reason, now, now + FINISH_GRACE);
    }

    /// Tell of what is gone. Returns why the run ends.
    fn lost(&self, note: String, at: Nanos) -> EndReason {
        self.emit(Event::WorkerLost { at, note: note.clone() });
        EndReason::Aborted(note)
    }

    fn emit(&self, event: Event) {
        // Nobody may be listening any more; the run still ends in good order.
        let _ = self.events.send(event);
    }
}

#[cfg(test)]
mod tests;
