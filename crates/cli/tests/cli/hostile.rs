//! What must not happen, whatever is asked for and whatever breaks: files lost, a panic, a pass that is none.

use std::fs::File;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Answer, Place, SUITE, healthy};

/// The names of all files here, and what is in them.
fn contents(place: &Place) -> Vec<(String, Vec<u8>)> {
    place
        .files("")
        .into_iter()
        .map(|name| (name.clone(), std::fs::read(place.path(&name)).unwrap()))
        .collect()
}

#[test]
fn no_output_takes_the_place_of_an_input_or_another_output() {
    let server = healthy();
    let place = Place::new();
    place.write("users.csv", "name\na\n");
    place.write(
        "suite.toml",
        &SUITE.replace("[users.Buyer]", "[data]\nnames = { csv = \"users.csv\" }\n[users.Buyer]"),
    );
    place.write("my.conf", "stop-timeout = 1\n");
    place.squall(&format!("run suite.toml -H {} -t 1s --record good.squall", server.url())).assert(0, &[]);
    std::os::unix::fs::symlink("suite.toml", place.path("link.html")).unwrap();
    let requests = server.requests();
    let before = contents(&place);
    for (line, one, other) in [
        ("--record h.html --html h.html", "--record (h.html)", "--html (h.html)"),
        ("--html suite.toml", "the suite (suite.toml)", "--html (suite.toml)"),
        ("--html ./link.html", "the suite (suite.toml)", "--html (./link.html)"),
        ("--html users.csv", "a file of the suite (users.csv)", "--html (users.csv)"),
        ("--logfile suite.toml", "the suite (suite.toml)", "--logfile (suite.toml)"),
        ("--config my.conf --logfile my.conf", "the configuration (my.conf)", "--logfile (my.conf)"),
        ("--html x_stats.csv --csv x", "--csv (x_stats.csv)", "--html (x_stats.csv)"),
        ("--logfile h --html h", "--logfile (h)", "--html (h)"),
        ("--json-file a --html a.json", "--json-file (a.json)", "--html (a.json)"),
        ("-u 2 --html {u}.log --logfile 2.log", "--logfile (2.log)", "--html (2.log)"),
    ] {
        let answer = place.squall(&format!("run suite.toml -H {} -t 1s {line}", server.url()));
        answer.assert(2, &[&format!("{one} and {other} are the same file")]);
        // The log has begun by the time the name of the report is known, as a file of its own.
        let _ = std::fs::remove_file(place.path("2.log"));
        assert_eq!(contents(&place), before, "{line}");
    }
    for line in ["--html good.squall", "--html ./good.squall-wal", "--csv x --html x_failures.csv"] {
        place.squall(&format!("report good.squall {line}")).assert(2, &["are the same file"]);
        assert_eq!(contents(&place), before, "{line}");
    }
    assert_eq!(server.requests(), requests, "nothing was sent");
}

/// A run of two seconds, and what its record says.
fn assert_complete(place: &Place, record: &str) {
    let summary: Value =
        serde_json::from_str(&place.squall(&format!("report {record} --format json")).stdout).unwrap();
    assert_eq!(summary["run"]["ended"], "completed");
    assert!(summary["total"]["ok"].as_u64().unwrap() > 0, "{summary:#}");
}

