//! Records as a user meets them: written, killed, out of disk, from another version, not a record at all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod golden;
mod refused;
mod sample;
mod survives;

use std::path::Path;
use std::sync::Arc;

use sample::{SAMPLES, describe, faults, header, log, marks, phases, windows};
use squall_core::{EndReason, Nanos};
use squall_record::{FaultMark, Point, Record, Writer};
use squall_stats::Iterations;

/// The sample run, written whole.
fn write_sample(path: &Path) {
    let writer = Writer::create(path, &header()).unwrap();
    for (window, phase) in windows().into_iter().zip(phases().into_iter().cycle()) {
        writer.phase(phase);
        writer.window(Arc::new(window));
    }
    log().into_iter().for_each(|line| writer.log(line));
    marks().into_iter().for_each(|mark| writer.mark(mark));
    for (series, at, value) in SAMPLES {
        writer.sample(*series, Point { at: Nanos::from_millis(*at), value: *value });
    }
    for fault in faults() {
        // First as it begins, then as it ended: the later one replaces.
        writer.fault(FaultMark { end: None, outcome: String::new(), ..fault.clone() });
        writer.fault(fault);
    }
    writer.finish(EndReason::Aborted("enough".into()), Nanos::from_millis(3_200)).unwrap();
}

fn files_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_exact_start_replaces_the_one_of_the_header() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    let writer = Writer::create(&path, &header()).unwrap();
    let exact: jiff::Timestamp = "2026-01-02T03:04:05.317Z".parse().unwrap();
    writer.started(exact);
    writer.finish(EndReason::Completed, Nanos::SECOND).unwrap();
    assert_eq!(Record::open(&path).unwrap().started, exact);
}

#[test]
fn everything_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    write_sample(&path);
    assert_eq!(files_in(dir.path()), ["run.squall"], "a clean end leaves one file");

    let run = Record::open(&path).unwrap();
    let header = header();
    assert_eq!(run.settings, header.settings);
    assert_eq!(run.environment, header.environment);
    assert_eq!(run.started, header.started);
    assert_eq!(run.squall_version, env!("CARGO_PKG_VERSION"));
    // As JSON, because the secrets come back as their mask.
    let json = |plan| serde_json::to_string(plan).unwrap();
    assert_eq!(json(&run.plan), json(&header.plan));
    assert_eq!(run.phases, phases());
    assert_eq!(run.log, log());
    assert_eq!(run.marks, marks());
    assert_eq!(run.last_reset(), Some(Nanos::from_secs(2)));
    assert_eq!(run.faults, faults());
    assert_eq!(run.merged_windows, 0);
    let end = run.end.as_ref().unwrap();
    assert_eq!(end.reason, EndReason::Aborted("enough".into()));
    assert_eq!(run.duration(), Nanos::from_millis(3_200));
    let written: Vec<_> = windows().iter().map(describe).collect();
    assert_eq!(run.windows.iter().map(describe).collect::<Vec<_>>(), written);
    assert!(files_in(dir.path()) == ["run.squall"], "reading leaves nothing behind");
}

#[test]
fn samples_come_back_in_the_order_of_time_with_their_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    write_sample(&path);
    let run = Record::open(&path).unwrap();
    let names: Vec<_> = run.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names[..4], ["generator.cpu", "generator.rss", "generator.fds", "generator.throttled"]);
    assert_eq!(names[4..], ["process.api.cpu", "process.api.rss", "process.api.threads", "process.api.fds"]);
    let point = |at, value| Point { at: Nanos::from_millis(at), value };
    let cpu = run.series("generator.cpu").unwrap();
    assert_eq!(cpu.samples, [point(1_000, Some(0.25)), point(2_000, None), point(3_000, Some(0.5))]);
    assert_eq!(cpu.values().count(), 2);
    assert_eq!(run.series("process.api.rss").unwrap().samples, [point(2_000, None)]);
    assert_eq!(run.series("process.api.fds").unwrap().samples, [point(2_000, Some(9.0))]);
    assert_eq!(run.series.iter().map(|series| series.samples.len()).sum::<usize>(), SAMPLES.len());
}

