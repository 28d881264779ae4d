//! Criteria and monitors in the plan: functions, series, windows, what is watched.

use squall_core::Nanos;
use squall_plan::{Criterion, Function, Measure, Monitor, MonitorKind, ProcessTarget, Unit};
use squall_suite::{Planned, Selection};

use crate::{USERS, good, parse};

fn planned(text: &str, selection: &Selection) -> Planned {
    good(&format!("schema = 1\nhost = \"http://localhost:8000\"\n{USERS}\n{text}")).plan(selection).unwrap()
}

fn profile() -> Selection {
    Selection { profile: Some("p".to_owned()), ..Selection::default() }
}

/// The only criterion of a profile of a calm minute, a spike, and a calm minute.
fn criterion(line: &str) -> Criterion {
    let text = format!(
        "[monitor.process]\n[profiles.p]\ncriteria = \"c\"\nphases = [{{ name = \"before\", users = 1, run_time = \"1m\" }}, {{ name = \"spike\", users = 9, run_time = \"1m\" }}, {{ name = \"after\", users = 1, run_time = \"1m\" }}]\n[criteria.c]\n{line}"
    );
    planned(&text, &profile()).plan.criteria.remove(0)
}

/// Measure, unit and target as they are shown.
fn shown(line: &str) -> (String, Unit, String) {
    let criterion = criterion(line);
    let unit = criterion.measure.unit();
    (criterion.measure.to_string(), unit, criterion.target.unwrap().display(unit))
}

#[test]
fn functions_and_series_have_levels_in_their_units() {
    for (line, measure, unit, level) in [
        ("dropped = \"<= 0%\"", "dropped", Unit::Share, "<= 0%"),
        ("\"process.rss\" = \"< 512MB\"", "process.rss", Unit::Bytes, "< 512MB"),
        ("\"max(process.rss)\" = \"< 1GiB\"", "max(process.rss)", Unit::Bytes, "< 1.1GB"),
        ("\"mean(process.cpu)\" = \"< 250%\"", "mean(process.cpu)", Unit::Share, "< 250%"),
        ("\"max(process.fds)\" = \"< 300\"", "max(process.fds)", Unit::Count, "< 300"),
        ("\"generator.throttled\" = \"< 1%\"", "generator.throttled", Unit::Share, "< 1%"),
        ("\"min(throughput)\" = \"> 10/s\"", "min(throughput)", Unit::PerSecond, "> 10/s"),
        ("\"slope(process.rss)\" = \"< 10 MB/h\"", "slope(process.rss)", Unit::BytesPerHour, "< 10MB/h"),
        ("\"slope(p95)\" = \"< 50ms/h\"", "slope(p95)", Unit::SecondsPerHour, "< 50ms/h"),
        ("\"slope(error_rate)\" = \"< 0.1%/h\"", "slope(error_rate)", Unit::SharePerHour, "< 0.1%/h"),
        ("\"slope(throughput)\" = \"> -5/s/h\"", "slope(throughput)", Unit::PerSecondPerHour, "> -5/s/h"),
        ("\"slope(process.fds)\" = \"< 100/h\"", "slope(process.fds)", Unit::CountPerHour, "< 100/h"),
        ("\"recovery( p99 )\" = \"< 60s\"", "recovery(p99)", Unit::Seconds, "< 60s"),
    ] {
        assert_eq!(shown(line), (measure.to_owned(), unit, level.to_owned()), "{line}");
    }
}

#[test]
fn windows_aborts_and_scopes_reach_the_plan() {
    let judged = criterion("p95 = { failure = \"> 2s\", for = \"30s\", abort = true, users = \"Visitor\" }");
    assert_eq!((judged.hold, judged.abort), (Some(Nanos::from_secs(30)), true));
    assert!(judged.scope.class.is_some());
    let recovery = criterion("\"recovery(p95)\" = { target = \"< 60s\", phase = \"spike\" }");
    assert_eq!(recovery.measure, Measure::Of(Function::Recovery, Box::new(Measure::Percentile(95.0))));
    assert_eq!((recovery.scope.phase, recovery.hold, recovery.abort), (Some(1), None, false));
    assert_eq!(criterion("\"recovery(p95)\" = \"< 60s\"").scope.phase, None);
    assert_eq!(criterion("\"process.rss\" = { target = \"< 1GB\", phase = \"after\" }").scope.phase, Some(2));
}

