//! The samples of a monitored series within the judged time, and what functions make of them.

use squall_core::Nanos;
use squall_plan::Function;

use crate::level::Value;

/// Stretches of judged time, in order and apart from each other.
pub(crate) type Stretches = Vec<(Nanos, Nanos)>;

/// The samples of one series that have a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<(Nanos, f64)>);

impl Samples {
    pub(crate) fn push(&mut self, at: Nanos, value: f64) {
        self.0.push((at, value));
    }

    /// Those within `judged` and not after `now`, as (moment, value).
    pub(crate) fn within(&self, judged: &[(Nanos, Nanos)], now: Nanos) -> Vec<(Nanos, f64)> {
        let inside = |at: Nanos| at <= now && judged.iter().any(|(start, end)| (*start..*end).contains(&at));
        self.0.iter().copied().filter(|(at, _)| inside(*at)).collect()
    }
}

/// The highest, the lowest or the mean.
pub(crate) fn fold(function: Function, samples: &[(Nanos, f64)]) -> Option<Value> {
    let values = samples.iter().map(|(_, value)| *value);
    let value = match function {
        Function::Max => values.reduce(f64::max)?,
        Function::Min => values.reduce(f64::min)?,
        _ if samples.is_empty() => return None,
        _ => values.sum::<f64>() / samples.len() as f64,
    };
    Some(Value { value, at_least: false })
}

/// The worst mean of any `length` of judged time that ends with a sample; windows without a sample do not count.
/// `None` when there is less judged time than that.
pub(crate) fn worst_mean(
    samples: &[(Nanos, f64)],
    judged: &[(Nanos, Nanos)],
    length: Nanos,
    high_is_bad: bool,
) -> Option<Value> {
    // Position on the axis of judged time: what is not judged is cut out of it.
    let position =
        |at: Nanos| judged.iter().fold(Nanos::ZERO, |sum, (start, end)| sum + at.min(*end).since(*start));
    let placed: Vec<_> = samples.iter().map(|(at, value)| (position(*at), *value)).collect();
    let whole = judged.iter().fold(Nanos::ZERO, |sum, (start, end)| sum + end.since(*start));
    let (mut first, mut sum) = (0, 0.0);
    let mut worst: Option<f64> = None;
    for (last, (at, value)) in placed.iter().enumerate() {
        sum += value;
        while placed[first].0 + length <= *at {
            sum -= placed[first].1;
            first += 1;
        }
        // The last window ends with the judged time, a sample's own time included.
        let next = placed.get(last + 1).map_or(whole, |(next, _)| *next);
        if next >= length {
            let mean = sum / (last - first + 1) as f64;
            worst = Some(match worst {
                Some(worst) if high_is_bad => worst.max(mean),
                Some(worst) => worst.min(mean),
                None => mean,
            });
        }
    }
    worst.map(|value| Value { value, at_least: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Vec<(Nanos, f64)> {
        (0..).map(Nanos::from_secs).zip(values.iter().copied()).collect()
    }

    #[test]
    fn the_worst_stretch_is_found_and_a_short_one_is_none() {
        let samples = series(&[1.0, 1.0, 5.0, 3.0, 1.0, 0.0]);
        let judged = [(Nanos::ZERO, Nanos::from_secs(6))];
        let worst =
            |secs, high| worst_mean(&samples, &judged, Nanos::from_secs(secs), high).map(|value| value.value);
        assert_eq!(worst(2, true), Some(4.0));
        assert_eq!(worst(2, false), Some(0.5));
        assert_eq!(worst(6, true), Some(11.0 / 6.0));
        assert_eq!(worst(7, true), None);
    }

    #[test]
    fn what_is_not_judged_is_cut_out() {
        let samples = series(&[1.0, 9.0, 2.0, 3.0]);
        let judged = [(Nanos::ZERO, Nanos::SECOND), (Nanos::from_secs(2), Nanos::from_secs(4))];
        let mut all = Samples::default();
        samples.iter().for_each(|(at, value)| all.push(*at, *value));
        let inside = all.within(&judged, Nanos::from_secs(4));
        assert_eq!(inside.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
        assert_eq!(worst_mean(&inside, &judged, Nanos::from_secs(3), true).map(|v| v.value), Some(2.0));
        assert_eq!(fold(Function::Max, &inside).map(|v| v.value), Some(3.0));
    }
}
