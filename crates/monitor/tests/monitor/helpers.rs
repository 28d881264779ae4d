//! Children to watch, plans that watch them, and what is said about them.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use squall_core::Nanos;
use squall_monitor::{MonitorEvent, Monitors, Watch};
use squall_plan::{HttpSettings, Load, Monitor, MonitorKind, Plan, ProcessTarget};

/// Asks a child for a port to listen on.
const LISTEN: &str = "SQUALL_TEST_LISTEN";

/// Killed and collected at the end of the test. A listener's output stays open, so that it can write its farewell.
pub(crate) struct Guard {
    pub(crate) child: Child,
    _out: Option<BufReader<ChildStdout>>,
}

impl Guard {
    pub(crate) fn over(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap(), _out: None }
    }

    pub(crate) fn sh(script: &str) -> Self {
        Self::over(Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::null()))
    }

    /// This binary, running only `test`, which calls [`listen_if_asked`] first. Returns once it listens.
    pub(crate) fn listener(test: &str, port: u16) -> (Self, u16) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads", "1"])
            .env(LISTEN, port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(out.read_line(&mut line).unwrap() > 0, "the child has ended");
            if let Some((_, port)) = line.split_once("listens on ") {
                break port.trim().parse().unwrap();
            }
        };
        (Self { child, _out: Some(out) }, port)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a child of [`Guard::listener`]: listen until the parent is gone, and return true.
pub(crate) fn listen_if_asked() -> bool {
    let Ok(port) = std::env::var(LISTEN) else { return false };
    let listener = TcpListener::bind(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
    announce(&listener);
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    true
}

/// What [`Guard::listener`] waits for.
#[expect(clippy::print_stdout, reason = "a child tells its parent")]
pub(crate) fn announce(listener: &TcpListener) {
    println!("listens on {}", listener.local_addr().unwrap().port());
}

/// A plan that does nothing but watch.
pub(crate) fn plan(monitors: Vec<Monitor>) -> Plan {
    Plan {
        name: "watch".into(),
        profile: None,
        host: "http://127.0.0.1:1".into(),
        seed: 0,
        http: HttpSettings::default(),
        feeds: vec![],
        auths: vec![],
        classes: vec![],
        endpoints: vec![],
        load: Load { phases: vec![], stop_timeout: Nanos::ZERO },
        criteria: vec![],
        pending: vec![],
        monitors,
        faults: vec![],
    }
}

pub(crate) fn process(name: &str, target: ProcessTarget, interval_ms: u64) -> Monitor {
    Monitor {
        name: name.into(),
        interval: Nanos::from_millis(interval_ms),
        kind: MonitorKind::Process(target),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test has no run whose clock it could ask")]
pub(crate) fn clock() -> impl Fn() -> Nanos + Clone + Send + 'static {
    let start = Instant::now();
    move || start.elapsed().into()
}

pub(crate) fn start(monitors: Vec<Monitor>) -> Listener {
    let plan = plan(monitors);
    let names = plan.series().into_iter().map(|series| series.name).collect();
    Listener { names, watch: Monitors::prepare(&plan).unwrap().start(clock()), warnings: Vec::new() }
}

/// Reads what a watch says.
pub(crate) struct Listener {
    names: Vec<String>,
    watch: Watch,
    pub(crate) warnings: Vec<String>,
}

impl Listener {
    /// The next sample of any series.
    pub(crate) fn next(&mut self) -> (String, Nanos, Option<f64>) {
        loop {
            match self.watch.events.blocking_recv().unwrap() {
                MonitorEvent::Sample { series, at, value } => {
                    return (self.names[series as usize].clone(), at, value);
                }
                MonitorEvent::Warning(text) => self.warnings.push(text),
            }
        }
    }

    /// The next sample of the series of that name.
    pub(crate) fn sample(&mut self, name: &str) -> (Nanos, Option<f64>) {
        self.until(name, |_| true)
    }

    /// The next sample of that series that fits; there is one sooner or later.
    pub(crate) fn until(&mut self, name: &str, fits: impl Fn(Option<f64>) -> bool) -> (Nanos, Option<f64>) {
        for _ in 0..100_000 {
            let (series, at, value) = self.next();
            if series == name && fits(value) {
                return (at, value);
            }
        }
        panic!("{name} never becomes what it should; {:?}", self.warnings);
    }
}
