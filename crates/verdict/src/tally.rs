//! Requests as sums to which windows can be added and taken from again, so that a window slides at little cost.
//!
//! Gives the same values as [`squall_stats::Summary`], from which nothing can be taken away.

use std::collections::BTreeMap;

use squall_core::{Nanos, OutcomeKind, PhaseId};
use squall_plan::{Measure, Scope};
use squall_stats::{CellKey, Iterations, Window, nearest_rank};

use crate::level::Value;

/// Which requests are counted, and what of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lens {
    pub(crate) scope: Scope,
    /// Keep the distribution of response times: a percentile is asked for.
    pub(crate) times: bool,
}

/// Requests and iterations of a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Time they were measured over.
    pub(crate) span: Nanos,
    counts: [u64; OutcomeKind::ALL.len()],
    /// Successes that count towards throughput.
    timely: u64,
    ok_sum: u64,
    /// Longest response time of a success, or of a request that waited in vain.
    longest: Nanos,
    /// By response time: successes, and requests that waited in vain at least so long.
    times: BTreeMap<Nanos, [u64; 2]>,
    iterations: Iterations,
}

impl Lens {
    /// Does it see requests with this key, whatever their phase?
    pub(crate) fn sees(&self, key: &CellKey) -> bool {
        self.scope.endpoint.is_none_or(|endpoint| endpoint == key.endpoint)
            && self.scope.class.is_none_or(|class| class == key.class)
    }
}

impl Tally {
    /// What `lens` sees of a phase in `window`. Successes are `timely` when they count towards throughput.
    pub(crate) fn of(window: &Window, phase: PhaseId, lens: &Lens, timely: bool) -> Self {
        let mut tally = Self::default();
        for (key, cell) in window.cells().filter(|(key, _)| key.phase == phase && lens.sees(key)) {
            tally.counts[key.outcome.index()] += cell.count;
            let column = match key.outcome {
                OutcomeKind::Ok => {
                    tally.ok_sum = tally.ok_sum.saturating_add(cell.response_sum.0);
                    tally.timely += if timely { cell.count } else { 0 };
                    0
                }
                OutcomeKind::TimedOut | OutcomeKind::Cut => 1,
                OutcomeKind::Failed | OutcomeKind::RateLimited => continue,
            };
            tally.longest = tally.longest.max(cell.response_max);
            if lens.times {
                for (time, n) in cell.response.buckets() {
                    tally.times.entry(time).or_default()[column] += n;
                }
            }
        }
        for (of, class, counts) in window.iterations() {
            if of == phase && lens.scope.class.is_none_or(|only| only == class) {
                tally.iterations.merge(counts);
            }
        }
        tally
    }

