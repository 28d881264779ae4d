//! A histogram of durations with fixed bounds and constant relative error.
//!
//! The buckets are HdrHistogram's for 1 µs – 3600 s at 3 significant digits (0.1 %), so that a histogram can be
//! exchanged in HDR's V2 format. Never auto-resizes: what is longer than the bound is counted in the last bucket
//! and in [`Histogram::clamped`].

mod codec;
mod counters;
mod layout;

use squall_core::Nanos;

pub use codec::DecodeError;

use counters::{Counters, Page, empty_page};
use layout::{MAX_MICROS, bounds_of, index_of};

/// Durations from 0 to 3600 s, in buckets of at most 0.1 % relative width (1 µs at the low end).
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counters: Counters,
    count: u64,
    clamped: u64,
}

/// Empty pages held ready, so that a duration never seen before does not allocate on the load path.
#[derive(Debug, Default)]
pub struct PageReserve(Vec<Page>);

impl PageReserve {
    /// Fill up to `pages` empty pages; call it off the load path.
    pub fn refill(&mut self, pages: usize) {
        while self.0.len() < pages {
            self.0.push(empty_page());
        }
    }
}

impl Histogram {
    /// Count one duration.
    pub fn record(&mut self, value: Nanos) {
        self.record_n(value, 1);
    }

    /// Count one duration, taking a page from `reserve` where one is missing.
    pub fn record_with(&mut self, value: Nanos, reserve: &mut PageReserve) {
        let index = self.tally(value, 1);
        self.counters.increment(index, reserve);
    }

    /// Count `n` equal durations.
    pub fn record_n(&mut self, value: Nanos, n: u64) {
        if n > 0 {
            let index = self.tally(value, n);
            self.counters.add(index, n);
        }
    }

    fn tally(&mut self, value: Nanos, n: u64) -> usize {
        let micros = value.as_micros();
        self.count += n;
        if micros > MAX_MICROS {
            self.clamped += n;
        }
        index_of(micros.min(MAX_MICROS))
    }

