//! The difference between a figure of A and the same figure of B: its interval, its p-value, and what it is called.
//!
//! * The interval of a difference is put together from the intervals of both sides, which need not be symmetric (MOVER:
//!   Zou & Donner, Statistics in Medicine 27, 2008; for shares it is Newcombe's hybrid score interval).
//! * The p-value is that of the interval which just touches zero, with the degrees of freedom of Welch and Satterthwaite.
//! * Many figures are looked at, so p-values are adjusted (Holm, Scand. J. Statist. 6, 1979): one error in twenty is
//!   spent, half on all requests together and half on the endpoints.
//! * Equivalent is what two one-sided tests at 5 % say (Schuirmann 1987): the 90 % interval lies within the margin.
//!   "All are equivalent" needs no adjustment, since each of them must pass.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::estimate::Estimate;
use super::{Change, Finding, Margins, Metric};

/// The share of comparisons of equals that may find a difference.
pub(super) const ALPHA: f64 = 0.05;
/// Beyond so many standard errors nothing is left to chance.
const BEYOND_CHANCE: f64 = 60.0;
/// Longer than this nobody waits.
const LONGEST_SECS: f64 = 24.0 * 3600.0;

/// Both sides of a figure.
pub(super) struct Pair {
    pub(super) metric: Metric,
    pub(super) a: Estimate,
    pub(super) b: Estimate,
}

/// How far B may be from A, on the scale of the estimates.
#[derive(Clone, Copy)]
struct Margin {
    low: f64,
    high: f64,
    /// As a share of A, or in shares where the difference is.
    shown: f64,
}

impl Pair {
    /// The difference, as if it were the only one, but for `more_minutes`: that must make it stand out among `tests`.
    /// `seconds` is how long each run was compared.
    pub(super) fn change(&self, margins: &Margins, seconds: f64, tests: usize) -> Change {
        let (a, b) = (&self.a, &self.b);
        let difference = b.centre - a.centre;
        let freedom = self.freedom();
        let touching = self.touching();
        let p_value = student(freedom).map_or(1.0, |student| 2.0 * student.sf(touching));
        let quantile = |level| student(freedom).map_or(f64::INFINITY, |student| student.inverse_cdf(level));
        let scale = |value: f64| if self.metric.is_relative() { value.exp() - 1.0 } else { value };
        let (low, high) = self.interval(quantile(0.975));
        let margin = self.margin(margins);
        let (narrow_low, narrow_high) = self.interval(quantile(0.95));
        let within = margin.low <= narrow_low && narrow_high <= margin.high;
        let beyond = difference < margin.low || margin.high < difference;
        // What the interval must shrink to, as a share of what it is: clear of zero, or within the margin.
        let shrink = if beyond {
            touching / quantile(1.0 - ALPHA / 2.0 / tests as f64)
        } else {
            let room = (margin.high - difference) / (narrow_high - difference);
            room.min((difference - margin.low) / (difference - narrow_low))
        };
        let more = (seconds * (shrink.powi(-2) - 1.0)).max(0.0);
        let bound = a.at_least || b.at_least;
        Change {
            metric: self.metric,
            a: a.value,
            b: b.value,
            a_at_least: a.at_least,
            b_at_least: b.at_least,
            difference: scale(difference),
            interval: (scale(low), scale(high)),
            margin: margin.shown,
            p_value,
            p_adjusted: p_value,
            finding: if within { Finding::Equivalent } else { Finding::Inconclusive },
            more_minutes: (more < LONGEST_SECS && !bound).then(|| (more / 60.0).ceil().max(1.0)),
        }
    }

    fn margin(&self, margins: &Margins) -> Margin {
        let a = self.a.value;
        match self.metric {
            Metric::ErrorRate => {
                let margin = (margins.margin * a).max(margins.floor_share);
                Margin { low: -margin, high: margin, shown: margin }
            }
            _ => {
                let floor =
                    if self.metric == Metric::Throughput { margins.floor_rate } else { margins.floor_secs };
                let margin = if a > 0.0 { margins.margin.max(floor / a) } else { margins.margin };
                let low = if margin < 1.0 { (1.0 - margin).ln() } else { f64::NEG_INFINITY };
                Margin { low, high: (1.0 + margin).ln(), shown: margin }
            }
        }
    }

    /// The interval of the difference at `t` standard errors.
    fn interval(&self, t: f64) -> (f64, f64) {
        let (a, b) = (&self.a, &self.b);
        let difference = b.centre - a.centre;
        let ((a_low, a_high), (b_low, b_high)) = (a.limits(t), b.limits(t));
        let low = difference - (b.centre - b_low).hypot(a_high - a.centre);
        (low, difference + (b_high - b.centre).hypot(a.centre - a_low))
    }

    /// At how many standard errors the interval touches zero.
    fn touching(&self) -> f64 {
        let clear = |t| {
            let (low, high) = self.interval(t);
            low > 0.0 || high < 0.0
        };
        let (mut low, mut high) = (0.0, BEYOND_CHANCE);
        if clear(high) {
            return high;
        }
        for _ in 0..30 {
            let middle = f64::midpoint(low, high);
            if clear(middle) { low = middle } else { high = middle }
        }
        low
    }

