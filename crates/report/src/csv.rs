//! Locust's four CSV files, byte for byte in header, columns, quoting, number format and order of rows.
//!
//! Differences, each on purpose: the files are complete at the end (Locust's lack the last seconds); current
//! rates fall to zero when the target stalls; a rate-limited request, a failure to Locust, is listed as
//! `rate limited`; failures are ordered by name, method and error, not by a hash.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use csv::{QuoteStyle, Terminator, WriterBuilder};
use jiff::Timestamp;
use squall_core::Nanos;
use squall_plan::Plan;
use squall_record::Run;
use squall_stats::Window;
use squall_stats::locust::{Entry, PERCENTILES};

use crate::python::repr;
use crate::tally::{Keep, Line, Tally, resets};

const STATS_HEAD: [&str; 11] = [
    "Type",
    "Name",
    "Request Count",
    "Failure Count",
    "Median Response Time",
    "Average Response Time",
    "Min Response Time",
    "Max Response Time",
    "Average Content Size",
    "Requests/s",
    "Failures/s",
];
const HISTORY_HEAD: [&str; 6] = ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"];
const HISTORY_TAIL: [&str; 7] = [
    "Total Request Count",
    "Total Failure Count",
    "Total Median Response Time",
    "Total Average Response Time",
    "Total Min Response Time",
    "Total Max Response Time",
    "Total Average Content Size",
];
const PERCENTILE_HEAD: [&str; 11] =
    ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"];
const FAILURES_HEAD: [&str; 6] = ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"];
const EXCEPTIONS_HEAD: [&str; 4] = ["Count", "Message", "Traceback", "Nodes"];

/// `<prefix>_stats.csv`, `<prefix>_stats_history.csv`, `<prefix>_failures.csv`, `<prefix>_exceptions.csv`,
/// written while a run goes on.
#[derive(Debug)]
pub struct CsvFiles {
    stats: Output,
    history: Output,
    failures: Output,
    tally: Tally,
    full_history: bool,
    start: Timestamp,
}

impl CsvFiles {
    /// Create the files (and the directories above them) with their headers and the row before the first
    /// request. `start` is the wall-clock time of the run's zero. With `full_history` every endpoint has a row
    /// in the history and its percentiles are those of the last ten seconds; without, there are only the
    /// totals, with percentiles of the whole run so far.
    ///
    /// # Errors
    /// The operating system's, with the path.
    pub fn create(prefix: &Path, full_history: bool, plan: &Plan, start: Timestamp) -> io::Result<Self> {
        if let Some(parent) = prefix.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|error| at_path(parent, &error))?;
        }
        let keep = if full_history { Keep::RecentTimes } else { Keep::Rates };
        let mut files = Self {
            stats: Output::create(prefix, "_stats.csv")?,
            history: Output::create(prefix, "_stats_history.csv")?,
            failures: Output::create(prefix, "_failures.csv")?,
            tally: Tally::new(plan, keep),
            full_history,
            start,
        };
        Output::create(prefix, "_exceptions.csv")?
            .rewrite(&rows(|csv| csv.write_record(EXCEPTIONS_HEAD))?)?;
        files.history.append(&rows(|csv| {
            csv.write_record(HISTORY_HEAD.iter().chain(&PERCENTILE_HEAD).chain(&HISTORY_TAIL))
        })?)?;
        files.append_history()?;
        files.rewrite()?;
        Ok(files)
    }

    /// Count a window, append to the history and rewrite the other files.
    ///
    /// # Errors
    /// The operating system's, with the path. The next call tries again.
    pub fn push(&mut self, window: &Window) -> io::Result<()> {
        self.observe(window)?;
        self.rewrite()
    }

    /// The statistics are reset at `at` of the run: its window is the first that counts. The history goes on.
    pub fn reset(&mut self, at: Nanos) {
        self.tally.reset(at);
    }

    fn observe(&mut self, window: &Window) -> io::Result<()> {
        self.tally.push(window);
        self.append_history()
    }

    /// Write everything once more and flush it to disk.
    ///
    /// # Errors
    /// The operating system's, with the path.
    pub fn finish(mut self) -> io::Result<()> {
        self.rewrite()?;
        [&self.stats, &self.history, &self.failures].into_iter().try_for_each(Output::sync)
    }

    fn append_history(&mut self) -> io::Result<()> {
        let text = rows(|csv| {
            if self.full_history {
                self.tally.sorted().try_for_each(|line| csv.write_record(self.history_row(line)))?;
            }
            csv.write_record(self.history_row(self.tally.total()))
        })?;
        self.history.append(&text)
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let stats = rows(|csv| {
            csv.write_record(STATS_HEAD.iter().chain(&PERCENTILE_HEAD))?;
            self.tally.sorted().try_for_each(|line| csv.write_record(self.stats_row(line)))?;
            csv.write_record(self.stats_row(self.tally.total()))
        })?;
        self.stats.rewrite(&stats)?;
        let failures = rows(|csv| {
            csv.write_record(FAILURES_HEAD)?;
            self.tally.failures().into_iter().try_for_each(|failure| {
                csv.write_record([
                    failure.method.clone(),
                    failure.name.clone(),
                    failure.error.clone(),
                    failure.count.to_string(),
                    utc(self.wall(failure.first)),
                    utc(self.wall(failure.last)),
                ])
            })
        })?;
        self.failures.rewrite(&failures)
    }

    fn stats_row(&self, line: &Line) -> Vec<String> {
        let (requests, failures) = self.tally.whole_rates(line);
        let mut row = vec![line.method.clone(), line.name.clone()];
        row.extend(whole_run(line));
        row.extend([repr(requests), repr(failures)]);
        row.extend(percentiles(&line.entry, line.entry.num_requests));
        row
    }

    fn history_row(&self, line: &Line) -> Vec<String> {
        let (requests, failures) = self.tally.current_rates(line);
        let mut row = vec![
            self.wall(self.tally.end()).as_second().to_string(),
            self.tally.users().to_string(),
            line.method.clone(),
            line.name.clone(),
            format!("{requests:.6}"),
            format!("{failures:.6}"),
        ];
        if self.full_history {
            row.extend(percentiles(&line.recent(), line.entry.num_requests));
        } else {
            row.extend(percentiles(&line.entry, line.entry.num_requests));
        }
        row.extend(whole_run(line));
        row
    }

    fn wall(&self, at: Nanos) -> Timestamp {
        wall(self.start, at)
    }
}

