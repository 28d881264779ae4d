//! When task iterations arrive in the open model, as a pure function of rate, weights and random numbers.
//!
//! Arrivals are steps along the cumulative rate Λ(t) = ∫ rate: steps of 1 for even spacing, exponential steps of mean 1
//! for a Poisson process (time rescaling, exact for a rate that changes). The moment of an arrival is the inverse of Λ.
//! Random numbers come from the caller, so that the same seed makes the same arrivals wherever they are computed.

use crate::{Nanos, UserClassId};

/// A stretch of time in which the rate changes linearly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePiece {
    /// Arrivals per second at its beginning; finite, not negative.
    pub from: f64,
    /// Arrivals per second at its end.
    pub to: f64,
    /// How long it lasts; `None` as long as there is time. Without an end there is no slope, and `from` is held.
    pub span: Option<Nanos>,
}

/// A rate over time: pieces one after the other, nothing after the last.
#[derive(Clone, Debug)]
pub struct RateCurve {
    start: Nanos,
    pieces: Vec<Stretch>,
}

/// A piece on the axis of seconds since the start of the curve.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Its beginning.
    at: f64,
    /// How long it lasts; infinite when it is open-ended.
    span: f64,
    from: f64,
    /// Change of the rate per second.
    slope: f64,
    /// Arrivals expected before it.
    before: f64,
}

impl RateCurve {
    /// The curve of `pieces` from `start` on, cut off at `end`.
    pub fn new(start: Nanos, end: Option<Nanos>, pieces: &[RatePiece]) -> Self {
        let limit = end.map_or(f64::INFINITY, |end| end.since(start).as_secs_f64());
        let (mut at, mut before) = (0.0, 0.0);
        let mut stretches = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let left = limit - at;
            let whole = piece.span.map_or(left, Nanos::as_secs_f64);
            let slope = if whole.is_finite() && whole > 0.0 { (piece.to - piece.from) / whole } else { 0.0 };
            let stretch = Stretch { at, span: whole.min(left), from: piece.from, slope, before };
            if stretch.span <= 0.0 {
                continue;
            }
            before = stretch.until(stretch.span);
            at += stretch.span;
            stretches.push(stretch);
        }
        Self { start, pieces: stretches }
    }
}

impl Stretch {
    /// Arrivals expected until `elapsed` seconds into it. One that never ends has no slope.
    fn until(&self, elapsed: f64) -> f64 {
        // Zero times infinity is no number.
        let level = if self.from > 0.0 { self.from * elapsed } else { 0.0 };
        let change = if self.slope == 0.0 { 0.0 } else { 0.5 * self.slope * elapsed * elapsed };
        self.before + level + change
    }

    /// How far into it `expected` arrivals are reached; `expected` lies between those before it and those until its end.
    fn elapsed(&self, expected: f64) -> f64 {
        // from·t + slope/2·t² = x, solved in the form that loses no digits, whatever the sign of the slope.
        let x = (expected - self.before).max(0.0);
        if x == 0.0 {
            // At its very beginning, where a rate that rises from nothing would divide nothing by nothing.
            return 0.0;
        }
        let root = (self.from * self.from + 2.0 * self.slope * x).max(0.0).sqrt();
        2.0 * x / (self.from + root)
    }
}

/// How arrivals follow each other along Λ, and how they are dealt to classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepping {
    /// Evenly. The first one stands half a step after the start, so that n expected arrivals are n, all of them well within
    /// the phase, and two phases join without a gap. Classes take turns in fixed proportion.
    Even,
    /// As a Poisson process. Classes are drawn, so that the arrivals of each class are a Poisson process too.
    Poisson,
}

/// One arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it is due.
    pub due: Nanos,
    /// Whose users serve it.
    pub class: UserClassId,
    /// How many of the class came before.
    pub turn: u64,
}

/// The arrivals of a phase, in order.
#[derive(Clone, Debug)]
pub struct Arrivals {
    curve: RateCurve,
    stepping: Stepping,
    /// By class; they add up to 1, or nothing arrives.
    shares: Vec<f64>,
    /// By class: arrivals so far.
    turns: Vec<u64>,
    dealt: u64,
    /// Λ of the last arrival.
    reached: f64,
    /// Position in the curve.
    piece: usize,
}

impl Arrivals {
    /// Arrivals along `curve`, dealt to classes by `weights`; weights that are not above 0 get none.
    pub fn new(curve: RateCurve, stepping: Stepping, weights: &[f64]) -> Self {
        let weights: Vec<_> = weights.iter().map(|&weight| if weight > 0.0 { weight } else { 0.0 }).collect();
        let sum: f64 = weights.iter().sum();
        Self {
            curve,
            stepping,
            turns: vec![0; weights.len()],
            shares: if sum > 0.0 { weights.iter().map(|weight| weight / sum).collect() } else { Vec::new() },
            dealt: 0,
            reached: 0.0,
            piece: 0,
        }
    }

