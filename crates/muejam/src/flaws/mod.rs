//! Defects that can be switched on: each changes the real path of a request or the real process, none fakes a measurement.
//!
//! `latency`, `cpu` and `errors` touch API requests and spare health and metrics, so that a broken service can still
//! be told to be up; `stall` spares nothing, as a stopped process would not. `no-cache` is applied by the cache. `leak`
//! and `crash-at` happen to the process, whatever is asked for.

mod decay;
mod syntax;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::clock;
use crate::error::Error;
use decay::Decay;
pub use syntax::{Flaw, FlawError, Span};

/// The flaws of one running instance. Of several of the same kind the last one that is there at the time counts.
#[derive(Debug)]
pub(crate) struct Flaws {
    latency: Timed<Duration>,
    cpu: Timed<Duration>,
    error_share: Timed<f64>,
    stall: Option<(Duration, Duration)>,
    pub(crate) no_cache: bool,
    started: Instant,
    drawn: AtomicU64,
    /// Ends with the instance.
    _decay: Option<Decay>,
}

impl Flaws {
    /// The start that all times of flaws count from is now.
    ///
    /// # Errors
    /// [`Error::Io`] when a flaw's thread cannot be started.
    pub(crate) fn new(list: &[Flaw]) -> Result<Self, Error> {
        let started = clock::now();
        let mut flaws = Self {
            latency: Timed::default(),
            cpu: Timed::default(),
            error_share: Timed::default(),
            stall: None,
            no_cache: false,
            started,
            drawn: AtomicU64::new(0),
            _decay: None,
        };
        let (mut leak, mut crash_at) = (0.0, None);
        for flaw in list {
            match *flaw {
                Flaw::Latency(time, span) => flaws.latency.0.push((span, time)),
                Flaw::Cpu(time, span) => flaws.cpu.0.push((span, time)),
                Flaw::Errors(share, span) => flaws.error_share.0.push((span, share)),
                Flaw::Stall { length, every } => flaws.stall = Some((length, every)),
                Flaw::NoCache => flaws.no_cache = true,
                Flaw::Leak(rate) => leak = rate,
                Flaw::CrashAt(at) => crash_at = Some(at),
            }
        }
        if leak > 0.0 || crash_at.is_some() {
            let decay = Decay::start(leak, crash_at, started);
            flaws._decay = Some(decay.map_err(Error::io("start the thread of a flaw"))?);
        }
        Ok(flaws)
    }

    /// Returns once no freeze is on. Called when a request arrives and again before its response leaves.
    pub(crate) async fn wait_out_stall(&self) {
        let Some((length, every)) = self.stall else { return };
        while let Some(left) = stall_left(clock::now() - self.started, length, every) {
            tokio::time::sleep(left).await;
        }
    }

    /// Suffers the delays; true if the request shall fail. What counts is what is there when the request arrives.
    pub(crate) async fn suffer(&self) -> bool {
        let arrived = clock::now() - self.started;
        if let Some(time) = self.latency.at(arrived) {
            tokio::time::sleep(time).await;
        }
        if let Some(time) = self.cpu.at(arrived) {
            burn(time);
        }
        let share = self.error_share.at(arrived).unwrap_or(0.0);
        share > 0.0 && unit(self.drawn.fetch_add(1, Ordering::Relaxed)) < share
    }
}

/// Strengths of a flaw, each for its time.
#[derive(Debug)]
struct Timed<T>(Vec<(Span, T)>);

impl<T> Default for Timed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Timed<T> {
    fn at(&self, at: Duration) -> Option<T> {
        self.0.iter().rev().find(|(span, _)| span.contains(at)).map(|(_, strength)| *strength)
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
    fn of_several_of_a_kind_the_last_that_is_there_counts() {
        let ms = Duration::from_millis;
        let flaws =
            Flaws::new(&["latency=20".parse().unwrap(), "latency=300@1s..2s".parse().unwrap()]).unwrap();
        assert_eq!(
            [0, 1_000, 1_999, 2_000].map(|at| flaws.latency.at(ms(at))),
            [20, 300, 300, 20].map(|n| Some(ms(n)))
        );
        assert_eq!(flaws.cpu.at(ms(0)), None);
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
