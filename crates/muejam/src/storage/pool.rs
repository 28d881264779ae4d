//! What every storage backend measures about itself: how busy its connections are, and each statement's count and time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A statement slower than this is a slow query, the documents' `SLOW_QUERY_THRESHOLD_MS`.
const SLOW: Duration = Duration::from_millis(100);

/// How busy the connections are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PoolStatus {
    pub(crate) size: usize,
    pub(crate) in_use: usize,
    /// How often a connection was asked for, and how long that took in all.
    pub(crate) acquired: u64,
    pub(crate) waited: Duration,
}

impl PoolStatus {
    pub(crate) fn utilization_percent(self) -> f64 {
        100.0 * self.in_use as f64 / self.size.max(1) as f64
    }
}

/// The counters behind [`PoolStatus`].
#[derive(Debug, Default)]
pub(crate) struct PoolCounters {
    in_use: AtomicUsize,
    acquired: AtomicU64,
    waited_ns: AtomicU64,
}

impl PoolCounters {
    pub(crate) fn acquired(&self, waited: Duration) {
        self.acquired.fetch_add(1, Ordering::Relaxed);
        self.waited_ns.fetch_add(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.in_use.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn released(&self) {
        self.in_use.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn status(&self, size: usize) -> PoolStatus {
        PoolStatus {
            size,
            in_use: self.in_use.load(Ordering::Relaxed),
            acquired: self.acquired.load(Ordering::Relaxed),
            waited: Duration::from_nanos(self.waited_ns.load(Ordering::Relaxed)),
        }
    }
}

/// What one statement cost so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StatementStats {
    pub(crate) count: u64,
    pub(crate) errors: u64,
    pub(crate) slow: u64,
    pub(crate) total: Duration,
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

impl StatementStats {
    /// Adds another statement's numbers.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.errors += other.errors;
        self.slow += other.slow;
        self.total += other.total;
    }
}

/// Counts and times by statement name; names are literals, so the set is small.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    by_name: Mutex<BTreeMap<&'static str, StatementStats>>,
}

impl Statements {
    pub(crate) fn record(&self, name: &'static str, took: Duration, failed: bool) {
        let one = StatementStats {
            count: 1,
            errors: u64::from(failed),
            slow: u64::from(took > SLOW),
            total: took,
            min: took,
            max: took,
        };
        let mut by_name = self.by_name.lock().expect("nothing panics while it holds this lock");
        by_name.entry(name).or_default().merge(&one);
    }

    pub(crate) fn snapshot(&self) -> BTreeMap<&'static str, StatementStats> {
        self.by_name.lock().expect("nothing panics while it holds this lock").clone()
    }
}
