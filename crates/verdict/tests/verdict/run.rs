//! Runs made by hand, second by second.

use squall_core::{EndReason, EndpointId, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_plan::{
    Comparison, Criterion, Endpoint, Expect, HttpSettings, Level, Load, Measure, PhasePlan, Plan,
    RequestStep, Scope, Step, Task, Template, UserClass, Wait,
};
use squall_record::{End, Environment, PhaseMark, Run};
use squall_stats::{CellKey, PageReserve, Sample, Window};

/// Seconds of run time, in milliseconds.
pub(crate) fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

pub(crate) fn level(comparison: Comparison, value: f64) -> Option<Level> {
    Some(Level { comparison, value })
}

/// A criterion on everything: met below the target.
pub(crate) fn below(measure: Measure, value: f64) -> Criterion {
    let target = level(Comparison::Below, value);
    Criterion {
        abort: false,
        hold: None,
        measure,
        scope: Scope::default(),
        target,
        acceptable: None,
        failure: None,
    }
}

pub(crate) fn request(endpoint: u16) -> Step {
    Step::Request(Box::new(RequestStep {
        endpoint: EndpointId(endpoint),
        url: Template::literal("/"),
        headers: vec![],
        body: None,
        follow: true,
        timeout: None,
        captures: vec![],
        expect: Expect::default(),
    }))
}

pub(crate) fn task(name: &str, weight: u32, steps: Vec<Step>) -> Task {
    Task { name: name.into(), weight, tags: vec![], needs: vec![], steps }
}

pub(crate) fn class(name: &str, weight: f64, wait: Wait, tasks: Vec<Task>) -> UserClass {
    UserClass {
        weight_stated: true,
        name: name.into(),
        weight,
        fixed_count: 0,
        wait,
        auth: None,
        source: None,
        headers: vec![],
        vars: vec![],
        on_start: vec![],
        tasks,
        on_stop: vec![],
    }
}

/// Two classes, two endpoints, the named phases of 10 users.
pub(crate) fn plan(phases: &[(&str, bool)], criteria: Vec<Criterion>) -> Plan {
    let wait = Wait::Constant(Nanos::SECOND);
    let phase = |(name, measured): &(&str, bool)| PhasePlan {
        name: (*name).into(),
        users: 10,
        spawn_rate: 10.0,
        run_time: Some(Nanos::from_secs(10)),
        measured: *measured,
        arrivals: None,
    };
    let endpoint = |name: &str| Endpoint { method: "GET".into(), name: name.into() };
    Plan {
        faults: Vec::new(),
        monitors: Vec::new(),
        name: "by hand".into(),
        profile: None,
        host: "http://127.0.0.1".into(),
        seed: 1,
        http: HttpSettings::default(),
        feeds: vec![],
        auths: vec![],
        classes: vec![
            class("reader", 3.0, wait, vec![task("read", 1, vec![request(0)])]),
            class("writer", 1.0, wait, vec![task("write", 1, vec![request(1)])]),
        ],
        endpoints: vec![endpoint("/v1/discover/"), endpoint("/v1/stories/")],
        load: Load { phases: phases.iter().map(phase).collect(), stop_timeout: Nanos::SECOND },
        criteria,
        pending: vec![],
    }
}

pub(crate) fn run(plan: Plan, phases: Vec<PhaseMark>, windows: Vec<Window>) -> Run {
    let at = windows.last().map_or(Nanos::ZERO, |w| w.start + w.span);
    Run {
        faults: Vec::new(),
        series: Vec::new(),
        squall_version: "0.1.0".into(),
        plan,
        settings: serde_json::Value::Null,
        environment: Environment::default(),
        started: jiff::Timestamp::UNIX_EPOCH,
        phases,
        windows,
        marks: vec![],
        log: vec![],
        end: Some(End { reason: EndReason::Completed, at }),
        merged_windows: 0,
    }
}

/// A phase from `start` to `end`, whose users were all there at `ramped` (all in milliseconds).
pub(crate) fn phase(id: u16, name: &str, start: u64, ramped: Option<u64>, end: u64) -> PhaseMark {
    PhaseMark {
        id: PhaseId(id),
        name: name.into(),
        start: ms(start),
        ramped: ramped.map(ms),
        end: Some(ms(end)),
        measured: !name.starts_with("warm"),
        users: 10,
    }
}

/// The window of one second.
pub(crate) fn second(number: u64) -> Window {
    let mut window = Window::new(2, 2);
    (window.seq, window.start, window.span) = (number, Nanos::from_secs(number), Nanos::SECOND);
    window
}

/// Requests that complete in a window.
pub(crate) trait Requests {
    /// `n` of them, begun in `phase` by a reader, with this outcome and response time.
    fn with(self, phase: u16, outcome: OutcomeKind, n: u64, response_ms: u64) -> Self;
    /// The same at an endpoint, by a class.
    fn at(self, site: (u16, u16), phase: u16, outcome: OutcomeKind, n: u64, response_ms: u64) -> Self;
}

impl Requests for Window {
    fn with(self, phase: u16, outcome: OutcomeKind, n: u64, response_ms: u64) -> Self {
        self.at((0, 0), phase, outcome, n, response_ms)
    }

    fn at(mut self, site: (u16, u16), phase: u16, outcome: OutcomeKind, n: u64, response_ms: u64) -> Self {
        let (class, endpoint) = (UserClassId(site.0), EndpointId(site.1));
        let cell = self.cell_mut(CellKey { phase: PhaseId(phase), class, endpoint, outcome });
        for _ in 0..n {
            let sample = Sample { response: ms(response_ms), attempts: 1, ..Sample::default() };
            cell.record(&sample, &mut PageReserve::default());
        }
        self
    }
}
