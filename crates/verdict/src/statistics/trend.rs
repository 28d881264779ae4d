//! The trend of a measure in time: Theil–Sen's slope, Sen's interval, and Mann–Kendall's test, each for points that
//! depend on their neighbours.
//!
//! * Slope: the median of the slopes of all pairs (Theil 1950; Sen 1968, *J. Am. Stat. Assoc.* 63).
//! * S, the number of pairs that rise less those that fall, and its variance with ties: Mann 1945, *Econometrica* 13;
//!   Kendall 1975, *Rank Correlation Methods*.
//! * The variance grows by n / n* = 1 + 2 Σ (1 − k/n) ρᵏ, the correction of Yue & Wang 2004 (*Water Resour. Manage.*
//!   18) with the autocorrelation of an AR(1) process. ρ is the lag-1 correlation of the ranks of what Theil–Sen's line
//!   leaves, freed of the bias that a fitted line brings: (n r + 2) / (n − 4) (van Giersbergen 2005, *Econ. Lett.* 86;
//!   so used by Hamed 2009, *J. Hydrol.* 368). It never makes the variance smaller.
//! * S is judged through r = sin(π τ / 2), the correlation that belongs to τ = S / pairs (Greiner 1909), as
//!   t = r / (s √(1 − r²)), where s is the standard error of r at τ = 0. Near ±1 a bounded S would say too little.
//! * t is Student's with (n* − 2) / 3 degrees of freedom, at least 2: a third, because ρ comes from the same few points.
//!   This third is not from the literature but from simulation.
//!
//! The correction of Hamed & Rao 1998 (*J. Hydrol.* 204), which sums the significant autocorrelations, was tried and does
//! not hold its level here: with 30 points of an AR(1) process with ρ = 0.6 it calls 25 % a trend at a level of 5 %. This
//! one calls 4 to 5 %, and 1 % at a level of 1 %; see the tests.

use std::f64::consts::{FRAC_PI_2, PI};

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Fewer points say nothing about a trend and their dependence at once.
const MIN_POINTS: usize = 8;
/// More would leave no degree of freedom at any number of points that is bucketed here.
const MOST_DEPENDENT: f64 = 0.95;
/// What differs by less than this share of the range is the same: rounding of numbers is no pattern.
const SAME: f64 = 1e-9;

/// A trend and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Theil–Sen's slope, per second.
    pub slope: f64,
    /// Lower end of its 95 % confidence interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Mann–Kendall's, two-sided: how often there is so much of a trend without any.
    pub p_value: f64,
    /// Points it is made from.
    pub n: usize,
}

/// The trend of `points`, each a moment in seconds and a value; `None` with fewer than eight of finite numbers or
/// at one moment only. The points should be about evenly spaced (see [`super::bucket_medians`]); the cost grows with the
/// square of their number.
pub fn trend(points: &[(f64, f64)]) -> Option<Trend> {
    let mut points: Vec<_> =
        points.iter().copied().filter(|(at, value)| at.is_finite() && value.is_finite()).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = points.len();
    if n < MIN_POINTS {
        return None;
    }
    let mut s = 0.0;
    let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
    for (index, earlier) in points.iter().enumerate() {
        for later in points[index + 1..].iter().filter(|later| later.0 > earlier.0) {
            let rise = later.1 - earlier.1;
            s += if rise == 0.0 { 0.0 } else { rise.signum() };
            slopes.push(rise / (later.0 - earlier.0));
        }
    }
    let slope = super::median(&mut slopes)?;
    let factor = dependence(&points, slope);
    let freedom = ((n as f64 / factor - 2.0) / 3.0).max(2.0);
    let pairs = slopes.len() as f64;
    // The standard error of sin(π τ / 2) at τ = 0.
    let error = FRAC_PI_2 * (variance(&points) * factor).sqrt() / pairs;
    let student = StudentsT::new(0.0, 1.0, freedom).expect("at least two degrees of freedom");
    // One step less, because S moves in steps (Kendall's correction for continuity).
    let r = (FRAC_PI_2 * (f64::abs(s) - 1.0).max(0.0) / pairs).sin();
    let p_value = if r > 0.0 {
        (2.0 * student.cdf(-r / (error * (1.0 - r * r).max(f64::MIN_POSITIVE).sqrt()))).min(1.0)
    } else {
        1.0
    };
    // The same test turned around: the slopes s for which the values less s · t show no trend.
    let quantile = student.inverse_cdf(0.975) * error;
    let reach = 2.0 / PI * (quantile / (1.0 + quantile * quantile).sqrt()).asin() * pairs;
    let upper = (f64::midpoint(pairs, reach).ceil() as usize).min(slopes.len() - 1);
    let (low, high) = (slopes[slopes.len() - 1 - upper], slopes[upper]);
    Some(Trend { slope, low: low.min(slope), high: high.max(slope), p_value, n })
}

/// The variance of S for independent values, ties among them counted: (n(n−1)(2n+5) − Σ t(t−1)(2t+5)) / 18.
fn variance(points: &[(f64, f64)]) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut values: Vec<_> = points.iter().map(|point| point.1).collect();
    values.sort_unstable_by(f64::total_cmp);
    let ties: f64 = values.chunk_by(|a, b| a == b).map(|tied| term(tied.len() as f64)).sum();
    (term(points.len() as f64) - ties) / 18.0
}

