//! What is said about a wrong suite: one snapshot for each kind of mistake.

use std::path::Path;

use squall_core::Nanos;
use squall_suite::{Code, Options, Selection, load};

use crate::{USERS, good, parse, rendered};

/// Snapshot of what is said about `text`; a class with a task is added unless it has users of its own.
fn said(name: &str, text: &str) {
    let users = if text.contains("[users") { "" } else { USERS };
    let errors = parse(&format!("schema = 1\n{text}\n{users}")).unwrap_err();
    insta::assert_snapshot!(name, rendered(&errors));
}

#[test]
fn every_kind_of_mistake_is_explained() {
    for (name, text) in [
        ("unknown_key", "[http]\ntimeuot = \"3s\"\nzebra = 1"),
        ("wrong_type", "name = 5\n[http]\nkeep_alive = \"yes\"\nheaders = []"),
        (
            "missing_unit",
            "[http]\ntimeout = \"5\"\nconnect_timeout = 10\nmax_body = 64\n[users.U]\nwait = \"1..5s\"\ntasks.a = { get = \"/\" }",
        ),
        (
            "bad_value",
            "[http]\ntimeout = \"soon\"\nrate_limited = [42, \"9xx\"]\n[users.U]\nwait = \"5s..1s\"\nsource = \"here\"\ntasks.a = { get = \"home\", headers = { \"a b\" = \"x\" } }",
        ),
        (
            "unknown_names",
            "[auth.reader]\nbearer = \"test_x\"\n[users.Visitor]\nauth = \"raeder\"\ntasks.a = { get = \"/{slug}\", needs = \"slugs\" }\ntasks.b = { get = \"/\", capture = { slugs = \"$.slug\" } }\n[profiles.p]\nusers = 1\nmix = { Visitors = 1 }\ncriteria = \"gide\"\n[criteria.guide]\np95 = { target = \"< 1s\", endpoint = \"GET /x\", users = \"visitor\" }",
        ),
        (
            "weights",
            "[users.A]\nweight = -1\ntasks.a = { get = \"/\", weight = 0 }\n[users.B]\nweight = nan\ntasks.a = { get = \"/\", weight = 1.5 }",
        ),
        (
            "all_weights_zero",
            "[users.A]\nweight = 0\ntasks.a = { get = \"/\" }\n[users.B]\nweight = 0\ntasks.a = { get = \"/\" }",
        ),
        (
            "slots",
            "[data]\nterms = [\"a\"]\nrows = [{ a = 1, b = 2 }]\n[users.U.tasks]\na = { get = \"/{trems}/{wrod()}/{int(5,1)}/{now}/{}\" }\nb = { get = \"/{user.name}/{rows.c}/{rows}\" }\nc = { get = \"/{open\" }",
        ),
        (
            "captures",
            "[data]\nterms = [\"a\"]\n[users.U.tasks]\na = { get = \"/\", capture = { x = \"data.id\", y = { regex = \"(a\" }, z = { }, terms = \"$.t\" } }\nb = { get = \"/\", expect = { json = { \"$.a[\" = 1 } } }",
        ),
        (
            "requests",
            "[users.U.tasks]\nnothing = { weight = 1 }\ntwo = { get = \"/a\", post = \"/b\" }\nbodies = { post = \"/\", json = {}, body = \"x\" }\nboth = { get = \"/\", steps = [{ wait = \"1s\" }] }\nfragment = { get = \"/a#b\" }",
        ),
        (
            "data",
            "[data]\nempty = []\nragged = [{ a = 1 }, { b = 1 }]\nmissing = { csv = \"nowhere.csv\" }\nboth = { csv = \"a\", jsonl = \"b\" }",
        ),
        (
            "secrets",
            "[auth.a]\njwt = { secret = \"env:NOT_SET\", claims = { sub = \"x\" } }\n[auth.b]\njwt = { secret = \"s3cret\", claims = { sub = \"x\" } }\n[auth.c]\njwt = { secret = \"file:nowhere.key\", claims = { sub = \"{env:ALSO_NOT_SET}\" } }\n[auth.d]",
        ),
        ("no_tasks", "[users.A]\nweight = 1\n[users.B.tasks]"),
        (
            "never_runs",
            "[users.U.tasks]\na = { get = \"/\" }\nb = { get = \"/{x}\", capture = { y = \"$.y\" } }\nc = { get = \"/\", needs = [\"y\"], capture = { x = \"$.x\" } }",
        ),
        (
            "one_mistake_is_said_once",
            "[data]\nterms = { csv = \"nowhere.csv\" }\n[auth.a]\njwt = {}\n[users.U]\nauth = \"a\"\ntasks.t = { get = \"/{terms}/{terms.x}/{pick(terms)}\" }\n[users.V]\n[profiles.p]\nusers = 1\nmix = { V = 1 }",
        ),
        ("no_users", "[users]"),
        (
            "duplicates",
            "[users.A.tasks]\na = { get = \"/\" }\na = { get = \"/\" }\n[profiles.p]\nphases = [{ name = \"x\", users = 1, run_time = \"1s\" }, { name = \"x\", users = 1 }]",
        ),
        ("names", "[users.\"A B\".tasks]\na = { get = \"/\" }"),
        (
            "levels",
            "[criteria.c]\np95 = { target = \"< 1s\", acceptable = \"< 500ms\" }\np99 = { target = \"< 1s\", failure = \"> 500ms\" }\nmean = { target = \"< 1s\", acceptable = \"> 2s\" }\nthroughput = { target = \"> 100/s\", failure = \"> 50/s\" }\nmax = {}",
        ),
        (
            "level_units",
            "[criteria.c]\np95 = \"< 500\"\nerror_rate = \"0.5%\"\nthroughput = \"> 100ms\"\nrate_limited = \"< 200%\"",
        ),
        (
            "measures",
            "[criteria.c]\np95th = \"< 1s\"\n\"recovery(p95)\" = \"< 60s\"\n\"redis.hit_rate\" = { target = \"> 70%\" }\npostgres.connections.used = { target = \"< 80\" }\np99 = { target = \"< 1s\", pending = \"why\" }",
        ),
        (
            "profiles",
            "[profiles.a]\n[profiles.b]\nusers = 2_000_000\nspawn_rate = 0\n[profiles.c]\nusers = 1\nphases = [{ users = 1 }, { users = 1, warmup = true }]\n[profiles.d]\nphases = [{ users = 0, run_time = \"1s\" }]",
        ),
        (
            "phases",
            "[profiles.p]\nphases = [{ name = \"steady\", users = 1 }]\ncriteria = \"c\"\n[criteria.c]\np95 = { target = \"< 1s\", phase = \"stedy\" }\n[criteria.unused]\np95 = { target = \"< 1s\", phase = \"spike\" }",
        ),
        ("host", "host = \"localhost:8000\"\n[profiles.p]\nusers = 1\nhost = \"http://user:pw@h\""),
        ("not_toml", "name = \"a\n[http]\ntimeout = \"5\"\nkeep_alive = = true\nzebra = 1"),
    ] {
        said(name, text);
    }
}

