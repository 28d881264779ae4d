use std::sync::{Arc, Mutex};

use squall_core::UserClassId;
use squall_engine::{Assignment, RunClock};
use squall_stats::Window;

use super::*;

/// A worker that does what it is told, and takes `busy` to be rid of its users.
struct Fake {
    clock: RunClock,
    busy: Option<Nanos>,
    /// Says nothing any more once it is told to finish.
    mute: bool,
    told: Arc<Mutex<Vec<String>>>,
    events: UnboundedReceiver<WorkerEvent>,
    tell: UnboundedSender<WorkerEvent>,
}

impl Fake {
    fn new(busy: Option<Nanos>) -> (Self, Arc<Mutex<Vec<String>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let (tell, events) = unbounded_channel();
        let worker =
            Self { clock: RunClock::start(), busy, mute: false, told: Arc::clone(&told), events, tell };
        (worker, told)
    }

    fn note(&self, what: &str) {
        let at = self.clock.now().as_secs_f64();
        self.told.lock().unwrap().push(format!("{at:.1} {what}"));
    }
}

impl Worker for Fake {
    fn assign(&mut self, assignment: &Assignment) {
        self.note(&format!("assign {}", assignment.changes.len()));
    }

    fn stop(&mut self, timeout: Nanos) {
        self.note(&format!("stop {timeout}"));
        if let Some(busy) = self.busy {
            let tell = self.tell.clone();
            tokio::spawn(async move {
                tokio::time::sleep(busy.into()).await;
                let _ = tell.send(WorkerEvent::Idle);
            });
        }
    }

    fn cut(&mut self) {
        self.note("cut");
    }

    fn finish(&mut self) {
        self.note("finish");
        if self.mute {
            return;
        }
        self.tell.send(WorkerEvent::Window(Box::new(Window::new(1, 1)))).unwrap();
        self.tell.send(WorkerEvent::Ended).unwrap();
    }

    async fn next(&mut self) -> WorkerEvent {
        self.events.recv().await.unwrap()
    }

    fn clock(&self) -> RunClock {
        self.clock
    }
}

fn phase(at: u64, end: Option<u64>, users: u32) -> PhaseSchedule {
    PhaseSchedule {
        assignment: Assignment {
            at: Nanos::from_secs(at),
            phase: PhaseId(at as u16),
            changes: Vec::new(),
            arrivals: None,
        },
        ramped: Some(Nanos::from_secs(at + 1)),
        users: vec![users],
        end: end.map(Nanos::from_secs),
    }
}

