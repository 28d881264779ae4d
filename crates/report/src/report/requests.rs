//! Requests of some scope, in numbers.

use serde::Serialize;
use squall_core::{Nanos, OutcomeKind};
use squall_stats::{Cell, CellKey, Histogram, Quantile, Summary};

/// The percentiles Squall reports.
pub const PERCENTILES: [f64; 7] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99];

/// A percentile is supported by at least this many requests beyond it: p99 needs 1000 requests.
const SAMPLES_BEYOND: f64 = 10.0;

/// Requests of some scope. Times are in milliseconds, sizes in bytes, shares from 0 to 1; what has no value,
/// because there was nothing to measure, is `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Requests {
    /// Answered or failed: everything but those cut at the end.
    pub completed: u64,
    /// Answered as expected.
    pub ok: u64,
    /// Failed, timeouts among them.
    pub failed: u64,
    /// Failed by a timeout.
    pub timed_out: u64,
    /// Refused by a rate limiter: neither successes nor failures.
    pub rate_limited: u64,
    /// Sent, and unanswered when the run ended.
    pub cut: u64,
    /// Completed per second.
    pub completed_per_s: Option<f64>,
    /// Answered as expected, per second: the throughput.
    pub ok_per_s: Option<f64>,
    /// Failed / (ok + failed).
    pub error_rate: Option<f64>,
    /// Rate-limited / completed.
    pub rate_limited_share: Option<f64>,
    /// Mean response time of successes.
    pub mean_ms: Option<f64>,
    /// Shortest response time of a success.
    pub min_ms: Option<f64>,
    /// Longest response time, or how long the longest unanswered request was waited for.
    pub max: Option<Bound>,
    /// Response times, see [`PERCENTILES`]; empty without successes and timeouts.
    pub percentiles: Vec<Percentile>,
    /// Mean time from sending to the first byte, of successes.
    pub first_byte_ms: Option<f64>,
    /// Mean time to open a connection, TLS apart.
    pub connect_ms: Option<f64>,
    /// Mean time of a TLS handshake; 0 over plain TCP.
    pub tls_ms: Option<f64>,
    /// Wire exchanges, redirects and retries included: what the server's own counter should say.
    pub attempts: u64,
    /// Connections opened.
    pub connections: u64,
    /// Stale connections replaced.
    pub retries: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Mean bytes of a response's body, as sent.
    pub mean_size: Option<f64>,
}

/// A time that may be only a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// Milliseconds.
    pub ms: f64,
    /// The true value is this or more: requests that were never answered are in it.
    pub at_least: bool,
}

/// A percentile of response time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Percentile {
    /// 0–100.
    pub percentile: f64,
    /// Response time, from the moment a request was due.
    pub ms: f64,
    /// The true value is this or more: requests that were never answered are in it.
    pub at_least: bool,
    /// Too few requests to support it: fewer than ten lie beyond.
    pub few_samples: bool,
    /// Service time, from the moment a request was sent, where a schedule sets the two apart.
    pub service_ms: Option<f64>,
}

/// Lateness of the generator itself, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lag {
    /// Median.
    pub p50_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Largest.
    pub max_ms: f64,
}

impl Lag {
    pub(crate) fn of(histogram: &Histogram) -> Option<Self> {
        let at = |share: f64| {
            let rank = (share * histogram.count() as f64).ceil() as u64;
            histogram.value_at_rank(rank).map(Nanos::as_millis_f64)
        };
        Some(Self { p50_ms: at(0.5)?, p99_ms: at(0.99)?, max_ms: at(1.0)? })
    }
}

/// Cells on their way to [`Requests`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) summary: Summary,
    connect_sum: Nanos,
    tls_sum: Nanos,
    scheduled: bool,
}

impl Group {
    pub(crate) fn add(&mut self, key: &CellKey, cell: &Cell) {
        self.summary.add(key.outcome, cell);
        self.connect_sum += cell.connect_sum;
        self.tls_sum += cell.tls_sum;
        self.scheduled |= key.outcome == OutcomeKind::Ok && cell.service.is_some();
    }

    /// The service time at a percentile, where it is not the response time.
    pub(crate) fn service_ms(&self, percentile: f64) -> Option<f64> {
        let service = self.scheduled.then(|| self.summary.service_percentile(percentile))?;
        service.map(Nanos::as_millis_f64)
    }

    /// The numbers, with rates over `span`.
    pub(crate) fn requests(&self, span: Nanos) -> Requests {
        let summary = &self.summary;
        let per_s = |count: u64| (span > Nanos::ZERO).then(|| count as f64 / span.as_secs_f64());
        let per_connection = |sum: Nanos| {
            let mean = sum.0.checked_div(summary.connects);
            mean.map(|mean| Nanos(mean).as_millis_f64())
        };
        let completed = summary.completed();
        Requests {
            completed,
            ok: summary.ok(),
            failed: summary.failed(),
            timed_out: summary.count(OutcomeKind::TimedOut),
            rate_limited: summary.rate_limited(),
            cut: summary.cut(),
            completed_per_s: per_s(completed),
            ok_per_s: per_s(summary.ok()),
            error_rate: summary.error_rate(),
            rate_limited_share: summary.rate_limited_share(),
            mean_ms: summary.mean().map(Nanos::as_millis_f64),
            min_ms: summary.min().map(Nanos::as_millis_f64),
            max: summary.max().map(Bound::from),
            percentiles: PERCENTILES.iter().filter_map(|&p| self.percentile(p)).collect(),
            first_byte_ms: summary.mean_first_byte().map(Nanos::as_millis_f64),
            connect_ms: per_connection(self.connect_sum),
            tls_ms: per_connection(self.tls_sum),
            attempts: summary.attempts,
            connections: summary.connects,
            retries: summary.retries,
            bytes_out: summary.bytes_out,
            bytes_in: summary.bytes_in,
            mean_size: (completed > 0).then(|| summary.body_in as f64 / completed as f64),
        }
    }

    fn percentile(&self, percentile: f64) -> Option<Percentile> {
        let Quantile { value, at_least } = self.summary.percentile(percentile)?;
        let population = self.summary.ok() + self.summary.count(OutcomeKind::TimedOut) + self.summary.cut();
        let beyond = population as f64 * (1.0 - percentile / 100.0);
        Some(Percentile {
            percentile,
            ms: value.as_millis_f64(),
            at_least,
            // The tolerance is for 1000 × (1 − 0.99), which is a hair below 10.
            few_samples: beyond < SAMPLES_BEYOND - 1e-6,
            service_ms: self.service_ms(percentile),
        })
    }
}

impl From<Quantile> for Bound {
    fn from(quantile: Quantile) -> Self {
        Self { ms: quantile.value.as_millis_f64(), at_least: quantile.at_least }
    }
}

impl Requests {
    /// The percentile `p`, one of [`PERCENTILES`].
    pub fn percentile(&self, p: f64) -> Option<&Percentile> {
        self.percentiles.iter().find(|percentile| percentile.percentile == p)
    }

    /// True when a schedule sets service times apart from response times.
    pub fn has_service_time(&self) -> bool {
        self.percentiles.iter().any(|percentile| percentile.service_ms.is_some())
    }
}
