//! Looking at a suite without running it: data on stdout, exit code 0.

use serde_json::{Value, json};

use crate::support::{Place, SUITE};

fn stdout(place: &Place, line: &str) -> String {
    let answer = place.squall(line);
    answer.assert(0, &[]);
    answer.stdout
}

#[test]
fn the_user_classes() {
    let listing = "Available Users:\n    Buyer\n    Reader\n";
    assert_eq!(stdout(&Place::new(), "-f suite.toml --list"), listing);
    assert_eq!(stdout(&Place::new(), "-l"), listing);
}

#[test]
fn the_task_ratio() {
    insta::assert_snapshot!("task-ratio", stdout(&Place::new(), "-f suite.toml --show-task-ratio"));
    let text = stdout(&Place::new(), "-f suite.toml --show-task-ratio-json");
    assert!(text.starts_with("{\n    \"per_class\": {\n        \"Buyer\": {"), "{text}");
    let ratio: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        ratio["per_class"]["Reader"],
        json!({ "ratio": 0.75, "tasks": { "home": { "ratio": 0.75 }, "item": { "ratio": 0.25 } } })
    );
    assert_eq!(ratio["total"]["Reader"]["tasks"]["home"]["ratio"], json!(0.5625));
}

#[test]
fn the_task_ratio_of_a_selection() {
    let text = stdout(&Place::new(), "-f suite.toml --show-task-ratio-json Reader");
    let ratio: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(ratio["per_class"].as_object().unwrap().len(), 1);
    assert_eq!(ratio["per_class"]["Reader"]["ratio"], json!(1.0));
}

#[test]
fn settings_with_their_sources() {
    let place = Place::new();
    place.write("locust.conf", "run-time = 5m\nusers = 1\nspawn_rate = 2");
    let mut command = place.command("-f suite.toml --show-settings -H http://me:secret@h");
    let output = command.env("LOCUST_USERS", "7").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "host = http://me:***@h # command line",
        "users = 7 # environment variable LOCUST_USERS",
        "run-time = 5m # locust.conf",
        "# spawn-rate = as the suite says # default",
    ] {
        assert!(lines.iter().any(|l| l == line), "no `{line}` in\n{text}");
    }
}

#[test]
fn a_checked_suite() {
    let place = Place::new();
    let impossible =
        SUITE.replace("[criteria.strict]", "[criteria.strict]\nthroughput = { target = \"> 500/s\" }");
    place.write("suite.toml", &impossible);
    insta::assert_snapshot!("check", stdout(&place, "check suite.toml"));
    let report: Value = serde_json::from_str(&stdout(&place, "check suite.toml --format json")).unwrap();
    assert_eq!(report["valid"], json!(true));
    assert_eq!(report["profiles"][0]["profile"], json!("strict"));
    assert_eq!(report["profiles"][0]["possible"], json!(false));
    assert_eq!(report["profiles"][0]["peak_users"], json!(2));
}

#[test]
fn a_strict_check_fails_where_a_criterion_cannot_be_met() {
    let place = Place::new();
    stdout(&place, "check suite.toml --strict");
    let demand = "[criteria.strict]\nthroughput = { target = \"> 500/s\" }";
    place.write("suite.toml", &SUITE.replace("[criteria.strict]", demand));
    for format in ["text", "json"] {
        let lenient = stdout(&place, &format!("check suite.toml --format {format}"));
        let strict = place.squall(&format!("check suite.toml --strict --format {format}"));
        strict.assert(1, &[]);
        assert_eq!(strict.stdout, lenient, "the same findings, another exit code");
    }
    stdout(&place, "check suite.toml --strict --users 200");
}

#[test]
fn a_check_says_what_a_run_without_a_profile_would_not_judge() {
    let place = Place::new();
    let note = "without `--profile` no criteria are judged; profiles with criteria: `strict`";
    assert!(stdout(&place, "check suite.toml").ends_with(&format!("Note: {note}\n")));
    let report: Value = serde_json::from_str(&stdout(&place, "check suite.toml --format json")).unwrap();
    assert_eq!(report["warnings"], json!([note]));
    assert!(!stdout(&place, "check suite.toml --profile strict").contains("no criteria are judged"));
}

#[test]
fn users_who_do_not_wait_have_no_ceiling() {
    let place = Place::new();
    place.write("suite.toml", &SUITE.replace("wait = \"10ms\"\n", ""));
    let text = stdout(&place, "check suite.toml");
    let line = "  run: 2 users, 10 per second, for 1s; as many requests/s as the target answers, because there are \
                users who do not wait\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn the_mistakes_of_a_suite_as_data() {
    let place = Place::new();
    place.write("typo.toml", &SUITE.replace("name = \"Small Shop\"", "nmae = \"Small Shop\""));
    let answer = place.squall("check typo.toml --format json");
    answer.assert(2, &[]);
    let report: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(report["valid"], json!(false));
    let mistake = &report["diagnostics"][0];
    assert_eq!((&mistake["code"], &mistake["place"]["line"]), (&json!("suite::unknown_key"), &json!(3)));
    assert_eq!(mistake["help"], json!("did you mean `name`?"));
}
