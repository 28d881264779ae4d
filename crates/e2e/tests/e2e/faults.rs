//! A process is stopped and continued while the load runs: what the fault did is in the report, and how long it took to
//! recover is what the process's own log says.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use squall_record::Record;

use crate::support::{Answer, Place, Summary, Urgent, bad_until, squall};

/// The reference API as a process of its own, on a port that is known beforehand.
struct Api(Child);

impl Api {
    fn start(port: u16, log: &Path, flaws: &[&str]) -> Self {
        let bind = format!("127.0.0.1:{port}");
        let mut command = Command::new(squall());
        command.args(["muejam-api", "--bind", &bind, "--rate-limits", "off", "--log-file"]).arg(log);
        command.args(flaws.iter().flat_map(|flaw| ["--flaw", flaw]));
        let api = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        api
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // Both fail only if it has ended, which is the aim.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A run in which an API is frozen for two seconds.
struct Freeze {
    answer: Answer,
    summary: Summary,
    html: String,
    /// How long after the end of the freeze the API was still slow by its own log, in seconds.
    truth: f64,
}

impl Freeze {
    /// On a machine that was too busy to measure, again with a new API: its flaws keep to its own clock.
    fn run(place: &Place, name: &str, flaws: &[&str]) -> Self {
        let mut tries = (0..3).map(|number| Self::once(place, &format!("{name}-{number}"), flaws));
        let mut freeze = tries.next().unwrap();
        while freeze.answer.was_busy() {
            let Some(next) = tries.next() else { break };
            freeze = next;
        }
        freeze
    }

    fn once(place: &Place, name: &str, flaws: &[&str]) -> Self {
        let port = free_port();
        let log = format!("{name}.log");
        let api = Api::start(port, &place.path(&log), flaws);
        let pid = api.0.id();
        place.write(&format!("{name}.toml"), &suite(port, pid));
        let line = format!(
            "run {name}.toml --profile freeze --allow-faults --record {name}.squall --html {name}.html"
        );
        let answer = place.squall(&line);
        answer.assert(0, &[&format!("Fault freeze is over: `kill -CONT {pid}` ended well")]);
        let run = Record::open(&place.path(&format!("{name}.squall"))).unwrap();
        let [fault] = run.faults.as_slice() else { panic!("one fault: {:#?}", run.faults) };
        Self {
            answer,
            summary: place.summary(&format!("{name}.squall")),
            html: place.read(&format!("{name}.html")),
            truth: bad_until(&place.read(&log), &run, fault.end.unwrap()),
        }
    }

    /// Before, during, after, and a time of recovery that is the API's own.
    #[track_caller]
    fn assert(&self, truth: std::ops::Range<f64>) {
        assert!(truth.contains(&self.truth), "well again at another time: {}", self.truth);
        let [fault] = self.summary.list("faults") else { panic!("{:#}", self.summary.0["faults"]) };
        assert_eq!((&fault["name"], &fault["failed"]), (&"freeze".into(), &Value::Bool(false)));
        let number = |stretch: &str, name: &str| {
            fault[stretch][name].as_f64().unwrap_or_else(|| panic!("no {name} {stretch} it: {fault:#}"))
        };
        let (start, end) = (number("during", "start_s"), number("during", "end_s"));
        assert!((12.0..12.5).contains(&start) && (14.0..14.5).contains(&end), "{start} to {end}");
        assert_eq!((number("before", "end_s"), number("after", "start_s")), (start, end));
        assert!((45.0..55.0).contains(&number("before", "ok_per_s")), "{fault:#}");
        assert!(number("during", "ok_per_s") < 25.0, "nothing is answered in most of it: {fault:#}");
        // What was due meanwhile is answered later.
        assert!((50.0..65.0).contains(&number("after", "ok_per_s")), "{fault:#}");

        let time = fault["time_s"].as_f64().unwrap_or_else(|| panic!("{fault:#}"));
        let text = format!("{time} s, by the API's log {} s", self.truth);
        assert!((time - self.truth.max(0.0)).abs() <= 2.0, "{text}: {fault:#}");
        let sentence = fault["sentence"].as_str().unwrap();
        assert!(self.answer.said().contains(sentence), "no `{sentence}` in {}", self.answer);
        for text in [sentence, "✓ recovered", "Before, during and after freeze"] {
            assert!(self.html.contains(text), "no `{text}` in the page");
        }
        let criteria = self.summary.0["verdict"]["criteria"].as_array().unwrap();
        let recovery = criteria.iter().find(|criterion| criterion["label"] == "recovery(p95)").unwrap();
        assert_eq!((&recovery["value"], &recovery["standing"]), (&time.into(), &"pass".into()), "{text}");
    }
}

fn suite(port: u16, pid: u32) -> String {
    format!(
        r#"
schema = 1
name = "Frozen"
host = "http://127.0.0.1:{port}"
[monitor.process]
[users.Paced]
weight = 1
wait = {{ pacing = "400ms" }}
[users.Paced.tasks]
look = {{ get = "/v1/discover/" }}
[profiles.freeze]
users = 20
spawn_rate = 50
run_time = "32s"
criteria = {{ error_rate = "< 1%", "max(process.rss)" = "< 1GB", "recovery(p95)" = "< 10s" }}
[[profiles.freeze.faults]]
name = "freeze"
at = "12s"
for = "2s"
run = ["kill", "-STOP", "{pid}"]
undo = ["kill", "-CONT", "{pid}"]
"#
    )
}

#[test]
fn a_frozen_server_shows_in_the_fault_and_recovers_when_its_own_log_says() {
    let place = Place::alone();
    let _urgent = Urgent::ask();
    let [plain, slow] = std::thread::scope(|scope| {
        // One is well as soon as it goes on, the other is slow for some seconds more.
        let all = [("plain", &["latency=40"][..]), ("slow", &["latency=40", "latency=300@12s..18s"])];
        let place = &place;
        let runs = all.map(|(name, flaws)| scope.spawn(move || Freeze::run(place, name, flaws)));
        runs.map(|run| run.join().unwrap())
    });
    plain.assert(-0.5..0.5);
    slow.assert(1.0..4.5);
    for freeze in [&plain, &slow] {
        let text = freeze.summary.0.to_string();
        assert!(text.contains("process.rss"), "{:#}", freeze.summary.0);
        assert_eq!(freeze.summary.0["total"]["failed"], 0);
        // Requests that were due while it was frozen waited up to two seconds.
        let highest = freeze.summary.0["total"]["max"]["ms"].as_f64().unwrap();
        assert!((1500.0..4000.0).contains(&highest), "{:#}", freeze.summary.0["total"]);
    }
}
