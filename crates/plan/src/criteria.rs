//! What a run is judged by.

use std::fmt;

use serde::{Deserialize, Serialize};
use squall_core::{EndpointId, UserClassId};

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
    /// In the unit of the measure: seconds, a share from 0 to 1, or requests per second.
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
}

impl Measure {
    /// The unit of its values.
    pub fn unit(&self) -> Unit {
        match self {
            Self::Percentile(_) | Self::Mean | Self::Max => Unit::Seconds,
            Self::ErrorRate | Self::RateLimited => Unit::Share,
            Self::Throughput => Unit::PerSecond,
        }
    }
}

impl fmt::Display for Measure {
    /// As a suite names it: `p99.9`, `error_rate`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(p) => write!(f, "p{p}"),
            Self::Mean => f.write_str("mean"),
            Self::Max => f.write_str("max"),
            Self::ErrorRate => f.write_str("error_rate"),
            Self::Throughput => f.write_str("throughput"),
            Self::RateLimited => f.write_str("rate_limited"),
        }
    }
}

/// Unit of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Stored in seconds.
    Seconds,
    /// Stored as a number from 0 to 1.
    Share,
    /// Stored as events per second.
    PerSecond,
}

impl Unit {
    /// `value` as a person writes it: `512ms`, `1.25s`, `0.5%`, `101.3/s`.
    pub fn display(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 0.001 => format!("{}µs", trim(value * 1e6, 0)),
            Self::Seconds if value < 1.0 => format!("{}ms", trim(value * 1e3, 1)),
            Self::Seconds => format!("{}s", trim(value, 2)),
            Self::Share => format!("{}%", trim(value * 100.0, 2)),
            Self::PerSecond => format!("{}/s", trim(value, 1)),
        }
    }
}

/// `value` with at most `decimals` decimals, without trailing zeros.
fn trim(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
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
    fn values_are_shown_as_a_person_writes_them() {
        assert_eq!(Unit::Seconds.display(0.5), "500ms");
        assert_eq!(Unit::Seconds.display(0.0124), "12.4ms");
        assert_eq!(Unit::Seconds.display(2.0), "2s");
        assert_eq!(Unit::Seconds.display(100.0), "100s");
        assert_eq!(Unit::Share.display(0.005), "0.5%");
        assert_eq!(Unit::PerSecond.display(100.0), "100/s");
    }

    #[test]
    fn a_missing_value_meets_no_level() {
        for comparison in [Comparison::Below, Comparison::AtMost, Comparison::Above, Comparison::AtLeast] {
            assert!(!Level { comparison, value: 1.0 }.is_met_by(f64::NAN));
        }
    }
}
