//! A made-up run with everything a report can show: warm-up, an open phase, a spike, refusals, failures, timeouts, requests
//! cut at the end, a paced class, a task that never ran, watched series with a gap, a fault. The same on every call.

use serde_json::json;
use squall_core::{EndReason, EndpointId, ErrorClass, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_plan::{
    ArrivalPlan, Comparison, Criterion, Endpoint, Expect, FaultPlan, HttpSettings, Level, Load, Measure,
    Monitor, MonitorKind, Pending, PhasePlan, Plan, ProcessTarget, RateSegment, RequestStep, Scope, Spacing,
    Step, Task, Template, UserClass, Wait,
};
use squall_record::{End, Environment, FaultMark, LogLevel, LogLine, PhaseMark, Point, Run, Series};
use squall_stats::{CellKey, ErrorCode, ErrorKey, PageReserve, Sample, Window};
use squall_verdict::{Doubt, DoubtKind, Overall, Row, Severity, Standing, Verdict};

/// What `<script>` and friends look like when a target puts them into names, samples and logs.
pub(crate) const HOSTILE: &str = "</script><script>alert('x')</script><img src=x onerror=alert(1)> & \"q\"";

const PHASES: [(&str, u32, u64, bool); 5] = [
    ("warm-up", 20, 15, false),
    ("normal", 60, 45, true),
    ("spike", 240, 40, true),
    ("recovery", 60, 45, true),
    ("ramp-down", 0, 15, true),
];
/// Method, name, class, share of requests, median in ms.
const ENDPOINTS: [(&str, &str, usize, f64, f64); 8] = [
    ("GET", "/v1/discover/trending", 0, 0.34, 38.0),
    ("GET", "/v1/stories/{slug}", 0, 0.24, 54.0),
    ("GET", "/v1/search/stories", 0, 0.12, 95.0),
    ("GET", "/v1/library/shelves", 1, 0.10, 61.0),
    ("POST", "/v1/whispers", 1, 0.07, 80.0),
    ("POST", "/v1/stories", 2, 0.05, 120.0),
    ("GET", "/health", 3, 0.06, 4.0),
    ("GET", "/v1/notifications?unread=true&page={page}", 1, 0.02, 70.0),
];

/// Arrivals per second of a phase that has them.
fn arrivals(phase: &str) -> Option<f64> {
    match phase {
        "normal" | "recovery" => Some(37.0),
        "spike" => Some(148.0),
        _ => None,
    }
}

/// SplitMix64, so that the sample needs no crate and never changes.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Log-normal with this median.
    fn latency_ms(&mut self, median: f64, sigma: f64) -> f64 {
        let normal =
            (-2.0 * self.unit().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }
}

fn class(name: &str, weight: f64, wait: Wait, tasks: &[(&str, u32, usize)]) -> UserClass {
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
        tasks: tasks
            .iter()
            .map(|&(name, weight, endpoint)| Task {
                name: name.into(),
                weight,
                tags: vec![],
                needs: vec![],
                steps: vec![Step::Request(Box::new(RequestStep {
                    endpoint: EndpointId::from(endpoint),
                    url: Template::literal(ENDPOINTS.get(endpoint).map_or("/x", |e| e.1)),
                    headers: vec![],
                    body: None,
                    follow: true,
                    timeout: None,
                    captures: vec![],
                    expect: Expect::default(),
                }))],
            })
            .collect(),
        on_stop: vec![],
    }
}

fn criterion(measure: Measure, levels: [(Comparison, f64); 3], scope: Scope) -> Criterion {
    let [target, acceptable, failure] = levels.map(|(comparison, value)| Some(Level { comparison, value }));
    Criterion { abort: false, hold: None, measure, scope, target, acceptable, failure }
}

