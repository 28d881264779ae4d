//! Robust statistics of measures in time: a trend with its interval and significance, and the buckets it is made from.
//!
//! Pure functions of numbers. What a trend means, and whether it is large enough to matter, is for
//! [`crate::analyse`] to say.

mod buckets;
mod trend;

pub use buckets::{bucket_bounds, bucket_medians, median};
pub use trend::{Trend, trend};
