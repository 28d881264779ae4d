//! Histograms as blobs: one byte that says the version, then HDR's V2 format, which any reader of HDR histograms
//! understands.
//!
//! How many durations were clamped at 3600 s is no part of V2; the exact longest duration is stored beside.

use squall_stats::Histogram;

use crate::Error;

/// HDR V2, values in microseconds, bounds 1 µs – 3600 s, 3 digits.
const HDR_V2: u8 = 1;

pub(crate) fn encode(histogram: &Histogram) -> Vec<u8> {
    let mut blob = vec![HDR_V2];
    blob.extend(histogram.encode());
    blob
}

pub(crate) fn decode(blob: &[u8]) -> Result<Histogram, Error> {
    match blob.split_first() {
        Some((&HDR_V2, bytes)) => Histogram::decode(bytes).map_err(|error| Error::Damaged(error.to_string())),
        Some((version, _)) => Err(Error::Damaged(format!("a histogram of unknown version {version}"))),
        None => Err(Error::Damaged("an empty histogram".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use squall_core::Nanos;

    use super::*;

    #[test]
    fn only_known_versions_are_decoded() {
        let mut histogram = Histogram::default();
        histogram.record_n(Nanos::from_millis(20), 3);
        let mut blob = encode(&histogram);
        assert_eq!(decode(&blob).unwrap().count(), 3);
        blob[0] = 9;
        assert!(decode(&blob).unwrap_err().to_string().contains("unknown version 9"));
        assert!(decode(&[]).is_err());
        assert!(decode(&[HDR_V2, 1, 2, 3]).is_err());
    }
}
