//! A secret of the suite reaches the target and nothing else; and a seed makes the same choices again.

use std::path::Path;
use std::process::{Output, Stdio};

use squall_testkit::{ScriptedServer, Step};

use crate::support::Place;

const SECRET: &str = "correct-horse-battery-staple-0123456789";
/// The header and the beginning of the claims of every JSON Web Token.
const TOKEN: &str = "eyJ";

const SUITE: &str = r#"
schema = 1
name = "Visible name"
[auth.reader]
jwt = { secret = "env:SECRET_OF_TEST", claims = { sub = "{user.id}" } }
[users.Reader]
wait = "20ms"
auth = "reader"
headers = { X-Key = "{env:KEY_OF_TEST}" }
tasks.t = { post = "/orders", form = { password = "{env:KEY_OF_TEST}" } }
"#;

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Everything a run left behind: its files, and what it said.
fn left_behind(folder: &Path, output: &Output) -> Vec<(String, Vec<u8>)> {
    let mut all =
        vec![("stdout".to_owned(), output.stdout.clone()), ("stderr".to_owned(), output.stderr.clone())];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap() != "suite.toml" {
            all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    all
}

#[test]
fn a_secret_reaches_the_target_and_nothing_else() {
    // Answers that say what they were asked are the worst case: they end up among the samples of errors.
    let server = ScriptedServer::start(vec![
        Step::ReadRequest,
        Step::send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops"),
        Step::Again,
    ]);
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let line = format!(
        "run suite.toml -u 3 -r 30 -t 2s -L DEBUG -H {} --record a.squall --html r.html --csv r --json --logfile a.log",
        server.url()
    );
    let mut command = place.command(&line);
    command.env("SECRET_OF_TEST", SECRET).env("KEY_OF_TEST", "a-key-like-no-other-4711");
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let mut again = place.command("report a.squall --format json");
    let summary = again.output().unwrap();

    let received = server.received();
    assert!(received.len() > 20);
    for text in [&format!("Authorization: Bearer {TOKEN}"), "X-Key: a-key-like-no-other-4711"] {
        assert!(received.iter().all(|request| contains(request, text)), "each request has {text}");
    }
    let mut all = left_behind(place.path("").as_path(), &output);
    all.push(("summary".to_owned(), summary.stdout));
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    for ending in ["a.squall", "r.html", "a.log", "r_stats.csv"] {
        assert!(names.iter().any(|name| name.ends_with(ending)), "{ending} in {names:?}");
    }
    let visible = all.iter().filter(|(_, bytes)| contains(bytes, "Visible name")).count();
    assert!(
        visible >= 3,
        "record, page and summary name the suite, so this looks at the right bytes: {visible}"
    );
    for (name, bytes) in &all {
        for text in [SECRET, TOKEN, "a-key-like-no-other-4711"] {
            assert!(!contains(bytes, text), "{text} in {name}");
        }
    }
}

const CHOICES: &str = r#"
schema = 1
name = "Choices"
seed = 7
[data]
words = ["a", "b", "c", "d", "e", "f", "g"]
[users.One]
wait = "5ms..15ms"
[users.One.tasks]
left = { weight = 3, get = "/left/{words}?n={int(1, 1000)}" }
right = { weight = 1, get = "/right/{words}" }
"#;

#[test]
fn the_same_seed_makes_the_same_choices_and_another_makes_others() {
    let choices = |suite: &str| {
        let server = ScriptedServer::start(vec![Step::ReadRequest, Step::ok("fine"), Step::Again]);
        let place = Place::shared();
        place.write("suite.toml", suite);
        place
            .squall(&format!("run suite.toml -u 1 -t 2s --only-summary -H {}", server.url()))
            .assert_counted(0, &[]);
        let lines = server
            .received()
            .into_iter()
            .take(40)
            .map(|request| String::from_utf8(request).unwrap().lines().next().unwrap().to_owned());
        lines.collect::<Vec<_>>()
    };
    let first = choices(CHOICES);
    assert_eq!(first.len(), 40, "{first:?}");
    assert_eq!(first, choices(CHOICES));
    assert_ne!(first, choices(&CHOICES.replace("seed = 7", "seed = 8")));
}