/// How many times larger the variance of S is because the values depend on their neighbours; at least 1.
fn dependence(points: &[(f64, f64)], slope: f64) -> f64 {
    let n = points.len() as f64;
    let range = |values: &[f64]| {
        let (low, high) =
            values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        high - low
    };
    let step = SAME * range(&points.iter().map(|point| point.1).collect::<Vec<_>>());
    if step <= 0.0 {
        return 1.0;
    }
    let (from, base) = points[0];
    let left: Vec<_> =
        points.iter().map(|(at, value)| ((value - base - slope * (at - from)) / step).round()).collect();
    let r = lag_one(&ranks(&left));
    let rho = ((n * r + 2.0) / (n - 4.0)).clamp(0.0, MOST_DEPENDENT);
    if r == 0.0 || rho == 0.0 {
        return 1.0;
    }
    let sum: f64 = (1..points.len()).map(|k| (1.0 - k as f64 / n) * rho.powi(k as i32)).sum();
    1.0 + 2.0 * sum
}

/// Ranks from 0; tied values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<_> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let last = first + tied.len() - 1;
        for index in tied {
            ranks[*index] = f64::midpoint(first as f64, last as f64);
        }
        first = last + 1;
    }
    ranks
}

/// The correlation of each value with the next one; 0 when all are equal.
fn lag_one(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let whole: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let lagged: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    if whole > 0.0 { lagged / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64 and Box–Muller: enough for a simulation that is the same everywhere.
    struct Noise(u64);

    impl Noise {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        }

        fn normal(&mut self) -> f64 {
            (-2.0 * self.uniform().ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
        }

        /// An AR(1) process of variance 1 on a line.
        fn series(&mut self, n: usize, rho: f64, slope: f64) -> Vec<(f64, f64)> {
            let mut state = self.normal();
            let mut next = |at: usize| {
                let value = state + slope * at as f64;
                state = rho * state + (1.0 - rho * rho).sqrt() * self.normal();
                (at as f64, value)
            };
            (0..n).map(&mut next).collect()
        }
    }

    /// Shares of `rounds` simulated series: a trend at 1 % and at 5 %, the true slope within the interval.
    fn shares(n: usize, rho: f64, slope: f64) -> [f64; 3] {
        let rounds = 2_000;
        let mut noise = Noise(n as u64 * 1_000 + (rho * 100.0) as u64);
        let mut counts = [0; 3];
        for _ in 0..rounds {
            let found = trend(&noise.series(n, rho, slope)).unwrap();
            let hits =
                [found.p_value < 0.01, found.p_value < 0.05, found.low <= slope && slope <= found.high];
            counts.iter_mut().zip(hits).for_each(|(count, hit)| *count += u32::from(hit));
        }
        counts.map(|count| f64::from(count) / f64::from(rounds))
    }

    #[test]
    fn the_test_holds_its_level_however_dependent_the_points_are() {
        for n in [10, 12, 20, 30] {
            for rho in [0.0, 0.3, 0.6] {
                let [at_1, at_5, covered] = shares(n, rho, 0.0);
                // Four standard errors of the simulation above the nominal level: 1 % ± 0.9 %, 5 % ± 1.9 %.
                assert!(at_1 <= 0.019, "n {n}, rho {rho}: {at_1} at 1 %");
                assert!(at_5 <= 0.069, "n {n}, rho {rho}: {at_5} at 5 %");
                assert!(covered >= 0.93, "n {n}, rho {rho}: {covered} covered");
            }
        }
    }

    #[test]
    fn a_trend_is_found_and_its_slope_lies_within_the_interval() {
        // Over 30 points a rise of 6 standard deviations of the noise, and of 30.
        for (rho, slope, found) in [(0.0, 0.2, 0.97), (0.3, 0.2, 0.75), (0.6, 1.0, 0.99)] {
            let [at_1, _, covered] = shares(30, rho, slope);
            assert!(at_1 >= found, "rho {rho}: found {at_1}");
            assert!(covered >= 0.93, "rho {rho}: {covered} covered");
        }
    }

    #[test]
    fn a_line_is_a_trend_beyond_doubt_and_exact() {
        let line: Vec<_> = (0..12).map(|at| (f64::from(at) * 5.0, 0.1 + 0.3 * f64::from(at))).collect();
        let found = trend(&line).unwrap();
        assert!((found.slope - 0.06).abs() < 1e-12 && (found.high - found.low) < 1e-12, "{found:?}");
        assert!(found.p_value < 1e-4, "{found:?}");
        let falling: Vec<_> = line.iter().map(|(at, value)| (*at, -value)).collect();
        assert!((trend(&falling).unwrap().slope + 0.06).abs() < 1e-12);
    }

    #[test]
    fn what_never_moves_has_no_trend() {
        let flat: Vec<_> = (0..30).map(|at| (f64::from(at), 7.0)).collect();
        let found = trend(&flat).unwrap();
        assert_eq!((found.slope, found.low, found.high, found.p_value), (0.0, 0.0, 0.0, 1.0));
    }

    #[test]
    fn one_wild_value_does_not_turn_the_line() {
        let mut noise = Noise(5);
        let mut points = noise.series(30, 0.0, 1.0);
        points[29].1 = -1e6;
        let found = trend(&points).unwrap();
        assert!((found.slope - 1.0).abs() < 0.15 && found.p_value < 0.01, "{found:?}");
    }

    #[test]
    fn one_step_is_no_trend() {
        let step: Vec<_> = (0..30).map(|at| (f64::from(at), if at < 15 { 100.0 } else { 110.0 })).collect();
        assert!(trend(&step).unwrap().p_value > 0.05);
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(trend(&[]), None);
        assert_eq!(trend(&[(0.0, 1.0); 20]), None, "all at one moment");
        let mut points: Vec<_> = (0..8).map(|at| (f64::from(at), f64::from(at))).collect();
        assert!(trend(&points).is_some());
        points[3].1 = f64::NAN;
        assert_eq!(trend(&points), None, "seven finite ones");
    }
}