#[test]
fn a_fault_is_a_disturbance_too() {
    let text = "[profiles.p]\nusers = 1\nrun_time = \"1m\"\nfaults = [{ at = \"10s\", run = [\"true\"] }]\ncriteria = { \"recovery(p95)\" = \"< 60s\" }";
    assert_eq!(planned(text, &profile()).plan.criteria.len(), 1);
}

fn monitors(text: &str) -> Vec<Monitor> {
    planned(text, &Selection::default()).plan.monitors.split_off(1)
}

#[test]
fn processes_are_told_by_pid_by_port_or_by_the_target() {
    assert_eq!(planned("", &Selection::default()).plan.monitors, [Monitor::generator()]);
    let process = |name: &str, target, millis: u64| Monitor {
        name: name.to_owned(),
        interval: Nanos(millis * 1_000_000),
        kind: MonitorKind::Process(target),
    };
    assert_eq!(monitors("[monitor.process]"), [process("process", ProcessTarget::Port(8000), 1000)]);
    assert_eq!(
        monitors("[monitor.process]\nname = \"api\"\npid = 42\ninterval = \"100ms\""),
        [process("process.api", ProcessTarget::Pid(42), 100)]
    );
    assert_eq!(
        monitors("[[monitor.process]]\nname = \"api\"\n[[monitor.process]]\nname = \"db\"\nport = 5432"),
        [
            process("process.api", ProcessTarget::Port(8000), 1000),
            process("process.db", ProcessTarget::Port(5432), 1000)
        ]
    );
    let selection = Selection { host: Some("https://[::1]".into()), ..Selection::default() };
    let plan = planned("[monitor.process]", &selection).plan;
    assert_eq!(plan.monitors[1].kind, MonitorKind::Process(ProcessTarget::Port(443)));
    let names: Vec<_> = plan.series().into_iter().map(|series| series.name).collect();
    assert!(names.contains(&"process.rss".to_owned()) && names.contains(&"generator.cpu".to_owned()));
}

#[test]
fn a_process_elsewhere_is_not_watched() {
    let remote = Selection { host: Some("http://example.com".into()), ..Selection::default() };
    let found = planned("[monitor.process]", &remote);
    assert_eq!(found.plan.monitors, [Monitor::generator()]);
    assert_eq!(
        found.warnings[0].to_string(),
        "monitor.process watches nothing: http://example.com is not on this machine; give it the `pid` or `port` of a process that is"
    );
    assert_eq!(planned("[monitor.process]\npid = 42", &remote).warnings, []);
}

#[test]
fn what_cannot_be_as_meant_in_this_run_is_pointed_out() {
    let text = "[profiles.p]\nusers = 1\nrun_time = \"1m\"\ncriteria = { p95 = { target = \"< 1s\", for = \"30s\" }, \"max(dropped)\" = \"< 1%\" }";
    let short = Selection { run_time: Some(Nanos::from_secs(10)), ..profile() };
    let found = planned(text, &short);
    let said: Vec<_> = found.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "p95 is judged as a whole: its `for` is 30s, and only 10s are judged",
            "max(dropped) cannot be above 0%: no phase has a `rate`, so nothing is ever dropped",
        ]
    );
    assert_eq!(found.plan.criteria[0].hold, None);
    assert_eq!(planned(text, &Selection { rate: Some(5.0), ..profile() }).warnings, []);
}

