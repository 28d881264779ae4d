//! One load, a minute of it by each program: the same requests, and response times that agree as far as Locust's
//! rounding and its own weight allow.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Answer, Place, Urgent};

use super::pair::Pair;

/// A class of users: one request to a server that takes this long, every pacing interval.
///
/// Each user has more than half its interval to spare, so that a user of Locust that is held up for a moment is in
/// time for its next request. (One that is not starts all later ones later, where Squall's catches up.)
struct Class {
    delay_ms: u64,
    pacing_ms: u64,
}

/// Delays above 100 ms lie at the lower end of one of Locust's buckets of 10 ms: 146 ms and up to 9 ms more are 150.
/// Their pacing is no multiple of the others', so that they do not always meet in Locust's one thread.
const CLASSES: [Class; 6] = [
    Class { delay_ms: 5, pacing_ms: 100 },
    Class { delay_ms: 15, pacing_ms: 100 },
    Class { delay_ms: 30, pacing_ms: 100 },
    Class { delay_ms: 45, pacing_ms: 100 },
    Class { delay_ms: 146, pacing_ms: 970 },
    Class { delay_ms: 416, pacing_ms: 970 },
];
const USERS_PER_CLASS: u64 = 1;
const RUN_TIME_SECS: u64 = 60;
/// What Locust's Python may add to the fastest 90 % of response times, in milliseconds.
const LOCUSTS_OWN_MS: u64 = 10;

impl Class {
    fn name(&self) -> String {
        format!("{}ms", self.delay_ms)
    }

    fn path(&self) -> String {
        format!("/delay/{0}ms/{0}ms", self.delay_ms)
    }

    /// Requests that are answered before the run ends, when every user begins one at 0, 1, 2, … intervals.
    fn expected(&self) -> u64 {
        let last_start_ms = RUN_TIME_SECS * 1000 - self.delay_ms - 1;
        USERS_PER_CLASS * (last_start_ms / self.pacing_ms + 1)
    }
}

/// The timer of the run time counts from when gevent last looked at its clock, which was before Locust was imported;
/// looking again makes a minute a minute.
fn locustfile() -> String {
    let mut text = String::from(
        "
import gevent
from locust import HttpUser, constant_pacing, events, task

@events.init.add_listener
def look_at_the_clock(**kwargs):
    gevent.get_hub().loop.update_now()
",
    );
    for class in &CLASSES {
        let (name, path, pacing) = (class.name(), class.path(), class.pacing_ms as f64 / 1000.0);
        let _ = write!(
            text,
            "
class User{name}(HttpUser):
    fixed_count = {USERS_PER_CLASS}
    wait_time = constant_pacing({pacing})
    @task
    def get(self):
        self.client.get('{path}', name='{name}')
"
        );
    }
    text
}

fn suite() -> String {
    let mut text = String::from("schema = 1\n");
    for class in &CLASSES {
        let (name, path, pacing) = (class.name(), class.path(), class.pacing_ms);
        let _ = write!(
            text,
            "
[users.User{name}]
fixed_count = {USERS_PER_CLASS}
wait = {{ pacing = '{pacing}ms' }}
tasks.get = {{ get = '{path}', name = '{name}' }}
"
        );
    }
    text
}

/// Counts and percentiles as Locust computes them from either file.
const FIGURES: &str = r#"
import json, sys
from locust.stats import PERCENTILES_TO_REPORT, RequestStats, StatsEntry
def figures(path):
    all = {}
    for data in json.load(open(path)):
        data["response_times"] = {int(k): v for k, v in data["response_times"].items()}
        e = StatsEntry.unserialize(data, RequestStats())
        all[e.name] = {"requests": e.num_requests, "failures": e.num_failures,
            "percentiles": [e.get_response_time_percentile(p) for p in PERCENTILES_TO_REPORT]}
    return all
print(json.dumps([figures(path) for path in sys.argv[1:]]))
"#;

