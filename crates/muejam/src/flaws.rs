//! Defects that can be switched on: each changes the real path of a request, none fakes a measurement.
//!
//! `latency`, `cpu` and `errors` touch API requests and spare health and metrics, so that a broken service can still
//! be told to be up; `stall` spares nothing, as a stopped process would not. `no-cache` is applied by the cache.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::clock;

/// The longest duration any flaw accepts; beyond the request timeout there is nothing left to see.
const LONGEST: Duration = Duration::from_secs(600);

/// One switchable defect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Flaw {
    /// Every API request waits this long.
    Latency(Duration),
    /// This share of API requests, 0 to 1, is answered 500.
    Errors(f64),
    /// Once in each period nothing is answered for some time: what arrives waits until it ends.
    Stall {
        /// How long each freeze lasts.
        length: Duration,
        /// From the start of one freeze to the start of the next; the first comes after one period.
        every: Duration,
    },
    /// Every API request burns this much CPU time on the thread that serves it.
    Cpu(Duration),
    /// Nothing is ever found in the cache.
    NoCache,
}

/// The known flaws, in the words of the command line.
const KNOWN: &str = "latency=MS, errors=SHARE, stall=MS@EVERY, cpu=MS, no-cache";

/// Why a `--flaw` value was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlawError {
    /// There is no flaw of that name.
    #[error("unknown flaw `{0}`; known flaws: {KNOWN}")]
    Unknown(String),
    /// The flaw needs a value, takes none, or not this one.
    #[error("flaw `{name}` {problem}; known flaws: {KNOWN}")]
    Value {
        /// The flaw.
        name: &'static str,
        /// What is wrong with its value.
        problem: &'static str,
    },
}

impl FromStr for Flaw {
    type Err = FlawError;

    fn from_str(text: &str) -> Result<Self, FlawError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        match name {
            "latency" => Ok(Self::Latency(time_value("latency", value)?)),
            "cpu" => Ok(Self::Cpu(time_value("cpu", value)?)),
            "errors" => {
                let share =
                    value.and_then(|v| v.parse::<f64>().ok()).filter(|share| (0.0..=1.0).contains(share));
                share.map(Self::Errors).ok_or(FlawError::Value {
                    name: "errors",
                    problem: "needs a share from 0 to 1, as in errors=0.05",
                })
            }
            "stall" => stall(value),
            "no-cache" if value.is_none() => Ok(Self::NoCache),
            "no-cache" => Err(FlawError::Value { name: "no-cache", problem: "takes no value" }),
            other => Err(FlawError::Unknown(other.to_owned())),
        }
    }
}

fn time_value(name: &'static str, value: Option<&str>) -> Result<Duration, FlawError> {
    value
        .and_then(duration)
        .ok_or(FlawError::Value { name, problem: "needs a time of at most 600 s, as in 20, 20ms or 1.5s" })
}

fn stall(value: Option<&str>) -> Result<Flaw, FlawError> {
    let problem = "needs a length and a longer period, as in stall=1000ms@5s";
    let parsed = value.and_then(|v| v.split_once('@')).and_then(|(l, e)| Some((duration(l)?, duration(e)?)));
    match parsed {
        Some((length, every)) if !length.is_zero() && length < every => Ok(Flaw::Stall { length, every }),
        _ => Err(FlawError::Value { name: "stall", problem }),
    }
}

/// `20`, `20ms` or `1.5s`; a bare number counts milliseconds.
fn duration(text: &str) -> Option<Duration> {
    let (number, milliseconds_per_unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1.0),
        (None, Some(number)) => (number, 1000.0),
        (None, None) => (text, 1.0),
    };
    let milliseconds = number.trim().parse::<f64>().ok()? * milliseconds_per_unit;
    let duration = Duration::try_from_secs_f64(milliseconds / 1000.0).ok()?;
    (duration <= LONGEST).then_some(duration)
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(time) => write!(f, "latency={}ms", time.as_secs_f64() * 1000.0),
            Self::Errors(share) => write!(f, "errors={share}"),
            Self::Stall { length, every } => {
                write!(f, "stall={}ms@{}ms", length.as_secs_f64() * 1000.0, every.as_secs_f64() * 1000.0)
            }
            Self::Cpu(time) => write!(f, "cpu={}ms", time.as_secs_f64() * 1000.0),
            Self::NoCache => f.write_str("no-cache"),
        }
    }
}

/// The flaws of one running instance; of two of the same kind the last wins.
#[derive(Debug)]
pub(crate) struct Flaws {
    latency: Duration,
    cpu: Duration,
    error_share: f64,
    stall: Option<(Duration, Duration)>,
    pub(crate) no_cache: bool,
    started: Instant,
    drawn: AtomicU64,
}