    fn freedom(&self) -> f64 {
        let variance = |estimate: &Estimate| {
            let (low, high) = estimate.limits(1.0);
            ((high - low) / 2.0).powi(2)
        };
        let (a, b) = (variance(&self.a), variance(&self.b));
        let freedom = (a + b).powi(2) / (a * a / self.a.freedom + b * b / self.b.freedom);
        if freedom.is_finite() { freedom } else { self.a.freedom.min(self.b.freedom) }
    }
}

fn student(freedom: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom).ok()
}

/// Adjust the p-values of `changes`, which are one family of tests, for which `share` of the error may be spent, and say
/// what is found.
pub(super) fn conclude(changes: &mut [&mut Change], share: f64) {
    changes.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    let count = changes.len();
    let mut least: f64 = 0.0;
    for (rank, change) in changes.iter_mut().enumerate() {
        least = least.max(change.p_value * (count - rank) as f64 / share).min(1.0);
        change.p_adjusted = least;
        change.finding = change.found();
        if change.finding != Finding::Inconclusive || change.nothing_failed() {
            change.more_minutes = None;
        }
    }
}

impl Change {
    /// B differs beyond chance, and by more than the margin.
    fn found(&self) -> Finding {
        let size =
            if self.metric.is_relative() { self.difference.ln_1p().abs() } else { self.difference.abs() };
        let rising = self.difference > 0.0;
        let margin = match (self.metric.is_relative(), rising) {
            (false, _) => self.margin,
            (true, true) => self.margin.ln_1p(),
            (true, false) if self.margin < 1.0 => -(-self.margin).ln_1p(),
            (true, false) => f64::INFINITY,
        };
        let worse = rising != self.metric.higher_is_better();
        let finding = match self.p_adjusted < ALPHA && size > margin {
            true if worse => Finding::Regressed,
            true => Finding::Improved,
            false => self.finding,
        };
        // A bound says only that it is no less than that: worse than a bound is not known to be worse.
        match finding {
            Finding::Regressed if self.a_at_least => Finding::Inconclusive,
            Finding::Improved if self.b_at_least => Finding::Inconclusive,
            Finding::Equivalent if self.a_at_least || self.b_at_least => Finding::Inconclusive,
            finding => finding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(p_value: f64, difference: f64) -> Change {
        Change {
            metric: Metric::P95,
            a: 0.1,
            b: 0.1 * (1.0 + difference),
            a_at_least: false,
            b_at_least: false,
            difference,
            interval: (difference - 0.01, difference + 0.01),
            margin: 0.05,
            p_value,
            p_adjusted: p_value,
            finding: Finding::Inconclusive,
            more_minutes: Some(3.0),
        }
    }

    #[test]
    fn p_values_are_adjusted_step_by_step() {
        let mut changes = [0.04, 0.01, 0.03, 0.005].map(|p| change(p, 0.2));
        let mut family: Vec<&mut Change> = changes.iter_mut().collect();
        conclude(&mut family, 1.0);
        // The textbook's example: 4 × 0.005, 3 × 0.01, 2 × 0.03, and no less than the one before.
        let adjusted = changes.each_ref().map(|change| (change.p_adjusted * 1e6).round() / 1e6);
        assert_eq!(adjusted, [0.06, 0.03, 0.06, 0.02]);
        assert_eq!(changes[0].finding, Finding::Inconclusive);
        assert_eq!(changes[1].finding, Finding::Regressed);
        assert_eq!((changes[0].more_minutes, changes[1].more_minutes), (Some(3.0), None));
    }

    #[test]
    fn a_sure_difference_within_the_margin_is_no_finding() {
        let mut small = change(1e-9, 0.04);
        conclude(&mut [&mut small], 1.0);
        assert_eq!(small.finding, Finding::Inconclusive);
        let mut faster = change(1e-9, -0.06);
        conclude(&mut [&mut faster], 1.0);
        assert_eq!(faster.finding, Finding::Improved);
        let mut fewer = Change { metric: Metric::Throughput, ..change(1e-9, -0.06) };
        conclude(&mut [&mut fewer], 1.0);
        assert_eq!(fewer.finding, Finding::Regressed);
    }

    #[test]
    fn a_bound_is_held_against_the_side_that_has_it_only() {
        for (a, b, difference, finding) in [
            (true, false, 0.5, Finding::Inconclusive),
            (true, false, -0.5, Finding::Improved),
            (false, true, 0.5, Finding::Regressed),
            (false, true, -0.5, Finding::Inconclusive),
        ] {
            let mut bound = Change { a_at_least: a, b_at_least: b, ..change(1e-9, difference) };
            conclude(&mut [&mut bound], 1.0);
            assert_eq!(bound.finding, finding, "{a} {b} {difference}");
        }
    }
}
