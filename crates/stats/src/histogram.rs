//! A histogram of durations with fixed bounds and constant relative error.
//!
//! The buckets are HdrHistogram's for 1 µs – 3600 s at 3 significant digits (0.1 %), so that a histogram can be
//! exchanged in HDR's V2 format; but the counters are paged and a page exists only once something fell into it,
//! because a run has one histogram for each phase, class, endpoint and outcome, and most durations of one of
//! them lie close together. Never auto-resizes: what is longer than the bound is counted in the last bucket
//! and in [`Histogram::clamped`].

use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use squall_core::Nanos;
use thiserror::Error;

/// 2 · 10³ rounded up to a power of two: HDR's sub-buckets for 3 significant digits.
const SUB_BUCKET_BITS: u32 = 11;
/// Counters to an octave above the first two.
const HALF_BITS: u32 = SUB_BUCKET_BITS - 1;
/// 3600 s in microseconds.
const MAX_MICROS: u64 = 3_600_000_000;
/// An eighth of an octave: 1 KiB.
const PAGE: usize = 128;
const PAGES: usize = index_of(MAX_MICROS) / PAGE + 1;

type Page = Box<[u64; PAGE]>;

/// Durations from 0 to 3600 s, in buckets of at most 0.1 % relative width (1 µs at the low end).
#[derive(Clone, Debug)]
pub struct Histogram {
    pages: Box<[Option<Page>; PAGES]>,
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

/// A histogram that cannot be read back.
#[derive(Debug, Error)]
#[error("not a readable HDR V2 histogram: {0}")]
pub struct DecodeError(String);

const fn index_of(micros: u64) -> usize {
    let bucket = 64 - (micros | ((1 << SUB_BUCKET_BITS) - 1)).leading_zeros() - SUB_BUCKET_BITS;
    ((bucket as usize) << HALF_BITS) + (micros >> bucket) as usize
}

/// Smallest and largest microsecond that share the bucket at `index`.
const fn bounds_of(index: usize) -> (u64, u64) {
    let octave = index >> HALF_BITS;
    let bucket = octave.saturating_sub(1) as u32;
    let sub = (index - ((bucket as usize) << HALF_BITS)) as u64;
    (sub << bucket, ((sub + 1) << bucket) - 1)
}

fn empty_page() -> Page {
    Box::new([0; PAGE])
}

impl Default for Histogram {
    fn default() -> Self {
        Self { pages: Box::new([const { None }; PAGES]), count: 0, clamped: 0 }
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
        let page = self.pages[index / PAGE].get_or_insert_with(|| reserve.0.pop().unwrap_or_else(empty_page));
        page[index % PAGE] += 1;
    }

    /// Count `n` equal durations.
    pub fn record_n(&mut self, value: Nanos, n: u64) {
        if n > 0 {
            let index = self.tally(value, n);
            self.pages[index / PAGE].get_or_insert_with(empty_page)[index % PAGE] += n;
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
        for (mine, theirs) in self.pages.iter_mut().zip(other.pages.iter()) {
            if let Some(theirs) = theirs {
                let mine = mine.get_or_insert_with(empty_page);
                for (a, b) in mine.iter_mut().zip(theirs.iter()) {
                    *a += b;
                }
            }
        }
    }

    /// Forget everything, keep the pages.
    pub fn reset(&mut self) {
        self.count = 0;
        self.clamped = 0;
        for page in self.pages.iter_mut().flatten() {
            page.fill(0);
        }
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
        self.occupied().map(|(index, n)| (Nanos(bounds_of(index).1 * 1_000), n))
    }

    /// The same with the middle of each bucket, for sums and rounding that must not be biased upwards.
    pub fn midpoints(&self) -> impl Iterator<Item = (Nanos, u64)> + '_ {
        self.occupied().map(|(index, n)| {
            let (low, high) = bounds_of(index);
            (Nanos((low + high + 1) * 500), n)
        })
    }

    fn occupied(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.pages.iter().enumerate().filter_map(|(p, page)| Some((p, page.as_deref()?))).flat_map(
            |(p, page)| {
                page.iter().enumerate().filter(|&(_, &n)| n > 0).map(move |(i, &n)| (p * PAGE + i, n))
            },
        )
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
        let mut hdr = new_hdr();
        for (index, n) in self.occupied() {
            hdr.record_n(bounds_of(index).0, n).expect("every bucket lies within the bounds");
        }
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&hdr, &mut bytes).expect("a vector takes any number of bytes");
        bytes
    }

    /// A histogram from HDR's V2 format. What was clamped is not part of the format and reads as 0.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not V2.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let hdr: hdrhistogram::Histogram<u64> = Deserializer::new()
            .deserialize(&mut std::io::Cursor::new(bytes))
            .map_err(|error| DecodeError(format!("{error:?}")))?;
        let mut histogram = Self::default();
        for bucket in hdr.iter_recorded() {
            histogram.record_n(Nanos(bucket.value_iterated_to() * 1_000), bucket.count_at_value());
        }
        Ok(histogram)
    }
}

fn new_hdr() -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new_with_bounds(1, MAX_MICROS, 3).expect("the bounds are valid constants")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
