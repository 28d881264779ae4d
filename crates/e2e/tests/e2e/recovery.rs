//! A spike on the reference API: the recovery time that is reported is held against the API's own log.
//!
//! The API waits 40 ms before each answer, so that what a busy machine adds is little beside it, and is slow or fails from
//! the begin of the spike until some seconds after it, or for ever.

use serde_json::Value;
use squall_muejam::{Config, LimitMode, LogConfig};
use squall_record::Record;

use crate::support::{Answer, MueJam, Place, Summary, Urgent, bad_until};

const SUITE: &str = r#"
schema = 1
name = "Spike"
[users.Reader]
wait = "100ms"
tasks.discover = { get = "/v1/discover/" }
[profiles.spike]
phases = [
  { name = "before", users = 10, spawn_rate = 100, run_time = "8s" },
  { name = "spike", users = 40, spawn_rate = 100, run_time = "5s" },
  { name = "after", users = 10, spawn_rate = 100, run_time = "20s" },
]
criteria = { "recovery(p95)" = { target = "< 5s", phase = "spike" } }
"#;

/// When the flaws begin and when each ends, by the clock of the API, which is a little ahead of the run's.
const SLOW: &[&str] = &["latency=40", "latency=400@8s..16s"];
const FAILING: &[&str] = &["latency=40", "latency=400@8s..15s", "errors=0.5@8s..20s"];
const BROKEN: &[&str] = &["latency=40", "latency=400@8s.."];
const SOUND: &[&str] = &["latency=40"];

/// How far the reported time may be from the truth, in seconds.
const TOLERANCE: f64 = 2.0;

/// A run against an API, and what it knows.
struct Spike {
    answer: Answer,
    summary: Summary,
    html: String,
    markdown: String,
    /// How long after the end of the spike the API was still bad by its own log, in seconds.
    truth: f64,
}

impl Spike {
    /// Run it. On a machine that was too busy to measure, again with a new API: its flaws keep to its own clock.
    fn run(place: &Place, name: &str, flaws: &[&str]) -> Self {
        let mut tries = (0..3).map(|number| Self::once(place, &format!("{name}-{number}"), flaws));
        let mut spike = tries.next().unwrap();
        while spike.answer.was_busy() {
            let Some(next) = tries.next() else { break };
            spike = next;
        }
        spike
    }

    fn once(place: &Place, name: &str, flaws: &[&str]) -> Self {
        let log = place.path(&format!("{name}.log"));
        let mut config = Config {
            flaws: flaws.iter().map(|flaw| flaw.parse().unwrap()).collect(),
            log: Some(LogConfig::at(&log)),
            ..Config::default()
        };
        config.limits.mode = LimitMode::Off;
        let api = MueJam::with(config);
        let line = format!(
            "run suite.toml --profile spike --only-summary -H {} --record {name}.squall --html {name}.html --markdown {name}.md",
            api.url()
        );
        let answer = place.squall(&line);
        let run = Record::open(&place.path(&format!("{name}.squall"))).unwrap();
        let spike = run.phases.iter().find(|phase| phase.name == "spike").unwrap();
        Self {
            answer,
            summary: place.summary(&format!("{name}.squall")),
            html: place.read(&format!("{name}.html")),
            markdown: place.read(&format!("{name}.md")),
            truth: bad_until(&place.read(&format!("{name}.log")), &run, spike.end.unwrap()),
        }
    }

    fn recovery(&self) -> &Value {
        let [recovery] = self.summary.list("recoveries") else {
            panic!("one spike, one recovery: {:#}", self.summary.0["recoveries"])
        };
        assert_eq!(recovery["disturbance"], "spike");
        recovery
    }

    fn criterion(&self) -> &Value {
        let [criterion] = self.summary.0["verdict"]["criteria"].as_array().unwrap().as_slice() else {
            panic!("{:#}", self.summary.0["verdict"])
        };
        criterion
    }

    /// The same sentence stands in all that is printed.
    #[track_caller]
    fn assert_told(&self, badge: &str) {
        let sentence = self.recovery()["sentence"].as_str().unwrap();
        assert!(self.answer.said().contains(sentence), "no `{sentence}` in {}", self.answer);
        assert!(self.html.contains(sentence), "no `{sentence}` in the page");
        assert!(self.html.contains(badge), "no `{badge}` in the page");
        assert!(self.markdown.contains(sentence), "no `{sentence}` in {}", self.markdown);
    }

    /// It recovered when the API says so, and the criterion stands as it should.
    #[track_caller]
    fn assert_recovered(&self, truth: std::ops::Range<f64>, standing: &str) {
        assert!(truth.contains(&self.truth), "the flaw ended at another time: {}", self.truth);
        let time = self.recovery()["time_s"].as_f64().unwrap_or_else(|| panic!("{:#}", self.recovery()));
        let text = format!("{time} s, by the API's log {} s", self.truth);
        assert!((time - self.truth.max(0.0)).abs() <= TOLERANCE, "{text}: {:#}", self.recovery());
        self.assert_told("✓ recovered");
        let criterion = self.criterion();
        assert_eq!((&criterion["value"], &criterion["standing"]), (&time.into(), &standing.into()), "{text}");
        self.answer.assert(i32::from(standing == "fail"), &["recovery(p95)"]);
    }
}

#[test]
fn recovery_is_when_the_api_was_well_again_by_its_own_log() {
    let place = Place::alone();
    let _urgent = Urgent::ask();
    place.write("suite.toml", SUITE);
    // Each leaves the machine mostly idle, and times of their own are not compared: they run at once.
    let [slow, failing, broken, sound] = std::thread::scope(|scope| {
        let all = [("slow", SLOW), ("failing", FAILING), ("broken", BROKEN), ("sound", SOUND)];
        let place = &place;
        let runs = all.map(|(name, flaws)| scope.spawn(move || Spike::run(place, name, flaws)));
        runs.map(|run| run.join().unwrap())
    });
    slow.assert_recovered(1.0..4.0, "pass");
    failing.assert_recovered(5.5..8.0, "fail");
    sound.assert_recovered(0.0..f64::EPSILON, "pass");

    assert!(broken.truth > 19.0, "slow to the end: {}", broken.truth);
    let recovery = broken.recovery();
    let sentence = recovery["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("spike: did not recover within 20s: p95 is 4"), "{recovery:#}");
    assert_eq!(recovery["time_s"], Value::Null);
    broken.assert_told("✗ no recovery seen");
    let criterion = broken.criterion();
    let told = ["standing", "shown", "at_least"].map(|name| &criterion[name]);
    assert_eq!(told, [&"fail".into(), &"≥ 20s".into(), &Value::Bool(true)], "{criterion:#}");
    broken.answer.assert(1, &["recovery(p95), phase spike is ≥ 20s"]);
}