#[test]
fn what_is_no_number_is_kept_as_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    let writer = Writer::create(&path, &header()).unwrap();
    for (second, value) in (1..).zip([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5]) {
        writer.sample(0, Point { at: Nanos::from_secs(second), value: Some(value) });
    }
    writer.finish(EndReason::Completed, Nanos::from_secs(4)).unwrap();
    let run = Record::open(&path).unwrap();
    let values: Vec<_> = run.series[0].samples.iter().map(|point| point.value).collect();
    assert_eq!(values, [None, None, None, Some(-0.5)]);
}

#[test]
fn totals_are_those_of_the_windows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    write_sample(&path);
    let run = Record::open(&path).unwrap();

    let all = run.summary(|_| true);
    assert_eq!((all.ok(), all.failed(), all.rate_limited(), all.cut()), (30, 9, 3, 1));
    let endpoints: Vec<_> = run.endpoints().map(|(_, e, s)| (e.name.as_str(), s.completed())).collect();
    assert_eq!(endpoints, [("/v1/discover/", 36), ("/v1/stories/{id}", 6)]);
    assert_eq!(run.tasks().iter().map(|t| (t.runs, t.skipped)).collect::<Vec<_>>(), [(30, 0), (6, 3)]);
    let iterations = run.iterations(|_, _| true);
    assert_eq!(iterations, Iterations { offered: 75, started: 55, completed: 50, dropped: 2 });
    assert_eq!(run.iterations(|phase, class| (phase.0, class.0) == (0, 1)).offered, 3);
    assert_eq!(run.peak_users(), 9);
    assert_eq!(run.send_lag().count(), 3);
    let errors = run.errors();
    let status = &errors.entries()[0];
    assert_eq!((status.count, status.message.as_str()), (6, "status 503, expected 200-399"));
    assert_eq!(status.samples.len(), 5, "samples of the first windows, and no more than anybody sees");
    assert_eq!(errors.overflowed, 3);
    assert_eq!(run.wall(Nanos::from_secs(60)).to_string(), "2026-01-02T03:05:05.25Z");
}

#[test]
fn the_same_error_in_every_second_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    let writer = Writer::create(&path, &header()).unwrap();
    for second in 0..8 {
        writer.window(Arc::new(sample::window(second)));
    }
    writer.finish(EndReason::Completed, Nanos::from_secs(8)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let occurrences = |text: &str| bytes.windows(text.len()).filter(|part| *part == text.as_bytes()).count();
    assert_eq!(occurrences("status 503, expected"), 1);
    assert_eq!(occurrences("upstream is down"), 5);
}

#[test]
fn a_record_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    std::fs::write(&path, "precious").unwrap();
    let error = Writer::create(&path, &header()).unwrap_err();
    assert!(error.to_string().ends_with("run.squall exists already"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn a_record_that_cannot_begin_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("no such directory").join("run.squall");
    let error = Writer::create(&path, &header()).unwrap_err();
    assert!(error.to_string().contains("cannot open"), "{error}");
    assert!(!path.exists());
}

#[test]
fn secrets_are_not_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    let writer = Writer::create(&path, &header()).unwrap();
    writer.window(Arc::new(sample::window(0)));
    let leaks = |name: &str| {
        let bytes = std::fs::read(dir.path().join(name)).unwrap();
        bytes.windows(sample::SECRET.len()).any(|part| part == sample::SECRET.as_bytes())
    };
    let running = survives::eventually(|| {
        let names = files_in(dir.path());
        Record::open(&path).is_ok_and(|run| run.windows.len() == 1).then_some(names)
    });
    assert!(!running.iter().any(|name| leaks(name)));
    writer.finish(EndReason::Completed, Nanos::SECOND).unwrap();
    assert!(!leaks("run.squall"));
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.windows(5).any(|part| part == b"\"***\""), "the plan is there, with the mask");
}

#[test]
fn a_writer_that_is_dropped_leaves_a_run_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.squall");
    let writer = Writer::create(&path, &header()).unwrap();
    writer.window(Arc::new(sample::window(0)));
    drop(writer);
    let run = Record::open(&path).unwrap();
    assert!(run.was_cut_off());
    assert_eq!(run.windows.len(), 1);
    assert_eq!(run.duration(), Nanos::SECOND);
}