pub(crate) fn plan() -> Plan {
    use Comparison::{Above, Below};
    let secs = Nanos::from_secs;
    let latency = |t: f64, a: f64| [(Below, t), (Below, a), (Above, a)];
    Plan {
        faults: vec![FaultPlan {
            name: "redis restarts".into(),
            at: secs(112),
            run: vec!["systemctl".into(), "restart".into(), "redis".into()],
            undo: None,
            lasts: Some(secs(6)),
        }],
        monitors: vec![
            Monitor::generator(),
            Monitor {
                name: "process.api".into(),
                interval: secs(1),
                kind: MonitorKind::Process(ProcessTarget::Port(8000)),
            },
        ],
        name: "muejam".into(),
        profile: Some("spike".into()),
        host: "http://staging.muejam.example:8000".into(),
        seed: 42,
        http: HttpSettings::default(),
        feeds: vec![],
        auths: vec![],
        classes: vec![
            class(
                "Casual",
                70.0,
                Wait::Uniform(secs(1), secs(5)),
                &[("trending", 14, 0), ("view_story", 10, 1), ("search", 5, 2)],
            ),
            class(
                "Engaged",
                25.0,
                Wait::Uniform(secs(2), secs(8)),
                &[("shelves", 5, 3), ("whisper", 3, 4), ("notifications", 1, 7)],
            ),
            class(
                "Author",
                4.0,
                Wait::Uniform(secs(5), secs(15)),
                &[("create_story", 1, 5), ("update_story", 1, 5)],
            ),
            class("Monitor", 1.0, Wait::Pacing(secs(1)), &[("health", 1, 6)]),
        ],
        endpoints: ENDPOINTS.iter().map(|e| Endpoint { method: e.0.into(), name: e.1.into() }).collect(),
        load: Load {
            phases: PHASES
                .iter()
                .map(|&(name, users, run_time, measured)| PhasePlan {
                    arrivals: arrivals(name).map(|rate| ArrivalPlan {
                        segments: vec![RateSegment { from: rate, to: rate, span: None }],
                        spacing: Spacing::Poisson,
                    }),
                    name: name.into(),
                    users,
                    spawn_rate: if name == "spike" { 60.0 } else { 10.0 },
                    run_time: Some(secs(run_time)),
                    measured,
                })
                .collect(),
            stop_timeout: secs(5),
        },
        criteria: vec![
            criterion(Measure::Percentile(50.0), latency(0.2, 0.5), Scope::default()),
            criterion(Measure::Percentile(95.0), latency(0.5, 1.0), Scope::default()),
            criterion(Measure::Percentile(99.0), latency(1.0, 2.0), Scope::default()),
            Criterion {
                hold: Some(secs(30)),
                abort: true,
                ..criterion(
                    Measure::ErrorRate,
                    [(Below, 0.005), (Below, 0.02), (Above, 0.05)],
                    Scope::default(),
                )
            },
            criterion(
                Measure::Throughput,
                [(Above, 100.0), (Above, 50.0), (Below, 50.0)],
                Scope { phase: Some(2), ..Scope::default() },
            ),
            criterion(
                Measure::Percentile(95.0),
                latency(0.15, 0.3),
                Scope { endpoint: Some(EndpointId(2)), ..Scope::default() },
            ),
        ],
        pending: vec![
            Pending {
                measure: "redis.hit_rate".into(),
                levels: "> 80%".into(),
                reason: "needs a probe of the cache".into(),
            },
            Pending {
                measure: "postgres.connections.used".into(),
                levels: "< 60%".into(),
                reason: "needs a probe of the database".into(),
            },
        ],
    }
}

fn error(class: usize, endpoint: usize, error: ErrorClass, code: u32) -> ErrorKey {
    ErrorKey {
        class: UserClassId::from(class),
        endpoint: EndpointId::from(endpoint),
        error,
        code: ErrorCode(code),
    }
}

/// Counts requests into windows.
struct Builder {
    dice: Dice,
    reserve: PageReserve,
}

