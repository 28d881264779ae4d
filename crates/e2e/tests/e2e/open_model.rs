//! The open model against a server that freezes: strangers arrive whether it answers or not, and what they wait for is
//! arithmetic.

use squall_bench::server::{Config, Log, spawn};

use crate::support::{Place, Urgent, percentile};

/// Arrivals per second, users to serve them, seconds; and what the server takes when it is awake, in ms.
const RATE: u32 = 200;
const USERS: usize = 20;
const SECONDS: u32 = 18;
const SERVICE: f64 = 20.0;

fn suite() -> String {
    format!(
        r#"
schema = 1
name = "Strangers"
[users.Stranger]
wait = "10s"
tasks.t = {{ get = "/delay/{SERVICE}ms/t" }}
[profiles.open]
rate = "{RATE}/s"
users = {USERS}
run_time = "{SECONDS}s"
stop_timeout = "5s"
"#
    )
}

/// Response times in ms, sorted, of arrivals every `1 / RATE` seconds on `USERS` users, first come, first served, given
/// when the server was frozen. The only thing taken from the run is when it began.
fn arithmetic(log: &Log) -> Vec<f64> {
    let gap = 1000.0 / f64::from(RATE);
    let ms = |ns: u64| (ns as f64 - log.first_request_ns as f64) / 1e6 + gap / 2.0;
    let stalls: Vec<_> = log.stalls.iter().map(|&(begin, end)| (ms(begin), ms(end))).collect();
    // Nothing happens at the server before it wakes up.
    let awake =
        |at: f64| stalls.iter().find(|(begin, end)| (*begin..*end).contains(&at)).map_or(at, |(_, end)| *end);
    let mut free = [0.0f64; USERS];
    let mut times: Vec<_> = (0..RATE * SECONDS)
        .map(|n| {
            let due = (f64::from(n) + 0.5) * gap;
            let user = free.iter_mut().min_by(|a, b| a.total_cmp(b)).unwrap();
            *user = awake(awake(due.max(*user)) + SERVICE);
            *user - due
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

#[test]
fn response_times_under_arrivals_are_those_of_arithmetic() {
    let place = Place::alone();
    let _urgent = Urgent::ask();
    place.write("suite.toml", &suite());
    // A tenth of the time, with 100 arrivals each for 20 users: most of them wait for a user as well.
    let server = spawn(Config { stall: Some("500ms@5s".parse().unwrap()), ..Config::default() }).unwrap();
    let run = format!("run suite.toml --profile open --only-summary -H {} --record a.squall", server.url());
    let answer = place.squall(&run);
    let log = server.stop().unwrap();
    assert!(log.stalls.len() >= 3, "{:?}", log.stalls);
    let summary = place.summary("a.squall");
    let total = &summary.0["total"];
    let expected = arithmetic(&log);
    assert_eq!(summary.total("ok"), expected.len() as u64, "all that arrived was served: {answer}");
    assert_eq!(log.received, expected.len() as u64);

    for p in [50.0, 75.0, 90.0, 95.0, 99.0, 99.9] {
        let measured = percentile(total, p, "ms");
        let expected = expected[(p / 100.0 * expected.len() as f64) as usize];
        let slack = 5.0 + expected * 0.02;
        assert!((measured - expected).abs() <= slack, "p{p}: {measured} ms, by arithmetic {expected} ms");
    }
    assert!(percentile(total, 99.0, "ms") > 400.0, "the freezes were there: {total:#}");
    let service = percentile(total, 95.0, "service_ms");
    assert!(
        service < percentile(total, 95.0, "ms") / 2.0,
        "what waited for a user was sent late: {service} ms"
    );

    // The server kept the users busy: nothing of that is the generator's.
    let lag = summary.0["send_lag"]["p99_ms"].as_f64().unwrap();
    assert!(lag < 5.0, "send lag p99 {lag} ms");
    let doubts = summary.0["verdict"]["doubts"].as_array().unwrap();
    assert!(doubts.iter().all(|doubt| doubt["doubt"] != "generator_saturated"), "{doubts:#?}");
}

#[test]
fn a_server_too_slow_for_what_arrives_is_told_by_drops_and_not_by_doubts_about_the_generator() {
    let place = Place::alone();
    let _urgent = Urgent::ask();
    // 4 users who need half a second each serve 8 of 100 arrivals per second; 40 wait, the rest is dropped.
    place.write(
        "suite.toml",
        r#"
schema = 1
name = "Too many"
[users.Stranger]
tasks.t = { get = "/delay/500ms/t" }
[profiles.open]
rate = "100/s"
arrivals = "poisson"
users = 4
run_time = "6s"
stop_timeout = "2s"
"#,
    );
    let server = spawn(Config::default()).unwrap();
    place.squall(&format!(
        "run suite.toml --profile open --only-summary -H {} --record a.squall",
        server.url()
    ));
    let log = server.stop().unwrap();
    let summary = place.summary("a.squall");
    let iterations = &summary.0["iterations"];
    let count =
        |name: &str| iterations[name].as_u64().unwrap_or_else(|| panic!("no {name}: {:#}", summary.0));
    // 600 with a standard error of 24.
    assert!((500..700).contains(&count("offered")), "{iterations:#}");
    assert_eq!(count("offered"), count("started") + count("dropped"), "{iterations:#}");
    assert_eq!((count("started"), count("completed")), (log.received, log.received), "{iterations:#}");
    assert!((44..=52).contains(&log.received), "{}", log.received);
    let doubts = summary.0["verdict"]["doubts"].as_array().unwrap();
    assert!(doubts.iter().all(|doubt| doubt["doubt"] != "generator_saturated"), "{doubts:#?}");
}
