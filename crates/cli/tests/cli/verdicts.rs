//! Criteria that stop a run, saved runs judged again, and the forms a verdict is written in.

use std::process::Command;

use serde_json::Value;
use squall_testkit::ScriptedServer;

use crate::support::{Answer, Place, SUITE, broken, healthy};

/// A place with a run of half a second or more saved as `a.squall`.
fn saved(server: &ScriptedServer) -> Place {
    let place = Place::new();
    let line = format!("run suite.toml --profile strict -t 3s -H {} --record a.squall", server.url());
    place.squall(&line).assert(0, &["PASSED"]);
    place
}

#[test]
fn a_criterion_with_abort_ends_the_run_and_says_why() {
    const ABORT: &str = r#"
[profiles.careful]
users = 2
spawn_rate = 10
run_time = "1h"
[profiles.careful.criteria]
error_rate = { failure = "> 50%", for = "2s", abort = true }
"#;
    let server = broken();
    let place = Place::new();
    place.write("suite.toml", &format!("{SUITE}{ABORT}"));
    let line = format!("run suite.toml --profile careful -H {} --record a.squall", server.url());
    let answer = place.squall(&line);
    answer.assert(1, &["Stopping: aborted: error_rate is", "(abort = true)", "FAILED"]);
    let run: Value = serde_json::from_str(&place.squall("report a.squall --format json").stdout).unwrap();
    assert!(run["run"].to_string().contains("abort = true"), "the record knows why: {:#}", run["run"]);
}

#[test]
fn a_saved_run_is_judged_again_by_its_own_criteria() {
    let server = healthy();
    let place = saved(&server);
    let answer = place.squall("verdict a.squall");
    answer.assert(0, &[]);
    assert!(answer.stdout.contains("error_rate") && answer.stdout.contains("PASSED"), "{}", answer.stdout);
    let json: Value = serde_json::from_str(&place.squall("verdict a.squall --format json").stdout).unwrap();
    assert_eq!(json["verdict"]["criteria"].as_array().unwrap().len(), 1);
}

#[test]
fn a_saved_run_is_judged_by_other_criteria() {
    let server = healthy();
    let place = saved(&server);
    place.write("strict.toml", "schema = 1\n[criteria.x]\np50 = \"< 1us\"\n");
    place.write(
        "two.toml",
        "schema = 1\n[criteria.hard]\nthroughput = \"> 1000000/s\"\n[criteria.soft]\nthroughput = \"> 1/s\"\n",
    );
    for (options, code, text) in [
        ("--criteria strict.toml", 1, "FAILED"),
        ("--criteria suite.toml", 0, "error_rate"),
        ("--criteria suite.toml --profile strict", 0, "error_rate"),
        ("--criteria two.toml --set hard", 1, "> 1000000/s"),
        ("--criteria two.toml --set soft", 0, "PASSED"),
        ("--criteria two.toml", 1, "> 1/s"),
    ] {
        let answer = place.squall(&format!("verdict a.squall {options}"));
        answer.assert(code, &[]);
        assert!(answer.stdout.contains(text), "{options}: {}", answer.stdout);
    }
    // The record is what it was.
    place.squall("verdict a.squall").assert(0, &[]);
}

