//! HDR's V2 format (values in microseconds, bounds 1 µs – 3600 s, 3 digits).
//!
//! Written by the library. Read here: a record holds tens of thousands of histograms with a handful of counts
//! each, and the library's reader fills an array of 23 000 buckets for every one of them.

use hdrhistogram::serialization::{Serializer, V2Serializer};
use thiserror::Error;

use super::counters::Counters;
use super::layout::{BUCKETS, MAX_MICROS, bounds_of};

/// A histogram that cannot be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a readable HDR V2 histogram of 1 µs to 3600 s at 3 digits")]
pub struct DecodeError;

/// Cookie, length, normalising offset, digits, lowest and highest value, ratio.
const HEADER: usize = 4 + 4 + 4 + 4 + 8 + 8 + 8;
/// V2 with counts in as few bytes as possible.
const COOKIE: u32 = 0x1c84_9303 | 0x10;

pub(super) fn new_hdr() -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new_with_bounds(1, MAX_MICROS, 3).expect("the bounds are valid constants")
}

pub(super) fn encode(counters: &Counters) -> Vec<u8> {
    let mut hdr = new_hdr();
    for (index, n) in counters.occupied() {
        hdr.record_n(bounds_of(index).0, n).expect("every bucket lies within the bounds");
    }
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(&hdr, &mut bytes).expect("a vector takes any number of bytes");
    bytes
}

/// The counters and their sum.
pub(super) fn decode(bytes: &[u8]) -> Result<(Counters, u64), DecodeError> {
    our_counts(bytes).and_then(decode_counts).ok_or(DecodeError)
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
fn decode_counts(mut bytes: &[u8]) -> Option<(Counters, u64)> {
    let mut list = Vec::new();
    let mut index: u64 = 0;
    let mut total: u64 = 0;
    while !bytes.is_empty() {
        let number = zigzag(&mut bytes)?;
        if number < 0 {
            index = index.checked_add(number.unsigned_abs())?;
        } else {
            if number > 0 {
                let bucket = u16::try_from(index).ok().filter(|&index| usize::from(index) < BUCKETS)?;
                total = total.checked_add(number.unsigned_abs())?;
                list.push((bucket, number.unsigned_abs()));
            }
            index = index.checked_add(1)?;
        }
    }
    list.shrink_to_fit();
    Some((Counters::List(list), total))
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
