//! Suites that were written to do harm, or by mistake look so: refused with a place and a remedy, in bounded
//! time and words.

use std::path::PathBuf;

use squall_suite::{Code, Diagnostics, Options, Selection, Warning, load};

use crate::{USERS, good, parse, rendered};

/// What is wrong with `text`, behind the version of the format.
fn refused(text: &str) -> Diagnostics {
    let users = if text.contains("[users") { "" } else { USERS };
    parse(&format!("schema = 1\n{text}\n{users}")).expect_err(text)
}

/// The only mistake of a suite whose only task is `task`: it has a place and a remedy.
fn refused_task(task: &str) -> (Code, String, String) {
    only(&refused(&format!("[users.U.tasks]\nt = {{ {task} }}")))
}

fn only(errors: &Diagnostics) -> (Code, String, String) {
    let [error] = errors.errors() else { panic!("{}", rendered(errors)) };
    assert!(error.span.is_some(), "{}", rendered(errors));
    let help = error.help.clone().unwrap_or_else(|| panic!("no remedy: {}", rendered(errors)));
    (error.code, error.message.clone(), help)
}

fn warnings(text: &str) -> Vec<Warning> {
    let users = if text.contains("[users") { "" } else { USERS };
    let suite = good(&format!("schema = 1\nhost = \"http://localhost\"\n{text}\n{users}"));
    let profile = suite.profiles().first().map(|p| p.name().to_owned());
    suite.plan(&Selection { profile, ..Selection::default() }).unwrap().warnings
}

#[test]
fn patterns_that_would_hurt_the_reader_or_a_run_are_refused() {
    let deep = format!("$[?{}1==1{}]", "(".repeat(5000), ")".repeat(5000));
    let nested = format!("$[?{}1==1{}]", "(".repeat(200), ")".repeat(200));
    for (path, message) in [
        (deep.as_str(), "the JSONPath is 10008 bytes long"),
        (&nested, "the JSONPath is nested 201 levels deep"),
        ("$..*..*..*..*", "the JSONPath descends with `..` 4 times"),
    ] {
        let captured = refused_task(&format!("get = \"/\", capture = {{ x = \"{path}\" }}"));
        assert_eq!((captured.0, captured.1.as_str()), (Code::BadJsonPath, message));
        let table = refused_task(&format!("get = \"/\", capture = {{ x = {{ jsonpath = \"{path}\" }} }}"));
        assert_eq!(table, captured);
        let expected = refused_task(&format!("get = \"/\", expect = {{ json = {{ \"{path}\" = 1 }} }}"));
        assert_eq!(expected, captured);
    }
    let regex =
        refused_task(&format!("get = \"/\", capture = {{ x = {{ regex = \"{}\" }} }}", "(".repeat(5000)));
    assert_eq!((regex.0, regex.1.as_str()), (Code::BadRegex, "the regular expression is 5000 bytes long"));
}

#[test]
fn json_is_nested_only_so_deep() {
    // Dotted keys nest deeper than the TOML parser counts.
    let key = vec!["a"; 70].join(".");
    let (code, message, _) = refused_task(&format!("post = \"/\", json = {{ {key} = {{ {key} = 1 }} }}"));
    assert_eq!((code, message.as_str()), (Code::OutOfBounds, "a JSON value is nested too deep"));
    let all = (0..70).fold("1".to_owned(), |inner, _| format!("{{ {key} = {inner} }}"));
    assert!(parse(&format!("schema = 1\n[users.U.tasks]\nt = {{ post = \"/\", json = {all} }}")).is_err());
    good(&format!("schema = 1\n[users.U.tasks]\nt = {{ post = \"/\", json = {{ {} = 1 }} }}", &key[..99]));
}

#[test]
fn a_value_cannot_become_a_second_header() {
    for text in [
        "[auth.a]\nbearer = \"{env:TOKEN}\\nX: 1\"",
        "[http]\nheaders = { A = \"a\\u0001b\" }",
        "[users.U]\nheaders = { A = \"a\\r\\nb: c\" }\ntasks.t = { get = \"/\" }",
        "[users.U.tasks]\nt = { post = \"/\", body = \"x\", content_type = \"a\\r\\nb: c\" }",
        "[users.U.tasks]\nt = { get = \"/\", headers = { A = \"a\\u007f\" } }",
    ] {
        let (code, message, _) = only(&refused(text));
        assert_eq!(code, Code::BadValue, "{text}");
        assert!(message.contains("cannot hold"), "{message}");
    }
    good("schema = 1\n[users.U.tasks]\nt = { get = \"/\", headers = { A = \"a\\tb\" } }");
}

