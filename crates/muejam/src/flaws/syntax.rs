//! Flaws in the words of the command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The longest duration any flaw accepts; beyond the request timeout there is nothing left to see.
const LONGEST: Duration = Duration::from_secs(600);
/// The latest moment: a day after the start.
const LATEST: Duration = Duration::from_secs(86_400);

/// One switchable defect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Flaw {
    /// Every API request waits this long.
    Latency(Duration, Span),
    /// This share of API requests, 0 to 1, is answered 500.
    Errors(f64, Span),
    /// Once in each period nothing is answered for some time: what arrives waits until it ends.
    Stall {
        /// How long each freeze lasts.
        length: Duration,
        /// From the start of one freeze to the start of the next; the first comes after one period.
        every: Duration,
    },
    /// Every API request burns this much CPU time on the thread that serves it.
    Cpu(Duration, Span),
    /// Nothing is ever found in the cache.
    NoCache,
    /// Memory is taken and never given back, at this many bytes a second whatever is asked for.
    Leak(f64),
    /// The process is killed this long after its start.
    CrashAt(Duration),
}

/// The part of an instance's life in which a flaw is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Begins this long after the start.
    pub from: Duration,
    /// Ends this long after the start; `None` never ends.
    pub to: Option<Duration>,
}

impl Span {
    /// From the start, without an end.
    pub const ALWAYS: Self = Self { from: Duration::ZERO, to: None };

    /// Whether the flaw is there at this time after the start.
    pub(super) fn contains(&self, at: Duration) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

/// The known flaws, in the words of the command line.
const KNOWN: &str = "latency=MS, errors=SHARE, cpu=MS (each also for a time: latency=MS@FROM..TO), stall=MS@EVERY, \
                     no-cache, leak=SIZE/TIME, crash-at=TIME";

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
            "latency" => time_and_span("latency", value).map(|(time, span)| Self::Latency(time, span)),
            "cpu" => time_and_span("cpu", value).map(|(time, span)| Self::Cpu(time, span)),
            "errors" => errors(value),
            "stall" => stall(value),
            "no-cache" if value.is_none() => Ok(Self::NoCache),
            "no-cache" => Err(FlawError::Value { name: "no-cache", problem: "takes no value" }),
            "leak" => value.and_then(rate).map(Self::Leak).ok_or(FlawError::Value {
                name: "leak",
                problem: "needs an amount of memory by time, as in leak=600MB/h, leak=10MB/m or leak=64kB/s",
            }),
            "crash-at" => value.and_then(moment).map(Self::CrashAt).ok_or(FlawError::Value {
                name: "crash-at",
                problem: "needs a time after the start, with its unit, as in crash-at=10s",
            }),
            other => Err(FlawError::Unknown(other.to_owned())),
        }
    }
}

fn time_and_span(name: &'static str, value: Option<&str>) -> Result<(Duration, Span), FlawError> {
    let (value, span) = with_span(name, value)?;
    let time = value.and_then(duration);
    let problem = "needs a time of at most 600 s, as in 20, 20ms or 1.5s";
    time.map(|time| (time, span)).ok_or(FlawError::Value { name, problem })
}

fn errors(value: Option<&str>) -> Result<Flaw, FlawError> {
    let (value, span) = with_span("errors", value)?;
    let share = value.and_then(|v| v.parse::<f64>().ok()).filter(|share| (0.0..=1.0).contains(share));
    let problem = "needs a share from 0 to 1, as in errors=0.05";
    share.map(|share| Flaw::Errors(share, span)).ok_or(FlawError::Value { name: "errors", problem })
}

