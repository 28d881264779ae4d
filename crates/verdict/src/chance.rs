//! What can be chance and what cannot.
//!
//! Exact where it can be computed, the normal approximation where the numbers are so large that both agree.

use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, DiscreteCDF};

/// A variance from which on the binomial distribution is as good as normal; the exact sums need many terms there.
const LARGE: f64 = 2_000.0;
/// 97.5 % quantile of the normal distribution: two of them hold 95 %.
const Z95: f64 = 1.959_964;

/// Below this, a finding of a doubt is not chance.
pub(crate) const UNLIKELY: f64 = 0.001;

/// P(X ≥ `k`) of `n` trials that hit with probability `p` each.
pub(crate) fn at_least(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    let (mean, variance) = (n as f64 * p, n as f64 * p * (1.0 - p));
    if variance > LARGE {
        let z = (k as f64 - 0.5 - mean) / variance.sqrt();
        return 0.5 * statrs::function::erf::erfc(z / std::f64::consts::SQRT_2);
    }
    Binomial::new(p, n).map_or(1.0, |binomial| binomial.sf(k - 1))
}

/// Ranks (from 1) of the two order statistics between which the quantile `p` (0–1) of what `n` values were drawn from lies
/// in 95 of 100 cases; `None` when there are too few values for an end of it.
///
/// The number of values below the quantile is binomial, whatever their distribution (Conover, *Practical Nonparametric
/// Statistics*, 3rd ed., § 3.2; Hahn & Meeker, *Statistical Intervals*, § 5.2). Requests that slow each other down are not
/// independent: the true interval is wider.
pub(crate) fn quantile_ranks(n: u64, p: f64) -> Option<(u64, u64)> {
    let (mean, variance) = (n as f64 * p, n as f64 * p * (1.0 - p));
    let (low, high) = if variance > LARGE {
        let half = Z95 * variance.sqrt();
        ((mean - half).floor() as u64, (mean + half).ceil() as u64)
    } else {
        let binomial = Binomial::new(p, n).ok()?;
        (binomial.inverse_cdf(0.025), binomial.inverse_cdf(0.975))
    };
    (low >= 1 && high < n).then_some((low, high + 1))
}

/// How likely chance alone makes counts that differ as much from what is `expected`: Pearson's chi-squared test.
/// Kinds of which fewer than five are expected count as one. Each count may be `slack` off without being counted against it.
/// `None` where there is nothing to tell apart.
pub(crate) fn counts_differ(observed: &[f64], expected: &[f64], slack: f64) -> Option<f64> {
    const FEW: f64 = 5.0;
    let term = |o: f64, e: f64| ((o - e).abs() - slack).max(0.0).powi(2) / e;
    let (mut statistic, mut kinds, mut rest) = (0.0, 0u32, (0.0, 0.0));
    for (&o, &e) in observed.iter().zip(expected) {
        if e < FEW {
            rest = (rest.0 + o, rest.1 + e);
        } else {
            statistic += term(o, e);
            kinds += 1;
        }
    }
    if rest.1 >= 1.0 {
        statistic += term(rest.0, rest.1);
        kinds += 1;
    }
    if kinds < 2 {
        return None;
    }
    Some(ChiSquared::new(f64::from(kinds - 1)).ok()?.sf(statistic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance
    }

    #[test]
    fn tails_are_those_of_the_binomial_distribution() {
        assert!(near(at_least(0, 10, 0.01), 1.0, 0.0));
        assert!(near(at_least(1, 3, 0.01), 1.0 - 0.99f64.powi(3), 1e-12));
        assert!(near(at_least(10, 10, 0.5), 0.5f64.powi(10), 1e-12));
        // Sums of the probabilities themselves.
        assert!(near(at_least(1_100, 100_000, 0.01), 9.117_8e-4, 1e-8), "{}", at_least(1_100, 100_000, 0.01));
        // One and two standard deviations above the mean: the normal distribution by tables.
        assert!(near(at_least(100_316, 10_000_000, 0.01), 0.1585, 0.002));
        assert!(near(at_least(100_630, 10_000_000, 0.01), 0.0228, 0.001));
        assert_eq!(at_least(20, 10, 0.5), 0.0);
    }

    #[test]
    fn ranks_are_those_of_the_tables() {
        // Hahn & Meeker: the median of 10 lies between the 2nd and the 9th.
        assert_eq!(quantile_ranks(10, 0.5), Some((2, 9)));
        assert_eq!(quantile_ranks(5, 0.5), None, "95 % cannot be had of five values");
        assert_eq!(quantile_ranks(100, 0.99), None);
        let (low, high) = quantile_ranks(1_000, 0.99).unwrap();
        assert!(low < 990 && 990 < high && high <= 1_000, "{low} {high}");
        // Exact and approximate agree where they meet.
        let (low, high) = quantile_ranks(7_990, 0.5).unwrap();
        let (more_low, more_high) = quantile_ranks(8_010, 0.5).unwrap();
        assert!(
            near(more_low as f64, low as f64 + 10.0, 2.0) && near(more_high as f64, high as f64 + 10.0, 2.0)
        );
    }

    #[test]
    fn counts_are_compared_as_in_the_books() {
        // chisq.test(c(60, 40)) → p = 0.0455
        let p = counts_differ(&[60.0, 40.0], &[50.0, 50.0], 0.0).unwrap();
        assert!(near(p, 0.0455, 1e-4), "{p}");
        assert_eq!(counts_differ(&[60.0, 40.0], &[50.0, 50.0], 10.0), Some(1.0));
        assert_eq!(counts_differ(&[3.0, 0.0], &[2.0, 0.5], 0.0), None, "nothing but a rest");
        let pooled = counts_differ(&[100.0, 0.0, 8.0], &[100.0, 4.0, 4.0], 0.0).unwrap();
        assert!(near(pooled, 1.0, 1e-9), "eight of eight in the rest");
    }
}
