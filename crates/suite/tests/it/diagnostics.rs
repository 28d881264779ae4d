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
            "[criteria.c]\np95th = \"< 1s\"\n\"redis.hit_rate\" = { target = \"> 70%\" }\npostgres.connections.used = { target = \"< 80\" }\np99 = { target = \"< 1s\", pending = \"why\" }",
        ),
        (
            "profiles",
            "[profiles.a]\n[profiles.b]\nusers = 2_000_000\nspawn_rate = 0\n[profiles.c]\nusers = 1\nphases = [{ users = 1 }, { users = 1, warmup = true }]\n[profiles.d]\nphases = [{ users = 0, run_time = \"1s\" }]",
        ),
        (
            "phases",
            "[profiles.p]\nphases = [{ name = \"steady\", users = 1 }]\ncriteria = \"c\"\n[criteria.c]\np95 = { target = \"< 1s\", phase = \"stedy\" }\n[criteria.unused]\np95 = { target = \"< 1s\", phase = \"spike\" }",
        ),
        (
            "rates",
            "[profiles.a]\nrate = 100\n[profiles.b]\nrate = \"50..200/s\"\nrun_time = \"1m\"\n[profiles.c]\nrate = \"50/s..200/s\"\n[profiles.d]\nrate = [\"0/s\", \"0/s\"]\nrun_time = \"1m\"\n[profiles.e]\nusers = 5\narrivals = \"poisson\"\n[profiles.f]\nrate = \"2000000/s\"\narrivals = \"possion\"\n[profiles.g]\nrate = []\n[profiles.h]\nrate = \"1/s...5/s\"\nrun_time = \"1m\"\n[profiles.i]\nrate = \"fast\"\n[profiles.j]\nrate = [\"1/s\", 5]\nrun_time = \"1ms\"\n[profiles.k]\nrate = [\"1/s\", \"2/s\"]\nrun_time = \"1ms\"",
        ),
        (
            "rates_in_other_words",
            "[profiles.a]\nrate = \"5/s-10/s\"\n[profiles.b]\nrate = \"5 rps\"\n[profiles.c]\narrival_rate = \"5/s\"\nusers = 1\n[profiles.d]\nrate = { from = 1 }\n[criteria.c]\nrps = \"> 5/s\"\n\"max p95\" = \"< 1s\"\n\"max((p95))\" = \"< 1s\"\n\"Process.RSS\" = \"< 1GB\"\np95 = { target = \"< 1s\", window = \"5s\" }",
        ),
        (
            "rates_of_phases",
            "[users.Probe]\nfixed_count = 2\ntasks.t = { get = \"/\" }\n[users.U.tasks]\nt = { get = \"/\" }\n[profiles.a]\nrate = \"5/s\"\nphases = [{ run_time = \"1m\" }, { users = 0, rate = \"5/s\", run_time = \"1m\" }, { rate = [\"5/s\"] }]\n[profiles.b]\nrate = \"5/s\"\nmix = { U = 1 }\n[profiles.c]\nphases = [{ users = 5, run_time = \"1m\", warmup = true }, { users = 0, run_time = \"1m\" }]",
        ),
        (
            "functions",
            "[criteria.c]\n\"slope(max(p95))\" = \"< 1s/h\"\n\"slope(recovery(p95))\" = \"< 1s/h\"\n\"slop(p95)\" = \"< 1s/h\"\n\"max(p95\" = \"< 1s\"\n\"max()\" = \"< 1s\"\n\"max(p95) + 1\" = \"< 1s\"\n\"max(p95th)\" = \"< 1s\"\n\"recovery(error_rate)\" = \"< 1m\"\n\"slope(dropped)\" = \"< 1%/h\"\n\"max(max)\" = \"< 1s\"\np100 = \"< 1s\"\nslope = \"< 1s\"\n\"p95(max)\" = \"< 1s\"\ndroped = \"< 1%\"\n\"p95)\" = \"< 1s\"",
        ),
        (
            "series",
            "[monitor.process]\n[criteria.c]\n\"process.memory\" = \"< 1GB\"\n\"proces.rss\" = \"< 1GB\"\n\"process.api.rss\" = \"< 1GB\"\n\"generator.rs\" = \"< 1GB\"\nprocess.rss = \"< 1GB\"\n\"process.rss\" = { target = \"< 1GB\", endpoint = \"GET /\", users = \"Visitor\" }\n\"max(process.cpu)\" = { target = \"< 80%\", users = \"Visitor\" }\ndropped = { target = \"< 1%\", endpoint = \"GET /\" }",
        ),
        (
            "series_without_monitor",
            "[criteria.c]\n\"process.rss\" = \"< 1GB\"\n\"slope(process.api.rss)\" = { target = \"< 1MB/h\", pending = \"later\" }\n\"process.api.memory\" = \"< 1GB\"",
        ),
        (
            "series_of_named_monitors",
            "[[monitor.process]]\nname = \"api\"\n[[monitor.process]]\nname = \"db\"\npid = 7\n[criteria.c]\n\"process.rss\" = \"< 1GB\"\n\"process.web.rss\" = \"< 1GB\"\n\"process.db.rs\" = \"< 1GB\"",
        ),
        (
            "monitors",
            "[[monitor.process]]\npid = 0\nport = 80\n[[monitor.process]]\nname = \"a b\"\ninterval = \"1ms\"\n[[monitor.process]]\nname = \"db\"\nport = 99999\n[[monitor.process]]\nname = \"db\"\nprot = 80\n[monitor.postgres]\nurl = \"x\"\n[monitor.generator]",
        ),
        ("monitor_types", "monitor = { process = 4711 }"),
        (
            "faults",
            "[profiles.p]\nusers = 1\nrun_time = \"2m\"\n[[profiles.p.faults]]\nat = \"2m\"\nrun = \"docker stop redis\"\n[[profiles.p.faults]]\nname = \"x\"\nat = \"1m\"\nrun = []\nundo = \"echo a | cat\"\n[[profiles.p.faults]]\nname = \"x\"\nat = \"30\"\nrun = [\"\", 1]\nfor = \"0s\"\n[[profiles.p.faults]]\nwhen = \"1m\"\n[[faults]]\nat = \"1m\"",
        ),
        (
            "windows",
            "[profiles.p]\nphases = [{ name = \"calm\", users = 1, run_time = \"20s\" }, { name = \"spike\", users = 9, run_time = \"10s\" }]\ncriteria = \"c\"\n[criteria.c]\np95 = [{ target = \"< 1s\", for = \"31s\" }, { target = \"< 1s\", for = \"30s\" }, { target = \"< 1s\", for = \"15s\", phase = \"spike\" }]\np99 = { target = \"< 1s\", for = \"0s\", abort = \"yes\" }\n\"slope(p95)\" = { target = \"< 1s/h\", for = \"5s\" }\n\"recovery(p95)\" = [{ target = \"< 1m\", phase = \"spike\", for = \"5s\", abort = true }, { target = \"< 1m\", phase = \"calm\" }, { target = \"< 1m\", phase = \"spkie\" }]\n\"recovery(p99)\" = \"< 1m\"",
        ),
        (
            "level_units_of_series_and_trends",
            "[monitor.process]\n[criteria.c]\n\"process.rss\" = \"< 512\"\n\"max(process.rss)\" = \"< 512mb\"\n\"process.fds\" = \"< 80%\"\n\"process.threads\" = \"100\"\n\"process.cpu\" = \"< 0.8\"\n\"slope(process.rss)\" = { target = \"< 10MB\", acceptable = \"< 20\" }\n\"slope(p95)\" = \"< 50\"\n\"slope(throughput)\" = \"> -5/s\"\n\"slope(process.fds)\" = { target = \"< 100/h\", acceptable = \"< 50/h\" }\n\"max(error_rate)\" = \"< 200%\"\n\"mean(process.rss)\" = { target = \"< 1GiB\", failure = \"> 512MiB\" }",
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
            Selection {
                users: Some(0),
                spawn_rate: Some(f64::NAN),
                rate: Some(0.0),
                host: host.clone(),
                ..Selection::default()
            },
        ),
        (
            "asked_rate_of_phases",
            Selection { profile: name("spike"), rate: Some(5.0), host, ..Selection::default() },
        ),
    ] {
        insta::assert_snapshot!(snapshot, rendered(&suite.plan(&selection).unwrap_err()));
    }
}

