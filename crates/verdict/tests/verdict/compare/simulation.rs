//! Runs with a known truth: log-normal times around a level that wanders from second to second (AR(1)).

use squall_core::{EndpointId, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_record::Run;
use squall_stats::{CellKey, PageReserve, Sample, Window};

use crate::run::{phase, plan, run, second};

/// Seconds of a window.
const JOINED: u64 = 10;

/// SplitMix64: the same numbers for ever.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ 0x1405_7b7e_f767_814f)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    pub(super) fn within(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }
}

/// Multipliers of a log-normal distribution at evenly spaced levels: drawing one is looking it up.
pub(super) struct LogNormal(Vec<f64>);

impl LogNormal {
    pub(super) fn new(sigma: f64) -> Self {
        // Drawn once and sorted: the quantiles of a large sample are those of the distribution.
        let mut dice = Dice::new(99);
        let mut normals: Vec<f64> = (0..32_768).map(|_| dice.normal()).collect();
        normals.sort_by(f64::total_cmp);
        Self(normals.into_iter().map(|normal| (sigma * normal).exp()).collect())
    }

    fn draw(&self, dice: &mut Dice) -> f64 {
        self.0[(dice.bits() >> 49) as usize]
    }
}

/// What a system is like.
#[derive(Clone, Copy)]
pub(super) struct System {
    /// Requests per second, at random moments.
    pub(super) rate: f64,
    /// Median response time.
    pub(super) median_ms: f64,
    /// How far the level wanders: standard deviation of its logarithm.
    pub(super) wander: f64,
    /// Correlation of the level from one second to the next.
    pub(super) rho: f64,
}

/// A run of `seconds`, and the same run with all times multiplied by `factor`.
pub(super) fn twins(system: System, times: &LogNormal, seconds: u64, seed: u64, factors: &[f64]) -> Vec<Run> {
    let mut dice = Dice::new(seed);
    let mut reserve = PageReserve::default();
    let key = CellKey {
        phase: PhaseId(0),
        class: UserClassId(0),
        endpoint: EndpointId(0),
        outcome: OutcomeKind::Ok,
    };
    let mut level = system.wander * dice.normal();
    let mut windows: Vec<Vec<Window>> = vec![Vec::new(); factors.len()];
    for number in 0..seconds {
        // The windows are joined, as a slow disk joins them: the test is about time, and this saves most of it.
        let begins = number % JOINED == 0;
        level = system.rho * level + system.wander * (1.0 - system.rho * system.rho).sqrt() * dice.normal();
        let median = system.median_ms * 1e6 * level.exp();
        let count = (system.rate + system.rate.sqrt() * dice.normal()).round().max(0.0) as usize;
        let drawn: Vec<f64> = (0..count).map(|_| median * times.draw(&mut dice)).collect();
        for (windows, factor) in windows.iter_mut().zip(factors) {
            if begins {
                windows.push(second(number));
            }
            let Some(window) = windows.last_mut() else { continue };
            window.span = Nanos::from_secs(JOINED);
            let cell = window.cell_mut(key);
            for nanos in &drawn {
                let sample = Sample { response: Nanos((nanos * factor) as u64), ..Sample::default() };
                cell.record(&sample, &mut reserve);
            }
        }
    }
    let marks = || vec![phase(0, "steady", 0, Some(0), seconds * 1_000)];
    windows.into_iter().map(|windows| run(plan(&[("steady", true)], vec![]), marks(), windows)).collect()
}
