//! A process is stopped and continued while the load runs: what the fault did is in the report.

use std::process::{Child, Command, Stdio};

use crate::support::{Place, squall};

/// The reference API as a process of its own, on a port that is known beforehand.
struct Api(Child);

impl Api {
    fn start(port: u16) -> Self {
        let bind = format!("127.0.0.1:{port}");
        let mut command = Command::new(squall());
        command.args(["muejam-api", "--bind", &bind, "--no-log-file", "--rate-limits", "off"]);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
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

#[test]
fn a_frozen_server_shows_in_the_fault_and_in_nothing_else() {
    let place = Place::alone();
    let port = free_port();
    let api = Api::start(port);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let pid = api.0.id();
    let suite = format!(
        r#"
schema = 1
name = "Frozen"
host = "http://127.0.0.1:{port}"
[monitor.process]
[users.Paced]
weight = 1
wait = {{ pacing = "50ms" }}
[users.Paced.tasks]
look = {{ get = "/health" }}
[profiles.freeze]
users = 10
spawn_rate = 50
run_time = "20s"
criteria = {{ error_rate = "< 1%", "max(process.rss)" = "< 1GB" }}
[[profiles.freeze.faults]]
name = "freeze"
at = "8s"
for = "2s"
run = ["kill", "-STOP", "{pid}"]
undo = ["kill", "-CONT", "{pid}"]
"#
    );
    place.write("suite.toml", &suite);
    let answer = place.calm("run suite.toml --profile freeze --allow-faults --record a.squall");
    answer.assert(0, &[&format!("Fault freeze is over: `kill -CONT {pid}` ended well")]);
    let summary = place.summary("a.squall").0;
    let text = summary.to_string();
    assert!(text.contains("freeze") && text.contains("process.rss"), "{summary:#}");
    assert_eq!(summary["total"]["failed"], 0);
    // Requests that were due while it was frozen waited up to two seconds.
    let highest = summary["total"]["max"]["ms"].as_f64().unwrap();
    assert!((1500.0..4000.0).contains(&highest), "{:#}", summary["total"]);
}