#[test]
fn a_run_goes_on_and_is_judged_when_nobody_can_be_told() {
    let server = healthy();
    let place = Place::new();
    let line = |record: &str, more: &str| {
        format!("run suite.toml --profile strict -H {} --record {record} {more}", server.url())
    };
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let mut command = place.command(&line("full.squall", "-L DEBUG"));
    assert_eq!(command.stdout(full()).stderr(full()).status().unwrap().code(), Some(0));
    assert_complete(&place, "full.squall");

    let mut child = place.command(&line("pipe.squall", "")).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_complete(&place, "pipe.squall");

    for wrong in ["--bogus", "run none.toml", "report none.squall", "check suite.toml --profile none"] {
        let status = place.command(wrong).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn outputs_that_turn_out_unwritable_are_said_plainly() {
    let server = healthy();
    let place = Place::new();
    let run = format!("run suite.toml -H {} -t 1s", server.url());
    let answer = place.squall(&format!("{run} --html /dev/full"));
    answer
        .assert(1, &["/dev/full cannot be written: No space left on device", "Shutting down (exit code 1)"]);
    assert!(!answer.stderr.contains("Some("), "{}", answer.stderr);
    let full = Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let output = place.command(&format!("{run} --json")).stdout(full).output().unwrap();
    Answer::of(&output)
        .assert(1, &["stdout cannot be written: No space left", "Shutting down (exit code 1)"]);
}

fn spawn(place: &Place, line: &str) -> Child {
    let mut child = place.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    crate::runs::wait_for(&mut std::io::BufReader::new(child.stderr.as_mut().unwrap()), "All users spawned");
    child
}

#[test]
fn a_run_cut_short_by_any_signal_is_no_verdict() {
    let server = healthy();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = Place::new();
        let line = format!(
            "run suite.toml --profile strict -t 1h -H {} --record a.squall --only-summary --html a.html",
            server.url()
        );
        let child = spawn(&place, &line);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let answer = Answer::of(&child.wait_with_output().unwrap());
        answer.assert(130, &["Shutting down (exit code 130)", "INTERRUPTED · "]);
        assert!(!answer.stderr.contains("PASSED"), "{}", answer.stderr);
        let page = place.read("a.html");
        assert!(page.contains("Interrupted") && !page.contains("✓ Passed"));
        let report = place.squall("report a.squall");
        report.assert(0, &[]);
        assert!(report.stdout.contains("INTERRUPTED · "), "{}", report.stdout);
    }
}

#[test]
fn a_run_started_with_nohup_outlives_its_terminal() {
    let server = healthy();
    let place = Place::new();
    let binary = place.command("");
    let line = format!(
        "trap '' HUP; exec {} run suite.toml -t 2s -H {} --record a.squall",
        binary.get_program().display(),
        server.url()
    );
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", &line]).current_dir(place.path("")).env("HOME", place.path(""));
    let mut child = shell.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    crate::runs::wait_for(&mut std::io::BufReader::new(child.stderr.as_mut().unwrap()), "All users spawned");
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    Answer::of(&child.wait_with_output().unwrap()).assert(0, &["--run-time limit reached"]);
}

#[test]
fn a_run_in_which_nothing_was_answered_is_not_valid() {
    let place = Place::new();
    let criteria = "[criteria.lenient]\nrate_limited = { target = \"< 50%\" }\n";
    let profile = "[profiles.lenient]\nusers = 2\nrun_time = \"1s\"\ncriteria = \"lenient\"\n";
    place.write("suite.toml", &format!("{SUITE}\n{profile}\n{criteria}"));
    // Nobody listens on port 1.
    for line in ["--profile lenient", "-t 1s", "-t 1s --exit-code-on-error 0"] {
        let line = format!("run suite.toml -H http://127.0.0.1:1 --record a.squall --html a.html {line}");
        let answer = place.squall(&line);
        answer.assert(3, &["NOT VALID · No request was answered.", "exit code 3"]);
        assert!(!answer.stderr.contains("PASSED"), "{}", answer.stderr);
        assert!(place.read("a.html").contains("No request was answered"));
        let summary: Value =
            serde_json::from_str(&place.squall("report a.squall --format json").stdout).unwrap();
        assert_eq!(summary["verdict"]["doubts"][0]["doubt"], "nothing_tested");
        std::fs::remove_file(place.path("a.squall")).unwrap();
    }
}

#[test]
fn a_full_disk_leaves_a_readable_record_and_says_so() {
    let server = healthy();
    let place = Place::new();
    // A limit on the size of files, in blocks of 512 bytes, stands for the full disk.
    let limited = |blocks: u32| {
        let squall = place.command("");
        let mut command = place.command("");
        let line = format!(
            "ulimit -f {blocks}; exec {} run suite.toml -H {} -u 4 -r 40 -t 20s --only-summary --record {blocks}.squall",
            squall.get_program().display(),
            server.url()
        );
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", &line]).current_dir(place.path("")).env_clear();
        shell.envs(
            command.env("HOME", place.path("")).get_envs().filter_map(|(name, value)| Some((name, value?))),
        );
        Answer::of(&shell.output().unwrap())
    };
    let answer = limited(260);
    answer.assert(3, &["The run is saved in 260.squall, but incomplete: ", "Shutting down (exit code 3)"]);
    let report = place.squall("report 260.squall");
    report.assert(0, &[]);
    assert!(report.stdout.contains("Aggregated"), "{}", report.stdout);

    limited(20).assert(2, &["the run cannot be saved"]);
    assert_eq!(place.files("20.squall"), [""; 0], "nothing is left of a record that could not begin");
}

#[test]
fn runs_that_begin_at_once_are_saved_beside_each_other() {
    let server = healthy();
    let place = Place::new();
    let line = format!("run suite.toml -H {} -t 1s --only-summary", server.url());
    let start = || place.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let children: Vec<Child> = (0..6).map(|_| start()).collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert_eq!(place.files(".squall").len(), 6, "{:?}", place.files(""));
}

#[test]
fn settings_are_not_ignored_in_silence() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    let bytes = std::ffi::OsStr::from_bytes(b"\xff");
    let output = place.command("--show-settings").env("LOCUST_USERS", bytes).output().unwrap();
    Answer::of(&output).assert(2, &["the environment variable LOCUST_USERS is not UTF-8"]);
    let output = place.command("-f suite.toml --list").env("LOCUST_USER", "3").output().unwrap();
    Answer::of(&output).assert(0, &["LOCUST_USER sets nothing; did you mean LOCUST_USERS?"]);
    place.write("locust.conf", "users = [1, 2]");
    place.squall("--list").assert(2, &["`users` in locust.conf takes one value, and 2 are given"]);
    std::fs::remove_file(place.path("locust.conf")).unwrap();
    place.squall("--list --config /dev/zero").assert(2, &["/dev/zero cannot be read", "not a regular file"]);
}

