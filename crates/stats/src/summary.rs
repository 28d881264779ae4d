//! Many cells in a few numbers.

use squall_core::{Nanos, OutcomeKind};

use crate::{Cell, Histogram};

/// A percentile of response time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantile {
    /// The value, or the bound below which it does not lie.
    pub value: Nanos,
    /// True when unanswered requests leave only a lower bound.
    pub at_least: bool,
}

/// Counts, rates and percentiles of a set of requests: add the cells, then ask.
///
/// Percentiles are over successes, with timeouts and requests cut at the end as lower bounds: neither fast
/// refusals nor unanswered requests improve them.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    counts: [u64; OutcomeKind::ALL.len()],
    /// Wire exchanges.
    pub attempts: u64,
    /// Connections opened.
    pub connects: u64,
    /// Stale connections replaced.
    pub retries: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes of response bodies, as sent.
    pub body_in: u64,
    ok_sum: Nanos,
    ok_min: Option<Nanos>,
    longest: Nanos,
    first_byte_sum: Nanos,
    ok: Histogram,
    censored: Histogram,
    service: Histogram,
}

impl Summary {
    /// Add a cell whose requests ended in `kind`.
    pub fn add(&mut self, kind: OutcomeKind, cell: &Cell) {
        self.counts[kind.index()] += cell.count;
        self.attempts += cell.attempts;
        self.connects += cell.connects;
        self.retries += cell.retries;
        self.bytes_out += cell.bytes_out;
        self.bytes_in += cell.bytes_in;
        self.body_in += cell.body_in;
        match kind {
            OutcomeKind::Ok if cell.count > 0 => {
                self.ok_sum += cell.response_sum;
                self.first_byte_sum += cell.first_byte_sum;
                self.ok_min = Some(self.ok_min.map_or(cell.response_min, |m| m.min(cell.response_min)));
                self.longest = self.longest.max(cell.response_max);
                self.ok.merge(&cell.response);
                // Where no schedule sets them apart, service time is response time.
                self.service.merge(cell.service.as_ref().unwrap_or(&cell.response));
            }
            OutcomeKind::TimedOut | OutcomeKind::Cut => {
                self.longest = self.longest.max(cell.response_max);
                self.censored.merge(&cell.response);
            }
            OutcomeKind::Ok | OutcomeKind::Failed | OutcomeKind::RateLimited => {}
        }
    }

    /// Requests that ended in `kind`.
    pub fn count(&self, kind: OutcomeKind) -> u64 {
        self.counts[kind.index()]
    }

    /// Requests that ended well.
    pub fn ok(&self) -> u64 {
        self.count(OutcomeKind::Ok)
    }

    /// Requests that failed, timeouts among them.
    pub fn failed(&self) -> u64 {
        self.count(OutcomeKind::Failed) + self.count(OutcomeKind::TimedOut)
    }

    /// Requests refused by a rate limiter.
    pub fn rate_limited(&self) -> u64 {
        self.count(OutcomeKind::RateLimited)
    }

    /// Requests cut at the end.
    pub fn cut(&self) -> u64 {
        self.count(OutcomeKind::Cut)
    }

    /// Requests that were answered or failed: everything but those cut.
    pub fn completed(&self) -> u64 {
        self.ok() + self.failed() + self.rate_limited()
    }

    /// Failed / (Ok + Failed); `None` without either.
    pub fn error_rate(&self) -> Option<f64> {
        ratio(self.failed(), self.ok() + self.failed())
    }

    /// Rate-limited / completed; `None` without any.
    pub fn rate_limited_share(&self) -> Option<f64> {
        ratio(self.rate_limited(), self.completed())
    }

    /// Successes per second over `span`; `None` over an empty span.
    pub fn throughput(&self, span: Nanos) -> Option<f64> {
        (span > Nanos::ZERO).then(|| self.ok() as f64 / span.as_secs_f64())
    }

    /// Mean response time of successes.
    pub fn mean(&self) -> Option<Nanos> {
        self.ok_sum.0.checked_div(self.ok()).map(Nanos)
    }

    /// Mean time from sending to the first byte, of successes.
    pub fn mean_first_byte(&self) -> Option<Nanos> {
        self.first_byte_sum.0.checked_div(self.ok()).map(Nanos)
    }

    /// Shortest response time of a success.
    pub fn min(&self) -> Option<Nanos> {
        self.ok_min
    }

    /// Longest response time of a success, or of a request that waited even longer in vain.
    pub fn max(&self) -> Option<Quantile> {
        let population = self.ok.count() + self.censored.count();
        (population > 0).then(|| Quantile { value: self.longest, at_least: !self.censored.is_empty() })
    }

