//! What the server did, exactly: the other side of every number a client prints.
//!
//! Counts are exact. Times are from the instant the read that completed a request's head returned, to the instant the
//! write of its last byte returned; what a request waited in the kernel before the server read it (during a stall, say) is
//! not in them, but the stalls themselves are logged. Times enter a histogram with three significant digits.

use std::collections::HashMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Everything a server did, from its start to the moment of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// When the server started, in ns of the monotonic clock.
    pub started_ns: u64,
    /// When this log was taken.
    pub ended_ns: u64,
    /// When the first request had been read; 0 if none came.
    pub first_request_ns: u64,
    /// When the last answer had been written; 0 if none was.
    pub last_answer_ns: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections open at the moment of the log, except the one that asked for it.
    pub open: u64,
    /// The most connections that were open at once.
    pub most_open: u64,
    /// Requests whose head was completely read.
    pub received: u64,
    /// Answers completely written.
    pub answered: u64,
    /// Heads that could not be understood, each answered with 400 and a closed connection; not in `received`.
    pub malformed: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// From head read to answer written.
    pub time: Times,
    /// When the server was frozen: start and end, in ns of the monotonic clock.
    pub stalls: Vec<(u64, u64)>,
    /// The same per path, in the order of first appearance; past 256 paths the rest is `(other)`.
    pub paths: Vec<PathLog>,
    /// Every request, if the server was told to keep them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
}

/// What happened on one path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathLog {
    /// The path, without query.
    pub path: String,
    /// Requests whose head was completely read.
    pub received: u64,
    /// Answers completely written.
    pub answered: u64,
    /// From head read to answer written.
    pub time: Times,
}

/// A distribution of times in nanoseconds; all zero if there were none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it all: percentiles in ns")]
pub struct Times {
    pub count: u64,
    pub min_ns: u64,
    pub mean_ns: f64,
    pub p50_ns: u64,
    pub p75_ns: u64,
    pub p90_ns: u64,
    pub p95_ns: u64,
    pub p99_ns: u64,
    pub p999_ns: u64,
    pub max_ns: u64,
}

/// One answered request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When its head had been read, in ns of the monotonic clock.
    pub read_ns: u64,
    /// From then until its answer had been written, in ns (at most 4.29 s).
    pub took_ns: u32,
    /// Index into [`Log::paths`].
    pub path: u32,
}

impl Log {
    /// The log of one path, if it was asked for at all.
    #[must_use]
    pub fn path(&self, path: &str) -> Option<&PathLog> {
        self.paths.iter().find(|p| p.path == path)
    }

    /// One line per path and one for all, with a header; times in microseconds.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut csv =
            "path,received,answered,min_us,mean_us,p50_us,p90_us,p95_us,p99_us,p999_us,max_us\n".to_owned();
        let all = PathLog {
            path: "(all)".to_owned(),
            received: self.received,
            answered: self.answered,
            time: self.time,
        };
        for row in self.paths.iter().chain([&all]) {
            let t = &row.time;
            let path = row.path.replace('"', "\"\"");
            csv.push_str(&format!("\"{path}\",{},{},", row.received, row.answered));
            let ns = [t.min_ns as f64, t.mean_ns, t.p50_ns as f64, t.p90_ns as f64, t.p95_ns as f64];
            let tail = [t.p99_ns as f64, t.p999_ns as f64, t.max_ns as f64];
            let columns: Vec<_> = ns.iter().chain(&tail).map(|ns| format!("{:.1}", ns / 1e3)).collect();
            csv.push_str(&columns.join(","));
            csv.push('\n');
        }
        csv
    }
}

/// Index of a path in the ledger.
pub(super) type PathId = u32;

/// The running account a [`Log`] is taken from.
#[derive(Debug)]
pub(super) struct Ledger {
    pub started_ns: u64,
    pub connections: u64,
    pub open: u64,
    pub most_open: u64,
    pub malformed: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub stalls: Vec<(u64, u64)>,
    first_request_ns: u64,
    last_answer_ns: u64,
    ids: HashMap<String, PathId>,
    paths: Vec<Account>,
    samples: Option<Vec<Sample>>,
}

#[derive(Debug)]
struct Account {
    path: String,
    received: u64,
    answered: u64,
    times: Histogram<u64>,
    sum_ns: u128,
}

/// Each path costs a histogram of about 200 KiB.
const MAX_PATHS: usize = 256;
/// One hour; no answer takes longer.
const MAX_TIME_NS: u64 = 3_600_000_000_000;

impl Ledger {
    pub(super) fn new(started_ns: u64, keep_samples: bool) -> Self {
        Self {
            started_ns,
            connections: 0,
            open: 0,
            most_open: 0,
            malformed: 0,
            bytes_in: 0,
            bytes_out: 0,
            stalls: Vec::new(),
            first_request_ns: 0,
            last_answer_ns: 0,
            ids: HashMap::new(),
            paths: Vec::new(),
            samples: keep_samples.then(Vec::new),
        }
    }

