//! HdrHistogram's buckets for 1 µs – 3600 s at 3 significant digits.

/// 2 · 10³ rounded up to a power of two: HDR's sub-buckets for 3 significant digits.
const SUB_BUCKET_BITS: u32 = 11;
/// Counters to an octave above the first two, as a power of two.
const HALF_BITS: u32 = SUB_BUCKET_BITS - 1;
/// 3600 s in microseconds.
pub(super) const MAX_MICROS: u64 = 3_600_000_000;
/// How many buckets there are.
pub(super) const BUCKETS: usize = index_of(MAX_MICROS) + 1;

/// The bucket of a duration of at most [`MAX_MICROS`].
pub(super) const fn index_of(micros: u64) -> usize {
    let bucket = 64 - (micros | ((1 << SUB_BUCKET_BITS) - 1)).leading_zeros() - SUB_BUCKET_BITS;
    ((bucket as usize) << HALF_BITS) + (micros >> bucket) as usize
}

/// Shortest and longest duration, in microseconds, that share the bucket at `index`.
pub(super) const fn bounds_of(index: usize) -> (u64, u64) {
    let octave = index >> HALF_BITS;
    let bucket = octave.saturating_sub(1) as u32;
    let sub = (index - ((bucket as usize) << HALF_BITS)) as u64;
    (sub << bucket, ((sub + 1) << bucket) - 1)
}
