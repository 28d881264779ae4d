//! `squall compare`: what it prints, what it refuses, and what the shell sees. That a real regression is found is tested
//! in `crates/e2e`.

use serde_json::{Value, json};

use crate::support::{Place, SUITE, healthy};

/// A place with a record of a run of a second.
fn recorded() -> Place {
    let place = Place::new();
    let server = healthy();
    record(&place, &server.url(""), "a.squall");
    place
}

fn record(place: &Place, url: &str, name: &str) {
    let line = format!("run suite.toml -u 2 -r 10 -t 1s --only-summary -H {url} --record {name}");
    place.squall(&line);
    assert!(place.path(name).is_file(), "{line}");
}

#[test]
fn short_runs_are_compared_and_said_to_be_too_short() {
    let place = recorded();
    let server = healthy();
    record(&place, &server.url(""), "b.squall");
    let answer = place.squall("compare a.squall b.squall --html out/both.html");
    answer.assert(0, &[]);
    assert!(answer.stdout.starts_with("Not settled; longer runs are needed\n"), "{}", answer.stdout);
    assert!(answer.stdout.contains("too short to compare: it takes 10 windows"), "{}", answer.stdout);
    assert!(place.read("out/both.html").contains("Not settled; longer runs are needed"));
    let answer = place.squall("compare a.squall b.squall --format json --margin 10%");
    answer.assert(0, &[]);
    let comparison: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(comparison["format"], json!(1));
    assert_eq!(comparison["finding"], json!("inconclusive"));
    assert_eq!(comparison["margin"], json!(0.1));
    assert_eq!(comparison["environment"][0]["what"], json!("target"), "{comparison:#}");
}

#[test]
fn what_is_no_pair_of_records_is_refused_with_a_remedy() {
    let place = recorded();
    place.write("text.squall", "not a record");
    for (line, texts) in [
        ("compare", vec!["<A>", "<B>"]),
        ("compare a.squall", vec!["<B>"]),
        ("compare a.squall none.squall", vec!["none.squall cannot be read", "help: name two saved runs"]),
        ("compare text.squall a.squall", vec!["text.squall cannot be read", "is not a record of squall"]),
        ("compare a.squall a.squall --margin 5", vec!["`5` is not a value of --margin", "`--margin 5%`"]),
        ("compare a.squall a.squall --margin 0%", vec!["`0%` is not a value of --margin"]),
        ("compare a.squall a.squall --html a.squall", vec!["a.squall"]),
        ("compare a.squall a.squall --format xml", vec!["'xml'"]),
    ] {
        let answer = place.squall(line);
        answer.assert(2, &texts);
        assert_eq!(answer.stdout, "", "{line}");
    }
    place.squall("report a.squall").assert(0, &[]);
}

#[test]
fn runs_of_different_suites_have_nothing_to_compare() {
    let place = recorded();
    let server = healthy();
    let other = SUITE.replace("\"/orders\"", "\"/x\"").replace("\"/\"", "\"/y\"").replace("/items/1", "/z");
    place.write("suite.toml", &other);
    record(&place, &server.url(""), "b.squall");
    let texts = ["the runs have no endpoint in common", "help: compare two runs of one suite"];
    place.squall("compare a.squall b.squall").assert(2, &texts);
}

#[test]
fn a_run_that_tested_nothing_is_not_compared() {
    let place = recorded();
    // Nobody listens on port 1.
    record(&place, "http://127.0.0.1:1", "b.squall");
    for (line, run) in [("compare a.squall b.squall", 'B'), ("compare b.squall a.squall --format json", 'A')] {
        let answer = place.squall(line);
        let text = format!("run {run} is not valid: No request was answered.");
        answer.assert(3, &[&text, "b.squall", "help: See that the target is up"]);
        assert_eq!(answer.stdout, "");
    }
}