    /// The next arrival; `None` when no more come. `uniform` draws from `[0, 1)`.
    pub fn next(&mut self, mut uniform: impl FnMut() -> f64) -> Option<Arrival> {
        if self.shares.is_empty() {
            return None;
        }
        self.reached = match self.stepping {
            // Not a sum: it would lose digits over millions of arrivals.
            Stepping::Even => self.dealt as f64 + 0.5,
            Stepping::Poisson => self.reached - (1.0 - uniform()).ln(),
        };
        let stretch = loop {
            let stretch = self.curve.pieces.get(self.piece)?;
            if self.reached < stretch.until(stretch.span) {
                break stretch;
            }
            self.piece += 1;
        };
        let elapsed = stretch.elapsed(self.reached).min(stretch.span);
        let due = self.curve.start + Nanos::from_secs_f64(stretch.at + elapsed);
        let class = match self.stepping {
            Stepping::Even => self.most_behind(),
            Stepping::Poisson => self.drawn(uniform()),
        };
        self.dealt += 1;
        let turn = self.turns[class];
        self.turns[class] += 1;
        Some(Arrival { due, class: UserClassId::from(class), turn })
    }

    /// The class that is furthest behind its share, the first of several.
    fn most_behind(&self) -> usize {
        let dealt = (self.dealt + 1) as f64;
        let mut most = (0, f64::NEG_INFINITY);
        for (class, (share, turns)) in self.shares.iter().zip(&self.turns).enumerate() {
            let behind = share * dealt - *turns as f64;
            if *share > 0.0 && behind > most.1 {
                most = (class, behind);
            }
        }
        most.0
    }

