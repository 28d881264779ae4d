//! Flags in all their spellings, taken or refused by both; what is printed without a run.

use serde_json::Value;

use crate::support::{Answer, Place};

use super::pair::Pair;

/// Both print the task ratio and end well.
const TAKEN: &[&str] = &[
    "-u 10",
    "-u10",
    "--users 10",
    "--users=10",
    "-u 10 -u 3",
    "-r 2.5",
    "-r2.5 -u4",
    "--spawn-rate 100",
    "--spawn=3",
    "-t 1h30m",
    "-t 90",
    "-t 3h30m10s",
    "--run-time=20s",
    "--run 20",
    "-s 10",
    "--stop-timeout 1m30s",
    "--headless",
    "--headles",
    "--host http://localhost:9",
    "-H=http://localhost:9",
    "-L debug",
    "--loglevel CRITICAL",
    "--csv a --csv-full-history",
    "--csv=a --csv-full",
    "--json --json-file x --html y.html --logfile z.log",
    "--only-summary --print-stats --reset-stats --skip-log-setup",
    "--exit-code-on-error 0",
    "--equal-weights",
    "-T -u 1",
    "Reader",
    "-u 4 Reader Writer",
    "Writer -u 4",
    "--autostart --autoquit 3",
    "--web-host 127.0.0.1 -P 9999 --web-base-path /x --class-picker",
];

/// Both refuse to start, with exit code 2.
const REFUSED: &[&str] = &[
    "-u abc",
    "-u 1.5",
    "-u",
    "-r 0",
    "-r -1",
    "-r nan",
    "-r inf",
    "-r abc",
    "-ru 5",
    "-t 1m1h",
    "-t 1.5h",
    "-t 1d",
    "-t s",
    "-t -5",
    "-t=",
    "-s abc",
    "-L loud",
    "--loglevel",
    "-H",
    "--bogus",
    "--sho",
    "-c 5",
    "--headless=true",
    "--csv-full-history",
    "--exit-code-on-error x",
    "--slave",
    "--expect-slaves 3",
    "--web-auth a:b",
    "--legacy-ui",
];

/// What one takes and the other refuses, or both refuse with another code, and why.
const DIFFERENT: &[(&str, i32, i32, &str)] = &[
    ("-u 0", 0, 2, "a run without users measures nothing"),
    ("-u -1", 0, 2, "nor does one with fewer"),
    ("-s 1.5", 2, 0, "there is no reason to refuse fractions of a second"),
    ("--exit-code-on-error 300", 0, 2, "an exit code has eight bits; Locust would exit with 44"),
    ("Nobody", 1, 2, "usage errors have one code"),
    ("--master", 0, 2, "not in this version, and a run without it would be another run"),
    ("--processes 2", 0, 2, "the same"),
    ("-P abc", 2, 0, "a web interface that is not there has no port to check"),
];

/// The exit codes of both when they only print the task ratio. Locust comes first.
fn codes(pair: &Pair, arguments: &[&str]) -> (Answer, Answer) {
    let run = |mut command: std::process::Command| {
        Answer::of(&command.arg("--show-task-ratio-json").args(arguments).output().unwrap())
    };
    (run(pair.locust(&[])), run(pair.squall(&[])))
}

#[test]
fn the_same_flags_are_taken() {
    let pair = Pair::new();
    for line in TAKEN {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (theirs, ours) = codes(&pair, &words);
        assert_eq!((theirs.code, ours.code), (Some(0), Some(0)), "`{line}`\n{theirs}\n{ours}");
    }
}

#[test]
fn the_same_flags_are_refused() {
    let pair = Pair::new();
    for line in REFUSED {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (theirs, ours) = codes(&pair, &words);
        assert_eq!((theirs.code, ours.code), (Some(2), Some(2)), "`{line}`\n{theirs}\n{ours}");
        assert!(ours.stdout.is_empty() && !ours.stderr.is_empty(), "`{line}`\n{ours}");
    }
}

