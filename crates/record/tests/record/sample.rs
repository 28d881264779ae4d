//! A small run with something of everything.

use serde_json::json;
use squall_core::{EndpointId, ErrorClass, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_plan::{
    Auth, AuthKind, Body, Check, Comparison, Criterion, Endpoint, Escape, Expect, FaultPlan, Feed, FeedOrder,
    HttpSettings, JwtAlgorithm, Level, Load, Measure, Monitor, MonitorKind, Part, Pending, PhasePlan, Plan,
    ProcessTarget, RequestStep, Scope, Secret, Slot, Step, Task, Template, UserClass, Wait,
};
use squall_record::{Environment, FaultMark, Header, LogLevel, LogLine, Mark, MarkKind, PhaseMark};
use squall_stats::{CellKey, ErrorCode, ErrorKey, Histogram, Iterations, PageReserve, Sample, Window};

/// Is in the plan, must not be in the file.
pub(crate) const SECRET: &str = "correct horse battery staple";

pub(crate) fn header() -> Header {
    Header {
        plan: plan(),
        settings: json!({ "users": { "value": 9, "from": "flag" } }),
        environment: Environment {
            squall_version: "0.1.0".into(),
            target: "http://127.0.0.1:8000".into(),
            hostname: "loadgen".into(),
            cpus: 2,
            cgroup_cpus: Some(1.5),
            ..Environment::default()
        },
        started: "2026-01-02T03:04:05.25Z".parse().unwrap(),
    }
}

fn plan() -> Plan {
    let request = RequestStep {
        endpoint: EndpointId(0),
        url: Template::literal("/v1/discover/"),
        headers: vec![],
        body: Some(Body {
            content_type: "text/plain".into(),
            template: Template {
                parts: vec![Part::Slot { slot: Slot::Env(Secret::new(SECRET)), escape: Escape::Raw }],
            },
        }),
        follow: true,
        timeout: None,
        captures: vec![],
        expect: Expect { checks: vec![Check::BodyContains("ok".into())], ..Expect::default() },
    };
    let class = |name: &str, task: &str| UserClass {
        weight_stated: true,
        name: name.into(),
        weight: 1.0,
        fixed_count: 0,
        wait: Wait::Uniform(Nanos::SECOND, Nanos::from_secs(5)),
        auth: Some(0),
        source: None,
        headers: vec![],
        vars: vec![],
        on_start: vec![],
        tasks: vec![Task {
            name: task.into(),
            weight: 3,
            tags: vec![],
            needs: vec![],
            steps: vec![Step::Request(Box::new(request.clone()))],
        }],
        on_stop: vec![],
    };
    let endpoint = |name: &str| Endpoint { method: "GET".into(), name: name.into() };
    Plan {
        faults: ["cut the database", "fill the disk"].map(fault).to_vec(),
        monitors: vec![
            Monitor::generator(),
            Monitor {
                name: "process.api".into(),
                interval: Nanos::from_secs(2),
                kind: MonitorKind::Process(ProcessTarget::Port(8_000)),
            },
        ],
        name: "sample".into(),
        profile: Some("smoke".into()),
        host: "http://127.0.0.1:8000".into(),
        seed: 42,
        http: HttpSettings::default(),
        feeds: vec![Feed {
            name: "accounts".into(),
            order: FeedOrder::Unique,
            columns: vec!["email".into()],
            rows: vec![vec![SECRET.into()]],
        }],
        auths: vec![Auth {
            name: "jwt".into(),
            kind: AuthKind::Jwt {
                algorithm: JwtAlgorithm::HS256,
                secret: Secret::new(SECRET),
                claims: vec![("sub".into(), Template::literal("me"))],
                ttl: Nanos::from_secs(3_600),
            },
        }],
        classes: vec![class("reader", "discover"), class("writer", "post")],
        endpoints: vec![endpoint("/v1/discover/"), endpoint("/v1/stories/{id}")],
        load: Load {
            phases: vec![PhasePlan {
                arrivals: None,
                name: "warm-up".into(),
                users: 9,
                spawn_rate: 3.0,
                run_time: Some(Nanos::from_secs(3)),
                measured: false,
            }],
            stop_timeout: Nanos::SECOND,
        },
        criteria: vec![Criterion {
            abort: false,
            hold: None,
            measure: Measure::Percentile(95.0),
            scope: Scope::default(),
            target: Some(Level { comparison: Comparison::Below, value: 0.5 }),
            acceptable: None,
            failure: None,
        }],
        pending: vec![Pending {
            measure: "host.cpu".into(),
            levels: "< 80%".into(),
            reason: "needs a monitor".into(),
        }],
    }
}

fn fault(name: &str) -> FaultPlan {
    FaultPlan {
        name: name.into(),
        at: Nanos::SECOND,
        run: vec!["true".into()],
        undo: Some(vec!["false".into()]),
        lasts: Some(Nanos::from_millis(700)),
    }
}

/// Both faults: one undone, one for good.
pub(crate) fn faults() -> Vec<FaultMark> {
    vec![
        FaultMark {
            id: 0,
            name: "cut the database".into(),
            start: Nanos::from_millis(1_001),
            end: Some(Nanos::from_millis(1_702)),
            failed: false,
            outcome: "undone".into(),
        },
        FaultMark {
            id: 1,
            name: "fill the disk".into(),
            start: Nanos::from_millis(1_003),
            end: None,
            failed: true,
            outcome: "cannot be run: no such file".into(),
        },
    ]
}

/// (number of the series, moment in ms, value), in the order in which they came: one monitor is late.
pub(crate) const SAMPLES: &[(u32, u64, Option<f64>)] = &[
    (0, 1_000, Some(0.25)),
    (1, 1_000, Some(31_457_280.0)),
    (2, 1_000, Some(40.0)),
    (3, 1_000, Some(0.0)),
    (0, 3_000, Some(0.5)),
    (0, 2_000, None),
    (4, 2_000, Some(1.75)),
    (5, 2_000, None),
    (6, 2_000, Some(12.0)),
    (7, 2_000, Some(9.0)),
];

pub(crate) fn marks() -> Vec<Mark> {
    vec![
        Mark { note: String::new(), at: Nanos::from_secs(2), kind: MarkKind::Reset },
        Mark {
            note: "thread 1 of 2, with 5 users".into(),
            at: Nanos::from_millis(2_500),
            kind: MarkKind::WorkerLost,
        },
    ]
}

pub(crate) fn phases() -> Vec<PhaseMark> {
    let phase = |id, name: &str, start, ramped, end, measured| PhaseMark {
        id: PhaseId(id),
        name: name.into(),
        start: Nanos::from_millis(start),
        ramped,
        end,
        measured,
        users: 9,
    };
    vec![
        phase(0, "warm-up", 0, Some(Nanos::from_millis(700)), Some(Nanos::from_millis(1_500)), false),
        phase(1, "peak", 1_500, None, None, true),
    ]
}

pub(crate) fn log() -> Vec<LogLine> {
    let line = |at, level, text: &str| LogLine { at: Nanos::from_millis(at), level, text: text.into() };
    vec![
        line(1, LogLevel::Info, "9 users in 3 s"),
        line(2_900, LogLevel::Warn, "the target is slow — \"very\""),
    ]
}

/// Three windows, the last with a request cut at the end.
pub(crate) fn windows() -> Vec<Window> {
    let mut windows: Vec<_> = (0..3).map(window).collect();
    record(&mut windows[2], 0, 0, OutcomeKind::Cut, 250);
    windows
}

/// One second: successes, failures, timeouts, refusals; errors, lags, tasks and users.
pub(crate) fn window(second: u64) -> Window {
    let mut window = Window::new(2, 2);
    window.seq = second;
    window.start = Nanos::from_secs(second);
    window.span = Nanos::SECOND;
    window.phase = Some(PhaseId(u16::from(second > 0)));
    window.users = vec![6, 3];
    window.tasks[0].runs = 10;
    window.tasks[1].runs = 2;
    window.tasks[1].skipped = 1;
    window.started = 15;
    // The second second has iterations of the phase before: they are counted where they began.
    for phase in 0..=u16::from(second > 0) {
        *window.iterations_mut(PhaseId(phase), UserClassId(0)) =
            Iterations { offered: 12 + second, started: 11, completed: 10, dropped: u64::from(phase) };
    }
    window.iterations_mut(window.phase.unwrap(), UserClassId(1)).offered = 3;
    window.send_lag.record(Nanos(40_000));
    window.loop_lag.record(Nanos(70_000));
    for n in 0..10 {
        record(&mut window, 0, 0, OutcomeKind::Ok, 10 * (n + 1) + second);
    }
    record(&mut window, 1, 1, OutcomeKind::Failed, 3);
    record(&mut window, 1, 1, OutcomeKind::Failed, 4);
    record(&mut window, 0, 0, OutcomeKind::TimedOut, 30_000);
    record(&mut window, 0, 0, OutcomeKind::RateLimited, 1);
    for (error, code, message, sample) in [
        (ErrorClass::Status, 503, "status 503, expected 200-399", Some("upstream is down")),
        (ErrorClass::Status, 503, "status 503, expected 200-399", Some("upstream is down")),
        (ErrorClass::Timeout, 0, "no response within 30s", None),
    ] {
        let key = ErrorKey { class: UserClassId(1), endpoint: EndpointId(1), error, code: ErrorCode(code) };
        let at = window.start + Nanos::from_millis(500);
        window.errors.record(key, at, || message.into(), || sample.map(Into::into));
    }
    window.errors.overflowed = 1;
    window
}

fn record(window: &mut Window, class: u16, endpoint: u16, outcome: OutcomeKind, response_ms: u64) {
    let key = CellKey {
        phase: window.phase.unwrap(),
        class: UserClassId(class),
        endpoint: EndpointId(endpoint),
        outcome,
    };
    let sample = Sample {
        response: Nanos::from_millis(response_ms),
        service: (class == 1).then_some(Nanos::from_millis(2)),
        first_byte: Nanos::from_millis(1),
        connect: Nanos(1_000),
        tls: Nanos(2_000),
        attempts: 2,
        connects: 1,
        retries: 1,
        bytes_out: 100,
        bytes_in: 1_000,
        body_in: 800,
    };
    window.cell_mut(key).record(&sample, &mut PageReserve::default());
}

/// Everything a window says but the samples of its errors, as text that can be compared.
pub(crate) fn describe(window: &Window) -> String {
    let buckets = |histogram: &Histogram| histogram.buckets().collect::<Vec<_>>();
    let mut text = format!(
        "{} {} {} {:?} {:?} {:?} {} {:?} {:?} {}\n",
        window.seq,
        window.start,
        window.span,
        window.phase,
        window.users,
        window.tasks,
        window.started,
        buckets(&window.send_lag),
        buckets(&window.loop_lag),
        window.errors.overflowed,
    );
    text += &format!("{:?}\n", window.iterations().collect::<Vec<_>>());
    for (key, cell) in window.cells() {
        text += &format!(
            "{key:?} {} {} {} {} {} {} {} {} {} {} {} {} {} {:?} {:?}\n",
            cell.count,
            cell.attempts,
            cell.connects,
            cell.retries,
            cell.bytes_out,
            cell.bytes_in,
            cell.body_in,
            cell.response_sum,
            cell.response_min,
            cell.response_max,
            cell.first_byte_sum,
            cell.connect_sum,
            cell.tls_sum,
            buckets(&cell.response),
            cell.service.as_ref().map(buckets),
        );
    }
    for entry in window.errors.entries() {
        let (key, message) = (entry.key, &entry.message);
        text += &format!("{key:?} {message} {} {} {}\n", entry.count, entry.first, entry.last);
    }
    text
}