/// Cut `@FROM..TO` off a value; without it the flaw is there always.
fn with_span<'a>(name: &'static str, value: Option<&'a str>) -> Result<(Option<&'a str>, Span), FlawError> {
    let Some((value, span)) = value.and_then(|value| value.split_once('@')) else {
        return Ok((value, Span::ALWAYS));
    };
    let parsed = span.split_once("..").and_then(|(from, to)| {
        let to = if to.is_empty() { None } else { Some(moment(to)?) };
        let from = if from.is_empty() { Duration::ZERO } else { moment(from)? };
        Some(Span { from, to })
    });
    let problem =
        "has a time that is none: write @FROM..TO with units, as in @30s..90s, or @30s.. without an end";
    let span = parsed.filter(|span| span.to.is_none_or(|to| span.from < to));
    span.map(|span| (Some(value), span)).ok_or(FlawError::Value { name, problem })
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

/// `500ms`, `10s` or `1.5m`: a time after the start always says its unit.
fn moment(text: &str) -> Option<Duration> {
    let (number, seconds) = [("ms", 0.001), ("s", 1.0), ("m", 60.0)]
        .into_iter()
        .find_map(|(suffix, seconds)| Some((text.strip_suffix(suffix)?, seconds)))?;
    let at = Duration::try_from_secs_f64(number.trim().parse::<f64>().ok()? * seconds).ok()?;
    (at <= LATEST).then_some(at)
}

/// `600MB/h` as bytes a second. Units are decimal, as those of the generator.
fn rate(text: &str) -> Option<f64> {
    let (amount, time) = text.split_once('/')?;
    let (number, bytes) = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)]
        .into_iter()
        .find_map(|(suffix, bytes)| Some((amount.strip_suffix(suffix)?, bytes)))?;
    let seconds = match time {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let rate = number.trim().parse::<f64>().ok()? * bytes / seconds;
    (rate > 0.0 && rate.is_finite()).then_some(rate)
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(time, span) => write!(f, "latency={}{span}", Ms(*time)),
            Self::Errors(share, span) => write!(f, "errors={share}{span}"),
            Self::Stall { length, every } => write!(f, "stall={}@{}", Ms(*length), Ms(*every)),
            Self::Cpu(time, span) => write!(f, "cpu={}{span}", Ms(*time)),
            Self::NoCache => f.write_str("no-cache"),
            Self::Leak(rate) => write!(f, "leak={rate}B/s"),
            Self::CrashAt(at) => write!(f, "crash-at={}", Ms(*at)),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            None if *self == Self::ALWAYS => Ok(()),
            None => write!(f, "@{}..", Ms(self.from)),
            Some(to) => write!(f, "@{}..{}", Ms(self.from), Ms(to)),
        }
    }
}

struct Ms(Duration);

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0.as_secs_f64() * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_read_as_written_and_unknown_ones_name_the_known() {
        let ms = Duration::from_millis;
        let span = |from, to: Option<u64>| Span { from: ms(from), to: to.map(ms) };
        for (text, flaw) in [
            ("latency=20", Flaw::Latency(ms(20), Span::ALWAYS)),
            ("latency=1.5s", Flaw::Latency(ms(1500), Span::ALWAYS)),
            ("latency=300@30s..1.5m", Flaw::Latency(ms(300), span(30_000, Some(90_000)))),
            ("latency=300ms@500ms..", Flaw::Latency(ms(300), span(500, None))),
            ("errors=0.25", Flaw::Errors(0.25, Span::ALWAYS)),
            ("errors=1@..10s", Flaw::Errors(1.0, span(0, Some(10_000)))),
            ("stall=1000ms@5s", Flaw::Stall { length: ms(1000), every: ms(5000) }),
            ("cpu=3ms", Flaw::Cpu(ms(3), Span::ALWAYS)),
            ("cpu=3@1s..2s", Flaw::Cpu(ms(3), span(1_000, Some(2_000)))),
            ("no-cache", Flaw::NoCache),
            ("leak=36MB/h", Flaw::Leak(10_000.0)),
            ("leak=64kB/s", Flaw::Leak(64_000.0)),
            ("leak=1.5GB/m", Flaw::Leak(25e6)),
            ("crash-at=10s", Flaw::CrashAt(ms(10_000))),
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
        for text in
            ["latency=3@30s", "latency=3@9s..3s", "latency=3@3..9", "latency=3@2d..", "errors=1@1s..1s"]
        {
            assert!(text.parse::<Flaw>().is_err(), "{text} must be refused");
        }
        for text in
            ["leak", "leak=5MB", "leak=5/h", "leak=0MB/h", "leak=-1MB/h", "leak=nanMB/h", "leak=1MB/d"]
        {
            assert!(text.parse::<Flaw>().is_err(), "{text} must be refused");
        }
        for text in ["crash-at", "crash-at=10", "crash-at=-1s", "crash-at=2000000s", "crash-at=infs"] {
            assert!(text.parse::<Flaw>().is_err(), "{text} must be refused");
        }
        let error = "slowness=3".parse::<Flaw>().unwrap_err().to_string();
        assert!(error.contains("slowness") && error.contains("stall=MS@EVERY"), "{error}");
    }

    #[test]
    fn a_span_includes_its_beginning_and_not_its_end() {
        let s = Duration::from_secs;
        let span = Span { from: s(10), to: Some(s(20)) };
        assert_eq!([9, 10, 19, 20].map(|at| span.contains(s(at))), [false, true, true, false]);
        assert!(Span { from: s(1), to: None }.contains(s(80_000)));
    }
}