#[test]
fn a_minute_of_each_has_the_same_requests_and_response_times() {
    let pair = Pair::with(Place::alone(), &locustfile(), &suite());
    // A user of Locust that other programs hold up for longer than it has to spare makes fewer requests.
    let _urgent = Urgent::ask();
    let url = pair.server.url();
    let users = (USERS_PER_CLASS * CLASSES.len() as u64).to_string();
    let time = RUN_TIME_SECS.to_string();
    let arguments = |file: &'static str| {
        let fixed = ["--headless", "-r", "1000", "-s", "0", "--only-summary", "--json-file", file];
        let given = ["-H", &url, "-u", &users, "-t", &time];
        fixed.iter().chain(&given).map(ToString::to_string).collect::<Vec<_>>()
    };

    let theirs = Answer::of(&pair.locust(&[]).args(arguments("locust")).output().unwrap());
    theirs.assert(0, &["--run-time limit reached"]);
    let seen_of_theirs = received(&pair);
    let ours = Answer::of(&pair.squall(&[]).args(arguments("squall")).output().unwrap());
    ours.assert(0, &["--run-time limit reached"]);
    let mut seen_of_ours = received(&pair);
    for (path, count) in &mut seen_of_ours {
        *count -= seen_of_theirs[path];
    }

    let figures = pair.python(FIGURES, &["locust.json", "squall.json"]);
    for class in &CLASSES {
        let (theirs, ours) = (&figures[0][class.name()], &figures[1][class.name()]);
        assert_counts(class, [theirs, ours], [&seen_of_theirs, &seen_of_ours]);
        assert_percentiles(class, &percentiles(theirs), &percentiles(ours));
    }
}

/// Requests the server has seen so far, by path.
fn received(pair: &Pair) -> BTreeMap<String, u64> {
    let log = pair.server.log().unwrap();
    log.paths.into_iter().map(|path| (path.path, path.received)).collect()
}

/// Each user may have one request more or less than the arithmetic says, and so than the other program's. One less: it
/// was started some milliseconds into the run, so that its last request was still under way at the end, and was cut.
/// One more: the run ends some milliseconds after its time, in which a request begun at the very end may be answered.
/// Requests that were cut were seen by the server, one per user at most.
#[track_caller]
fn assert_counts(class: &Class, figures: [&Value; 2], seen: [&BTreeMap<String, u64>; 2]) {
    let name = class.name();
    let counts = figures.map(|figures| figures["requests"].as_u64().unwrap());
    for (count, seen) in counts.iter().zip(seen) {
        assert!(
            count.abs_diff(class.expected()) <= USERS_PER_CLASS,
            "{name}: Locust and Squall made {counts:?} requests of {} (if Locust's are fewer, was the machine busy?)",
            class.expected()
        );
        let seen = seen[&class.path()];
        assert!((*count..=count + USERS_PER_CLASS).contains(&seen), "{name}: {counts:?}, seen {seen}");
    }
    assert!(counts[0].abs_diff(counts[1]) <= USERS_PER_CLASS, "{name}: {counts:?}");
    assert!(figures.iter().all(|figures| figures["failures"] == 0), "{name}");
}

/// 50, 66, 75, 80, 90 %; further out lie single requests, and each program had its own bad moments.
///
/// Below 100 ms Locust's own share is larger than its buckets of 1 ms: it shows what the server takes, and some
/// milliseconds of Python. Above, that share is at most one bucket, and none in the middle.
#[track_caller]
fn assert_percentiles(class: &Class, theirs: &[u64], ours: &[u64]) {
    let all = format!("{}: {ours:?}, Locust {theirs:?}", class.name());
    for (&theirs, &ours) in theirs.iter().zip(ours).take(5) {
        assert!(ours >= class.delay_ms, "the server takes {all}");
        // Half a millisecond may round to either side.
        assert!(ours <= theirs + 1 && theirs <= ours + LOCUSTS_OWN_MS, "{all}");
    }
    if class.delay_ms >= 100 {
        assert_eq!(ours[0], theirs[0], "{all}");
    }
    for percentiles in [theirs, ours] {
        assert!(percentiles.len() == 11 && percentiles.is_sorted(), "{all}");
    }
}

fn percentiles(figures: &Value) -> Vec<u64> {
    figures["percentiles"].as_array().unwrap().iter().map(|value| value.as_u64().unwrap()).collect()
}
