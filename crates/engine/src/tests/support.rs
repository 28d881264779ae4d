//! A thread of the engine on a paused runtime, with a server in memory.

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::channel;

use squall_core::{EndpointId, Nanos, PhaseId, Slot, UserClassId};
use squall_http::{Connector, Tls};
use squall_plan::{
    Endpoint, Escape, Expect, Feed, FeedOrder, HttpSettings, Load, Part, PhasePlan, Plan, RequestStep, Step,
    Task, Template, UserClass, Wait,
};
use squall_stats::{CellKey, ErrorTable, Iterations, Summary, TaskCounts, Window};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;

use crate::alarm::Alarm;
use crate::clock::RunClock;
use crate::command::{ArrivalSchedule, ArrivalShare, Change, Command, Report, Share};
use crate::program::{Program, Targets};
use crate::thread::{Channels, ThreadConfig, run_thread};

pub(super) fn get(path: &str) -> Task {
    let request = RequestStep {
        // Set by `plan_of`.
        endpoint: EndpointId(0),
        url: Template::literal(path),
        headers: Vec::new(),
        body: None,
        follow: true,
        timeout: None,
        captures: Vec::new(),
        expect: Expect::default(),
    };
    Task {
        name: path.to_owned(),
        weight: 1,
        tags: Vec::new(),
        needs: Vec::new(),
        steps: vec![Step::Request(Box::new(request))],
    }
}

/// A path that ends in a slot.
pub(super) fn url(path: &str, slot: squall_plan::Slot) -> Template {
    Template { parts: vec![Part::Text(path.into()), Part::Slot { slot, escape: Escape::Percent }] }
}

/// A feed of one column.
pub(super) fn feed(name: &str, order: FeedOrder, values: &[&str]) -> Feed {
    let rows = values.iter().map(|&value| vec![value.to_owned()]).collect();
    Feed { name: name.into(), order, columns: vec!["value".into()], rows }
}

pub(super) fn request_of(task: &mut Task) -> &mut RequestStep {
    match &mut task.steps[0] {
        Step::Request(request) => request,
        Step::Wait(_) => unreachable!("tasks of these tests begin with a request"),
    }
}

pub(super) fn user_class(name: &str, wait: Wait, tasks: Vec<Task>) -> UserClass {
    UserClass {
        weight_stated: true,
        name: name.to_owned(),
        weight: 1.0,
        fixed_count: 0,
        wait,
        auth: None,
        source: None,
        headers: Vec::new(),
        vars: Vec::new(),
        on_start: Vec::new(),
        tasks,
        on_stop: Vec::new(),
    }
}

/// A plan of these classes; every task's request is an endpoint of its own.
pub(super) fn plan_of(mut classes: Vec<UserClass>) -> Plan {
    let mut endpoints = Vec::new();
    for task in classes.iter_mut().flat_map(|class| &mut class.tasks) {
        let name = task.name.clone();
        request_of(task).endpoint = EndpointId::from(endpoints.len());
        endpoints.push(Endpoint { method: "GET".into(), name });
    }
    Plan {
        faults: Vec::new(),
        monitors: Vec::new(),
        name: "test".into(),
        profile: None,
        host: "http://target.test".into(),
        seed: 7,
        http: HttpSettings::default(),
        feeds: Vec::new(),
        auths: Vec::new(),
        classes,
        endpoints,
        load: Load {
            phases: vec![PhasePlan {
                name: "run".into(),
                users: 1,
                spawn_rate: 1.0,
                run_time: None,
                measured: true,
                arrivals: None,
            }],
            stop_timeout: Nanos::ZERO,
        },
        criteria: Vec::new(),
        pending: Vec::new(),
    }
}

/// What the server sees of a request.
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) now: Nanos,
    head: String,
}

/// What the server does about it.
#[derive(Clone)]
pub(super) struct Answer {
    status: u16,
    body: String,
    headers: String,
    delay: Option<Nanos>,
}

impl Answer {
    pub(super) fn ok() -> Self {
        Self::status(200)
    }

    pub(super) fn status(status: u16) -> Self {
        Self { status, body: format!("body of {status}"), headers: String::new(), delay: Some(Nanos::ZERO) }
    }

    pub(super) fn body(body: &str) -> Self {
        Self::ok().with_body(body)
    }

