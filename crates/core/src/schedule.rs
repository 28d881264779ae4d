//! When users start and stop, as pure functions: given a ramp, nobody needs to ask what is due.

use crate::Nanos;

/// A change of the number of users from `from` to `to`, beginning at `start`, at `rate` users per second.
///
/// Users are spread evenly: the n-th change is due `n / rate` seconds after the start. (Locust moves
/// `floor(rate)` users at once and then sleeps; the average is the same, the bursts are not.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    /// The moment of the first change.
    pub start: Nanos,
    /// Users before the ramp.
    pub from: u32,
    /// Users after the ramp.
    pub to: u32,
    /// Users started or stopped per second; finite and above zero.
    pub rate: f64,
}

impl Ramp {
    /// How many users start or stop in all.
    pub fn changes(&self) -> u32 {
        self.from.abs_diff(self.to)
    }

    /// The moment of the `n`-th change, counted from 0.
    pub fn due(&self, n: u32) -> Nanos {
        self.start + Nanos::from_secs_f64(f64::from(n) / self.rate)
    }

    /// The moment of the last change; `start` when there is none.
    pub fn end(&self) -> Nanos {
        self.due(self.changes().saturating_sub(1))
    }

    /// Users asked for at `at`.
    pub fn users_at(&self, at: Nanos) -> u32 {
        if at < self.start {
            return self.from;
        }
        let elapsed = at.since(self.start).as_secs_f64();
        // The product can fall a hair below a whole number at the very moment a change is due.
        let done = (elapsed * self.rate + 1e-6).floor() as u32;
        let done = done.saturating_add(1).min(self.changes());
        if self.to >= self.from { self.from + done } else { self.from - done }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_spread_evenly_over_the_ramp() {
        let ramp = Ramp { start: Nanos::from_secs(10), from: 50, to: 500, rate: 100.0 };
        assert_eq!(ramp.changes(), 450);
        assert_eq!(ramp.due(0), Nanos::from_secs(10));
        assert_eq!(ramp.due(1), Nanos::from_millis(10_010));
        assert_eq!(ramp.end(), Nanos::from_millis(14_490));
        assert_eq!(ramp.users_at(Nanos::from_secs(9)), 50);
        assert_eq!(ramp.users_at(ramp.end()), 500);
    }

    #[test]
    fn ramps_down_too() {
        let ramp = Ramp { start: Nanos::ZERO, from: 3, to: 1, rate: 0.5 };
        assert_eq!([0, 1].map(|n| ramp.due(n)), [Nanos::ZERO, Nanos::from_secs(2)]);
        assert_eq!(ramp.users_at(Nanos::from_secs(1)), 2);
        assert_eq!(ramp.users_at(Nanos::from_secs(60)), 1);
    }
}