    /// Nothing was counted, whatever time it took.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.iter().all(|&count| count == 0) && self.iterations == Iterations::default()
    }

    /// Add what `other` counted.
    pub(crate) fn add(&mut self, other: &Self) {
        self.span += other.span;
        self.timely += other.timely;
        self.ok_sum = self.ok_sum.saturating_add(other.ok_sum);
        self.longest = self.longest.max(other.longest);
        self.iterations.merge(&other.iterations);
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        for (time, counts) in &other.times {
            let mine = self.times.entry(*time).or_default();
            mine[0] += counts[0];
            mine[1] += counts[1];
        }
    }

    /// Take away what was added before; `rest` is what stays, for the longest time cannot be taken from a maximum.
    pub(crate) fn remove<'a>(&mut self, other: &Self, rest: impl Iterator<Item = &'a Self>) {
        self.span = self.span - other.span;
        self.timely -= other.timely;
        self.ok_sum -= other.ok_sum;
        self.iterations.remove(&other.iterations);
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine -= theirs;
        }
        for (time, counts) in &other.times {
            if let Some(mine) = self.times.get_mut(time) {
                mine[0] -= counts[0];
                mine[1] -= counts[1];
                if *mine == [0, 0] {
                    self.times.remove(time);
                }
            }
        }
        self.longest = rest.map(|tally| tally.longest).max().unwrap_or(Nanos::ZERO);
    }

    /// Requests whose response time is known, if only as a lower bound: what a percentile rests on.
    pub(crate) fn timed(&self) -> u64 {
        self.count(OutcomeKind::Ok) + self.count(OutcomeKind::TimedOut) + self.count(OutcomeKind::Cut)
    }

    /// The value of a client measure; `None` without data, and for measures that are not of requests.
    pub(crate) fn value(&self, measure: &Measure) -> Option<Value> {
        let ok = self.count(OutcomeKind::Ok);
        let failed = self.count(OutcomeKind::Failed) + self.count(OutcomeKind::TimedOut);
        let refused = self.count(OutcomeKind::RateLimited);
        let exact = |value: f64| Value { value, at_least: false };
        match measure {
            Measure::Percentile(percentile) => self.percentile(*percentile),
            Measure::Max => (self.timed() > 0)
                .then(|| Value { value: self.longest.as_secs_f64(), at_least: self.timed() > ok }),
            Measure::Mean => self.ok_sum.checked_div(ok).map(|mean| exact(Nanos(mean).as_secs_f64())),
            Measure::ErrorRate => share(failed, ok + failed).map(exact),
            Measure::RateLimited => share(refused, ok + failed + refused).map(exact),
            Measure::Dropped => self.iterations.dropped_share().map(exact),
            Measure::Throughput => {
                (self.span > Nanos::ZERO).then(|| exact(self.timely as f64 / self.span.as_secs_f64()))
            }
            Measure::Series(..) | Measure::Of(..) => None,
        }
    }

    fn count(&self, outcome: OutcomeKind) -> u64 {
        self.counts[outcome.index()]
    }

    /// Nearest rank, as in [`squall_stats::Summary::percentile`]: where counting requests that waited in vain as long as
    /// they did, and counting them as endless, give two values, the first is a lower bound.
    fn percentile(&self, percentile: f64) -> Option<Value> {
        let total = self.timed();
        if total == 0 {
            return None;
        }
        let rank = nearest_rank(percentile / 100.0, total);
        let (mut answered, mut seen) = (0, 0);
        let (mut lower, mut upper) = (None, None);
        for (time, [ok, in_vain]) in &self.times {
            answered += ok;
            seen += ok + in_vain;
            if seen >= rank {
                lower = lower.or(Some(*time));
            }
            if answered >= rank {
                upper = Some(*time);
                break;
            }
        }
        let value = lower?.min(self.longest).as_secs_f64();
        Some(Value { value, at_least: upper != lower })
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use squall_core::{EndpointId, UserClassId};
    use squall_stats::{PageReserve, Sample, Summary};

    use super::*;

    const LENS: Lens = Lens { scope: Scope { endpoint: None, class: None, phase: None }, times: true };

    fn window(requests: &[(usize, u64)]) -> Window {
        let mut window = Window::new(1, 0);
        for &(outcome, micros) in requests {
            let outcome = OutcomeKind::ALL[outcome];
            let key = CellKey { phase: PhaseId(0), class: UserClassId(0), endpoint: EndpointId(0), outcome };
            let sample = Sample { response: Nanos(micros * 1_000), ..Sample::default() };
            window.cell_mut(key).record(&sample, &mut PageReserve::default());
        }
        window
    }

    fn tally(requests: &[(usize, u64)]) -> Tally {
        let mut tally = Tally::of(&window(requests), PhaseId(0), &LENS, true);
        tally.span = Nanos::SECOND;
        tally
    }

    fn requests() -> impl Strategy<Value = Vec<(usize, u64)>> {
        prop::collection::vec((0..5usize, 1..5_000_000u64), 0..60)
    }

    proptest! {
        #[test]
        fn values_are_those_of_a_summary(requests in requests(), percentile in 0.0..=100.0f64) {
            let window = window(&requests);
            let mut summary = Summary::default();
            for (key, cell) in window.cells() {
                summary.add(key.outcome, cell);
            }
            let tally = tally(&requests);
            let value = |measure| tally.value(&measure).map(|value| (value.value, value.at_least));
            let quantile = |q: squall_stats::Quantile| (q.value.as_secs_f64(), q.at_least);
            prop_assert_eq!(value(Measure::Percentile(percentile)), summary.percentile(percentile).map(quantile));
            prop_assert_eq!(value(Measure::Max), summary.max().map(quantile));
            prop_assert_eq!(value(Measure::Mean), summary.mean().map(|mean| (mean.as_secs_f64(), false)));
            prop_assert_eq!(value(Measure::ErrorRate), summary.error_rate().map(|rate| (rate, false)));
            prop_assert_eq!(value(Measure::RateLimited), summary.rate_limited_share().map(|s| (s, false)));
            let throughput = summary.throughput(Nanos::SECOND).map(|rate| (rate, false));
            prop_assert_eq!(value(Measure::Throughput), throughput);
        }

        #[test]
        fn what_was_added_can_be_taken_away(first in requests(), second in requests()) {
            let (first, second) = (tally(&first), tally(&second));
            let mut sum = first.clone();
            sum.add(&second);
            sum.remove(&first, std::iter::once(&second));
            prop_assert_eq!(sum, second);
        }
    }
}