    pub(super) fn with_body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub(super) fn never() -> Self {
        Self { delay: None, ..Self::ok() }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(super) fn after(mut self, delay: Nanos) -> Self {
        self.delay = Some(delay);
        self
    }
}

type Script = Rc<dyn Fn(&Seen) -> Answer>;

struct Memory {
    /// Connecting fails, at once.
    down: bool,
    clock: RunClock,
    script: Script,
    seen: Rc<RefCell<Vec<Seen>>>,
}

impl Connector for Memory {
    type Stream = DuplexStream;

    async fn connect(&self, _: SocketAddr, _: Option<IpAddr>) -> io::Result<DuplexStream> {
        if self.down {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, theirs) = duplex(64 << 10);
        let (clock, script, seen) = (self.clock, Rc::clone(&self.script), Rc::clone(&self.seen));
        tokio::task::spawn_local(serve(theirs, clock, script, seen));
        Ok(ours)
    }

    async fn resolve(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

async fn serve(mut stream: DuplexStream, clock: RunClock, script: Script, seen: Rc<RefCell<Vec<Seen>>>) {
    let mut buffer = Vec::new();
    loop {
        while !buffer.ends_with(b"\r\n\r\n") {
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let head = String::from_utf8(std::mem::take(&mut buffer)).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let request = Seen { path, now: clock.now(), head };
        let answer = script(&request);
        seen.borrow_mut().push(request);
        match answer.delay {
            Some(Nanos::ZERO) => {}
            Some(delay) => tokio::time::sleep(delay.into()).await,
            None => pending().await,
        }
        let text = format!(
            "HTTP/1.1 {} X\r\n{}Content-Length: {}\r\n\r\n{}",
            answer.status,
            answer.headers,
            answer.body.len(),
            answer.body
        );
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A run of one thread.
pub(super) struct Bench {
    plan: Plan,
    script: Script,
    changes: Vec<Change>,
    /// Each phase's beginning, and what arrives in it.
    phases: Vec<(Nanos, Option<ArrivalSchedule>)>,
    stop_timeout: Nanos,
    down: bool,
    paused: bool,
}

impl Bench {
    pub(super) fn new(plan: Plan, script: impl Fn(&Seen) -> Answer + 'static) -> Self {
        Self {
            plan,
            script: Rc::new(script),
            changes: Vec::new(),
            phases: vec![(Nanos::ZERO, None)],
            stop_timeout: Nanos::ZERO,
            down: false,
            paused: true,
        }
    }

    /// This many users of the first class, all from the start.
    pub(super) fn users(mut self, users: u32) -> Self {
        let slots = (0..users).map(|index| Slot { class: UserClassId(0), index });
        self.changes.extend(slots.map(|slot| Change { due: Nanos::ZERO, slot, start: true }));
        self
    }

    pub(super) fn start(mut self, due: Nanos, slot: Slot) -> Self {
        self.changes.push(Change { due, slot, start: true });
        self
    }

    pub(super) fn stop(mut self, due: Nanos, slot: Slot) -> Self {
        self.changes.push(Change { due, slot, start: false });
        self
    }

    /// What arrives from the start on.
    pub(super) fn arrivals(mut self, schedule: ArrivalSchedule) -> Self {
        self.phases[0].1 = Some(schedule);
        self
    }

    /// A further phase.
    pub(super) fn phase(mut self, at: Nanos, arrivals: Option<ArrivalSchedule>) -> Self {
        self.phases.push((at, arrivals));
        self
    }

    /// Let users finish their task at the end, for up to this long.
    pub(super) fn stop_timeout(mut self, timeout: Nanos) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// Nobody listens.
    pub(super) fn down(mut self) -> Self {
        self.down = true;
        self
    }

    /// With the clock of the machine.
    pub(super) fn real_time(mut self) -> Self {
        self.paused = false;
        self
    }

    pub(super) fn run(self, time: Nanos) -> Run {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(self.paused)
            .build_local(LocalOptions::default())
            .unwrap();
        runtime.block_on(async {
            let clock = RunClock::start();
            let seen = Rc::new(RefCell::new(Vec::new()));
            let targets = Targets::fixed(&self.plan.host, SocketAddr::from(([127, 0, 0, 1], 80)));
            let program = Program::compile(Arc::new(self.plan), &targets).unwrap();
            let memory = Memory { down: self.down, clock, script: self.script, seen: Rc::clone(&seen) };
            let (commands, command_receiver) = unbounded_channel();
            let (report_sender, mut reports) = unbounded_channel();
            let (_recycle, recycled) = channel();
            let mut changes = self.changes;
            for (index, (at, schedule)) in self.phases.into_iter().enumerate() {
                let arrivals = schedule.map(|schedule| {
                    let owners = schedule.users.iter().map(|&users| vec![0; users as usize]).collect();
                    ArrivalShare { schedule: Arc::new(schedule), owners: Arc::new(owners) }
                });
                let changes = std::mem::take(&mut changes);
                let share = Share { at, phase: PhaseId::from(index), changes, arrivals };
                commands.send(Command::Assign(share)).unwrap();
            }
            let alarm = Alarm::Runtime { at: clock.instant(Nanos::ZERO).into(), changed: Notify::new() };
            let config = ThreadConfig { index: 0, clock, tls: Tls::disabled(), alarm, loopback: true };
            let channels = Channels { commands: command_receiver, reports: report_sender, recycled };
            let stop_timeout = self.stop_timeout;
            tokio::task::spawn_local(async move {
                tokio::time::sleep_until(clock.instant(time)).await;
                commands.send(Command::Stop { timeout: stop_timeout }).unwrap();
                if stop_timeout > Nanos::ZERO {
                    tokio::time::sleep(stop_timeout.into()).await;
                } else {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                commands.send(Command::Finish).unwrap();
            });
            run_thread(program, config, memory, channels).await;
            let mut run = Run { windows: Vec::new(), warnings: Vec::new(), seen: Vec::new() };
            while let Ok(report) = reports.try_recv() {
                match report {
                    Report::Window { window, .. } => run.windows.push(*window),
                    Report::Warning(text) => run.warnings.push(text),
                    Report::Idle { .. } | Report::Died { .. } => {}
                }
            }
            run.seen = seen.take();
            run
        })
    }
}

/// What a run left.
pub(super) struct Run {
    windows: Vec<Window>,
    warnings: Vec<String>,
    seen: Vec<Seen>,
}

impl Run {
    pub(super) fn windows(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter()
    }

    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(super) fn summary(&self) -> Summary {
        self.summary_of(|_| true)
    }

    pub(super) fn summary_of(&self, filter: impl Fn(&CellKey) -> bool) -> Summary {
        let mut summary = Summary::default();
        for (key, cell) in self.windows.iter().flat_map(Window::cells).filter(|(key, _)| filter(key)) {
            summary.add(key.outcome, cell);
        }
        summary
    }

    pub(super) fn errors(&self) -> ErrorTable {
        let mut errors = ErrorTable::default();
        self.windows.iter().for_each(|window| errors.merge(&window.errors));
        errors
    }

    pub(super) fn tasks(&self) -> Vec<TaskCounts> {
        let mut tasks = vec![TaskCounts::default(); self.windows[0].tasks.len()];
        for window in &self.windows {
            for (sum, counts) in tasks.iter_mut().zip(&window.tasks) {
                sum.runs += counts.runs;
                sum.skipped += counts.skipped;
            }
        }
        tasks
    }

    /// Task iterations of a phase and class.
    pub(super) fn iterations(&self, phase: u16, class: u16) -> Iterations {
        let mut sum = Iterations::default();
        let all = self.windows.iter().flat_map(Window::iterations);
        all.filter(|(p, c, _)| (p.0, c.0) == (phase, class)).for_each(|(_, _, counts)| sum.merge(counts));
        sum
    }

    /// When the server read each request, in ms.
    pub(super) fn moments(&self) -> Vec<f64> {
        self.seen.iter().map(|seen| seen.now.as_millis_f64()).collect()
    }

    /// Requests the server read.
    pub(super) fn served(&self) -> u64 {
        self.seen.len() as u64
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.seen.iter().map(|seen| seen.path.clone()).collect()
    }

    /// Values of a request header, in the order the server saw them.
    pub(super) fn headers(&self, name: &str) -> Vec<String> {
        let lines = self.seen.iter().flat_map(|seen| seen.head.lines());
        let pairs = lines.filter_map(|line| line.split_once(": "));
        pairs.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned()).collect()
    }

    pub(super) fn users_by_window(&self) -> Vec<u32> {
        self.windows.iter().map(|window| window.users[0]).collect()
    }

    /// Users before the end of the run.
    pub(super) fn last_users(&self) -> Vec<u32> {
        self.windows[self.windows.len() - 2].users.clone()
    }
}
