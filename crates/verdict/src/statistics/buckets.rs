//! Samples in buckets of time: medians of some seconds are nearly independent, single seconds are not.

use squall_core::Nanos;

/// A bucket is at least this long.
const SHORTEST: Nanos = Nanos::from_secs(5);
/// There are at most this many, so that a long run is looked at more coarsely.
const MOST: u64 = 30;

/// The bounds of the buckets of `start..end`: equal ones, each of at least max(5 s, span / 30). None when it is
/// shorter than a bucket.
pub fn bucket_bounds(start: Nanos, end: Nanos) -> Vec<(Nanos, Nanos)> {
    let span = end.since(start);
    let count = (span.0 / SHORTEST.0).min(MOST);
    let bound =
        |n: u64| start + Nanos((u128::from(span.0) * u128::from(n) / u128::from(count.max(1))) as u64);
    (0..count).map(|n| (bound(n), bound(n + 1))).collect()
}

/// The medians of `samples` (in the order of time) over the buckets of `start..end`, each at the mean moment of its
/// samples in seconds. A bucket without samples has none; what is no finite number is left out.
pub fn bucket_medians(
    samples: impl IntoIterator<Item = (Nanos, f64)>,
    start: Nanos,
    end: Nanos,
) -> Vec<(f64, f64)> {
    let bounds = bucket_bounds(start, end);
    let mut buckets = vec![(0.0, Vec::new()); bounds.len()];
    for (at, value) in
        samples.into_iter().filter(|(at, value)| (start..end).contains(at) && value.is_finite())
    {
        let index = bounds.partition_point(|(_, end)| *end <= at);
        if let Some((moments, values)) = buckets.get_mut(index) {
            *moments += at.as_secs_f64();
            values.push(value);
        }
    }
    let point = |(moments, mut values): (f64, Vec<f64>)| {
        let n = values.len() as f64;
        Some((moments / n, median(&mut values)?))
    };
    buckets.into_iter().filter_map(point).collect()
}

/// The middle of `values`, which it sorts; `None` without any.
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_equal_and_neither_too_short_nor_too_many() {
        let of = |secs: u64| {
            let bounds = bucket_bounds(Nanos::from_secs(10), Nanos::from_secs(10 + secs));
            (bounds.len(), bounds.first().map(|(start, end)| end.since(*start).as_secs_f64()))
        };
        assert_eq!(of(4), (0, None));
        assert_eq!(of(60), (12, Some(5.0)));
        assert_eq!(of(54), (10, Some(5.4)));
        assert_eq!(of(1800), (30, Some(60.0)));
        let bounds = bucket_bounds(Nanos(7), Nanos::from_secs(100));
        assert_eq!((bounds[0].0, bounds.last().unwrap().1), (Nanos(7), Nanos::from_secs(100)));
        assert!(bounds.windows(2).all(|pair| pair[0].1 == pair[1].0), "no gap between them");
    }

    #[test]
    fn a_median_lies_between_the_two_in_the_middle() {
        assert_eq!(median(&mut [4.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn a_bucket_is_the_median_of_its_samples_at_their_mean_moment() {
        let at = |secs, value| (Nanos::from_secs(secs), value);
        let samples =
            [at(0, 1.0), at(1, 900.0), at(2, 3.0), at(4, f64::NAN), at(10, 5.0), at(11, 7.0), at(15, 99.0)];
        let points = bucket_medians(samples, Nanos::ZERO, Nanos::from_secs(15));
        assert_eq!(points, [(1.0, 3.0), (10.5, 6.0)], "nothing between 5 s and 10 s, and the end is outside");
    }
}