#[test]
fn refusals_that_scripts_look_for_have_locusts_words() {
    let pair = Pair::new();
    let format = "Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.";
    let cases: [(&[&str], &str); 4] = [
        (&["-t", "10 s"], format),
        (&["-t", ""], "Invalid time span format"),
        (&["--csv-full-history"], "'--csv-full-history' requires '--csv'."),
        (&["-r", "inf"], "must be a finite number"),
    ];
    for (arguments, text) in cases {
        let (theirs, ours) = codes(&pair, arguments);
        theirs.assert(2, &[text]);
        ours.assert(2, &[text]);
    }
}

#[test]
fn what_differs_differs_on_purpose() {
    let pair = Pair::new();
    for &(line, locust, squall, why) in DIFFERENT {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (theirs, ours) = codes(&pair, &words);
        let expected = (Some(locust), Some(squall));
        assert_eq!((theirs.code, ours.code), expected, "`{line}` ({why})\n{theirs}\n{ours}");
    }
}

#[test]
fn the_classes_and_the_task_ratio_are_printed_alike() {
    let pair = Pair::new();
    let print = |arguments: &[&str]| {
        let run = |mut command: std::process::Command| Answer::of(&command.output().unwrap());
        (run(pair.locust(arguments)), run(pair.squall(arguments)))
    };
    let (theirs, ours) = print(&["--list"]);
    assert_eq!(ours.stdout, theirs.stdout);
    assert!(ours.stdout.starts_with("Available Users:\n    Reader\n"), "{ours}");

    for users in ["1", "3", "10", "100"] {
        let (theirs, ours) = print(&["--show-task-ratio-json", "-u", users]);
        assert!(ours.stdout.contains("\"per_class\""), "{ours}");
        assert_eq!(ours.stdout, theirs.stdout, "{users} users");
        // Locust pads every line to the width of the widest name there could be.
        let (theirs, ours) = print(&["--show-task-ratio", "-u", users]);
        let trimmed: Vec<&str> = theirs.stdout.lines().map(str::trim_end).collect();
        assert_eq!(ours.stdout.lines().collect::<Vec<_>>(), trimmed, "{users} users");
    }
}

#[test]
fn three_classes_have_the_task_ratio_of_locust_where_the_users_divide() {
    let locustfile = "
from locust import HttpUser, task
class A(HttpUser):
    weight = 3
    @task(7)
    def x(self): pass
    @task(3)
    def y(self): pass
class B(HttpUser):
    weight = 2
    @task
    def z(self): pass
class C(HttpUser):
    @task
    def z(self): pass
";
    let suite = "
schema = 1
[users.A]
weight = 3
[users.A.tasks]
x = { weight = 7, get = '/' }
y = { weight = 3, get = '/' }
[users.B]
weight = 2
[users.B.tasks]
z = { get = '/' }
[users.C.tasks]
z = { get = '/' }
";
    let pair = Pair::with(Place::shared(), locustfile, suite);
    let ratio = |users: &str| {
        let (theirs, ours) = codes(&pair, &["-u", users]);
        let parse = |answer: &Answer| serde_json::from_str::<Value>(&answer.stdout).unwrap();
        (parse(&theirs), parse(&ours))
    };
    for users in ["6", "60", "600"] {
        let (theirs, ours) = ratio(users);
        assert_eq!(ours, theirs, "{users} users");
    }
    // Elsewhere Locust rounds the share of each class; Squall prints the users that there will be, of whom one class
    // may have one more or less.
    for users in ["5", "7", "11", "50"] {
        let (theirs, ours) = ratio(users);
        assert_eq!(keys(&ours), keys(&theirs));
        let step = 1.0 / users.parse::<f64>().unwrap();
        for class in ["A", "B", "C"] {
            let share = |of: &Value| of["per_class"][class]["ratio"].as_f64().unwrap();
            assert!((share(&ours) - share(&theirs)).abs() <= 1.5 * step, "{users}\n{ours:#}\n{theirs:#}");
        }
    }
}

/// The names at every level.
fn keys(value: &Value) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let below = |(key, value): (&String, &Value)| {
        let inner: Vec<_> = keys(value).into_iter().map(|inner| format!("{key}.{inner}")).collect();
        [key.clone()].into_iter().chain(inner).collect::<Vec<_>>()
    };
    object.iter().flat_map(below).collect()
}
