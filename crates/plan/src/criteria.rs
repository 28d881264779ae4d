//! What a run is judged by.

use std::fmt;

use serde::{Deserialize, Serialize};
use squall_core::{EndpointId, Nanos, UserClassId};

use crate::Unit;

/// A measure against up to three levels. At least one level is given.
///
/// `target` met is a pass, `acceptable` met is degraded, `failure` met is a failure; a value that meets none
/// lies in the gap between them, which fails too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// What is measured.
    pub measure: Measure,
    /// On which requests.
    pub scope: Scope,
    /// What one hopes for.
    pub target: Option<Level>,
    /// What one can live with.
    pub acceptable: Option<Level>,
    /// What one cannot live with.
    pub failure: Option<Level>,
    /// Judged on every sliding window of this length instead of the whole: the worst one counts.
    #[serde(default, rename = "for")]
    pub hold: Option<Nanos>,
    /// The run stops when this fails while it goes.
    #[serde(default)]
    pub abort: bool,
}

/// Which requests a criterion looks at; `None` is all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Only this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Only this class of users.
    pub class: Option<UserClassId>,
    /// Only requests begun in this phase: index into `Load::phases`.
    pub phase: Option<usize>,
}

/// A bound with its direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Direction.
    pub comparison: Comparison,
    /// In the unit of the measure, see [`Unit`].
    pub value: f64,
}

/// Direction of a [`Level`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

impl Level {
    /// Does `value` meet the level? Not-a-number meets none.
    pub fn is_met_by(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Below => value < self.value,
            Comparison::AtMost => value <= self.value,
            Comparison::Above => value > self.value,
            Comparison::AtLeast => value >= self.value,
        }
    }

    /// The level as a suite writes it, e.g. `< 500ms`, `> 100/s`, `< 0.5%`.
    pub fn display(&self, unit: Unit) -> String {
        format!("{} {}", self.comparison, unit.display(self.value))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        })
    }
}

/// What can be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Percentile of response time, e.g. 99.9.
    Percentile(f64),
    /// Mean response time.
    Mean,
    /// Longest response time.
    Max,
    /// Failed / (Ok + Failed).
    ErrorRate,
    /// Ok per second.
    Throughput,
    /// Share of rate-limited requests among all completed ones.
    RateLimited,
    /// Share of arrivals that found no user in time and were given up.
    Dropped,
    /// A monitored series by its full name, e.g. `process.rss`: its mean over the judged time.
    Series(String, Unit),
    /// A function over the course of a measure.
    Of(Function, Box<Measure>),
}

/// A function over the course of a measure in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// Its highest value: of a series the highest sample, of requests the worst 10 s (or `for`).
    Max,
    /// Its lowest value, in the same way.
    Min,
    /// The mean over time.
    Mean,
    /// The robust trend (Theil–Sen), per hour.
    Slope,
    /// Time from the end of a disturbance until requests are as they were before it.
    Recovery,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Max, Self::Min, Self::Mean, Self::Slope, Self::Recovery];

    /// As a suite names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Min => "min",
            Self::Mean => "mean",
            Self::Slope => "slope",
            Self::Recovery => "recovery",
        }
    }
}

impl Measure {
    /// The full name of the monitored series it is made of, if it is of one.
    pub fn series(&self) -> Option<&str> {
        match self {
            Self::Series(name, _) => Some(name),
            Self::Of(_, of) => of.series(),
            _ => None,
        }
    }

    /// The unit of its values.
    pub fn unit(&self) -> Unit {
        match self {
            Self::Percentile(_) | Self::Mean | Self::Max | Self::Of(Function::Recovery, _) => Unit::Seconds,
            Self::ErrorRate | Self::RateLimited | Self::Dropped => Unit::Share,
            Self::Throughput => Unit::PerSecond,
            Self::Series(_, unit) => *unit,
            Self::Of(Function::Slope, of) => of.unit().per_hour(),
            Self::Of(Function::Max | Function::Min | Function::Mean, of) => of.unit(),
        }
    }
}

impl fmt::Display for Measure {
    /// As a suite names it: `p99.9`, `error_rate`, `slope(process.rss)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(p) => write!(f, "p{p}"),
            Self::Mean => f.write_str("mean"),
            Self::Max => f.write_str("max"),
            Self::ErrorRate => f.write_str("error_rate"),
            Self::Throughput => f.write_str("throughput"),
            Self::RateLimited => f.write_str("rate_limited"),
            Self::Dropped => f.write_str("dropped"),
            Self::Series(name, _) => f.write_str(name),
            Self::Of(function, of) => write!(f, "{}({of})", function.name()),
        }
    }
}

/// A criterion the suite asks for that needs a measure of a later version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The measure, as the suite writes it.
    pub measure: String,
    /// The levels, as the suite writes them.
    pub levels: String,
    /// What it waits for, in the suite's own words.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_meets_no_level() {
        for comparison in [Comparison::Below, Comparison::AtMost, Comparison::Above, Comparison::AtLeast] {
            assert!(!Level { comparison, value: 1.0 }.is_met_by(f64::NAN));
        }
    }

    #[test]
    fn a_function_is_named_and_measured_like_what_it_is_of() {
        let rss = Box::new(Measure::Series("process.rss".into(), Unit::Bytes));
        let slope = Measure::Of(Function::Slope, rss);
        assert_eq!((slope.to_string().as_str(), slope.unit()), ("slope(process.rss)", Unit::BytesPerHour));
        let recovery = Measure::Of(Function::Recovery, Box::new(Measure::Percentile(95.0)));
        assert_eq!((recovery.to_string().as_str(), recovery.unit()), ("recovery(p95)", Unit::Seconds));
    }
}