/// What is said of a profile of arrivals and users with these criteria.
fn said(criteria: &str) -> Vec<String> {
    let text = format!(
        "[monitor.process]\n[profiles.p]\nrate = \"5/s\"\nrun_time = \"1m\"\ncriteria = {{ {criteria} }}"
    );
    planned(&text, &profile()).warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_level_that_a_bad_server_meets_is_pointed_out() {
    for (criteria, warning) in [
        (
            "error_rate = \"> 1%\"",
            "error_rate: a target of `> 1%` is met by a bad server: did you mean `< 1%`?",
        ),
        (
            "p95 = { target = \">= 50ms\" }",
            "p95: a target of `>= 50ms` is met by a bad server: did you mean `<= 50ms`?",
        ),
        (
            "dropped = { acceptable = \"> 1%\" }",
            "dropped: an acceptable level of `> 1%` is met by a bad server: did you mean `< 1%`?",
        ),
        (
            "throughput = { target = \"< 5/s\", acceptable = \"< 9/s\" }",
            "throughput: a target of `< 5/s` is met by a bad server: did you mean `> 5/s`?",
        ),
        (
            "\"slope(process.rss)\" = \"> 10MB/h\"",
            "slope(process.rss): a target of `> 10MB/h` is met by a bad server: did you mean `< 10MB/h`?",
        ),
        (
            "\"max(p95)\" = \"> 1s\"",
            "max(p95): a target of `> 1s` is met by a bad server: did you mean `< 1s`?",
        ),
    ] {
        assert_eq!(said(criteria), [warning], "{criteria}");
    }
    for criteria in [
        "rate_limited = \"> 5%\"",
        "error_rate = { target = \"< 1%\", failure = \"> 5%\" }",
        "throughput = \"> 5/s\"",
        "\"max(throughput)\" = \"< 50/s\"",
        "\"slope(throughput)\" = \"> -5/s/h\"",
        "\"slope(p95)\" = [{ target = \"< 50ms/h\" }, { target = \"> -50ms/h\" }]",
        "\"process.cpu\" = \"> 50%\"",
    ] {
        assert_eq!(said(criteria), [""; 0], "{criteria}");
    }
}

#[test]
fn a_recovery_that_takes_long_is_not_asked_for() {
    let text = "[profiles.p]\nusers = 1\nrun_time = \"1m\"\nfaults = [{ at = \"10s\", run = [\"true\"] }]\ncriteria = { \"recovery(p95)\" = \"> 60s\" }";
    let warning = planned(text, &profile()).warnings.remove(0).to_string();
    assert_eq!(warning, "recovery(p95): a target of `> 60s` is met by a bad server: did you mean `< 60s`?");
}

#[test]
fn levels_that_nothing_meets_are_refused() {
    for (line, message, help) in [
        ("error_rate = \"< 0%\"", "no value of `error_rate` can be < 0%", "did you mean `<= 0%`?"),
        ("error_rate = \"> 100%\"", "no value of `error_rate` can be > 100%", "did you mean `>= 100%`?"),
        (
            "rate_limited = { failure = \"< 0%\" }",
            "no value of `rate_limited` can be < 0%",
            "did you mean `<= 0%`?",
        ),
        ("p95 = \"< 0ms\"", "no value of `p95` can be < 0s", "write for example \"< 500ms\""),
    ] {
        let errors = parse(&format!("schema = 1\n{USERS}[criteria.c]\n{line}")).unwrap_err();
        let [error] = errors.errors() else { panic!("{line}") };
        assert_eq!((error.message.as_str(), error.help.as_deref()), (message, Some(help)), "{line}");
        assert!(error.span.is_some(), "{line}");
    }
    for line in ["error_rate = \"<= 0%\"", "rate_limited = \">= 100%\"", "\"slope(p95)\" = \"< 0ms/h\""] {
        assert!(parse(&format!("schema = 1\n{USERS}[criteria.c]\n{line}")).is_ok(), "{line}");
    }
}

#[test]
fn windows_are_of_a_second_at_least() {
    let hold = |text: &str| {
        format!("schema = 1\n{USERS}[criteria.c]\np95 = {{ target = \"< 1s\", for = \"{text}\" }}")
    };
    let errors = parse(&hold("999ms")).unwrap_err();
    assert_eq!(errors.errors()[0].message, "`for` is 999ms, at least 1s");
    assert!(parse(&hold("1s")).is_ok());
}
