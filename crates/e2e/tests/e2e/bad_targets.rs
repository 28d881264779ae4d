//! Targets that misbehave: each failure under its own name, and a run that goes on to its end.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::Duration;

use squall_testkit::{ScriptedServer, Step};

use crate::support::{Answer, Place, Running};

const SUITE: &str = r#"
schema = 1
name = "Bad targets"
[http]
timeout = "300ms"
max_body = "1MB"
max_redirects = 5
[users.Hopeful]
wait = "20ms"
tasks.t = { get = "/" }
[users.Reader]
weight = 0
wait = "20ms"
tasks.t = { get = "/", expect = { contains = "needle" }, capture = { id = { jsonpath = "$.id", required = true } } }
[profiles.try]
users = 2
spawn_rate = 10
run_time = "2s"
stop_timeout = "2s"
mix = { Hopeful = 1 }
[profiles.read]
users = 2
spawn_rate = 10
run_time = "2s"
stop_timeout = "2s"
mix = { Reader = 1 }
"#;

/// Reads a request and sends `text`, then ends the connection.
fn says(text: &str) -> Vec<Step> {
    vec![Step::ReadRequest, Step::send(text)]
}

/// Reads a request, sends `head`, and then `rest` for ever.
fn never_ends(head: &str, rest: &str) -> Vec<Step> {
    vec![Step::ReadRequest, Step::send(head), Step::Endless(rest.repeat(100).into_bytes())]
}

/// Never silent for long, and never done.
fn trickles() -> Vec<Step> {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nslow!".to_vec();
    vec![Step::ReadRequest, Step::Trickle { bytes, chunk: 1, pause: Duration::from_millis(40) }]
}

/// What a server does, and the class its failures belong to.
fn misdeeds() -> Vec<(&'static str, Vec<Step>, &'static str)> {
    let head = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n");
    vec![
        ("resets", vec![Step::ReadRequest, Step::Reset], "reset"),
        ("closes without a word", vec![Step::ReadRequest, Step::Close], "closed_early"),
        ("closes in the head", says("HTTP/1.1 200 OK\r\nContent-"), "closed_early"),
        ("closes in the body", says(&format!("{}short", head("Content-Length: 100"))), "closed_early"),
        (
            "closes in a chunk",
            says(&format!("{}a\r\n123", head("Transfer-Encoding: chunked"))),
            "closed_early",
        ),
        ("stays silent", vec![Step::ReadRequest, Step::Hang], "timeout"),
        (
            "stops in the body",
            vec![Step::ReadRequest, Step::send(&head("Content-Length: 9")), Step::Hang],
            "timeout",
        ),
        ("sends a byte now and then", trickles(), "timeout"),
        ("sends garbage", vec![Step::ReadRequest, Step::garbage(4096), Step::Close], "protocol"),
        (
            "sends garbage as a chunk",
            says(&format!("{}zz\r\n", head("Transfer-Encoding: chunked"))),
            "protocol",
        ),
        ("has a length that is no number", says(&head("Content-Length: many")), "protocol"),
        (
            "has two lengths",
            says(&format!("{}abc", head("Content-Length: 3\r\nContent-Length: 4"))),
            "protocol",
        ),
        ("speaks another protocol", says("SSH-2.0-OpenSSH_9.2\r\n"), "protocol"),
        ("never ends its interim answers", never_ends("", "HTTP/1.1 100 Continue\r\n\r\n"), "protocol"),
        (
            "never ends its headers",
            never_ends("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"),
            "head_too_large",
        ),
        ("never ends its body", never_ends(&head("Content-Type: text/plain"), "more "), "body_too_large"),
        (
            "never ends its chunks",
            never_ends(&head("Transfer-Encoding: chunked"), "4\r\nmore\r\n"),
            "body_too_large",
        ),
        ("has more than one may", says(&head("Content-Length: 1000000000000")), "body_too_large"),
        (
            "redirects in circles",
            vec![
                Step::ReadRequest,
                Step::send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
                Step::Again,
            ],
            "redirect",
        ),
        (
            "redirects nowhere",
            says("HTTP/1.1 302 Found\r\nLocation: gopher://x/\r\nContent-Length: 0\r\n\r\n"),
            "redirect",
        ),
        ("fails", says("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"), "status"),
    ]
}

