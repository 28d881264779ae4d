//! Units of measures, and values as a person writes them.

use serde::{Deserialize, Serialize};

/// Unit of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Stored in seconds.
    Seconds,
    /// Stored as a number from 0 to 1 (CPU: cores in use, so it may be more).
    Share,
    /// Stored as events per second.
    PerSecond,
    /// A number of things.
    Count,
    /// Stored in bytes.
    Bytes,
    /// Trend of [`Unit::Seconds`].
    SecondsPerHour,
    /// Trend of [`Unit::Share`].
    SharePerHour,
    /// Trend of [`Unit::PerSecond`].
    PerSecondPerHour,
    /// Trend of [`Unit::Count`].
    CountPerHour,
    /// Trend of [`Unit::Bytes`].
    BytesPerHour,
}

const BYTES: [(f64, &str); 4] = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];

impl Unit {
    /// The unit of its trend. A trend has no trend of its own.
    pub fn per_hour(self) -> Self {
        match self {
            Self::Seconds | Self::SecondsPerHour => Self::SecondsPerHour,
            Self::Share | Self::SharePerHour => Self::SharePerHour,
            Self::PerSecond | Self::PerSecondPerHour => Self::PerSecondPerHour,
            Self::Count | Self::CountPerHour => Self::CountPerHour,
            Self::Bytes | Self::BytesPerHour => Self::BytesPerHour,
        }
    }

    /// The unit whose trend it is, if it is one.
    pub fn of_trend(self) -> Option<Self> {
        match self {
            Self::SecondsPerHour => Some(Self::Seconds),
            Self::SharePerHour => Some(Self::Share),
            Self::PerSecondPerHour => Some(Self::PerSecond),
            Self::CountPerHour => Some(Self::Count),
            Self::BytesPerHour => Some(Self::Bytes),
            Self::Seconds | Self::Share | Self::PerSecond | Self::Count | Self::Bytes => None,
        }
    }

    /// `value` as a person writes it: `512ms`, `1.25s`, `0.5%`, `101.3/s`, `340`, `12.5MB`, `4MB/h`.
    pub fn display(self, value: f64) -> String {
        if let Some(unit) = self.of_trend() {
            return format!("{}/h", unit.display(value));
        }
        let sign = if value < 0.0 { "-" } else { "" };
        let size = value.abs();
        let text = match self {
            Self::Seconds if size == 0.0 => "0s".to_owned(),
            Self::Seconds if size < 0.001 => format!("{}µs", trim(size * 1e6, 0)),
            Self::Seconds if size < 1.0 => format!("{}ms", trim(size * 1e3, 1)),
            Self::Seconds => format!("{}s", trim(size, 2)),
            Self::Share => format!("{}%", trim(size * 100.0, 2)),
            Self::PerSecond => format!("{}/s", trim(size, 1)),
            Self::Bytes => match BYTES.iter().find(|(scale, _)| size >= *scale) {
                Some((scale, suffix)) => format!("{}{suffix}", trim(size / scale, 1)),
                None => format!("{}B", trim(size, 0)),
            },
            _ => trim(size, 1),
        };
        format!("{sign}{text}")
    }
}

/// `value` with at most `decimals` decimals, without trailing zeros.
fn trim(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
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
        assert_eq!(Unit::Count.display(340.0), "340");
        assert_eq!(Unit::Bytes.display(12_500_000.0), "12.5MB");
        assert_eq!(Unit::Bytes.per_hour().display(-4e6), "-4MB/h");
        assert_eq!(Unit::SecondsPerHour.display(0.25), "250ms/h");
    }
}
