//! What cannot be done is refused before any load, with the reason and a remedy, and exit code 2.

use crate::support::{Place, SUITE, healthy};

#[test]
fn command_lines_that_mean_nothing() {
    for (line, texts) in [
        ("--bogux", vec!["unexpected argument '--bogux'"]),
        ("--headlss", vec!["'--headlss'", "a similar argument exists: '--headless'"]),
        ("run", vec!["<SUITE>"]),
        ("report", vec!["<RECORD>"]),
        ("-u", vec!["a value is required for '--users <NUMBER>'"]),
        ("-u many", vec!["`many` is not a value of --users", "command line"]),
        ("-r 0", vec!["`0` is not a value of --spawn-rate: must be greater than zero"]),
        ("-t 1m1h", vec!["Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc."]),
        ("-t 0", vec!["`0` is not a value of --run-time: must be greater than zero"]),
        ("-t 0m", vec!["`0m` is not a value of --run-time: must be greater than zero"]),
        ("-s soon", vec!["Valid --stop-timeout formats are: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc."]),
        ("--csv-full-history", vec!["'--csv-full-history' requires '--csv'."]),
        ("--rate 0", vec!["`0` is not a value of --rate: must be greater than zero"]),
        ("--rate fast", vec!["`fast` is not a value of --rate: expected a number"]),
        ("verdict", vec!["<RECORD>"]),
        ("verdict a.squall --set x", vec!["--criteria <FILE>"]),
        ("verdict a.squall --criteria c.toml --set x --profile y", vec!["cannot be used with"]),
        (
            "demo --flaw latncy",
            vec!["the demo has no flaw called `latncy`", "did you mean `latency`?", "no-login"],
        ),
        ("--config none.conf", vec!["none.conf cannot be read"]),
    ] {
        Place::new().squall(line).assert(2, &texts);
    }
}

#[test]
fn several_settings_at_once_are_each_shown_whole() {
    let answer = Place::new().squall("-u many -r 0 -t soon");
    answer.assert(2, &["`many` is not a value of --users", "`0` is not a value", "`soon` is not a value"]);
    assert_eq!(answer.stderr.matches("help: it was set by: command line").count(), 3, "{}", answer.stderr);
    assert!(!answer.stderr.contains("Error:"), "{}", answer.stderr);
}

#[test]
fn words_that_look_like_commands() {
    for (line, texts) in [
        ("chekc suite.toml", ["there is no command `chekc`", "did you mean `squall check`?"]),
        ("chekc suite.toml --format json", ["there is no command `chekc`", "did you mean `squall check`?"]),
        ("verdcit a.squall --junit x", ["there is no command `verdcit`", "did you mean `squall verdict`?"]),
        ("capactiy suite.toml", ["there is no command `capactiy`", "`capacity` comes with a later version"]),
        ("api.toml", ["`api.toml` is no command", "did you mean `squall run api.toml`?"]),
        ("./api.toml --bogus", ["`./api.toml` is no command", "did you mean `squall run ./api.toml`?"]),
        ("web", ["the command `web` comes with a later version", "`run`"]),
        ("-u 1 run suite.toml", ["`run` behind an option names a class of users", "`squall run …`"]),
    ] {
        let answer = Place::new().squall(line);
        answer.assert(2, &texts);
        assert!(!answer.stderr.contains("there is no class of users"), "{}", answer.stderr);
    }
}

#[test]
fn a_class_of_users_may_look_like_a_command() {
    let place = Place::new();
    place.write("suite.toml", &SUITE.replace("users.Reader", "users.Runner"));
    let listed = place.squall("Runner --show-task-ratio-json");
    listed.assert(0, &[]);
    assert!(listed.stdout.contains("Runner") && !listed.stdout.contains("Buyer"), "{}", listed.stdout);
    place
        .squall("-f suite.toml check -H http://127.0.0.1:1")
        .assert(2, &["no class of users called `check`"]);
}

#[test]
fn options_of_later_versions() {
    for (line, option) in [
        ("--master", "--master"),
        ("--worker --master-host=10.0.0.1", "--worker"),
        ("--processes -1", "--processes"),
        ("--expect-workers 3", "--expect-workers"),
        ("--otel", "--otel"),
        ("--config-users users.json", "--config-users"),
    ] {
        let texts = [&*format!("{option} cannot be used: "), "come"];
        Place::new().squall(&format!("-f suite.toml {line}")).assert(2, &texts);
    }
}

#[test]
fn scenarios_that_are_no_suite() {
    let place = Place::new();
    for (file, text) in [
        ("locustfile.py", "locustfiles come with a later version"),
        ("none.toml", "none.toml cannot be read"),
        ("-", "distributed runs come with a later version"),
        ("http://example.invalid/suite.toml", "scenarios from URLs come with a later version"),
        (".", "is a directory"),
        ("a.toml,b.toml", "a run has one suite"),
    ] {
        place.squall(&format!("-f {file}")).assert(2, &[text, "help:"]);
        place.squall(&format!("run {file}")).assert(2, &[text]);
    }
    std::fs::remove_file(place.path("suite.toml")).unwrap();
    place.squall("").assert(2, &["there is no suite.toml here", "squall demo"]);
}