#[test]
fn what_is_asked_for_has_to_be_judged_and_served() {
    let suite = good(
        "schema = 1\n[users.Probe]\nfixed_count = 1\ntasks.t = { get = \"/\" }\n[monitor.process]\n[profiles.p]\nusers = 1\ncriteria = { \"max(process.rss)\" = \"< 1GB\" }",
    );
    let host = Some("http://example.com".to_owned());
    let profile = Some("p".to_owned());
    let remote = Selection { profile, host: host.clone(), ..Selection::default() };
    insta::assert_snapshot!("asked_unwatched", rendered(&suite.plan(&remote).unwrap_err()));
    let arriving = Selection { host, rate: Some(5.0), ..Selection::default() };
    insta::assert_snapshot!("asked_rate_of_fixed", rendered(&suite.plan(&arriving).unwrap_err()));
}

#[test]
fn a_function_without_quotes_is_one_mistake_with_a_remedy() {
    let text = "schema = 1\n[criteria.c]\nrecovery(p95) = \"< 60s\"\nmax(process.rss) = { target = \"< 1GB\" }\n[profiles.p]\nusers = 1\ncriteria = { slope(p95) = \"< 1s/h\" }\n";
    let errors = parse(&format!("{text}{USERS}")).unwrap_err();
    let helps: Vec<_> = errors.errors().iter().map(|e| e.help.clone().unwrap_or_default()).collect();
    assert_eq!(
        helps,
        ["recovery(p95)", "max(process.rss)", "slope(p95)"]
            .map(|name| format!("put a function into quotes: \"{name}\" = …")),
        "{}",
        rendered(&errors)
    );
}