#[test]
fn headers_that_frame_messages_are_squalls_own() {
    for name in ["Content-Length", "transfer-encoding", "Connection", "Expect", "Upgrade", "Trailer"]
        .into_iter()
        .chain(["Keep-Alive", "Proxy-Connection"])
    {
        for text in [
            format!("[http]\nheaders = {{ {name} = \"1\" }}"),
            format!("[users.U]\nheaders = {{ {name} = \"1\" }}\ntasks.t = {{ get = \"/\" }}"),
            format!("[users.U.tasks]\nt = {{ get = \"/\", headers = {{ {name} = \"1\" }} }}"),
        ] {
            let (_, message, _) = only(&refused(&text));
            assert_eq!(message, format!("a suite cannot set the header `{name}`"));
        }
    }
    let (_, message, _) = refused_task("get = \"/\", headers = { Host = \"{word()}.example.com\" }");
    assert_eq!(message, "the header `Host` cannot have slots");
    good("schema = 1\n[users.U.tasks]\nt = { get = \"/\", headers = { Host = \"www.example.com\" } }");
}

#[test]
fn whole_urls_of_requests_are_checked_as_the_run_will_read_them() {
    for (url, message) in [
        ("http://user:pw@host/", "a URL cannot hold a user and password"),
        ("http://{user.id}:{word()}@host/", "a URL cannot hold a user and password"),
        ("http://[::1", "not a URL: invalid IPv6 address"),
        ("http://127.0.0.1:99999/", "not a URL: invalid port number"),
        ("http:///x", "the URL names no host"),
        ("http://", "the URL names no host"),
        ("https://a b/", "not a URL: invalid international domain name"),
    ] {
        let (code, said, _) = refused_task(&format!("get = \"{url}\""));
        assert_eq!((code, said.as_str()), (Code::Host, message), "{url}");
    }
    for url in ["http://127.0.0.1:{int(8000, 8002)}/x", "http://{word()}.example.com/", "http://[::1]:80/a?b"]
    {
        good(&format!("schema = 1\n[users.U.tasks]\nt = {{ get = \"{url}\" }}"));
    }
}

#[test]
fn secrets_do_not_stand_in_suites() {
    for bearer in ["s3cret", "Bearer s3cret"] {
        let (code, _, help) = only(&refused(&format!("[auth.a]\nbearer = \"{bearer}\"")));
        assert_eq!(code, Code::Secret);
        assert!(help.contains("{env:NAME}"), "{help}");
    }
    for bearer in ["test_{user.id}", "test_1", "{env:TOKEN}", "key-{env:TOKEN}"] {
        good(&format!("schema = 1\n[auth.a]\nbearer = \"{bearer}\"\n{USERS}"));
    }
    let literal = |name: &str, line| Warning::LiteralSecret { header: name.into(), line };
    assert_eq!(
        warnings(
            "[http]\nheaders = { X-Api-Key = \"k\", Accept = \"a\" }\n[users.U]\nheaders = { Authorization = \"Bearer s\", Cookie = \"{env:TOKEN}\" }\ntasks.t = { get = \"/\", headers = { x_api_key = \"test_k\", Cookie = \"s=1\" } }"
        ),
        [literal("X-Api-Key", 4), literal("Authorization", 6), literal("Cookie", 7)]
    );
    let text = literal("Cookie", 7).to_string();
    assert!(text.starts_with("line 7: a literal secret") && text.contains("{env:NAME}"), "{text}");
}

