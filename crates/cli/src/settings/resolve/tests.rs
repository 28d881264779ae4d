use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A home and a working directory of its own.
struct Place {
    directory: TempDir,
    environment: Environment,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let home = directory.path().join("home");
        let here = directory.path().join("here");
        fs::create_dir_all(&home).unwrap();
        fs::create_dir_all(&here).unwrap();
        let environment = Environment { home: Some(home), directory: here, ..Environment::default() };
        Self { directory, environment }
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    fn variable(&mut self, name: &str, value: &str) {
        self.environment.variables.insert(name.to_owned(), value.to_owned());
    }

    fn resolve(
        &self,
        arguments: &[(&'static str, &str)],
        config: Option<&str>,
    ) -> Result<Resolved, Problems> {
        let mut layer = Layer::command_line();
        for (key, value) in arguments {
            layer.text(key, Some(value));
        }
        let config = config.map(|name| self.directory.path().join(name));
        resolve(layer, config.as_deref(), &self.environment)
    }
}

fn problems(result: Result<Resolved, Problems>) -> Vec<String> {
    result.unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn each_place_wins_over_those_before_it() {
    let mut place = Place::new();
    let users = |place: &Place, arguments: &[(&'static str, &str)], config: Option<&str>| {
        place.resolve(arguments, config).unwrap().settings.shape.users
    };
    assert_eq!(users(&place, &[], None), None);
    place.file("home/.locust.conf", "users = 1");
    assert_eq!(users(&place, &[], None), Some(1));
    place.file("here/locust.conf", "users = 2");
    assert_eq!(users(&place, &[], None), Some(2));
    place.file("here/pyproject.toml", "[tool.locust]\nusers = 3");
    assert_eq!(users(&place, &[], None), Some(3));
    place.file("extra.conf", "users = 4");
    assert_eq!(users(&place, &[], Some("extra.conf")), Some(4));
    place.variable("LOCUST_USERS", "5");
    assert_eq!(users(&place, &[], Some("extra.conf")), Some(5));
    assert_eq!(users(&place, &[("users", "6")], Some("extra.conf")), Some(6));
}

#[test]
fn places_complete_each_other() {
    let mut place = Place::new();
    place.file("home/.locust.conf", "host = http://h\nrun-time = 5m\nheadless\nexit-code-on-error = 0");
    place.file(
        "here/pyproject.toml",
        "[tool.locust]\ntags = [\"a\", \"b\"]\nspawn-rate = 2.5\nonly-summary = true",
    );
    place.variable("LOCUST_EXCLUDE_TAGS", "[c, d]");
    let settings = place.resolve(&[("users", "10"), ("locustfile", "my.toml")], None).unwrap().settings;
    assert_eq!(settings.suite, Path::new("my.toml"));
    assert_eq!(settings.shape.host.as_deref(), Some("http://h"));
    assert_eq!(settings.shape.run_time, Some(Nanos::from_secs(300)));
    assert_eq!(settings.shape.spawn_rate, Some(2.5));
    assert_eq!(settings.shape.tags, ["a", "b"]);
    assert_eq!(settings.shape.exclude_tags, ["c", "d"]);
    assert_eq!(settings.exit_code_on_error, Some(0));
    assert_eq!(settings.console, Console::Summary);
}

#[test]
fn nobody_set_anything() {
    let settings = Place::new().resolve(&[], None).unwrap().settings;
    assert_eq!(settings.suite, Path::new("suite.toml"));
    assert_eq!(settings.shape, Shape::default());
    assert_eq!(settings.outputs, Outputs::default());
    assert_eq!((settings.console, settings.show, settings.threads), (Console::Periodic, None, 0));
    assert_eq!(settings.log, Log { level: LevelFilter::INFO, file: None });
}

#[test]
fn an_unknown_setting_is_named_with_the_nearest_one() {
    let place = Place::new();
    place.file("here/locust.conf", "spawn_rate = 3\nmy-own = 1");
    let warnings = place.resolve(&[], None).unwrap().warnings;
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains("`spawn_rate`") && warnings[0].ends_with("did you mean `spawn-rate`?"));
    assert!(warnings[1].starts_with("unknown setting `my-own` in "));
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_place() {
    let mut place = Place::new();
    place.variable("LOCUST_RUN_TIME", "5 minutes");
    let result = place.resolve(&[("users", "many"), ("spawn-rate", "0"), ("loglevel", "loud")], None);
    assert_eq!(
        problems(result),
        [
            "`many` is not a value of --users: expected a whole number from 1 to 1000000",
            "`0` is not a value of --spawn-rate: must be greater than zero",
            "`5 minutes` is not a value of --run-time: Invalid time span format. \
             Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.",
            "`loud` is not a value of --loglevel: expected DEBUG, INFO, WARNING, ERROR or CRITICAL",
        ]
    );
}

#[test]
fn values_out_of_bounds_are_refused() {
    for (key, value) in [
        ("users", "0"),
        ("users", "-1"),
        ("users", "1.5"),
        ("users", "1000001"),
        ("users", "4294967296"),
        ("spawn-rate", "1e300"),
        ("run-time", "8761h"),
        ("run-time", "99999999999"),
        ("stop-timeout", "8761h"),
        ("stop-timeout", "1e300"),
        ("seed", "-1"),
        ("spawn-rate", "inf"),
        ("spawn-rate", "nan"),
        ("spawn-rate", "-1"),
        ("stop-timeout", "asdf"),
        ("exit-code-on-error", "256"),
        ("threads", "0"),
        ("headless", "maybe"),
    ] {
        assert!(Place::new().resolve(&[(key, value)], None).is_err(), "{key} = {value}");
    }
}

#[test]
fn a_stop_timeout_may_be_a_fraction_or_a_span() {
    for (text, ms) in [("0.5", 500), ("20", 20_000), ("1m", 60_000), ("0", 0)] {
        let shape = Place::new().resolve(&[("stop-timeout", text)], None).unwrap().settings.shape;
        assert_eq!(shape.stop_timeout, Some(Nanos::from_millis(ms)), "{text}");
    }
}

#[test]
fn options_of_later_versions_are_answered() {
    let mut place = Place::new();
    place.variable("LOCUST_MODE_MASTER", "true");
    assert_eq!(
        problems(place.resolve(&[], None)),
        ["--master cannot be used: distributed runs come with a later version"]
    );
    place.variable("LOCUST_MODE_MASTER", "false");
    place.variable("LOCUST_WEB_PORT", "8090");
    let resolved = place.resolve(&[("autostart", "true")], None).unwrap();
    assert_eq!(
        resolved.warnings,
        ["--autostart, --web-port ignored: the web interface comes with a later version; running headless"]
    );
}

#[test]
fn a_full_history_needs_files() {
    let place = Place::new();
    assert_eq!(
        problems(place.resolve(&[("csv-full-history", "true")], None)),
        ["'--csv-full-history' requires '--csv'."]
    );
    let outputs =
        place.resolve(&[("csv-full-history", "true"), ("csv", "r")], None).unwrap().settings.outputs;
    assert_eq!(outputs.csv, Some(Csv { prefix: "r".to_owned(), full_history: true }));
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let message = problems(Place::new().resolve(&[], Some("none.conf"))).remove(0);
    assert!(message.ends_with("none.conf cannot be read"), "{message}");
}

#[test]
fn a_scalar_takes_one_value_and_a_table_is_a_table() {
    for (file, text, said) in [
        ("here/locust.conf", "users = [1, 2]", "`users` in "),
        ("here/locust.conf", "headless = []", "`headless` in "),
        ("here/pyproject.toml", "[tool.locust]\nusers = [1, 2]", "`users` in "),
        ("here/pyproject.toml", "[tool]\nlocust = 3", "`tool.locust` in "),
        ("here/pyproject.toml", "tool = 3", "`tool` in "),
    ] {
        let place = Place::new();
        place.file(file, text);
        let message = problems(place.resolve(&[], None)).remove(0);
        assert!(message.starts_with(said), "{message}");
    }
}

#[test]
fn configuration_is_a_regular_file_of_reasonable_size() {
    let place = Place::new();
    place.file("large.conf", &"#\n".repeat(1 << 20));
    let path = place.directory.path().join("pipe.conf");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for name in ["large.conf", "pipe.conf", "/dev/zero"] {
        let message = problems(place.resolve(&[], Some(name))).remove(0);
        assert!(message.ends_with("cannot be read"), "{message}");
    }
}

#[test]
fn variables_that_are_no_text_are_refused_by_name() {
    let mut place = Place::new();
    place.environment.not_text = vec!["PATH".to_owned(), "LOCUST_USERS".to_owned()];
    assert_eq!(problems(place.resolve(&[], None)), ["the environment variable LOCUST_USERS is not UTF-8"]);
}

#[test]
fn a_file_cannot_allow_faults() {
    let mut place = Place::new();
    place.file("here/locust.conf", "allow-faults = true");
    let refused = problems(place.resolve(&[], None));
    assert!(refused.iter().any(|problem| problem.contains("cannot allow faults")), "{refused:?}");
    place.file("here/locust.conf", "allow-faults = false");
    assert!(!place.resolve(&[], None).unwrap().settings.allow_faults);
    place.variable("SQUALL_ALLOW_FAULTS", "true");
    assert!(place.resolve(&[], None).unwrap().settings.allow_faults);
}
