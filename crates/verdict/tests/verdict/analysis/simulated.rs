//! Simulated runs: users against a server whose behaviour is a function of time, and series with the habits of real ones.

use std::f64::consts::PI;

use squall_core::{EndpointId, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_record::{Point, Series};
use squall_stats::{CellKey, PageReserve, Sample, Window};

use crate::run::second;

/// SplitMix64: the same numbers everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0xD134_2543_DE82_EF95));
        random.uniform();
        random
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
    }
}

/// Noise of variance 1 that depends on the value before.
pub(crate) struct Wander {
    rho: f64,
    state: f64,
}

impl Wander {
    pub(crate) fn new(rho: f64, random: &mut Random) -> Self {
        Self { rho, state: random.normal() }
    }

    pub(crate) fn next(&mut self, random: &mut Random) -> f64 {
        self.state = self.rho * self.state + (1.0 - self.rho * self.rho).sqrt() * random.normal();
        self.state
    }
}

/// The server's answer to a request sent at a moment: how it ends, and after how many seconds.
pub(crate) type Server<'a> = &'a dyn Fn(f64, &mut Random) -> (OutcomeKind, f64);

/// Windows of `secs` seconds. User `n` is there from `users[n].0` to `users[n].1`, thinks for 1 s on average between its
/// requests, and finishes the last one. `phase` says in which phase a moment lies.
pub(crate) fn closed(
    secs: u64,
    users: &[(f64, f64)],
    phase: &dyn Fn(f64) -> u16,
    server: Server<'_>,
    random: &mut Random,
) -> Vec<Window> {
    let mut windows: Vec<_> = (0..secs).map(second).collect();
    for (from, to) in users {
        for window in &mut windows {
            let end = (window.start + window.span).as_secs_f64();
            window.users[0] += u32::from(*from <= end && end < *to);
        }
        let mut at = from - random.uniform().ln();
        while at < *to {
            let (outcome, took) = server(at, random);
            let iterations = |window: &mut Window, phase| {
                let counts = window.iterations_mut(PhaseId(phase), UserClassId(0));
                counts.offered += 1;
                counts.started += 1;
                counts.completed += 1;
            };
            if let Some(window) = windows.get_mut(at as usize) {
                iterations(window, phase(at));
            }
            count(&mut windows, phase(at), at + took, outcome, took);
            at += took - random.uniform().ln();
        }
    }
    windows
}

/// Count a request that completed at a moment.
pub(crate) fn count(windows: &mut [Window], phase: u16, at: f64, outcome: OutcomeKind, took: f64) {
    let (class, endpoint) = (UserClassId(0), EndpointId(0));
    if let Some(window) = windows.get_mut(at as usize) {
        let cell = window.cell_mut(CellKey { phase: PhaseId(phase), class, endpoint, outcome });
        let sample = Sample { response: Nanos::from_secs_f64(took), attempts: 1, ..Sample::default() };
        cell.record(&sample, &mut PageReserve::default());
    }
}

/// A response time about `median` seconds, with the long tail that response times have.
pub(crate) fn long_tailed(median: f64, random: &mut Random) -> f64 {
    median * (0.4 * random.normal()).exp()
}

/// One sample a second.
pub(crate) fn series(
    name: &str,
    unit: squall_plan::Unit,
    secs: u64,
    mut value: impl FnMut(f64) -> f64,
) -> Series {
    let sample =
        |at: u64| Point { at: Nanos::from_millis(at * 1000 + 200), value: Some(value(at as f64 + 0.2)) };
    Series { name: name.into(), unit, samples: (0..secs).map(sample).collect() }
}
