//! A figure of one run and how far it may be off.
//!
//! The blocks of a run are correlated, so their plain variance is too small. The variance of a sum over blocks is that of
//! its residuals times (1 + r) / (1 − r), where r is their correlation from one block to the next: the long-run variance
//! of a first-order autoregression (Andrews & Monahan, Econometrica 60, 1992, recolour with the same factor). r is
//! corrected for its bias of −(1 + 4 r) / m in m blocks (Marriott & Pope, Biometrika 41, 1954) and never below zero, so
//! that chance makes intervals wider, not narrower. Estimating r costs degrees of freedom; see [`Spread::of`].
//!
//! * Percentiles: the share of requests at or below the percentile varies by s; the limits are the percentiles at
//!   logit p ± t s / (p (1 − p)) (Woodruff, JASA 47, 1952; on the logit scale as `svyquantile` in R's survey package
//!   has it). No density is estimated and no percentile of a block is needed.
//! * Means and rates: ratios of sums, with their residuals; on a logarithmic scale.
//! * Shares (error rates): the score interval (Wilson, JASA 22, 1927) at the number of requests that would vary as much
//!   if they were independent.

use std::rc::Rc;

use squall_core::Nanos;
use squall_stats::{Histogram, nearest_rank};

use super::blocks::{Block, Observed};

/// The least number of blocks that says anything about how a run varied.
pub(super) const MIN_BLOCKS: usize = 10;

/// The largest correlation that is believed: beyond it a run has hardly a block of its own.
const MAX_CORRELATION: f64 = 0.9;

/// A figure of one run with its limits at any number of standard errors.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    /// As people read it: seconds, a share, requests per second.
    pub(super) value: f64,
    /// Where the limits are taken from: a logarithm, or a share.
    pub(super) centre: f64,
    /// Degrees of freedom of the standard error.
    pub(super) freedom: f64,
    /// Only a lower bound is known, because requests were never answered.
    pub(super) at_least: bool,
    limits: Limits,
}

#[derive(Clone, Debug)]
enum Limits {
    /// Standard error of a logarithm.
    Logarithm(f64),
    /// Cumulated counts, the level, and the standard error of the share at or below it.
    Level { curve: Rc<Curve>, level: f64, error: f64 },
    /// A share of so many independent requests.
    Share(f64),
}

impl Estimate {
    /// Its limits `t` standard errors away; infinite where the requests cannot tell.
    pub(super) fn limits(&self, t: f64) -> (f64, f64) {
        match &self.limits {
            Limits::Logarithm(error) => (self.centre - t * error, self.centre + t * error),
            Limits::Level { curve, level, error } => {
                // Of the odds, so that no number of standard errors leaves (0, 1) where the requests still tell.
                let odds = level / (1.0 - level);
                let step = (t * error / (level * (1.0 - level))).exp();
                let at = |odds: f64| odds / (1.0 + odds);
                let (low, high) = (at(odds / step), at(odds * step));
                let outside = 0.5 / curve.count() as f64;
                let low = if low > outside { curve.at(low).ln() } else { f64::NEG_INFINITY };
                let high = if high < 1.0 - outside { curve.at(high).ln() } else { f64::INFINITY };
                (low.min(self.centre), high.max(self.centre))
            }
            Limits::Share(n) => {
                let (share, square) = (self.centre, t * t);
                let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
                let half =
                    t / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
                ((middle - half).clamp(0.0, share), (middle + half).clamp(share, 1.0))
            }
        }
    }

    /// The `level` (0–1) of response time; `None` when there are too few requests or blocks for it.
    pub(super) fn percentile(observed: &Observed, curve: &Rc<Curve>, level: f64) -> Option<Self> {
        let n = curve.count();
        // Ten requests beyond it, as everywhere in a report.
        if (n as f64) * (1.0 - level) < 10.0 - 1e-9 || too_few(observed) {
            return None;
        }
        let value = curve.at(level);
        let bucket = curve.bucket(level);
        let below = |times: &Histogram| {
            times.buckets().take_while(|(value, _)| value.0 <= bucket).map(|(_, n)| n).sum::<u64>()
        };
        let residuals = residuals(observed, |block| {
            let below = below(&block.times) + below(&block.unanswered);
            (below as f64, (block.times.count() + block.unanswered.count()) as f64)
        });
        let spread = Spread::of(&residuals);
        // Never less than if requests were independent: residuals of times that are all in one bucket are zero.
        let error = (spread.deviation / n as f64).max((level * (1.0 - level) / n as f64).sqrt());
        Some(Self {
            value,
            centre: value.ln(),
            freedom: spread.freedom,
            at_least: curve.is_bound(level),
            limits: Limits::Level { curve: Rc::clone(curve), level, error },
        })
    }

    /// Mean response time of successes.
    pub(super) fn mean(observed: &Observed) -> Option<Self> {
        let n = observed.sum(|block| block.ok);
        if n < 10 || too_few(observed) {
            return None;
        }
        let sum: f64 = observed.blocks().map(|block| block.ok_secs).sum();
        let spread = Spread::of(&residuals(observed, |block| (block.ok_secs, block.ok as f64)));
        (sum > 0.0).then(|| Self {
            value: sum / n as f64,
            centre: (sum / n as f64).ln(),
            freedom: spread.freedom,
            at_least: false,
            limits: Limits::Logarithm(spread.deviation / sum),
        })
    }