#[test]
fn criteria_that_do_not_fit_the_run_are_refused() {
    let server = healthy();
    let place = saved(&server);
    for (criteria, options, texts) in [
        (
            "p95 = { target = \"< 1s\", users = \"Raeder\" }",
            "",
            vec!["called `Raeder`", "did you mean `Reader`?"],
        ),
        ("p95 = { target = \"< 1s\", endpoint = \"/itms/1\" }", "", vec!["called `/itms/1`", "/items/1"]),
        ("p95 = { target = \"< 1s\", phase = \"rnu\" }", "", vec!["called `rnu`", "there is `run`"]),
        ("p59th = \"< 1s\"", "", vec!["there is no measure `p59th`"]),
        ("p95 = { target = \"< 1s\", failure = \"> 100ms\" }", "", vec!["can be a failure"]),
        ("\"process.rss\" = \"< 1GB\"", "", vec!["no monitor measures `process.rss`"]),
        ("p95 = \"< 1s\"", "--set y", vec!["no set of criteria called `y`"]),
        ("p95 = \"< 1s\"", "--profile y", vec!["no profile called `y`"]),
        ("", "", vec!["there is nothing to judge by"]),
    ] {
        place.write("c.toml", &format!("schema = 1\n[criteria.x]\n{criteria}\n"));
        place.squall(&format!("verdict a.squall --criteria c.toml {options}")).assert(2, &texts);
    }
    place.squall("verdict a.squall --criteria none.toml").assert(2, &["none.toml"]);
    place.squall("verdict a.squall --junit a.squall").assert(2, &["are the same file"]);
}

#[test]
fn verdicts_are_written_as_junit_and_markdown() {
    let server = healthy();
    let place = saved(&server);
    let line = format!(
        "run suite.toml --profile strict -t 2s -H {} --record b.squall --junit o/run.xml --markdown o/run.md",
        server.url()
    );
    place.squall(&line).assert(0, &[]);
    for (options, name) in [("report b.squall", "report"), ("verdict b.squall", "verdict")] {
        let answer = place.squall(&format!("{options} --junit o/{name}.xml --markdown o/{name}.md"));
        answer.assert(0, &[]);
        assert_eq!(answer.stdout.is_empty(), name == "report", "{}", answer.stdout);
        for ending in ["xml", "md"] {
            assert_eq!(place.read(&format!("o/{name}.{ending}")), place.read(&format!("o/run.{ending}")));
        }
    }
    let junit = place.read("o/run.xml");
    assert!(
        junit.starts_with("<?xml") && junit.contains("error_rate") && junit.contains("failures=\"0\""),
        "{junit}"
    );
    assert!(place.read("o/run.md").contains("<code>error"));
}

#[test]
fn environment_and_files_name_the_same_outputs() {
    let server = healthy();
    let place = Place::new();
    place.write("locust.conf", "markdown = by-file.md\n");
    let mut command = place.command(&format!("run suite.toml -t 1s -H {}", server.url()));
    Answer::of(&command.env("SQUALL_JUNIT", "by-variable.xml").output().unwrap());
    assert!(place.path("by-variable.xml").exists() && place.path("by-file.md").exists());
}

fn in_github(command: &mut Command) -> Answer {
    Answer::of(&command.env("GITHUB_ACTIONS", "true").output().unwrap())
}

#[test]
fn github_is_told_where_it_listens() {
    let server = broken();
    let place = Place::new();
    place.write("summary.md", "# Before\n");
    let line = format!("run suite.toml --profile strict -H {}", server.url());
    let answer = in_github(place.command(&line).env("GITHUB_STEP_SUMMARY", place.path("summary.md")));
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(answer.stdout.contains("::error"), "{}", answer.stdout);
    let summary = place.read("summary.md");
    assert!(summary.starts_with("# Before\n") && summary.contains("<code>error"), "{summary}");

    let answer = in_github(place.command(&line).env("GITHUB_STEP_SUMMARY", place.path("none/summary.md")));
    answer.assert(1, &["WARNING/squall.main: the summary of the step cannot be written"]);

    // JSON on stdout stays JSON; GitHub reads both streams.
    let answer = in_github(&mut place.command(&format!("{line} --json")));
    assert!(serde_json::from_str::<Value>(&answer.stdout).is_ok(), "{}", answer.stdout);
    assert!(answer.stderr.contains("::error"), "{}", answer.stderr);

    let elsewhere = place.squall(&line);
    assert!(
        !elsewhere.stdout.contains("::") && !elsewhere.stderr.contains("::error"),
        "{}",
        elsewhere.stdout
    );
}
