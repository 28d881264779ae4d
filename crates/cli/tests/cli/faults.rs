//! Faults with real commands: allowed, made, and always taken back.

use std::io::{BufReader, Read as _};
use std::process::{Child, ChildStderr, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::runs::wait_for;
use crate::support::{Place, SUITE, healthy};

const FAULTS: &str = r#"
[profiles.broken]
users = 2
spawn_rate = 10
run_time = "4s"
[[profiles.broken.faults]]
name = "file"
at = "1s"
for = "1s"
run = ["touch", "broken"]
undo = ["mv", "broken", "mended"]
"#;

const ENDLESS: &str = r#"
[profiles.broken]
users = 2
spawn_rate = 10
[[profiles.broken.faults]]
name = "file"
at = "100ms"
run = ["touch", "broken"]
undo = ["mv", "broken", "mended"]
[[profiles.broken.faults]]
name = "hang"
at = "100ms"
run = ["sleep", "1000"]
undo = ["touch", "unhung"]
for = "10m"
"#;

fn place(faults: &str) -> Place {
    let place = Place::new();
    place.write("suite.toml", &format!("{SUITE}{faults}"));
    place
}

#[test]
fn faults_are_refused_unless_they_are_allowed() {
    let (place, server) = (place(FAULTS), healthy());
    let line = format!("run suite.toml --profile broken -H {} --record a.squall", server.url());
    place.squall(&line).assert(
        2,
        &[
            "this load breaks things on purpose, and that was not allowed",
            "help: --allow-faults allows it",
            "file at 1s: `touch broken`, for 1s, then `mv broken mended`",
        ],
    );
    assert_eq!(server.connections(), 0, "nothing was sent");
    assert!(!place.path("broken").exists() && !place.path("a.squall").exists());
    place.squall("check suite.toml --profile broken -H http://127.0.0.1:1").assert(0, &[]);
}

#[test]
fn a_program_that_is_missing_is_found_before_the_load() {
    let server = healthy();
    let place = place(&FAULTS.replace("\"touch\"", "\"no-such-program\""));
    let line = format!("run suite.toml --profile broken --allow-faults -H {}", server.url());
    place.squall(&line).assert(
        2,
        &[
            "the fault `file` cannot be made: there is no program `no-such-program`",
            "install it, or give its path",
        ],
    );
    assert_eq!(server.connections(), 0, "nothing was sent");
}

#[test]
fn the_check_looks_for_what_takes_a_fault_back_too() {
    let check = |faults: &str| {
        let place = place(faults);
        let answer = place.squall("check suite.toml --profile broken -H http://127.0.0.1:1");
        answer.assert(0, &[]);
        answer.stdout
    };
    let missing = "warning      the fault `file` cannot be made: there is no program `no-such-program`";
    for program in ["\"touch\"", "\"mv\""] {
        let said = check(&FAULTS.replace(program, "\"no-such-program\""));
        assert_eq!(said.matches(missing).count(), 1, "{said}");
    }
    assert!(!check(FAULTS).contains("cannot be made"));
}

#[test]
fn what_cannot_be_executed_is_found_before_the_load() {
    let server = healthy();
    let place = place(&FAULTS.replace("\"touch\"", "\"/\""));
    let line = format!("run suite.toml --profile broken --allow-faults -H {}", server.url());
    let complaint = "the fault `file` cannot be made: `/` is no file that may be executed";
    place.squall(&line).assert(2, &[complaint]);
    assert_eq!(server.connections(), 0, "nothing was sent");
}

#[test]
fn a_fault_is_made_taken_back_and_recorded() {
    let (place, server) = (place(FAULTS), healthy());
    let line =
        format!("run suite.toml --profile broken --allow-faults -H {} --record a.squall", server.url());
    place.squall(&line).assert(
        0,
        &[
            "Fault file: `touch broken`",
            "Fault file: `touch broken` ended well; taking it back: `mv broken mended`",
            "Fault file is over: `mv broken mended` ended well",
        ],
    );
    assert!(place.path("mended").exists() && !place.path("broken").exists());
    let run: Value = serde_json::from_str(&place.squall("report a.squall --format json").stdout).unwrap();
    assert!(run.to_string().contains("`touch broken` ended well; `mv broken mended` ended well"), "{run:#}");
}

#[test]
fn a_fault_that_fails_fails_a_run_that_would_have_passed() {
    let server = healthy();
    for (faults, said) in [
        (
            FAULTS.replace("\"touch\", \"broken\"", "\"false\""),
            "Fault file failed: `false` failed with exit code 1",
        ),
        (
            FAULTS.replace("\"mv\", \"broken\", \"mended\"", "\"false\""),
            "Fault file WAS NOT TAKEN BACK: `false`",
        ),
    ] {
        let line = format!("run suite.toml --profile broken --allow-faults -H {}", server.url());
        place(&faults).squall(&line).assert(1, &[said, "ERROR/squall.main: the fault file failed"]);
    }
}

/// An endless run with both faults made.
fn broken(place: &Place, url: &str) -> (Child, BufReader<ChildStderr>) {
    let line =
        format!("run suite.toml --profile broken --allow-faults -H {url} --record a.squall --only-summary");
    let mut child = place.command(&line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    wait_for(&mut stderr, "Fault ");
    wait_for(&mut stderr, "Fault ");
    while !place.path("broken").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    (child, stderr)
}

#[test]
fn whatever_ends_a_run_its_faults_are_taken_back() {
    let server = healthy();
    for signals in
        [&[Signal::INT][..], &[Signal::INT, Signal::INT], &[Signal::TERM], &[Signal::HUP], &[Signal::QUIT]]
    {
        let place = place(ENDLESS);
        let (mut child, mut stderr) = broken(&place, &server.url());
        for signal in signals {
            kill_process(Pid::from_child(&child), *signal).unwrap();
        }
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        assert!(place.path("mended").exists() && place.path("unhung").exists(), "{signals:?}: {said}");
        assert!(said.contains("`sleep 1000` was stopped"), "{said}");
        assert!(said.contains("The run is saved in a.squall"), "{said}");
    }
}