impl Builder {
    fn request(&mut self, window: &mut Window, phase: usize, which: usize, load: f64, spike: bool) {
        let (_, _, class, _, median) = ENDPOINTS[which];
        let fate = self.dice.unit();
        let mut ms = self.dice.latency_ms(median * (1.0 + load * load * 2.5), 0.45);
        let mut outcome = OutcomeKind::Ok;
        let at = window.start + Nanos::from_millis(500);
        if spike && which == 1 && fate < 0.06 {
            outcome = OutcomeKind::Failed;
            ms = 3.0;
            let sample = || Some("503 Service Unavailable: {\"error\":\"pool exhausted\"}".to_owned());
            let message = || "status 503, expected 200-399".to_owned();
            window.errors.record(error(class, which, ErrorClass::Status, 503), at, message, sample);
        } else if spike && which == 2 && fate < 0.015 {
            outcome = OutcomeKind::TimedOut;
            ms = 30_000.0;
            let message = || "no complete response within 30s".to_owned();
            window.errors.record(error(class, which, ErrorClass::Timeout, 0), at, message, || None);
        } else if which == 4 && (fate < 0.3 || (spike && fate < 0.75)) {
            outcome = OutcomeKind::RateLimited;
            ms = 1.5;
        } else if which == 5 && fate < 0.02 {
            outcome = OutcomeKind::Failed;
            let sample = || Some(format!("{{\"detail\":\"{HOSTILE}\"}}"));
            let message = || format!("check failed: $.data.id is missing {HOSTILE}");
            window.errors.record(error(class, which, ErrorClass::Check, 1), at, message, sample);
        }
        let key = CellKey {
            phase: PhaseId::from(phase),
            class: UserClassId::from(class),
            endpoint: EndpointId::from(which),
            outcome,
        };
        let fresh = self.dice.unit() < 0.03;
        let response = Nanos::from_secs_f64(ms / 1e3);
        let sample = Sample {
            // A pacing user that is held up starts late: the response time counts from when it was due.
            response: if which == 6 { response + Nanos::from_secs_f64(load * 0.09) } else { response },
            service: (which == 6).then_some(response),
            first_byte: Nanos::from_secs_f64(ms / 1e3 * 0.8),
            connect: if fresh { Nanos(420_000) } else { Nanos::ZERO },
            tls: Nanos::ZERO,
            attempts: 1,
            connects: u32::from(fresh),
            retries: 0,
            bytes_out: 310,
            bytes_in: 900 + (median * 40.0) as u64,
            body_in: 700 + (median * 40.0) as u64,
        };
        window.cell_mut(key).record(&sample, &mut self.reserve);
        window.started += 1;
        // The task `update_story` (6 + 1) never comes to run; its turns are skipped.
        let task = [0, 1, 2, 3, 4, 6, 8, 5][which];
        window.tasks[task].runs += 1;
        if which == 5 {
            window.tasks[7].skipped += 1;
        }
    }

    fn window(&mut self, seq: u64, users: u32, phase: usize, classes: usize, tasks: usize) -> Window {
        let mut window = Window::new(classes, tasks);
        (window.seq, window.start, window.span) = (seq, Nanos::from_secs(seq), Nanos::SECOND);
        window.phase = Some(PhaseId::from(phase));
        let part = |share: f64| (f64::from(users) * share).round() as u32;
        let (engaged, author, monitor) = (part(0.25), part(0.04), part(0.01));
        window.users = vec![users - engaged - author - monitor, engaged, author, monitor];
        let load = f64::from(users) / 200.0;
        let requests = (f64::from(users) * 0.62 * (0.9 + 0.2 * self.dice.unit())) as u32;
        for _ in 0..requests {
            let mut pick = self.dice.unit();
            let which = ENDPOINTS.iter().position(|endpoint| {
                pick -= endpoint.3;
                pick < 0.0
            });
            self.request(&mut window, phase, which.unwrap_or(0), load, phase == 2);
        }
        // In open phases what is due comes by itself; some of it finds no user while redis restarts.
        let rate = arrivals(PHASES[phase].0);
        let offered = rate.map_or(u64::from(requests), |rate| rate as u64);
        let dropped = if (112..118).contains(&seq) { 9 } else { 0 };
        let iterations = window.iterations_mut(PhaseId::from(phase), UserClassId(0));
        iterations.offered = offered;
        iterations.started = offered - dropped;
        iterations.completed = offered - dropped;
        iterations.dropped = dropped;
        for _ in 0..requests {
            window.send_lag.record(Nanos::from_secs_f64(self.dice.latency_ms(0.05, 0.6) / 1e3));
            window.loop_lag.record(Nanos::from_secs_f64(self.dice.latency_ms(0.12, 0.8) / 1e3));
        }
        window
    }
}