    /// The `percentile` (0–100) of response time, nearest rank; `None` without successes or timeouts.
    pub fn percentile(&self, percentile: f64) -> Option<Quantile> {
        let total = self.ok.count() + self.censored.count();
        if total == 0 {
            return None;
        }
        let rank = nearest_rank(percentile / 100.0, total);
        if self.censored.is_empty() {
            let value = self.ok.value_at_rank(rank)?.min(self.longest);
            return Some(Quantile { value, at_least: false });
        }
        // An unanswered request took at least as long as it was waited for. Counting it there bounds the
        // percentile from below, counting it as endless bounds it from above: where both agree it is exact.
        let mut lower = self.ok.clone();
        lower.merge(&self.censored);
        let lower = lower.value_at_rank(rank)?;
        let upper = self.ok.value_at_rank(rank);
        Some(Quantile { value: lower.min(self.longest), at_least: upper != Some(lower) })
    }

    /// The same for service time: what a tool sees that times from the sending.
    pub fn service_percentile(&self, percentile: f64) -> Option<Nanos> {
        let count = self.service.count();
        if count == 0 {
            return None;
        }
        self.service
            .value_at_rank(nearest_rank(percentile / 100.0, count))
            .map(|value| value.min(self.longest))
    }

    /// Response times of successes.
    pub fn response_times(&self) -> &Histogram {
        &self.ok
    }
}

/// The rank (from 1) of the value that `share` (0 to 1) of `count` values do not exceed: nearest rank. 1 of none.
pub fn nearest_rank(share: f64, count: u64) -> u64 {
    // 99.9 % of 1000 must be rank 999, whatever the last bit of the product says.
    let rank = (share * count as f64 - 1e-9).ceil();
    (rank as u64).clamp(1, count.max(1))
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PageReserve, Sample};

    fn cell(times_ms: impl IntoIterator<Item = u64>) -> Cell {
        let mut cell = Cell::default();
        for ms in times_ms {
            let sample = Sample { response: Nanos::from_millis(ms), attempts: 1, ..Sample::default() };
            cell.record(&sample, &mut PageReserve::default());
        }
        cell
    }

    fn ms(quantile: Option<Quantile>) -> (u64, bool) {
        let quantile = quantile.unwrap();
        (quantile.value.as_micros() / 1_000, quantile.at_least)
    }

    #[test]
    fn percentiles_are_nearest_rank_and_never_above_the_maximum() {
        let mut summary = Summary::default();
        summary.add(OutcomeKind::Ok, &cell(1..=1000));
        assert_eq!(ms(summary.percentile(50.0)), (500, false));
        assert_eq!(ms(summary.percentile(99.9)), (999, false));
        assert_eq!(ms(summary.percentile(100.0)), (1000, false));
        assert_eq!(summary.percentile(100.0), summary.max());
    }

    #[test]
    fn refusals_and_failures_do_not_improve_percentiles() {
        let mut summary = Summary::default();
        summary.add(OutcomeKind::Ok, &cell([100; 10]));
        summary.add(OutcomeKind::Failed, &cell([1; 100]));
        summary.add(OutcomeKind::RateLimited, &cell([1; 100]));
        assert_eq!(ms(summary.percentile(50.0)), (100, false));
        assert_eq!(summary.error_rate(), Some(100.0 / 110.0));
        assert_eq!(summary.rate_limited_share(), Some(100.0 / 210.0));
    }

    #[test]
    fn timeouts_are_lower_bounds() {
        let mut summary = Summary::default();
        summary.add(OutcomeKind::Ok, &cell([10; 90]));
        summary.add(OutcomeKind::TimedOut, &cell([30_000; 10]));
        assert_eq!(ms(summary.percentile(90.0)), (10, false));
        assert_eq!(ms(summary.percentile(91.0)), (30_000, true));
        assert_eq!(summary.failed(), 10);
    }

    #[test]
    fn requests_cut_early_leave_only_a_bound_where_they_matter() {
        let mut summary = Summary::default();
        summary.add(OutcomeKind::Ok, &cell((0..50).map(|_| 10).chain((0..50).map(|_| 100))));
        summary.add(OutcomeKind::Cut, &cell([1; 2]));
        assert_eq!(ms(summary.percentile(25.0)), (10, false), "both bounds agree");
        assert_eq!(ms(summary.percentile(50.0)), (10, true), "it may be 10 ms or 100 ms");
        assert_eq!(ms(summary.percentile(100.0)), (100, true));
    }

    #[test]
    fn service_time_is_response_time_unless_a_schedule_sets_them_apart() {
        let mut summary = Summary::default();
        summary.add(OutcomeKind::Ok, &cell([700; 3]));
        let mut paced = Cell::default();
        let sample = Sample {
            response: Nanos::from_millis(700),
            service: Some(Nanos::from_millis(5)),
            ..Sample::default()
        };
        paced.record(&sample, &mut PageReserve::default());
        summary.add(OutcomeKind::Ok, &paced);
        assert_eq!(summary.service_percentile(25.0).unwrap().as_micros() / 1_000, 5);
        assert_eq!(summary.service_percentile(26.0).unwrap().as_micros() / 1_000, 700);
    }

    #[test]
    fn nothing_has_no_numbers() {
        let summary = Summary::default();
        assert_eq!(summary.percentile(50.0), None);
        assert_eq!(summary.error_rate(), None);
        assert_eq!(summary.mean(), None);
        assert_eq!(summary.max(), None);
    }
}