impl Flaws {
    pub(crate) fn new(list: &[Flaw]) -> Self {
        let mut flaws = Self {
            latency: Duration::ZERO,
            cpu: Duration::ZERO,
            error_share: 0.0,
            stall: None,
            no_cache: false,
            started: clock::now(),
            drawn: AtomicU64::new(0),
        };
        for flaw in list {
            match *flaw {
                Flaw::Latency(time) => flaws.latency = time,
                Flaw::Cpu(time) => flaws.cpu = time,
                Flaw::Errors(share) => flaws.error_share = share,
                Flaw::Stall { length, every } => flaws.stall = Some((length, every)),
                Flaw::NoCache => flaws.no_cache = true,
            }
        }
        flaws
    }

    /// Returns once no freeze is on. Called when a request arrives and again before its response leaves.
    pub(crate) async fn wait_out_stall(&self) {
        let Some((length, every)) = self.stall else { return };
        while let Some(left) = stall_left(clock::now() - self.started, length, every) {
            tokio::time::sleep(left).await;
        }
    }

    /// Suffers the delays; true if the request shall fail.
    pub(crate) async fn suffer(&self) -> bool {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        if !self.cpu.is_zero() {
            burn(self.cpu);
        }
        self.error_share > 0.0 && unit(self.drawn.fetch_add(1, Ordering::Relaxed)) < self.error_share
    }
}

/// How much of a freeze is left `at` after the start, `None` outside of one.
fn stall_left(at: Duration, length: Duration, every: Duration) -> Option<Duration> {
    if at < every {
        return None;
    }
    let phase = at.as_nanos() % every.as_nanos();
    let left = length.as_nanos().checked_sub(phase).filter(|left| *left > 0)?;
    Some(Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX)))
}

/// Uses `time` of this thread's CPU, not of the wall clock: with more threads than cores it takes longer, as work does.
fn burn(time: Duration) {
    let cpu_ns = || {
        let at = clock_gettime(ClockId::ThreadCPUTime);
        i128::from(at.tv_sec) * 1_000_000_000 + i128::from(at.tv_nsec)
    };
    let until = cpu_ns() + i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
    let mut state = 0_u64;
    while cpu_ns() < until {
        for _ in 0..256 {
            state = std::hint::black_box(mix(state));
        }
    }
}

/// The n-th number of a fixed sequence that looks uniform over 0..1: the share holds over any long run.
fn unit(n: u64) -> f64 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    (mix(n.wrapping_mul(STEP)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// SplitMix64's finaliser (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_read_as_written_and_unknown_ones_name_the_known() {
        let ms = Duration::from_millis;
        for (text, flaw) in [
            ("latency=20", Flaw::Latency(ms(20))),
            ("latency=1.5s", Flaw::Latency(ms(1500))),
            ("errors=0.25", Flaw::Errors(0.25)),
            ("stall=1000ms@5s", Flaw::Stall { length: ms(1000), every: ms(5000) }),
            ("cpu=3ms", Flaw::Cpu(ms(3))),
            ("no-cache", Flaw::NoCache),
        ] {
            assert_eq!(text.parse(), Ok(flaw), "{text}");
            assert_eq!(flaw.to_string().parse(), Ok(flaw), "{text} shown and read again");
        }
        for text in
            ["latency", "latency=-1", "latency=nan", "latency=1e99", "errors=2", "errors=nan", "stall=5s@1s"]
        {
            assert!(text.parse::<Flaw>().is_err(), "{text} must be refused");
        }
        for text in ["stall=1s", "no-cache=1", "cpu=x", "stall=0@1s", ""] {
            assert!(text.parse::<Flaw>().is_err(), "{text} must be refused");
        }
        let error = "slowness=3".parse::<Flaw>().unwrap_err().to_string();
        assert!(error.contains("slowness") && error.contains("stall=MS@EVERY"), "{error}");
    }

    #[test]
    fn a_stall_begins_each_period_and_ends_on_time() {
        let ms = Duration::from_millis;
        let left = |at| stall_left(ms(at), ms(100), ms(500));
        assert_eq!(left(0), None, "the first freeze comes after one period");
        assert_eq!(left(499), None);
        assert_eq!(left(500), Some(ms(100)));
        assert_eq!(left(580), Some(ms(20)));
        assert_eq!(left(600), None);
        assert_eq!(left(1000), Some(ms(100)));
    }

    #[test]
    fn the_error_share_holds_over_a_thousand_requests() {
        let failed = (0..1000).filter(|n| unit(*n) < 0.2).count();
        assert!((160..=240).contains(&failed), "{failed} of 1000 failed at a share of 0.2");
    }
}