/// A folder of its own for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("squall-suite-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.0.join(name), bytes).unwrap();
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_read() {
    let folder = Folder::new("special");
    let socket = std::os::unix::net::UnixListener::bind(folder.0.join("socket")).unwrap();
    for special in ["/dev/zero", "socket", "."] {
        let text = format!(
            "schema = 1\n[http]\nca_file = \"{special}\"\nclient_certificate = {{ cert = \"{special}\", key = \"{special}\" }}\n\
             [data]\na = {{ csv = \"{special}\" }}\nb = {{ jsonl = \"{special}\" }}\n\
             [auth.a]\njwt = {{ secret = \"file:{special}\", claims = {{ sub = \"x\" }} }}\n{USERS}"
        );
        let errors = load(&folder.file("suite.toml", text.as_bytes()), &Options::default()).unwrap_err();
        assert_eq!(errors.errors().len(), 6, "{}", rendered(&errors));
        for error in errors.errors() {
            let said = if special == "." { "it is a folder" } else { "is not a regular file" };
            assert!(error.message.ends_with(said), "{}", error.message);
            assert!(error.span.is_some() && error.help.is_some(), "{}", error.message);
        }
        let path = folder.0.join(special);
        let errors = load(&path, &Options::default()).unwrap_err();
        assert_eq!(errors.errors()[0].code, Code::File);
    }
    drop(socket);
}

#[test]
fn files_are_no_larger_than_they_can_be_meant() {
    let folder = Folder::new("sizes");
    folder.file("key", &vec![b'k'; (64 << 10) + 1]);
    folder.file("long.csv", format!("a\n{}\n", "x".repeat((1 << 20) + 1)).as_bytes());
    folder.file("wide.csv", (0..1001).map(|n| format!("c{n},")).collect::<String>().as_bytes());
    folder.file("cert.pem", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    let text = format!(
        "schema = 1\n[http]\nca_file = \"key\"\nclient_certificate = {{ cert = \"cert.pem\", key = \"cert.pem\" }}\n\
         [data]\na = {{ csv = \"long.csv\" }}\nb = {{ csv = \"wide.csv\" }}\n\
         [auth.a]\njwt = {{ secret = \"file:key\", claims = {{ sub = \"x\" }} }}\n{USERS}"
    );
    let errors = load(&folder.file("suite.toml", text.as_bytes()), &Options::default()).unwrap_err();
    let said: Vec<_> = errors.errors().iter().map(|e| e.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "`ca_file`: key is no PEM file with a line `-----BEGIN CERTIFICATE-----`",
            "`key`: cert.pem is no PEM file with a line `-----BEGIN PRIVATE KEY-----`",
            "data file long.csv has a value of more than 1024 KiB in row 1",
            "data file wide.csv has a column without a name in its first line",
            "secret file key is larger than 64 KiB",
        ]
    );
    let path = folder.file("suite.toml", &vec![b'#'; (16 << 20) + 1]);
    let errors = load(&path, &Options::default()).unwrap_err();
    assert!(errors.errors()[0].message.ends_with("is larger than 16 MiB"), "{errors:?}");
}

#[test]
fn a_thousand_mistakes_are_told_in_fifty_and_a_number() {
    let keys: String = (0..20_000).map(|n| format!("zebra{n} = 1\n")).collect();
    let errors = refused(&format!("[http]\n{keys}"));
    assert_eq!(errors.errors().len(), 51);
    assert_eq!(errors.to_string(), "20000 mistakes in suite.toml");
    let last = errors.errors().last().unwrap();
    assert_eq!((last.code, last.message.as_str()), (Code::More, "and 19950 more mistakes"));
    assert_eq!(errors.errors()[0].message, "`http` has no key `zebra0`");
    let measures: String = (0..9_000).map(|n| format!("\"max(zebra{n})\" = \"< 1s\"\n")).collect();
    assert_eq!(refused(&format!("[criteria.c]\n{measures}")).to_string(), "9000 mistakes in suite.toml");
    let slots = refused(&format!("[users.U.tasks]\nt = {{ get = \"/{}\" }}", "{a}".repeat(100_000)));
    assert!(slots.errors().len() <= 20, "{}", slots.errors().len());
    let broken: String = (0..5000).map(|n| format!("k{n} = = 1\n")).collect();
    assert_eq!(refused(&broken).errors().len(), 51);
}

