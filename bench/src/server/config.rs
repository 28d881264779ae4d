//! What a server is asked to be.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// How to run a server; `Config::default()` suits a test.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Size of the body of an answer, in bytes, unless the path says otherwise.
    pub body: usize,
    /// Pins the server's thread to this core.
    pub cpu: Option<usize>,
    /// Freezes everything now and then.
    pub stall: Option<Stall>,
    /// Keeps the two instants of every request (16 bytes each), not only their distribution.
    pub samples: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            body: 512,
            cpu: None,
            stall: None,
            samples: false,
        }
    }
}

/// A server that does nothing for `length`, every `period`, first one period after its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// How long it freezes.
    pub length: Duration,
    /// From the start of one freeze to the start of the next.
    pub period: Duration,
}

/// Written `1000ms@5s`.
impl FromStr for Stall {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let help = || {
            format!("'{text}' is no stall such as 1000ms@5s (length@period, the length being the shorter)")
        };
        let (length, period) = text.split_once('@').ok_or_else(help)?;
        let (Some(length), Some(period)) = (parse_duration(length), parse_duration(period)) else {
            return Err(help());
        };
        if length.is_zero() || length >= period {
            return Err(help());
        }
        Ok(Self { length, period })
    }
}

/// `20ms`, `1500us`, `2s`, `0.5s`; at most an hour.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(digits);
    let seconds_per_unit = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * seconds_per_unit;
    (0.0..=3600.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_stalls_are_read_or_refused() {
        assert_eq!(parse_duration("20ms"), Some(Duration::from_millis(20)));
        assert_eq!(parse_duration("0.5s"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("7us"), Some(Duration::from_micros(7)));
        for wrong in ["", "ms", "20", "20m", "-1s", "NaNs", "4000s"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
        let stall = Stall { length: Duration::from_secs(1), period: Duration::from_secs(5) };
        assert_eq!("1000ms@5s".parse(), Ok(stall));
        for wrong in ["1s", "5s@1s", "0s@1s", "1s@1s", "x@1s"] {
            assert!(wrong.parse::<Stall>().is_err(), "{wrong}");
        }
    }
}