    /// Successes per second.
    pub(super) fn throughput(observed: &Observed) -> Option<Self> {
        if too_few(observed) {
            return None;
        }
        let span: f64 = observed.blocks().map(|block| block.span).sum();
        let n: u64 = observed.blocks().map(|block| block.ok_within).sum();
        let spread = Spread::of(&residuals(observed, |block| (block.ok_within as f64, block.span)));
        // None at all may as well be half a one; a logarithm needs something.
        let count = (n as f64).max(0.5);
        let deviation = if n == 0 { 0.5_f64.sqrt() } else { spread.deviation };
        (span > 0.0).then(|| Self {
            value: n as f64 / span,
            centre: (count / span).ln(),
            freedom: spread.freedom,
            at_least: false,
            limits: Limits::Logarithm(deviation / count),
        })
    }

    /// Failed / (Ok + Failed).
    pub(super) fn error_rate(observed: &Observed) -> Option<Self> {
        let failed = observed.sum(|block| block.failed) as f64;
        let n = failed + observed.sum(|block| block.ok) as f64;
        if n < 10.0 || too_few(observed) {
            return None;
        }
        let share = failed / n;
        let spread =
            Spread::of(&residuals(observed, |block| (block.failed as f64, (block.failed + block.ok) as f64)));
        let independent = n * share * (1.0 - share);
        let excess = if independent > 0.0 { (spread.deviation.powi(2) / independent).max(1.0) } else { 1.0 };
        Some(Self {
            value: share,
            centre: share,
            freedom: spread.freedom,
            at_least: false,
            limits: Limits::Share(n / excess),
        })
    }
}

fn too_few(observed: &Observed) -> bool {
    observed.blocks().count() < MIN_BLOCKS
}

/// Of each block, what is counted less what its part's ratio of counted to base would make it; the parts apart.
fn residuals(observed: &Observed, of: impl Fn(&Block) -> (f64, f64)) -> Vec<Vec<f64>> {
    let part = |blocks: &Vec<Block>| {
        let pairs: Vec<(f64, f64)> = blocks.iter().map(&of).collect();
        let (counted, base) = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        let ratio = if base > 0.0 { counted / base } else { 0.0 };
        pairs.into_iter().map(|(counted, base)| counted - ratio * base).collect()
    };
    observed.parts.iter().map(part).collect()
}

/// How much a sum over blocks varies.
#[derive(Clone, Copy, Debug)]
struct Spread {
    /// Standard deviation of the sum.
    deviation: f64,
    /// Degrees of freedom of its square.
    freedom: f64,
}

impl Spread {
    /// From the residuals of each part. With m blocks the logarithm of the estimated variance itself has a variance of
    /// 2/m from the squares and, by the delta method, (1 − r²)/m · (2 / (1 − r²))² from r; 2/freedom is their sum.
    fn of(parts: &[Vec<f64>]) -> Self {
        let blocks: usize = parts.iter().map(Vec::len).sum();
        let m = blocks as f64;
        let used = parts.iter().filter(|part| !part.is_empty()).count() as f64;
        let squares: f64 = parts.iter().flatten().map(|z| z * z).sum();
        let neighbours: f64 = parts.iter().flat_map(|part| part.windows(2)).map(|two| two[0] * two[1]).sum();
        let measured = if squares > 0.0 { neighbours / squares } else { 0.0 };
        let r = ((m * measured + 1.0) / (m - 4.0).max(1.0)).clamp(0.0, MAX_CORRELATION);
        let own = (m - used).max(1.0);
        let variance = squares * (m / own) * (1.0 + r) / (1.0 - r);
        Self { deviation: variance.sqrt(), freedom: (own / (1.0 + 2.0 / (1.0 - r * r))).max(1.0) }
    }
}

/// Times of all blocks together, cumulated: the end of each bucket in nanoseconds, and how many are no longer.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    /// The unanswered count as long as they were waited for.
    all: Vec<(u64, u64)>,
    /// Only what was answered; empty when everything was.
    answered: Vec<(u64, u64)>,
}

impl Curve {
    pub(super) fn of(observed: &Observed) -> Self {
        let mut all = Histogram::default();
        observed.blocks().for_each(|block| all.merge(&block.times));
        let mut answered = Vec::new();
        if observed.blocks().any(|block| !block.unanswered.is_empty()) {
            answered = cumulated(&all);
            observed.blocks().for_each(|block| all.merge(&block.unanswered));
        }
        Self { all: cumulated(&all), answered }
    }

    fn count(&self) -> u64 {
        self.all.last().map_or(0, |(_, seen)| *seen)
    }

    /// The bucket of the `level`, in nanoseconds; nearest rank.
    fn bucket(&self, level: f64) -> u64 {
        at_rank(&self.all, self.rank(level)).or(self.all.last().map(|(value, _)| *value)).unwrap_or(0)
    }

    /// Would it be longer, had the unanswered been waited for without end?
    fn is_bound(&self, level: f64) -> bool {
        !self.answered.is_empty()
            && at_rank(&self.answered, self.rank(level)) != at_rank(&self.all, self.rank(level))
    }

    /// The percentile in seconds, a microsecond at least.
    fn at(&self, level: f64) -> f64 {
        self.bucket(level).max(1_000) as f64 / 1e9
    }

    fn rank(&self, level: f64) -> u64 {
        nearest_rank(level, self.count())
    }
}

fn cumulated(times: &Histogram) -> Vec<(u64, u64)> {
    let mut seen = 0;
    let add = |(value, n): (Nanos, u64)| {
        seen += n;
        (value.0, seen)
    };
    times.buckets().map(add).collect()
}

fn at_rank(cumulated: &[(u64, u64)], rank: u64) -> Option<u64> {
    cumulated.get(cumulated.partition_point(|(_, seen)| *seen < rank)).map(|(value, _)| *value)
}