fn start(place: &Place, profile: &str, host: &str, record: &str) -> Child {
    let line = format!("run suite.toml --profile {profile} --only-summary -H {host} --record {record}");
    place.command(&line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Every request failed, all for this reason; the run went on to its end and said so by its exit code: failed where
/// there were answers, not valid where there was none.
fn assert_failed(place: &Place, child: Child, record: &str, what: &str, class: &str) {
    let answer = Answer::of(&child.wait_with_output().unwrap());
    let answers = ["head_too_large", "body_too_large", "redirect", "decode", "status", "check", "capture"];
    // Several runs at once leave little of the machine to each; a run that says so is not valid, and counts all the same.
    let code = if answers.contains(&class) && !answer.was_busy() { 1 } else { 3 };
    assert_eq!(answer.code, Some(code), "{what}: {answer}");
    assert!(!answer.stderr.contains("panicked"), "{what}: {answer}");
    let summary = place.summary(record);
    assert_eq!(summary.0["run"]["ended"], "completed", "{what}");
    let errors = summary.errors();
    assert!(errors.iter().all(|(error, _)| *error == class), "{what}: {errors:?} instead of {class}");
    let failed = summary.total("failed");
    assert_eq!(errors.iter().map(|(_, count)| count).sum::<u64>(), failed, "{what}");
    assert_eq!(
        (summary.total("ok"), summary.total("completed"), summary.total("cut")),
        (0, failed, 0),
        "{what}"
    );
    // Two users, two seconds, at most 320 ms for each request.
    assert!(failed >= 8, "{what}: {failed}");
}

#[test]
fn every_misdeed_is_counted_under_its_name() {
    let place = Place::alone();
    place.write("suite.toml", SUITE);
    for (index, some) in misdeeds().chunks(5).enumerate() {
        let runs: Vec<_> = (some.iter().enumerate())
            .map(|(position, (what, script, class))| {
                let server = ScriptedServer::start(script.clone());
                let record = format!("{index}-{position}.squall");
                let child = start(&place, "try", &server.url(), &record);
                (child, server, record, what, class)
            })
            .collect();
        for (child, _server, record, what, class) in runs {
            assert_failed(&place, child, &record, what, class);
        }
    }
}

#[test]
fn content_that_is_not_what_was_expected_is_told_apart() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let answer = |lines: &str, body: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{lines}\r\n", body.len());
        ScriptedServer::start(vec![Step::ReadRequest, Step::send(&(head + body)), Step::Again])
    };
    let json = "Content-Type: application/json\r\n";
    let cases = [
        ("is not there", answer(json, r#"{"id": 1, "hay": "stack"}"#), "check"),
        ("has nothing to capture", answer(json, r#"{"needle": 1}"#), "capture"),
        ("is no JSON", answer(json, "needle {{{"), "capture"),
        ("does not decode", answer("Content-Encoding: gzip\r\n", "needle that is no gzip"), "decode"),
    ];
    let runs: Vec<_> = (cases.iter().enumerate())
        .map(|(index, (_, server, _))| start(&place, "read", &server.url(), &format!("{index}.squall")))
        .collect();
    for (index, (child, (what, _, class))) in runs.into_iter().zip(&cases).enumerate() {
        assert_failed(&place, child, &format!("{index}.squall"), what, class);
    }
}

#[test]
fn a_target_that_is_down_or_speaks_no_tls_is_told_apart() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let down = start(&place, "try", &format!("http://{address}"), "down.squall");
    let plain = ScriptedServer::start(vec![Step::ReadRequest, Step::ok("fine"), Step::Again]);
    let garbage = ScriptedServer::start(vec![Step::send("HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Close]);
    let tls = start(&place, "try", &format!("https://{}", garbage.addr()), "tls.squall");
    let silent = start(&place, "try", &format!("https://{}", plain.addr()), "silent.squall");
    assert_failed(&place, down, "down.squall", "is down", "connect_refused");
    assert_failed(&place, tls, "tls.squall", "speaks no TLS", "tls");
    assert_failed(&place, silent, "silent.squall", "says nothing to TLS", "timeout");
}

#[test]
fn a_target_that_goes_down_and_comes_back_is_used_again() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let script = vec![Step::ReadRequest, Step::ok("fine"), Step::Again];
    let server = ScriptedServer::start(script);
    let address = server.addr();
    let line =
        format!("run suite.toml -u 2 -r 10 -t 5s --only-summary -H {} --record a.squall", server.url());
    let mut running = Running::start(&mut place.command(&line));
    running.wait_for("All users spawned");
    let pause = Duration::from_secs(1);
    std::thread::sleep(pause);
    drop(server);
    std::thread::sleep(pause);
    let again = squall_bench::server::Config { bind: address, ..Default::default() };
    let again = squall_bench::server::spawn(again).unwrap();
    running.finish().assert_counted(1, &["--run-time limit reached"]);
    let summary = place.summary("a.squall");
    assert!(summary.errors().iter().any(|(class, _)| *class == "connect_refused"), "{:?}", summary.errors());
    let back = again.stop().unwrap().received;
    assert!(back > 20, "it was asked {back} times after it came back");
    assert!(summary.total("ok") > back, "and before: {:#}", summary.0["total"]);
}
