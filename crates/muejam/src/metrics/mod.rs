//! What the service counts about itself. `text` and `json` show it; storage and cache keep their own numbers.
//!
//! Labels come from route patterns and fixed words only, never from what a client sent: the number of series is
//! bounded by the number of routes.

pub(crate) mod json;
pub(crate) mod process;
pub(crate) mod text;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;

use crate::clock;
use crate::limit::Decision;

/// Upper bounds of the duration histograms, in microseconds; the last bucket has none.
pub(crate) const BOUNDS_US: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 30_000_000,
];
/// A request slower than this is a slow request.
const SLOW: Duration = Duration::from_secs(1);

/// Counts of durations by bucket.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Histogram {
    /// Not cumulative.
    pub(crate) buckets: [u64; BOUNDS_US.len() + 1],
    pub(crate) count: u64,
    pub(crate) total: Duration,
}

impl Histogram {
    pub(crate) fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < micros);
        self.buckets[bucket] += 1;
        self.count += 1;
        self.total += took;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.total += other.total;
    }

    /// The upper bound, in milliseconds, of the bucket that holds this share of the requests; 0 without any.
    pub(crate) fn quantile_bound_ms(&self, share: f64) -> f64 {
        let rank = (self.count as f64 * share).ceil() as u64;
        let mut below = 0;
        for (bound, count) in BOUNDS_US.iter().zip(self.buckets) {
            below += count;
            if below >= rank.max(1) {
                return *bound as f64 / 1000.0;
            }
        }
        if self.count == 0 { 0.0 } else { BOUNDS_US[BOUNDS_US.len() - 1] as f64 / 1000.0 }
    }
}

/// One route, method and status.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) method: Method,
    pub(crate) status: u16,
    pub(crate) durations: Histogram,
}

/// Counted decisions about limits.
#[derive(Debug, Clone, Default)]
pub(crate) struct LimitCounts {
    pub(crate) exempt: u64,
    pub(crate) allowed: u64,
    pub(crate) caller_limited: u64,
    pub(crate) global_limited: u64,
    /// Refusals by whether the caller was a user, and route.
    pub(crate) exceeded: BTreeMap<(&'static str, String), u64>,
    pub(crate) check_durations: Histogram,
}

/// The counters of one instance.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    in_flight: AtomicU64,
    pub(crate) slow_requests: AtomicU64,
    pub(crate) with_limit_headers: AtomicU64,
    routes: Mutex<HashMap<String, Vec<Series>>>,
    timeouts: Mutex<BTreeMap<String, u64>>,
    limits: Mutex<LimitCounts>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            started: clock::now(),
            in_flight: AtomicU64::new(0),
            slow_requests: AtomicU64::new(0),
            with_limit_headers: AtomicU64::new(0),
            routes: Mutex::default(),
            timeouts: Mutex::default(),
            limits: Mutex::default(),
        }
    }

    pub(crate) fn uptime(&self) -> Duration {
        clock::now() - self.started
    }

    /// Counts a request as being served until the guard is dropped, even if its client goes away.
    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn answered(&self, route: &str, method: &Method, status: u16, took: Duration) {
        let method = &known(method);
        if took > SLOW {
            self.slow_requests.fetch_add(1, Ordering::Relaxed);
        }
        let mut routes = self.routes.lock().expect("nothing panics while it holds this lock");
        let list = match routes.get_mut(route) {
            Some(list) => list,
            None => routes.entry(route.to_owned()).or_default(),
        };
        let at = list.iter().position(|series| series.status == status && series.method == *method);
        let at = at.unwrap_or_else(|| {
            list.push(Series { method: method.clone(), status, durations: Histogram::default() });
            list.len() - 1
        });
        list[at].durations.record(took);
    }

    pub(crate) fn timed_out(&self, route: &str) {
        let mut timeouts = self.timeouts.lock().expect("nothing panics while it holds this lock");
        *timeouts.entry(route.to_owned()).or_default() += 1;
    }

    pub(crate) fn decided(&self, decision: Decision, user: bool, route: &str, took: Duration) {
        let mut limits = self.limits.lock().expect("nothing panics while it holds this lock");
        match decision {
            Decision::Exempt => limits.exempt += 1,
            Decision::Allowed(_) => limits.allowed += 1,
            Decision::CallerLimited(_) => limits.caller_limited += 1,
            Decision::GlobalLimited(_) => limits.global_limited += 1,
        }
        limits.check_durations.record(took);
        if matches!(decision, Decision::CallerLimited(_) | Decision::GlobalLimited(_)) {
            let kind = if user { "authenticated" } else { "anonymous" };
            *limits.exceeded.entry((kind, route.to_owned())).or_default() += 1;
        }
    }

    /// All series, sorted by route, method and status.
    pub(crate) fn series(&self) -> Vec<(String, Series)> {
        let routes = self.routes.lock().expect("nothing panics while it holds this lock");
        let all = routes.iter().flat_map(|(route, list)| list.iter().map(|one| (route.clone(), one.clone())));
        let mut all: Vec<_> = all.collect();
        drop(routes);
        all.sort_by(|(a, x), (b, y)| (a, x.method.as_str(), x.status).cmp(&(b, y.method.as_str(), y.status)));
        all
    }

    pub(crate) fn timeouts(&self) -> BTreeMap<String, u64> {
        self.timeouts.lock().expect("nothing panics while it holds this lock").clone()
    }

    pub(crate) fn limits(&self) -> LimitCounts {
        self.limits.lock().expect("nothing panics while it holds this lock").clone()
    }
}

/// The method, or `OTHER` for one that a client made up: those must not grow the table.
fn known(method: &Method) -> Method {
    let standard = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
    ];
    if standard.contains(method) {
        return method.clone();
    }
    Method::from_bytes(b"OTHER").unwrap_or(Method::TRACE)
}

/// A request being served.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a AtomicU64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_bucket_that_holds_them() {
        let mut histogram = Histogram::default();
        for ms in [1, 1, 1, 1, 1, 1, 1, 1, 1, 400] {
            histogram.record(Duration::from_millis(ms));
        }
        histogram.record(Duration::from_secs(100));
        assert_eq!(histogram.quantile_bound_ms(0.5), 1.0);
        assert_eq!(histogram.quantile_bound_ms(0.9), 500.0);
        assert_eq!(histogram.quantile_bound_ms(1.0), 30_000.0);
        assert_eq!(Histogram::default().quantile_bound_ms(0.5), 0.0);
    }
}
