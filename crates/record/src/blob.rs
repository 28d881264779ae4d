//! Histograms as blobs: one byte that says the version, then HDR's V2 format.
//!
//! Any reader of HDR histograms understands the blob without its first byte. A record holds tens of thousands of
//! them, each with a handful of counts among 23 000 buckets, so they are decoded here without the general
//! decoder's full array. Other bounds than ours are no version 1.
//!
//! How many durations were clamped at 3600 s is no part of V2; the exact longest duration is stored beside.

use squall_core::Nanos;
use squall_stats::Histogram;

use crate::Error;

/// HDR V2, values in microseconds, bounds 1 µs – 3600 s, 3 digits.
const HDR_V2: u8 = 1;
/// Cookie, length, normalising offset, digits, lowest and highest value, ratio.
const HEADER: usize = 4 + 4 + 4 + 4 + 8 + 8 + 8;
/// HDR V2 with counts in as few bytes as possible.
const COOKIE: u32 = 0x1c84_9303 | 0x10;
/// Counters to an octave above the first two, as a power of two: half of 2 · 10³ rounded up.
const HALF_BITS: u32 = 10;
/// 3600 s in microseconds.
const MAX_MICROS: u64 = 3_600_000_000;

pub(crate) fn encode(histogram: &Histogram) -> Vec<u8> {
    let mut blob = vec![HDR_V2];
    blob.extend(histogram.encode());
    blob
}

pub(crate) fn decode(blob: &[u8]) -> Result<Histogram, Error> {
    match blob.split_first() {
        Some((&HDR_V2, bytes)) => our_counts(bytes)
            .and_then(decode_counts)
            .ok_or_else(|| Error::Damaged("a histogram that makes no sense".to_owned())),
        Some((version, _)) => Err(Error::Damaged(format!("a histogram of unknown version {version}"))),
        None => Err(Error::Damaged("an empty histogram".to_owned())),
    }
}

/// The encoded counts, if the header says they are of our own bounds.
fn our_counts(bytes: &[u8]) -> Option<&[u8]> {
    let (header, counts) = bytes.split_at_checked(HEADER)?;
    let word = |at: usize| header[at..at + 4].try_into().map(u32::from_be_bytes).ok();
    let long = |at: usize| header[at..at + 8].try_into().map(u64::from_be_bytes).ok();
    let ours = word(0)? == COOKIE
        && word(4)? as usize == counts.len()
        && word(8)? == 0
        && word(12)? == 3
        && long(16)? == 1
        && long(24)? == MAX_MICROS;
    ours.then_some(counts)
}

/// Counts in the order of the buckets: a positive number is a count, a negative one that many empty buckets.
fn decode_counts(mut bytes: &[u8]) -> Option<Histogram> {
    let mut histogram = Histogram::default();
    let mut index: u64 = 0;
    let mut total: i64 = 0;
    while !bytes.is_empty() {
        let number = zigzag(&mut bytes)?;
        if number < 0 {
            index = index.checked_add(number.unsigned_abs())?;
        } else {
            total = total.checked_add(number)?;
            if number > 0 {
                let micros = lowest_of(index).filter(|micros| *micros <= MAX_MICROS)?;
                histogram.record_n(Nanos(micros * 1_000), number.unsigned_abs());
            }
            index = index.checked_add(1)?;
        }
    }
    Some(histogram)
}

/// The shortest duration, in microseconds, of the bucket at `index`.
fn lowest_of(index: u64) -> Option<u64> {
    let octave = (index >> HALF_BITS).saturating_sub(1);
    let shift = u32::try_from(octave).ok().filter(|shift| *shift < 32)?;
    Some((index - (octave << HALF_BITS)) << shift)
}

/// A signed number in HDR's variable length: 7 bits a byte, the ninth byte takes 8.
fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let mut number: u64 = 0;
    for position in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if position == 8 {
            number |= u64::from(byte) << 56;
            break;
        }
        number |= u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(histogram: &Histogram) -> Vec<(Nanos, u64)> {
        histogram.buckets().collect()
    }

    /// Durations over the whole range, many and few, neighbours and far apart.
    fn histograms() -> impl Iterator<Item = Histogram> {
        let mut seed: u64 = 1;
        (0..300_u32).map(move |n| {
            let mut histogram = Histogram::default();
            for _ in 0..n % 40 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let micros = (seed >> 16) % (MAX_MICROS >> ((seed >> 8) % 32)).max(1);
                histogram.record_n(Nanos(micros * 1_000), 1 + (seed >> 40) % (1 << (seed % 24)));
            }
            histogram
        })
    }

    #[test]
    fn what_is_read_is_what_the_general_decoder_reads() {
        for histogram in histograms() {
            let blob = encode(&histogram);
            let general = Histogram::decode(&blob[1..]).unwrap();
            let ours = decode(&blob).unwrap();
            assert_eq!(counts(&ours), counts(&general));
            assert_eq!(counts(&ours), counts(&histogram));
            assert_eq!(ours.count(), histogram.count());
        }
    }

    #[test]
    fn the_ends_of_the_range_and_huge_counts_come_back() {
        let mut histogram = Histogram::default();
        histogram.record_n(Nanos::ZERO, 1);
        histogram.record_n(Nanos(MAX_MICROS * 1_000), 1 << 60);
        assert_eq!(counts(&decode(&encode(&histogram)).unwrap()), counts(&histogram));
    }

    #[test]
    fn only_known_versions_are_decoded() {
        let mut blob = encode(&Histogram::default());
        blob[0] = 9;
        assert!(decode(&blob).unwrap_err().to_string().contains("unknown version 9"));
        assert!(decode(&[]).is_err());
        assert!(decode(&[HDR_V2, 1, 2, 3]).is_err());
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let histogram = histograms().nth(39).unwrap();
        let blob = encode(&histogram);
        for at in 0..blob.len() {
            for bit in 0..8 {
                let mut damaged = blob.clone();
                damaged[at] ^= 1 << bit;
                // Some changes give another valid histogram; none may do worse than that.
                let _ = decode(&damaged);
            }
            assert!(decode(&blob[..at]).is_err(), "cut after {at} bytes");
        }
        let mut beyond = encode(&Histogram::default());
        beyond.truncate(1 + HEADER);
        beyond.extend([0xfd, 0xff, 0xff, 0x7f, 0x02]);
        beyond[8] = 5;
        assert!(decode(&beyond).is_err(), "a count far beyond the last bucket");
    }
}