/// What was watched, a sample a second: memory grows, and for 8 s nobody could tell.
fn series(plan: &Plan, secs: u64) -> Vec<Series> {
    let mut dice = Dice(11);
    let mut value = |name: &str, at: u64| match name.rsplit_once('.').map(|(_, part)| part) {
        Some("rss") => 180e6 + 0.4e6 * at as f64 + 3e6 * dice.unit(),
        Some("cpu") => 0.2 + 0.3 * dice.unit() + if (60..100).contains(&at) { 1.4 } else { 0.0 },
        Some("threads") => 24.0,
        Some("fds") => 60.0 + (40.0 * dice.unit()).round(),
        _ => 0.0,
    };
    let mut of = |name: String, unit| {
        let blind = |at: u64| name.starts_with("process") && (44..52).contains(&at);
        let samples = (0..=secs).map(|at| Point {
            at: Nanos::from_millis(at * 1_000 + 3),
            value: (!blind(at)).then(|| value(&name, at)),
        });
        let samples = samples.collect();
        Series { name, unit, samples }
    };
    plan.series().into_iter().map(|plan| of(plan.name, plan.unit)).collect()
}

/// Doubts of both kinds.
pub(crate) fn doubts() -> Vec<Doubt> {
    let doubt = |kind, severity, evidence: &str| Doubt { kind, severity, evidence: evidence.into() };
    vec![
        doubt(
            DoubtKind::NobodyLoggedIn,
            Severity::Invalid,
            "4,930 of 4,960 requests with credentials were answered with 401 or 403 (99.4%).",
        ),
        doubt(DoubtKind::TaskNeverRan, Severity::Invalid, "Author.update_story was skipped 505 times."),
        doubt(
            DoubtKind::MonitorBlind,
            Severity::Suspect,
            "process.api had no data for 8s of 2m40s (5%), first at 44s.",
        ),
    ]
}

/// The verdict with [`doubts`].
pub(crate) fn doubted() -> Verdict {
    Verdict { doubts: doubts(), ..verdict() }
}