#[test]
fn suites_with_mistakes() {
    let place = Place::new();
    place.write("broken.toml", "schema = 1\nname = [");
    place.squall("run broken.toml").assert(2, &["suite::toml", "broken.toml:2"]);
    place.write("typo.toml", &SUITE.replace("wait = \"10ms\"", "wiat = \"10ms\""));
    let answer = place.squall("check typo.toml");
    answer.assert(2, &["2 mistakes in typo.toml", "suite::unknown_key", "did you mean `wait`?"]);
    assert_eq!(answer.stdout, "");
}

#[test]
fn selections_that_do_not_fit_the_suite() {
    for (line, texts) in [
        ("Raeder", ["there is no class of users called `Raeder`", "did you mean `Reader`?"]),
        ("--profile strickt", ["there is no profile called `strickt`", "did you mean `strict`?"]),
        ("--tags none-such", ["no class of users is left to run", "--tags"]),
    ] {
        let answer = Place::new().squall(&format!("run suite.toml -H http://127.0.0.1:1 {line}"));
        answer.assert(2, &texts);
    }
    Place::new().squall("run suite.toml").assert(2, &["there is no target", "--host"]);
    let answer = Place::new().squall("run suite.toml -H http://me:hunter2@127.0.0.1");
    answer.assert(2, &["a host cannot hold a user and password"]);
    assert!(!answer.stderr.contains("hunter2"), "{}", answer.stderr);
}

#[test]
fn targets_that_do_not_resolve() {
    let place = Place::new();
    place.squall("run suite.toml --host http://no-such-host.invalid -u 1 -t 1s").assert(
        2,
        &["the target's name `no-such-host.invalid` does not resolve", "give another target with --host"],
    );
    assert_eq!(place.files(".squall"), [""; 0], "no record of a run that was not");
}

#[test]
fn outputs_that_cannot_be_written() {
    let server = healthy();
    let place = Place::new();
    place.write("a-file", "");
    for (option, file) in [
        ("--html", "a-file/r.html"),
        ("--csv", "a-file/r"),
        ("--json-file", "a-file/r"),
        ("--junit", "a-file/r.xml"),
        ("--markdown", "a-file/r.md"),
        ("--record", "a-file/r.squall"),
        ("--logfile", "a-file/log"),
    ] {
        let line = format!("run suite.toml -H {} -t 1s {option} {file}", server.url());
        place.squall(&line).assert(2, &["cannot be written", option]);
    }
    place.write("kept.squall", "precious");
    let line = format!("run suite.toml -H {} -t 1s --record kept.squall", server.url());
    place.squall(&line).assert(2, &["kept.squall exists already"]);
    assert_eq!(place.read("kept.squall"), "precious");
    assert_eq!(server.connections(), 0, "no load before everything is known to be writable");
}

#[test]
fn a_hyphen_is_no_file_name() {
    let server = healthy();
    let place = Place::new();
    place
        .squall(&format!("run suite.toml --profile strict -H {} --record a.squall", server.url()))
        .assert(0, &[]);
    let before = server.connections();
    for option in ["--html", "--junit", "--markdown", "--logfile", "--record"] {
        let text = format!("{option} needs a file name; `-` is none");
        place.squall(&format!("run suite.toml -t 1s -H {} {option} -", server.url())).assert(2, &[&text]);
    }
    assert_eq!(server.connections(), before, "nothing was sent");
    for line in ["report a.squall --html -", "report a.squall --markdown -", "verdict a.squall --junit -"] {
        place.squall(line).assert(2, &["needs a file name; `-` is none"]);
    }
    place.squall("compare a.squall a.squall --html -").assert(2, &["--html needs a file name; `-` is none"]);
    assert!(!place.path("-").exists());
}

#[test]
fn files_that_are_no_record() {
    let place = Place::new();
    for file in ["none.squall", "suite.toml"] {
        for command in ["report", "verdict"] {
            let answer = place.squall(&format!("{command} {file}"));
            answer.assert(2, &[&format!("{file} cannot be read"), "help:"]);
        }
    }
}

#[test]
fn what_cannot_be_met_is_refused_when_that_is_strict() {
    let server = healthy();
    let place = Place::new();
    let impossible = "[criteria.strict]\nthroughput = { target = \"> 5000/s\" }\n";
    let suite = SUITE.split("[criteria.strict]").next().unwrap();
    place.write("suite.toml", &format!("{suite}{impossible}"));
    let line = format!("run suite.toml --profile strict -H {} --record a.squall", server.url());
    place.squall(&format!("{line} --strict")).assert(1, &["a criterion cannot be met", "without --strict"]);
    assert_eq!(server.connections(), 0, "nothing was sent");
    assert!(!place.path("a.squall").exists());
    place.squall(&line).assert(1, &["WARNING/squall.main: a criterion cannot be met", "FAILED"]);
    assert!(server.connections() > 0);
}

#[test]
fn what_is_to_be_watched_has_to_be_there() {
    let server = healthy();
    let place = Place::new();
    place.write("suite.toml", &format!("{SUITE}\n[monitor.process]\nport = 1\n"));
    let line = format!("run suite.toml -t 1s -H {} --record a.squall", server.url());
    place
        .squall(&line)
        .assert(2, &["what is to be watched cannot be watched", "no process listens on TCP port 1", "help:"]);
    assert_eq!(server.connections(), 0, "nothing was sent");
    assert!(!place.path("a.squall").exists());
}
