use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use squall_core::Nanos;
use squall_record::{Mark, MarkKind};
use squall_report::csv::{self, CsvFiles};
use squall_stats::Window;

use crate::sample;

fn read(dir: &Path, suffix: &str) -> String {
    fs::read_to_string(dir.join(format!("deep/er/r{suffix}.csv"))).unwrap()
}

fn written(full_history: bool, run: &squall_record::Run) -> (tempfile::TempDir, [String; 4]) {
    let dir = tempfile::tempdir().unwrap();
    csv::write(&dir.path().join("deep/er/r"), full_history, run).unwrap();
    let files = ["_stats", "_stats_history", "_failures", "_exceptions"].map(|name| read(dir.path(), name));
    (dir, files)
}

/// Line ends as a reader sees them.
fn visible(text: &str) -> String {
    text.replace("\r\n", "␍\n")
}

#[test]
fn the_files_are_those_of_locust() {
    let (_dir, [stats, history, failures, exceptions]) = written(false, &sample::short());
    assert_snapshot!("stats", visible(&stats));
    assert_snapshot!("history", visible(&history));
    assert_snapshot!("exceptions", visible(&exceptions));
    assert_eq!(failures.lines().next().unwrap(), "Method,Name,Error,Occurrences,First Seen,Last Seen");
    assert_snapshot!("full_history", visible(&written(true, &sample::short()).1[1]));
    assert_snapshot!("failures", visible(&written(false, &sample::run()).1[2]));
}

#[test]
fn headers_are_locusts_to_the_byte() {
    // As genuine Locust 2.47.0 wrote them.
    let (_dir, files) = written(false, &sample::empty());
    let percentiles = "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%";
    let expected = [
        format!(
            "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response \
             Time,Max Response Time,Average Content Size,Requests/s,Failures/s,{percentiles}\r\n"
        ),
        format!(
            "Timestamp,User Count,Type,Name,Requests/s,Failures/s,{percentiles},Total Request Count,Total \
             Failure Count,Total Median Response Time,Total Average Response Time,Total Min Response Time,Total \
             Max Response Time,Total Average Content Size\r\n"
        ),
        "Method,Name,Error,Occurrences,First Seen,Last Seen\r\n".to_owned(),
        "Count,Message,Traceback,Nodes\r\n".to_owned(),
    ];
    for (file, header) in files.iter().zip(expected) {
        assert!(file.starts_with(&header), "{file}");
    }
    let none = "N/A,".repeat(11);
    let first = format!("1763903640,0,,Aggregated,0.000000,0.000000,{none}0,0,0,0.0,0,0,0\r\n");
    let first = first.replace("1763903640", &sample::empty().started.as_second().to_string());
    assert!(files[1].ends_with(&first), "{}", files[1]);
}

#[test]
fn a_run_that_is_followed_leaves_the_same_bytes_as_its_record() {
    let run = sample::short();
    let dir = tempfile::tempdir().unwrap();
    let mut files = CsvFiles::create(&dir.path().join("deep/er/r"), true, &run.plan, run.started).unwrap();
    for window in &run.windows {
        files.push(window).unwrap();
        let users: u32 = window.users.iter().sum();
        let history = read(dir.path(), "_stats_history");
        assert!(history.lines().last().unwrap().contains(&format!(",{users},,Aggregated,")));
        let counted: u64 =
            read(dir.path(), "_stats").lines().last().unwrap().split(',').nth(2).unwrap().parse().unwrap();
        assert!(counted > 0, "the file is up to date while the run goes on");
    }
    files.finish().unwrap();
    let live = ["_stats", "_stats_history", "_failures", "_exceptions"].map(|name| read(dir.path(), name));
    assert_eq!(live, written(true, &run).1);
}

#[test]
fn counts_agree_with_the_record_to_the_last_request() {
    let run = sample::run();
    let (_dir, [stats, ..]) = written(false, &run);
    let total = stats.lines().last().unwrap();
    let summary = run.summary(|_| true);
    let failures = summary.failed() + summary.rate_limited();
    assert!(total.starts_with(&format!(",Aggregated,{},{failures},", summary.completed())), "{total}");
}

#[test]
fn without_full_history_percentiles_are_of_the_whole_run() {
    let run = sample::run();
    let p99 = |full| {
        let (_dir, [_, history, ..]) = written(full, &run);
        let last = history.lines().last().unwrap().to_owned();
        last.split(',').nth(13).unwrap().parse::<u64>().unwrap()
    };
    assert!(p99(false) > 2 * p99(true), "the spike is in the whole run, not in the last ten seconds");
}

#[test]
fn a_path_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let run = sample::empty();
    let error = CsvFiles::create(&dir.path().join("file/r"), false, &run.plan, run.started).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
    fs::create_dir(dir.path().join("r_stats.csv")).unwrap();
    let error = CsvFiles::create(&dir.path().join("r"), false, &run.plan, run.started).unwrap_err();
    assert!(error.to_string().contains("r_stats.csv"), "{error}");
}

#[test]
fn after_a_reset_only_what_follows_counts() {
    let mut run = sample::short();
    // On the border of two seconds, and heard of before the second that ends there.
    let at = Nanos::from_secs(2);
    run.marks.push(Mark { note: String::new(), at, kind: MarkKind::Reset });
    let dir = tempfile::tempdir().unwrap();
    let mut files = CsvFiles::create(&dir.path().join("deep/er/r"), true, &run.plan, run.started).unwrap();
    for (position, window) in run.windows.iter().enumerate() {
        if position == 1 {
            files.reset(at);
        }
        files.push(window).unwrap();
    }
    files.finish().unwrap();
    let total = read(dir.path(), "_stats").lines().last().unwrap().to_owned();
    let later: u64 = run.windows[2..].iter().flat_map(Window::cells).map(|(_, cell)| cell.count).sum();
    assert!(total.starts_with(&format!(",Aggregated,{later},")), "{total}");
    let per_second: f64 = total.split(',').nth(9).unwrap().parse().unwrap();
    assert_eq!(per_second, later as f64 / 2.0, "rates count from the reset");
    assert_eq!(read(dir.path(), "_stats_history"), written(true, &run).1[1]);
}