/// Write the four files of a finished run: the same bytes as [`CsvFiles`] leaves behind at its end.
///
/// # Errors
/// The operating system's, with the path.
pub fn write(prefix: &Path, full_history: bool, run: &Run) -> io::Result<()> {
    let mut files = CsvFiles::create(prefix, full_history, &run.plan, run.started)?;
    resets(run).for_each(|at| files.reset(at));
    run.windows.iter().try_for_each(|window| files.observe(window))?;
    files.finish()
}

/// Requests, failures, times and size since the last reset, in the order that both files of statistics have.
fn whole_run(line: &Line) -> [String; 7] {
    [
        line.entry.num_requests.to_string(),
        line.entry.num_failures.to_string(),
        line.median().to_string(),
        repr(line.entry.average()),
        line.min().to_string(),
        line.max().to_string(),
        line.size().to_string(),
    ]
}

/// `entry`'s percentiles; `N/A` before the first request of all, 0 where only the recent ones are none.
fn percentiles(entry: &Entry, requests: u64) -> impl Iterator<Item = String> + '_ {
    PERCENTILES.iter().map(move |&share| match requests {
        0 => "N/A".to_owned(),
        _ => entry.percentile(share).unwrap_or(0).to_string(),
    })
}

/// The wall-clock time of a moment of the run.
pub(crate) fn wall(start: Timestamp, at: Nanos) -> Timestamp {
    start.checked_add(std::time::Duration::from(at)).unwrap_or(Timestamp::MAX)
}

fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Records in the dialect of Python's `csv.writer`.
fn rows(fill: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>) -> io::Result<Vec<u8>> {
    let mut csv = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Necessary)
        .flexible(true)
        .from_writer(Vec::new());
    fill(&mut csv)?;
    csv.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// A file that knows its name, for the sake of error messages.
#[derive(Debug)]
struct Output {
    path: PathBuf,
    file: File,
}

impl Output {
    fn create(prefix: &Path, suffix: &str) -> io::Result<Self> {
        let mut path = OsString::from(prefix);
        path.push(suffix);
        let path = PathBuf::from(path);
        let open = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
        let file = open.map_err(|error| at_path(&path, &error))?;
        Ok(Self { path, file })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).map_err(|error| at_path(&self.path, &error))
    }

    /// Replace the content in place: somebody may have the file open and follow it.
    fn rewrite(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = (|| {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(bytes)?;
            self.file.set_len(bytes.len() as u64)
        })();
        written.map_err(|error| at_path(&self.path, &error))
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data().map_err(|error| at_path(&self.path, &error))
    }
}

fn at_path(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("write {}: {error}", path.display()))
}