    /// Add everything `other` counted. Exact.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.clamped += other.clamped;
        self.counters.merge(&other.counters);
    }

    /// Forget everything, keep the pages.
    pub fn reset(&mut self) {
        self.count = 0;
        self.clamped = 0;
        self.counters.reset();
    }

    /// Durations counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Durations beyond the upper bound of 3600 s, counted as 3600 s.
    pub fn clamped(&self) -> u64 {
        self.clamped
    }

    /// True when nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Buckets that hold something, in rising order: the longest duration of the bucket, and how many.
    pub fn buckets(&self) -> impl Iterator<Item = (Nanos, u64)> + '_ {
        self.counters.occupied().map(|(index, n)| (Nanos(bounds_of(index).1 * 1_000), n))
    }

    /// The same with the middle of each bucket, for sums and rounding that must not be biased upwards.
    pub fn midpoints(&self) -> impl Iterator<Item = (Nanos, u64)> + '_ {
        self.counters.occupied().map(|(index, n)| {
            let (low, high) = bounds_of(index);
            (Nanos((low + high + 1) * 500), n)
        })
    }

    /// The `rank`-th smallest duration, counted from 1: the longest one of its bucket. `None` beyond the count.
    pub fn value_at_rank(&self, rank: u64) -> Option<Nanos> {
        let mut seen = 0;
        self.buckets().find_map(|(value, n)| {
            seen += n;
            (seen >= rank.max(1)).then_some(value)
        })
    }

    /// The histogram in HDR's V2 format (values in microseconds, bounds 1 µs – 3600 s, 3 digits).
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&self.counters)
    }

    /// A histogram from HDR's V2 format, of these bounds. What was clamped is not part of the format and reads
    /// as 0.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not V2, or of other bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (counters, count) = codec::decode(bytes)?;
        Ok(Self { counters, count, clamped: 0 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::codec::new_hdr;
    use super::*;

    fn micros() -> impl Strategy<Value = u64> {
        prop_oneof![0..5_000u64, 0..10_000_000u64, 0..MAX_MICROS]
    }

    proptest! {
        #[test]
        fn buckets_are_those_of_hdrhistogram(values in prop::collection::vec(micros(), 1..200)) {
            let mut hdr = new_hdr();
            let mut ours = Histogram::default();
            for &value in &values {
                hdr.record(value).unwrap();
                ours.record(Nanos(value * 1_000));
            }
            let theirs: Vec<_> =
                hdr.iter_recorded().map(|b| (b.value_iterated_to(), b.count_at_value())).collect();
            let mine: Vec<_> = ours.buckets().map(|(v, n)| (v.as_micros(), n)).collect();
            prop_assert_eq!(mine, theirs);
        }

        #[test]
        fn survives_encoding(values in prop::collection::vec(micros(), 0..200)) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|&v| histogram.record(Nanos(v * 1_000)));
            let back = Histogram::decode(&histogram.encode()).unwrap();
            prop_assert_eq!(back.buckets().collect::<Vec<_>>(), histogram.buckets().collect::<Vec<_>>());
            prop_assert_eq!(back.count(), histogram.count());
        }

        #[test]
        fn merging_parts_is_recording_the_whole(
            values in prop::collection::vec(micros(), 0..200),
            split in 0..200usize,
        ) {
            let (left, right) = values.split_at(split.min(values.len()));
            let record = |values: &[u64]| {
                let mut histogram = Histogram::default();
                values.iter().for_each(|&v| histogram.record(Nanos(v * 1_000)));
                histogram
            };
            let mut merged = record(left);
            merged.merge(&record(right));
            let whole = record(&values);
            prop_assert_eq!(
                merged.buckets().collect::<Vec<_>>(),
                whole.buckets().collect::<Vec<_>>()
            );
            prop_assert_eq!((merged.count(), merged.clamped()), (whole.count(), whole.clamped()));
        }

        #[test]
        fn a_value_is_reported_within_a_tenth_of_a_percent(value in micros()) {
            let mut histogram = Histogram::default();
            histogram.record(Nanos(value * 1_000));
            let reported = histogram.value_at_rank(1).unwrap().as_micros();
            prop_assert!(reported >= value);
            prop_assert!((reported - value) as f64 <= (value as f64 * 0.001).max(1.0));
        }

        #[test]
        fn the_librarys_own_reader_agrees(values in prop::collection::vec(micros(), 0..200)) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|&v| histogram.record(Nanos(v * 1_000)));
            let bytes = histogram.encode();
            let library: hdrhistogram::Histogram<u64> =
                hdrhistogram::serialization::Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
            let theirs: Vec<_> =
                library.iter_recorded().map(|b| (b.value_iterated_to(), b.count_at_value())).collect();
            let ours: Vec<_> =
                Histogram::decode(&bytes).unwrap().buckets().map(|(v, n)| (v.as_micros(), n)).collect();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn a_histogram_that_was_read_counts_on(
            before in prop::collection::vec(micros(), 0..50),
            after in prop::collection::vec(micros(), 0..50),
        ) {
            let record = |histogram: &mut Histogram, values: &[u64]| {
                values.iter().for_each(|&v| histogram.record(Nanos(v * 1_000)));
            };
            let mut whole = Histogram::default();
            record(&mut whole, &before);
            let mut read = Histogram::decode(&whole.encode()).unwrap();
            record(&mut whole, &after);
            record(&mut read, &after);
            prop_assert_eq!(read.buckets().collect::<Vec<_>>(), whole.buckets().collect::<Vec<_>>());
        }

        #[test]
        fn damage_never_panics(
            values in prop::collection::vec(micros(), 1..20),
            at in any::<prop::sample::Index>(),
            flip in 1..=255u8,
        ) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|&v| histogram.record(Nanos(v * 1_000)));
            let mut bytes = histogram.encode();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let _ = Histogram::decode(&bytes).map(|h| h.buckets().count());
        }

        #[test]
        fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Histogram::decode(&bytes);
        }
    }

    #[test]
    fn beyond_the_bound_is_counted_and_said() {
        let mut histogram = Histogram::default();
        histogram.record(Nanos::from_secs(7200));
        assert_eq!((histogram.count(), histogram.clamped()), (1, 1));
        assert!(histogram.value_at_rank(1).unwrap() >= Nanos::from_secs(3600));
    }

    #[test]
    fn a_reserve_is_used_before_the_allocator() {
        let mut reserve = PageReserve::default();
        reserve.refill(2);
        let mut histogram = Histogram::default();
        histogram.record_with(Nanos::from_millis(1), &mut reserve);
        histogram.record_with(Nanos::from_millis(1), &mut reserve);
        histogram.record_with(Nanos::from_secs(1), &mut reserve);
        assert!(reserve.0.is_empty());
        assert_eq!(histogram.count(), 3);
    }
}