#[test]
fn values_beyond_all_bounds_are_refused_with_the_bounds() {
    for (line, text) in [
        (
            "-u 4294967296",
            "`4294967296` is not a value of --users: expected a whole number from 1 to 1000000",
        ),
        ("-r 1e300", "`1e300` is not a value of --spawn-rate: must be at most 1000000"),
        ("-t 99999999999", "is not a value of --run-time: must be at most a year (8760h)"),
        ("-s 99999999999", "is not a value of --stop-timeout: must be at most a year (8760h)"),
        ("-t -1", "`-1` is not a value of --run-time"),
        ("-s -1", "`-1` is not a value of --stop-timeout"),
        (
            "--seed -1",
            "`-1` is not a value of --seed: expected a whole number from 0 to 18446744073709551615",
        ),
        ("--bogux", "unexpected argument '--bogux'"),
    ] {
        let answer = Place::new().squall(line);
        answer.assert(2, &[text]);
        assert!(!answer.said().contains("as a value, use"), "{line}: {}", answer.stderr);
    }
}

#[test]
fn a_report_of_a_pipe_is_refused_and_not_waited_for() {
    let place = Place::new();
    let pipe = place.path("pipe.squall");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    place.squall("report pipe.squall").assert(2, &["pipe.squall cannot be read", "not a regular file"]);
}

#[test]
fn the_api_refuses_what_it_would_not_follow() {
    for (line, text) in [
        ("--disk-unhealthy-percent NaN", "expected a number from 0 to 100"),
        ("--disk-unhealthy-percent 101", "expected a number from 0 to 100"),
        ("--test-jwt-secret s", "--test-auth"),
    ] {
        Place::new().squall(&format!("muejam-api --bind 127.0.0.1:0 {line}")).assert(2, &[text]);
    }
}