    fn drawn(&self, mut ticket: f64) -> usize {
        let mut last = 0;
        for (class, share) in self.shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            last = class;
            ticket -= share;
            if ticket < 0.0 {
                break;
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Nanos = Nanos::from_secs;

    fn piece(from: f64, to: f64, span: Option<u64>) -> RatePiece {
        RatePiece { from, to, span: span.map(S) }
    }

    fn arrivals(pieces: &[RatePiece], secs: u64, stepping: Stepping) -> Arrivals {
        Arrivals::new(RateCurve::new(S(100), Some(S(100 + secs)), pieces), stepping, &[1.0])
    }

    fn even(pieces: &[RatePiece], secs: u64) -> Vec<f64> {
        let mut arrivals = arrivals(pieces, secs, Stepping::Even);
        std::iter::from_fn(|| arrivals.next(|| 0.0)).map(|a| (a.due - S(100)).as_secs_f64()).collect()
    }

    /// Splitmix64: enough randomness to test with.
    fn uniform(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut x = state;
            x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    #[test]
    fn even_arrivals_are_as_many_as_the_rate_says_and_never_at_the_end() {
        for (pieces, secs, count) in [
            (vec![piece(10.0, 10.0, None)], 10, 100),
            (vec![piece(0.3, 0.3, None)], 10, 3),
            (vec![piece(0.0, 20.0, None)], 10, 100),
            (vec![piece(20.0, 0.0, None)], 10, 100),
            (vec![piece(0.0, 0.0, None)], 10, 0),
            // Steps with a pause in between.
            (vec![piece(5.0, 5.0, Some(2)), piece(0.0, 0.0, Some(3)), piece(8.0, 8.0, Some(5))], 10, 50),
            // The rate is 0 when the pieces are over.
            (vec![piece(10.0, 10.0, Some(4))], 10, 40),
            // A ramp that the phase cuts off: 0 to 10 of 20 per second.
            (vec![piece(0.0, 20.0, Some(20))], 10, 50),
            (vec![piece(1e5, 1e5, None)], 3, 300_000),
            (vec![], 10, 0),
        ] {
            let moments = even(&pieces, secs);
            assert_eq!(moments.len(), count, "{pieces:?}");
            assert!(moments.is_sorted(), "{pieces:?}");
            assert!(moments.iter().all(|at| *at < secs as f64), "{pieces:?}");
        }
    }

    #[test]
    fn even_arrivals_stand_where_the_rate_puts_them() {
        let constant = even(&[piece(4.0, 4.0, None)], 1);
        assert_eq!(constant, [0.125, 0.375, 0.625, 0.875]);
        // From 0 up by 2/s²: Λ = t², so that arrival n is due at √(n + ½). Down again it is the mirror image.
        let up = even(&[piece(0.0, 20.0, None)], 10);
        let down = even(&[piece(20.0, 0.0, None)], 10);
        for (n, (up, down)) in up.iter().zip(down.iter().rev()).enumerate() {
            assert!((up - (n as f64 + 0.5).sqrt()).abs() < 1e-8, "{n}: {up}");
            assert!((10.0 - down - up).abs() < 1e-8, "{n}: {down}");
        }
    }

    #[test]
    fn an_arrival_due_where_a_rate_rises_from_nothing_is_not_late() {
        // A sawtooth: 12.5 arrivals in the first tooth, so that the thirteenth stands exactly where the second begins.
        let tooth = piece(0.0, 5.0, Some(5));
        let moments = even(&[tooth, tooth], 10);
        assert_eq!(moments[12], 5.0);
        assert!(moments.is_sorted(), "{moments:?}");
        assert_eq!(moments.len(), 25);
    }

    #[test]
    fn an_open_ended_curve_goes_on() {
        let curve = RateCurve::new(Nanos::ZERO, None, &[piece(10.0, 50.0, None)]);
        let mut arrivals = Arrivals::new(curve, Stepping::Even, &[1.0]);
        let last = std::iter::from_fn(|| arrivals.next(|| 0.0)).take(10_000).last().unwrap();
        assert_eq!(last.due, Nanos::from_millis(999_950));
        let mut none =
            Arrivals::new(RateCurve::new(S(0), None, &[piece(0.0, 0.0, None)]), Stepping::Even, &[1.0]);
        assert_eq!(none.next(|| 0.0), None);
    }

    #[test]
    fn a_poisson_process_has_the_mean_and_variance_of_its_rate() {
        // 2000 runs of a ramp from 0 to 40/s over 10 s: 200 arrivals each, half of them in the last 2.93 s.
        let curve = RateCurve::new(S(0), Some(S(10)), &[piece(0.0, 40.0, None)]);
        let half = Nanos::from_secs_f64(10.0 * 0.5f64.sqrt());
        let mut random = uniform(42);
        let mut counts = Vec::new();
        let mut late = 0.0;
        for _ in 0..2000 {
            let mut arrivals = Arrivals::new(curve.clone(), Stepping::Poisson, &[1.0]);
            let moments: Vec<_> = std::iter::from_fn(|| arrivals.next(&mut random)).map(|a| a.due).collect();
            assert!(moments.is_sorted() && moments.iter().all(|due| *due < S(10)));
            late += moments.iter().filter(|due| **due >= half).count() as f64;
            counts.push(moments.len() as f64);
        }
        let mean = counts.iter().sum::<f64>() / 2000.0;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 1999.0;
        // Three standard errors: of the mean 0.3, of the variance 6.3, of the later half's mean 0.22.
        assert!((mean - 200.0).abs() < 1.0, "{mean}");
        assert!((variance - 200.0).abs() < 19.0, "{variance}");
        assert!((late / 2000.0 - 100.0).abs() < 0.7, "{late}");
    }

    #[test]
    fn gaps_of_a_poisson_process_are_exponential() {
        let mut arrivals = arrivals(&[piece(100.0, 100.0, None)], 1000, Stepping::Poisson);
        let mut random = uniform(7);
        let moments: Vec<_> = std::iter::from_fn(|| arrivals.next(&mut random)).map(|a| a.due).collect();
        let gaps: Vec<_> = moments.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * 100.0).collect();
        for limit in [0.1f64, 0.5, 1.0, 2.0, 4.0] {
            let longer = gaps.iter().filter(|gap| **gap > limit).count() as f64 / gaps.len() as f64;
            // Of 100 000 gaps: three standard errors are below 0.005.
            assert!((longer - (-limit).exp()).abs() < 0.005, "{limit}: {longer}");
        }
    }

    #[test]
    fn classes_get_their_shares_of_the_arrivals() {
        let weights = [70.0, 0.0, 25.0, 4.0, 1.0];
        for stepping in [Stepping::Even, Stepping::Poisson] {
            let curve = RateCurve::new(S(0), None, &[piece(100.0, 100.0, None)]);
            let mut arrivals = Arrivals::new(curve, stepping, &weights);
            let mut random = uniform(3);
            let mut counts = [0u64; 5];
            for n in 1..=100_000u32 {
                let arrival = arrivals.next(&mut random).unwrap();
                let class = arrival.class.index();
                assert_eq!(arrival.turn, counts[class]);
                counts[class] += 1;
                if stepping == Stepping::Even {
                    let share = weights[class] / 100.0 * f64::from(n);
                    assert!((counts[class] as f64 - share).abs() <= 2.0, "{counts:?} of {n}");
                }
            }
            assert_eq!(counts[1], 0);
            for (count, weight) in counts.iter().zip(weights) {
                // Three standard errors of a share of 70 % of 100 000.
                assert!((*count as f64 - weight * 1000.0).abs() < 440.0, "{stepping:?}: {counts:?}");
            }
        }
    }

    #[test]
    fn without_a_weight_nothing_arrives() {
        for weights in [&[][..], &[0.0, 0.0], &[-1.0], &[f64::NAN]] {
            let curve = RateCurve::new(S(0), None, &[piece(1.0, 1.0, None)]);
            assert_eq!(Arrivals::new(curve, Stepping::Even, weights).next(|| 0.5), None, "{weights:?}");
        }
    }
}