/// The run.
pub(crate) fn run() -> Run {
    let plan = plan();
    let (classes, tasks) = (plan.classes.len(), plan.tasks().count());
    let mut builder = Builder { dice: Dice(7), reserve: PageReserve::default() };
    let (mut windows, mut phases) = (Vec::new(), Vec::new());
    let (mut users, mut seq) = (0u32, 0u64);
    for (phase, &(name, asked, run_time, measured)) in PHASES.iter().enumerate() {
        let start = Nanos::from_secs(seq);
        let step = if name == "spike" { 60 } else { 10 };
        let mut ramped = None;
        for _ in 0..run_time {
            users =
                if users < asked { (users + step).min(asked) } else { users.saturating_sub(step).max(asked) };
            seq += 1;
            if users == asked && ramped.is_none() {
                ramped = Some(Nanos::from_secs(seq));
            }
            windows.push(builder.window(seq - 1, users, phase, classes, tasks));
        }
        let end = Some(Nanos::from_secs(seq));
        let id = PhaseId::from(phase);
        phases.push(PhaseMark { id, name: name.into(), start, ramped, end, measured, users: asked });
    }
    if let Some(last) = windows.last_mut() {
        last.span = Nanos::from_millis(640);
        let key = CellKey {
            phase: PhaseId(4),
            class: UserClassId(0),
            endpoint: EndpointId(2),
            outcome: OutcomeKind::Cut,
        };
        let sample = Sample { response: Nanos::from_millis(2_300), attempts: 1, ..Sample::default() };
        (0..3).for_each(|_| last.cell_mut(key).record(&sample, &mut PageReserve::default()));
    }
    let at = Nanos::from_millis(seq * 1_000 - 360);
    Run {
        faults: vec![FaultMark {
            id: 0,
            name: "redis restarts".into(),
            start: Nanos::from_millis(112_004),
            end: Some(Nanos::from_millis(118_011)),
            failed: false,
            outcome: "`systemctl restart redis` ended after 412ms with code 0".into(),
        }],
        series: series(&plan, seq),
        squall_version: "0.1.0".into(),
        settings: json!({
            "users": {"value": ["240"], "from": "suite.toml"},
            "host": {"value": [plan.host], "from": "--host"},
            "tags": {"value": [HOSTILE, "b"], "from": "--tags"},
        }),
        plan,
        environment: Environment {
            squall_version: "0.1.0".into(),
            target: "http://staging.muejam.example:8000".into(),
            hostname: "load-1".into(),
            os: "Debian GNU/Linux 12 (bookworm)".into(),
            kernel: "Linux 6.1.0".into(),
            arch: "x86_64".into(),
            cpu_model: "AMD EPYC 7B13".into(),
            cpus: 8,
            memory_bytes: 16 << 30,
            cgroup_cpus: Some(2.0),
            cgroup_memory_bytes: Some(4 << 30),
            fd_limit: Some(65_536),
        },
        started: "2026-11-23T13:14:00.25Z".parse().unwrap(),
        phases,
        windows,
        marks: vec![],
        log: vec![
            LogLine { at: Nanos::from_millis(1), level: LogLevel::Info, text: "ramping to 20 users".into() },
            LogLine {
                at: Nanos::from_secs(61),
                level: LogLevel::Warn,
                text: format!("connection pool of the target looks exhausted {HOSTILE}"),
            },
            LogLine { at, level: LogLevel::Info, text: "run time is over".into() },
        ],
        end: Some(End { reason: EndReason::Completed, at }),
        merged_windows: 0,
    }
}

/// A run that ended before anything was asked.
pub(crate) fn empty() -> Run {
    let none = (vec![], vec![]);
    Run { windows: vec![], phases: vec![], log: vec![], end: None, series: none.0, faults: none.1, ..run() }
}

/// A verdict on the run with every standing. Made up too: how runs are judged is not what is tested here.
pub(crate) fn verdict() -> Verdict {
    let standings = [
        (Some(0.1691), "169.1ms", Standing::Pass, Some(16)),
        (Some(0.5965), "596.5ms", Standing::Degraded, Some(70)),
        (Some(1.05), "≥ 1.05s", Standing::Gap, Some(70)),
        (Some(0.0144), "1.44%", Standing::Degraded, Some(66)),
        (None, "no data", Standing::NoData, None),
        (Some(1.04), "1.04s", Standing::Fail, Some(63)),
    ];
    let labels = ["p50", "p95", "p99", "error_rate", "throughput, phase spike", "p95 GET /v1/search/stories"];
    let plan = plan();
    let rows = plan.criteria.iter().zip(standings).zip(labels).map(|((criterion, row), label)| Row {
        interval: (label == "p95").then_some((0.571, 0.6124)),
        criterion: criterion.clone(),
        label: label.into(),
        value: row.0,
        at_least: row.1.starts_with('≥'),
        shown: row.1.into(),
        standing: row.2,
        since: row.3.map(Nanos::from_secs),
        note: (row.2 == Standing::Gap).then(|| "only a lower bound is known".into()),
    });
    Verdict {
        rows: rows.collect(),
        overall: Overall::Failed,
        pending: plan.pending.clone(),
        excluded: vec!["ramp of spike: 3s with 318 requests, not judged".into()],
        doubts: vec![],
    }
}

/// The first seconds of the run: short enough to read every number.
pub(crate) fn short() -> Run {
    let mut short = run();
    short.windows.truncate(4);
    short.phases.truncate(1);
    short
}