#[test]
fn a_suite_says_which_version_of_the_format_it_is_in() {
    insta::assert_snapshot!("schema_missing", rendered(&parse(USERS).unwrap_err()));
    insta::assert_snapshot!("schema_newer", rendered(&parse("schema = 2\nnew = true").unwrap_err()));
    let text = format!("schema = \"1\"\n{USERS}");
    insta::assert_snapshot!("schema_wrong", rendered(&parse(&text).unwrap_err()));
}

#[test]
fn all_mistakes_come_at_once_and_in_the_order_of_the_file() {
    let text = "schema = 1\nzebra = 1\n[http]\ntimeout = \"5\"\n[users.A]\nweight = -1\n[profiles.p]\nusers = 0\n[criteria.c]\np95 = \"fast\"";
    let errors = parse(text).unwrap_err();
    let codes: Vec<Code> = errors.errors().iter().map(|e| e.code).collect();
    use Code::{BadValue, MissingUnit, NoTasks, OutOfBounds, UnknownKey, Weight};
    assert_eq!(codes, [UnknownKey, MissingUnit, NoTasks, Weight, OutOfBounds, BadValue]);
}

#[test]
fn too_many_endpoints_are_refused() {
    let tasks: String = (0..2001).map(|n| format!("t{n} = {{ get = \"/{n}\" }}\n")).collect();
    let errors = parse(&format!("schema = 1\n[users.U.tasks]\n{tasks}")).unwrap_err();
    assert_eq!(errors.errors().len(), 1);
    assert_eq!(errors.errors()[0].message, "the suite has 2001 endpoints");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let errors = load(Path::new("nowhere/suite.toml"), &Options::default()).unwrap_err();
    insta::assert_snapshot!("file_missing", rendered(&errors));
    let folder = std::env::temp_dir().join(format!("squall-suite-utf8-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("suite.toml");
    std::fs::write(&path, b"schema = 1\nname = \"\xff\"").unwrap();
    std::fs::write(folder.join("ragged.csv"), "a,b\n1,2\n3\n").unwrap();
    std::fs::write(folder.join("empty.csv"), "a,b\n").unwrap();
    let errors = load(&path, &Options::default()).unwrap_err();
    assert_eq!(errors.errors()[0].code, Code::NotUtf8);
    assert!(errors.errors()[0].message.ends_with("line 2 holds other bytes"), "{errors:?}");
    std::fs::write(
        &path,
        format!("schema = 1\n[data]\na = {{ csv = \"ragged.csv\" }}\nb = {{ csv = \"empty.csv\" }}\n{USERS}"),
    )
    .unwrap();
    let errors = load(&path, &Options::default()).unwrap_err();
    std::fs::remove_dir_all(&folder).unwrap();
    let messages: Vec<_> = errors.errors().iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        ["data file ragged.csv is ragged: line 3 has 1 values, the first line has 2", "feed `b` has no rows"]
    );
}

#[test]
fn what_is_asked_for_has_to_fit_the_suite() {
    let suite = good(&format!(
        "schema = 1\n{USERS}[profiles.basic]\nusers = 1\n[profiles.spike]\nphases = [{{ users = 1 }}]"
    ));
    let host = Some("http://h".to_owned());
    let name = |text: &str| Some(text.to_owned());
    for (snapshot, selection) in [
        ("asked_profile", Selection { profile: name("bsaic"), host: host.clone(), ..Selection::default() }),
        ("asked_host", Selection::default()),
        ("asked_bad_host", Selection { host: name("h:80"), ..Selection::default() }),
        (
            "asked_class",
            Selection { user_classes: vec!["Vistor".into()], host: host.clone(), ..Selection::default() },
        ),
        ("asked_tags", Selection { tags: vec!["x".into()], host: host.clone(), ..Selection::default() }),
        (
            "asked_overrides",
            Selection {
                profile: name("spike"),
                users: Some(5),
                run_time: Some(Nanos::SECOND),
                host: host.clone(),
                ..Selection::default()
            },
        ),
        (
            "asked_bounds",
            Selection { users: Some(0), spawn_rate: Some(f64::NAN), host, ..Selection::default() },
        ),
    ] {
        insta::assert_snapshot!(snapshot, rendered(&suite.plan(&selection).unwrap_err()));
    }
}
