//! The holds in which a drift can be seen, and what requests did in them from bucket to bucket.
//!
//! Drifts and the doubt `not_steady` look at the same requests in the same buckets, and differ only in what they make of
//! a trend.

use squall_core::Nanos;
use squall_plan::Unit;
use squall_record::{PhaseMark, Run};

use super::PartKind;
use super::parts::bounds;
use super::seconds::{Second, percentiles, span, within};
use crate::statistics::bucket_bounds;

/// A hold shorter than this says nothing about a drift.
const SHORTEST: Nanos = Nanos::from_secs(60);
/// Neither do fewer buckets.
pub(crate) const FEWEST: usize = 10;

/// A measure of requests of which there is a value for each bucket.
pub(crate) struct Course {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    value: fn(&[Second]) -> Option<f64>,
}

/// What is looked at, of requests.
pub(crate) const COURSES: [Course; 2] = [
    Course { name: "p95", unit: Unit::Seconds, value: |bucket| percentiles(bucket, [95.0])[0] },
    Course { name: "throughput", unit: Unit::PerSecond, value: rate },
];

/// The holds of measured phases, in the order of time, that are long enough: phase, begin and end.
pub(crate) fn holds<'a>(
    run: &'a Run,
    seconds: &'a [Second],
) -> impl Iterator<Item = (&'a PhaseMark, Nanos, Nanos)> {
    let measured = run.phases.iter().filter(|phase| phase.measured);
    let parts = measured.flat_map(|phase| {
        bounds(&run.plan.load, phase, seconds)
            .into_iter()
            .map(move |(kind, start, end)| (phase, kind, start, end))
    });
    parts
        .filter(|(_, kind, start, end)| *kind == PartKind::Hold && end.since(*start) >= SHORTEST)
        .map(|(phase, _, start, end)| (phase, start, end))
}

impl Course {
    /// A value for each bucket of `start..end` in which there are seconds, at its middle in seconds.
    pub(crate) fn points(&self, seconds: &[Second], start: Nanos, end: Nanos) -> Vec<(f64, f64)> {
        let bucket = |(from, to): (Nanos, Nanos)| {
            let value = (self.value)(within(seconds, from, to))?;
            Some((f64::midpoint(from.as_secs_f64(), to.as_secs_f64()), value))
        };
        bucket_bounds(start, end).into_iter().filter_map(bucket).collect()
    }
}

fn rate(seconds: &[Second]) -> Option<f64> {
    let ok: u64 = seconds.iter().map(|second| second.ok).sum();
    let time = span(seconds);
    (time > 0.0).then(|| ok as f64 / time)
}
