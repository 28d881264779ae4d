//! A machine that gives the generator too little: said before the run, and blamed on the generator.

use squall_bench::server::{Config, spawn};

use crate::support::{Answer, Place, squall};

const SUITE: &str = r#"
schema = 1
name = "Too many"
[users.Many]
wait = "200ms"
tasks.t = { get = "/delay/50ms" }
"#;

#[test]
fn too_few_descriptors_are_said_first_and_are_nobody_elses_fault() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let server = spawn(Config::default()).unwrap();
    let line = format!(
        "ulimit -n 64 && exec {} run suite.toml -u 200 -r 200 -t 4s --only-summary -H {} --record a.squall",
        squall().display(),
        server.url()
    );
    let output = place.program("/bin/sh".as_ref()).args(["-c", &line]).output().unwrap();
    let answer = Answer::of(&output);
    answer.assert(3, &["200 users need more open files than this process may have (64)", "ulimit -Hn"]);
    let position = |text: &str| answer.stderr.find(text).unwrap_or_else(|| panic!("no {text}: {answer}"));
    assert!(position("more open files") < position("Ramping to"), "{answer}");

    let summary = place.summary("a.squall");
    let errors = summary.list("errors");
    assert!(!errors.is_empty(), "{:#}", summary.0["total"]);
    for error in errors {
        assert_eq!(
            (&error["error"], &error["fault"]),
            (&"generator".into(), &"generator".into()),
            "{error:#}"
        );
    }
    assert_eq!(summary.0["run"]["ended"], "completed");
    // Those who have a connection are not disturbed by those who have none.
    assert!(summary.total("ok") > 100, "{:#}", summary.0["total"]);
    assert_eq!(summary.total("ok"), server.stop().unwrap().answered);
}