/// What happened, in words.
async fn collect(mut events: UnboundedReceiver<Event>) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(event) = events.recv().await {
        seen.push(match event {
            Event::PhaseStarted { id, at } => format!("{at} phase {} starts", id.0),
            Event::Spawned { at, users, .. } => format!("{at} users {users:?}"),
            Event::PhaseEnded { id, at } => format!("{at} phase {} ends", id.0),
            Event::Window(_) => "window".to_owned(),
            Event::Stopping { reason, at } => format!("{at} stopping: {reason}"),
            Event::WorkerLost { at, note } => format!("{at} lost: {note}"),
            Event::Warning(text) => format!("warning: {text}"),
            Event::Ended { reason, .. } => format!("ended: {reason}"),
        });
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn phases_follow_each_other_and_users_may_finish() {
    let (worker, told) = Fake::new(Some(Nanos::from_secs(2)));
    let phases = vec![phase(0, Some(10), 5), phase(10, Some(20), 9)];
    let run = start_on(worker, phases, Nanos::from_secs(30));
    assert_eq!(
        collect(run.events).await,
        [
            "0s phase 0 starts",
            "1s users [5]",
            "10s phase 0 ends",
            "10s phase 10 starts",
            "11s users [9]",
            "20s phase 10 ends",
            "20s stopping: completed",
            "window",
            "ended: completed",
        ]
    );
    assert_eq!(*told.lock().unwrap(), ["0.0 assign 0", "0.0 assign 0", "20.0 stop 30s", "22.0 finish"]);
}

#[tokio::test(start_paused = true)]
async fn users_that_do_not_finish_are_cut_and_a_worker_that_does_not_answer_is_left() {
    let (worker, told) = Fake::new(None);
    let run = start_on(worker, vec![phase(0, Some(10), 5)], Nanos::from_secs(3));
    let seen = collect(run.events).await;
    assert!(seen.iter().any(|line| line.starts_with("warning: users did not end in time")), "{seen:?}");
    assert_eq!(*told.lock().unwrap(), ["0.0 assign 0", "10.0 stop 3s", "13.0 cut", "18.0 finish"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_an_open_ended_run_and_a_second_one_cuts() {
    let (worker, told) = Fake::new(Some(Nanos::from_secs(60)));
    let run = start_on(worker, vec![phase(0, None, 5)], Nanos::from_secs(90));
    let handle = run.handle.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Nanos::from_secs(5).into()).await;
        handle.stop(EndReason::Interrupted);
        handle.stop(EndReason::Terminated);
        tokio::time::sleep(Nanos::from_secs(1).into()).await;
        handle.cut();
    });
    let seen = collect(run.events).await;
    assert!(seen.contains(&"5s phase 0 ends".to_owned()), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "ended: interrupted", "the first reason counts");
    assert_eq!(told.lock().unwrap()[1..3], ["5.0 stop 1m30s", "6.0 cut"]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_never_delivers_its_last_windows_does_not_hold_the_run_up() {
    let (mut worker, told) = Fake::new(Some(Nanos::ZERO));
    worker.mute = true;
    let run = start_on(worker, vec![phase(0, Some(10), 5)], Nanos::ZERO);
    let clock = RunClock::start();
    let seen = collect(run.events).await;
    assert!(seen.last().unwrap().contains("did not deliver"), "{seen:?}");
    assert!(seen.contains(&"15s lost: the worker did not deliver its last windows".to_owned()), "{seen:?}");
    assert_eq!(told.lock().unwrap().last().unwrap(), "10.0 finish");
    assert_eq!(clock.now().whole_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_thread_that_dies_aborts_the_run_in_good_order() {
    let (worker, told) = Fake::new(Some(Nanos::ZERO));
    let text = "worker thread 2 of 4 died, with its users";
    worker.tell.send(WorkerEvent::Died(text.into())).unwrap();
    let run = start_on(worker, vec![phase(0, None, 5)], Nanos::from_secs(1));
    let seen = collect(run.events).await;
    assert_eq!(seen.last().unwrap(), &format!("ended: aborted: {text}"));
    let position = |line: String| seen.iter().position(|seen| *seen == line);
    let lost = position(format!("0s lost: {text}")).unwrap();
    assert!(Some(lost) < position(format!("0s stopping: aborted: {text}")), "{seen:?}");
    assert!(told.lock().unwrap().iter().any(|line| line.contains("finish")));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_ends_the_run_and_says_so() {
    let (worker, _) = Fake::new(None);
    worker.tell.send(WorkerEvent::Ended).unwrap();
    let run = start_on(worker, vec![phase(0, None, 5)], Nanos::ZERO);
    let seen = collect(run.events).await;
    assert!(seen.last().unwrap().contains("ended unexpectedly"), "{seen:?}");
    assert!(seen.contains(&"0s lost: the worker ended unexpectedly".to_owned()), "{seen:?}");
}

#[test]
fn the_guides_spike_is_planned_to_the_last_user() {
    let slots = |schedule: &PhaseSchedule, start| {
        schedule.assignment.changes.iter().filter(|change| change.start == start).count()
    };
    let plan = crate::schedule::tests::spike_plan();
    let phases = schedule(&plan).unwrap();
    assert_eq!(
        phases.iter().map(|p| (slots(p, true), slots(p, false))).collect::<Vec<_>>(),
        [(50, 0), (450, 0), (0, 400)]
    );
    assert_eq!(phases[1].users.iter().sum::<u32>(), 500);
    assert_eq!(phases[2].users.iter().sum::<u32>(), 100);
    // Last in, first out: the users of the first phase are those that remain.
    let first: Vec<_> = phases[0].assignment.changes.iter().map(|change| change.slot).collect();
    assert!(phases[2].assignment.changes.iter().all(|change| !first.contains(&change.slot)));
    assert_eq!(first[0].class, UserClassId(0));
    assert_eq!(phases[1].ramped, Some(Nanos::from_secs(120) + Nanos::from_millis(4490)));
    assert_eq!(phases[2].end, Some(Nanos::from_secs(600)));
}
