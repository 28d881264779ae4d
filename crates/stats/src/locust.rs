//! Locust's view of the same requests: its buckets, its percentile rule, its merge of outcomes.
//!
//! Used only where Locust's files and tables are written. Facts: Locust 2.46–2.47, `stats` module as observed.

use std::collections::BTreeMap;

use squall_core::{Nanos, OutcomeKind};

use crate::Cell;

/// The percentiles of Locust's CSV files and console, as shares.
pub const PERCENTILES: [f64; 11] = [0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0];

/// The bucket of a response time in milliseconds: two significant digits above 100 ms, halves to even.
pub fn bucket(ms: f64) -> u64 {
    let round_to = |unit: f64| ((ms / unit).round_ties_even() * unit) as u64;
    match ms {
        ms if ms < 100.0 => round_to(1.0),
        ms if ms < 1_000.0 => round_to(10.0),
        ms if ms < 10_000.0 => round_to(100.0),
        _ => round_to(1_000.0),
    }
}

/// What Locust knows about one (method, name), or about all of them together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Answered or failed requests. Requests cut at the end are not among them.
    pub num_requests: u64,
    /// Failed, timed out and rate-limited ones: Locust knows no third outcome.
    pub num_failures: u64,
    /// Sum of response times, in milliseconds.
    pub total_response_time: f64,
    /// Shortest, in milliseconds.
    pub min_response_time: Option<f64>,
    /// Longest, in milliseconds.
    pub max_response_time: f64,
    /// Sum of body bytes received.
    pub total_content_length: u64,
    /// Response times in milliseconds, rounded by [`bucket`].
    pub response_times: BTreeMap<u64, u64>,
}

impl Entry {
    /// Add a cell whose requests ended in `kind`.
    pub fn add(&mut self, kind: OutcomeKind, cell: &Cell) {
        if kind == OutcomeKind::Cut || cell.count == 0 {
            return;
        }
        self.num_requests += cell.count;
        if kind != OutcomeKind::Ok {
            self.num_failures += cell.count;
        }
        self.total_response_time += cell.response_sum.as_millis_f64();
        self.total_content_length += cell.body_in;
        let min = cell.response_min.as_millis_f64();
        self.min_response_time = Some(self.min_response_time.map_or(min, |m| m.min(min)));
        self.max_response_time = self.max_response_time.max(cell.response_max.as_millis_f64());
        for (value, n) in cell.response.midpoints() {
            *self.response_times.entry(bucket(value.as_millis_f64())).or_default() += n;
        }
    }

    /// Add another entry.
    pub fn merge(&mut self, other: &Self) {
        self.num_requests += other.num_requests;
        self.num_failures += other.num_failures;
        self.total_response_time += other.total_response_time;
        self.total_content_length += other.total_content_length;
        self.max_response_time = self.max_response_time.max(other.max_response_time);
        self.min_response_time = match (self.min_response_time, other.min_response_time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        for (&bucket, &n) in &other.response_times {
            *self.response_times.entry(bucket).or_default() += n;
        }
    }

    /// Locust's percentile of `share` (0–1): the (⌊n·share⌋ + 1)-th smallest bucket, in milliseconds.
    pub fn percentile(&self, share: f64) -> Option<u64> {
        let skip = (self.num_requests as f64 * share) as u64;
        let mut seen = 0;
        let found = self.response_times.iter().find(|&(_, &n)| {
            seen += n;
            seen > skip
        });
        found.or_else(|| self.response_times.last_key_value()).map(|(&bucket, _)| bucket)
    }

    /// Median as Locust prints it: the 50 % bucket, kept between the shortest and the longest. Milliseconds.
    pub fn median(&self) -> f64 {
        let Some(median) = self.percentile(0.5) else { return 0.0 };
        (median as f64).min(self.max_response_time).max(self.min_response_time.unwrap_or(0.0))
    }

    /// Mean response time in milliseconds; 0 without requests.
    pub fn average(&self) -> f64 {
        if self.num_requests == 0 { 0.0 } else { self.total_response_time / self.num_requests as f64 }
    }

    /// Mean size of a response in bytes; 0 without requests.
    pub fn average_content_length(&self) -> f64 {
        if self.num_requests == 0 { 0.0 } else { self.total_content_length as f64 / self.num_requests as f64 }
    }

    /// Failures as a share of requests.
    pub fn fail_ratio(&self) -> f64 {
        if self.num_requests == 0 { 0.0 } else { self.num_failures as f64 / self.num_requests as f64 }
    }
}

/// `count` per second over `span`; 0 over an empty one.
pub fn per_second(count: u64, span: Nanos) -> f64 {
    if span == Nanos::ZERO { 0.0 } else { count as f64 / span.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_round_halves_to_even_as_python_does() {
        for (ms, expected) in [
            (0.5, 0),
            (1.5, 2),
            (2.5, 2),
            (99.4, 99),
            (99.5, 100),
            (105.0, 100),
            (115.0, 120),
            (995.0, 1000),
            (10_500.0, 10_000),
            (12_345.0, 12_000),
        ] {
            assert_eq!(bucket(ms), expected, "{ms}");
        }
    }

    #[test]
    fn percentiles_follow_locusts_rank_rule() {
        let mut entry = Entry { num_requests: 100, max_response_time: 100.0, ..Entry::default() };
        entry.response_times = (1..=100).map(|ms| (ms, 1)).collect();
        let observed = [0.5, 0.95, 0.99, 1.0].map(|share| entry.percentile(share).unwrap());
        assert_eq!(observed, [51, 96, 100, 100]);
        assert_eq!(Entry::default().percentile(0.5), None);
    }
}