    /// The id of a path, known or new.
    pub(super) fn path_id(&mut self, path: &str) -> PathId {
        if let Some(id) = self.ids.get(path) {
            return *id;
        }
        if self.paths.len() >= MAX_PATHS {
            return (MAX_PATHS - 1) as PathId;
        }
        let id = self.paths.len() as PathId;
        let path = if self.paths.len() == MAX_PATHS - 1 { "(other)" } else { path };
        self.ids.insert(path.to_owned(), id);
        self.paths.push(Account {
            path: path.to_owned(),
            received: 0,
            answered: 0,
            times: histogram(),
            sum_ns: 0,
        });
        id
    }

    pub(super) fn request_read(&mut self, path: PathId, at_ns: u64) {
        self.paths[path as usize].received += 1;
        if self.first_request_ns == 0 {
            self.first_request_ns = at_ns;
        }
    }

    pub(super) fn answer_written(&mut self, path: PathId, read_ns: u64, at_ns: u64) {
        let took = at_ns - read_ns;
        let account = &mut self.paths[path as usize];
        account.answered += 1;
        account.sum_ns += u128::from(took);
        account.times.saturating_record(took);
        self.last_answer_ns = at_ns;
        if let Some(samples) = &mut self.samples {
            samples.push(Sample { read_ns, took_ns: u32::try_from(took).unwrap_or(u32::MAX), path });
        }
    }

    /// The account so far, as a log.
    pub(super) fn log(&self, at_ns: u64) -> Log {
        let mut all = histogram();
        for account in &self.paths {
            all.add(&account.times).expect("both histograms have the same bounds");
        }
        let sum_ns = self.paths.iter().map(|a| a.sum_ns).sum();
        Log {
            started_ns: self.started_ns,
            ended_ns: at_ns,
            first_request_ns: self.first_request_ns,
            last_answer_ns: self.last_answer_ns,
            connections: self.connections,
            open: self.open,
            most_open: self.most_open,
            received: self.paths.iter().map(|a| a.received).sum(),
            answered: self.paths.iter().map(|a| a.answered).sum(),
            malformed: self.malformed,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            time: times(&all, sum_ns),
            stalls: self.stalls.clone(),
            paths: self.paths.iter().map(Account::log).collect(),
            samples: self.samples.clone().unwrap_or_default(),
        }
    }
}

impl Account {
    fn log(&self) -> PathLog {
        PathLog {
            path: self.path.clone(),
            received: self.received,
            answered: self.answered,
            time: times(&self.times, self.sum_ns),
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_TIME_NS, 3).expect("the bounds are valid constants")
}

fn times(histogram: &Histogram<u64>, sum_ns: u128) -> Times {
    if histogram.is_empty() {
        return Times::default();
    }
    let max_ns = histogram.max();
    // A bucket's upper edge may lie above the largest value in it.
    let at = |quantile| histogram.value_at_quantile(quantile).min(max_ns);
    Times {
        count: histogram.len(),
        min_ns: histogram.min(),
        mean_ns: sum_ns as f64 / histogram.len() as f64,
        p50_ns: at(0.50),
        p75_ns: at(0.75),
        p90_ns: at(0.90),
        p95_ns: at(0.95),
        p99_ns: at(0.99),
        p999_ns: at(0.999),
        max_ns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_per_path_and_for_all() {
        let mut ledger = Ledger::new(5, true);
        let (a, b) = (ledger.path_id("/a"), ledger.path_id("/b"));
        assert_eq!(ledger.path_id("/a"), a);
        for i in 1..=100 {
            ledger.request_read(a, i * 1000);
            ledger.answer_written(a, i * 1000, i * 1000 + i * 10_000);
        }
        ledger.request_read(b, 7);
        let log = ledger.log(9);
        assert_eq!((log.received, log.answered, log.started_ns, log.ended_ns), (101, 100, 5, 9));
        let path = log.path("/a").unwrap();
        assert_eq!((path.received, path.answered, path.time.count), (100, 100, 100));
        assert_eq!((path.time.min_ns / 100, path.time.mean_ns), (100, 505_000.0));
        let close_to = |got: u64, truth: f64| (got as f64 - truth).abs() / truth < 0.001;
        assert!(
            close_to(path.time.p50_ns, 500_000.0) && close_to(path.time.p99_ns, 990_000.0),
            "{:?}",
            path.time
        );
        assert_eq!(log.path("/b").unwrap().answered, 0);
        assert_eq!(log.samples[99], Sample { read_ns: 100_000, took_ns: 1_000_000, path: 0 });
        let csv = log.to_csv();
        assert_eq!(csv.lines().count(), 4);
        assert!(csv.contains("\"/b\",1,0,0.0"), "{csv}");
    }

    #[test]
    fn too_many_paths_are_counted_together() {
        let mut ledger = Ledger::new(0, false);
        for i in 0..300 {
            let id = ledger.path_id(&format!("/{i}"));
            ledger.request_read(id, 1);
        }
        let log = ledger.log(1);
        assert_eq!((log.paths.len(), log.received), (256, 300));
        assert_eq!(log.path("(other)").unwrap().received, 45);
    }
}
