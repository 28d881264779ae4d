//! Time on the run's own axis.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Nanoseconds: a moment since the start of the run, or a span between two moments.
///
/// Arithmetic saturates at both ends: a clock that steps can make a number wrong, never make it wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The start of the run, or an empty span.
    pub const ZERO: Self = Self(0);
    /// One second, the span of a window.
    pub const SECOND: Self = Self(1_000_000_000);
    /// Never: later than every moment of any run.
    pub const MAX: Self = Self(u64::MAX);

    /// `ms` milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// `s` whole seconds.
    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1_000_000_000))
    }

    /// `s` seconds; negative and not-a-number become zero, too large becomes [`Nanos::MAX`].
    pub fn from_secs_f64(s: f64) -> Self {
        // A float-to-int cast saturates and maps NaN to 0, which is what is wanted here.
        Self((s * 1e9).round() as u64)
    }

    /// The span in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The span in milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The span in whole microseconds, rounded down.
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole seconds, rounded down: the number of the window this moment falls into.
    pub const fn whole_secs(self) -> u64 {
        self.0 / Self::SECOND.0
    }

    /// The span from `earlier` to `self`, zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Nanos {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.since(other)
    }
}

impl From<Duration> for Nanos {
    fn from(d: Duration) -> Self {
        Self(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Nanos> for Duration {
    fn from(n: Nanos) -> Self {
        Self::from_nanos(n.0)
    }
}

impl fmt::Display for Nanos {
    /// The largest unit that keeps the number short: `1m30s`, `2.5s`, `340ms`, `12µs`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0;
        match ns {
            0 => write!(f, "0s"),
            1..1_000 => write!(f, "{ns}ns"),
            1_000..1_000_000 => write!(f, "{}µs", short(ns as f64 / 1e3)),
            1_000_000..1_000_000_000 => write!(f, "{}ms", short(ns as f64 / 1e6)),
            _ if ns < 60_000_000_000 => write!(f, "{}s", short(ns as f64 / 1e9)),
            _ => {
                let total = ns / 1_000_000_000;
                let (h, m, s) = (total / 3600, total / 60 % 60, total % 60);
                for (value, unit) in [(h, "h"), (m, "m"), (s, "s")] {
                    if value > 0 {
                        write!(f, "{value}{unit}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Up to three significant decimals, without trailing zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_in_the_unit_a_reader_expects() {
        for (ns, text) in [
            (0, "0s"),
            (999, "999ns"),
            (12_000, "12µs"),
            (340_000_000, "340ms"),
            (2_500_000_000, "2.5s"),
            (60_000_000_000, "1m"),
            (3_723_000_000_000, "1h2m3s"),
        ] {
            assert_eq!(Nanos(ns).to_string(), text);
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Nanos(1) - Nanos(2), Nanos::ZERO);
        assert_eq!(Nanos::MAX + Nanos(1), Nanos::MAX);
        assert_eq!(Nanos::from_secs_f64(-1.0), Nanos::ZERO);
        assert_eq!(Nanos::from_secs_f64(f64::NAN), Nanos::ZERO);
    }
}