#[test]
fn names_and_criteria_are_as_many_as_can_be_meant() {
    let many = |line: &dyn Fn(usize) -> String| (0..1001).map(line).collect::<String>();
    for (table, text) in [
        ("`data`", format!("[data]\n{}", many(&|n| format!("f{n} = [1]\n")))),
        ("`auth`", many(&|n| format!("[auth.a{n}]\nbearer = \"test_\"\n"))),
        ("`users`", many(&|n| format!("[users.u{n}.tasks]\na = {{ get = \"/\" }}\n"))),
        ("`profiles`", many(&|n| format!("[profiles.p{n}]\nusers = 1\n"))),
    ] {
        let errors = refused(&text);
        let said = errors.errors().iter().find(|e| e.code == Code::OutOfBounds).unwrap();
        assert_eq!(said.message, format!("{table} has 1001 entries"));
        assert_eq!(said.help.as_deref(), Some("at most 1000"));
    }
    let levels = vec!["\"< 1s\""; 251].join(", ");
    let (_, message, _) = only(&refused(&format!(
        "[criteria.c]\np95 = [{levels}]\n[profiles.p]\nusers = 1\ncriteria = [\"c\", \"c\"]"
    )));
    assert_eq!(message, "a profile is judged by too many criteria");
    let (code, ..) = refused_task(&format!("get = \"/{}\"", "x".repeat(33 << 10)));
    assert_eq!(code, Code::OutOfBounds);
}

#[test]
fn a_line_of_megabytes_is_shown_around_the_mistake() {
    let long = "é".repeat(1 << 20);
    for text in [
        format!("[http]\ntimeout = \"{long}\""),
        format!("[users.U.tasks]\nt = {{ get = \"{long}\" }}"),
        format!("[users.U.tasks]\nt = {{ post = \"/\", body = \"{long}{{nobody}}{long}\" }}"),
        format!("[http]\n\"{long}\" = 1"),
        format!("[http]\nheaders = {{ \"{long}\" = \"x\" }}"),
        format!("[users.U.tasks]\nt = {{ get = \"/\", capture = {{ x = \"{long}\" }} }}"),
    ] {
        let errors = refused(&text);
        let shown = rendered(&errors);
        assert!(shown.len() < 20_000, "{} bytes", shown.len());
        assert!(shown.contains("é") && shown.contains("suite.toml:3:"), "{shown}");
    }
    let errors = refused(&format!("[users.U.tasks]\nt = {{ post = \"/\", body = \"{long}{{nobody}}\" }}"));
    assert!(rendered(&errors).contains("{nobody}"), "what it is about is shown");
}

#[test]
fn times_are_bounded() {
    for text in [
        "stop_timeout = \"99999999999999999h\"",
        "[http]\ntimeout = \"61m\"",
        "[http]\nconnect_timeout = \"2h\"",
        "[users.U.tasks]\nt = { get = \"/\", timeout = \"1d\" }",
        "[users.U]\nwait = \"1s..400d\"\ntasks.t = { get = \"/\" }",
        "[users.U]\nwait = { between = [\"1s\", \"400d\"] }\ntasks.t = { get = \"/\" }",
        "[users.U]\nwait = { throughput = \"0.000000001/s\" }\ntasks.t = { get = \"/\" }",
        "[profiles.p]\nusers = 1\nrun_time = \"366d\"",
        "[profiles.p]\nphases = [{ users = 1, run_time = \"200d\" }, { users = 1, run_time = \"200d\" }]",
        "[criteria.c]\np95 = \"< 99999999999999999h\"",
    ] {
        let (code, message, _) = only(&refused(text));
        assert_eq!(code, Code::OutOfBounds, "{text}");
        assert!(message.contains("is longer than"), "{message}");
    }
    good(&format!(
        "schema = 1\n[http]\ntimeout = \"1h\"\n{USERS}[profiles.p]\nusers = 1\nrun_time = \"365d\""
    ));
}

