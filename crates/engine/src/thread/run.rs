//! The life of a thread, from what it is started with to its last window.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Receiver as RecycleReceiver;

use squall_core::PhaseId;
use squall_http::{Client, ClientConfig, Connector, Tls};
use squall_plan::Plan;
use squall_stats::{Recorder, Window};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::Thread;
use super::driver::Driver;
use super::turns::Turns;
use crate::alarm::Alarm;
use crate::clock::RunClock;
use crate::command::{Command, Report};
use crate::program::Program;
use crate::timers::Timers;

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
    let wall = config.clock.wall_origin();
    let client = Client::new(client_config(&plan), config.tls, connector, Rc::new(config.clock), wall);
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
        turns: RefCell::new(Turns::new(plan.classes.len(), plan.http.timeout)),
        scratch: RefCell::default(),
        sampling: RefCell::default(),
        warned: RefCell::default(),
        loopback: config.loopback,
        reports,
    });
    let mut driver = Driver::new(Rc::clone(&thread), config.index, recycled);
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
        driver.advance(thread.clock.now());
    }
    driver.finish(thread.clock.now());
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