#[test]
fn names_cannot_write_lines_of_their_own_into_logs() {
    let hidden = r"a\u001b[31m\n::error::b\u202e";
    for text in [
        format!("name = \"{hidden}\""),
        format!("[users.U.tasks]\nt = {{ get = \"/\", name = \"{hidden}\" }}"),
        format!("[users.U.tasks]\nt = {{ get = \"/{hidden}\" }}"),
        format!("[profiles.p]\nphases = [{{ name = \"{hidden}\", users = 1, run_time = \"1m\" }}]"),
        format!(
            "[profiles.p]\nusers = 1\n[[profiles.p.faults]]\nat = \"1s\"\nname = \"{hidden}\"\nrun = [\"true\"]"
        ),
        format!("[criteria.c]\n\"redis.x\" = {{ target = \"< 1\", pending = \"{hidden}\" }}"),
    ] {
        let (code, message, _) = only(&refused(&text));
        assert_eq!(code, Code::BadValue, "{text}");
        assert!(message.ends_with("holds a character that cannot be seen"), "{message}");
    }
}

#[test]
fn what_is_quoted_cannot_move_the_cursor() {
    let escaped = refused("[criteria.c]\n\"p95\\u001b[2J\\u202e\" = \"< 1s\"");
    let (_, message, _) = only(&escaped);
    assert_eq!(message, r"there is no measure `p95\u{1b}[2J\u{202e}`");
    // As it is written in the file, it is quoted from there, too.
    let raw = refused("[criteria.c]\n\"p95\u{9b}2J\u{202e}\" = \"< 1s\"");
    let text = rendered(&raw);
    assert!(text.contains("p95¿2J\u{fffd}\" = \"< 1s\""), "{text}");
    assert!(!text.contains(['\u{9b}', '\u{202e}']), "{text}");
}

#[test]
fn what_says_nothing_is_refused() {
    for text in [
        "[users.U.tasks]\nt = { get = \"/\", expect = [] }",
        "[users.U.tasks]\nt = { get = \"/\", expect = {} }",
        "[users.U.tasks]\nt = { get = \"/\", expect = { status = [] } }",
        "[users.U.tasks]\nt = { get = \"/\", expect = { contains = \"\" } }",
        "[users.U.tasks]\nt = { get = \"/\", expect = { header = { A = \"\" } } }",
        "[auth.a]\nbearer = \"\"",
    ] {
        let (code, ..) = only(&refused(text));
        assert_eq!(code, Code::BadValue, "{text}");
    }
}

#[test]
fn a_criterion_without_a_level_is_no_criterion() {
    let (code, message, _) = only(&refused("[criteria.c]\np95 = []"));
    assert_eq!((code, message.as_str()), (Code::MissingKey, "`p95` is judged by nothing"));
    let (code, ..) = only(&refused("[criteria.c]\n\"redis.x\" = { target = \"< 1\", pending = \" \" }"));
    assert_eq!(code, Code::BadValue);
}

#[test]
fn loads_that_cannot_be_meant_are_warned_of() {
    let fixed = "[users.A]\nfixed_count = 10\ntasks.t = { get = \"/\" }\n[profiles.p]\nusers = 1";
    assert_eq!(warnings(fixed), [Warning::TooManyFixed { phase: "run".into(), fixed: 10, users: 1 }]);
    assert!(warnings(&fixed.replace("users = 1", "users = 10")).is_empty());
    let waits = "[users.A]\nweight = 1\ntasks.t = { steps = [{ wait = \"1s\" }] }\n[users.B.tasks]\nt = { get = \"/\" }";
    assert_eq!(warnings(waits), [Warning::OnlyWaits { class: "A".into() }]);
    let short = warnings(&format!("{USERS}[profiles.p]\nusers = 1_000_000\nrun_time = \"1s\""));
    assert!(matches!(short[..], [Warning::RampTooLong { .. }]), "{short:?}");
}

#[test]
fn a_missing_key_hides_no_other_mistake_of_its_table() {
    let errors =
        refused("[auth.a]\njwt = { algorithm = \"none\", secret = \"s3cret\", ttl = \"5\", zebra = 1 }");
    let mut codes: Vec<Code> = errors.errors().iter().map(|e| e.code).collect();
    codes.sort_unstable();
    use Code::{BadValue, MissingKey, MissingUnit, Secret, UnknownKey};
    assert_eq!(codes, [UnknownKey, MissingKey, BadValue, MissingUnit, Secret]);
}
