//! What drifts in the longest steady part of a run, and what of it is a leak.
//!
//! Looked at are p95, throughput and every series, in the longest hold of a measured phase, of at least 60 s and 10
//! buckets (see [`crate::statistics`]): medians for series, the exact p95 and throughput of each bucket for requests.
//!
//! A start that settles must not pass for a drift. Where the slopes of the two halves differ beyond chance (their
//! 95 % intervals do not meet, and they differ by a tenth), the line is bent and only the second half is judged. A drift
//! is *significant* when
//!
//! * p < 1 % after Holm's correction for all that is looked at (Holm 1979, *Scand. J. Stat.* 6), so that a run without
//!   any drift is called drifting once in a hundred, however many series it has,
//! * the second half of a straight line alone goes the same way (p < 5 %), and
//! * the change over the judged time matters: see [`matters`].
//!
//! A *leak* is a significant rise of memory or of a number of things that goes on: the later half of what is judged
//! rises too (p < 5 %), at least [`GOES_ON`] times as fast as the earlier one. A curve that flattens does not.

use squall_core::Nanos;
use squall_plan::{MonitorKind, Unit};
use squall_record::Run;

use super::Drift;
use super::hold::{COURSES, FEWEST, holds};
use super::seconds::Second;
use crate::statistics::{Trend, bucket_medians, median, trend};

/// Level of the significance of all drifts of a run together.
const LEVEL: f64 = 0.01;
/// Level for a half, which only confirms.
const CONFIRMS: f64 = 0.05;
/// A rise that goes on is in the later half at least so many times as fast as in the earlier one. A curve that flattens
/// with a time constant of a third of the run has 0.22 from half to half and 0.47 from the third quarter to the fourth.
const GOES_ON: f64 = 0.6;
/// Slopes that differ by a smaller share are one.
const BENT: f64 = 0.1;
const HOUR: f64 = 3600.0;

/// The drifts of a run: those of requests, then the series in their order.
pub(super) fn drifts(run: &Run, seconds: &[Second]) -> Vec<Drift> {
    let Some((start, end)) = longest_hold(run, seconds) else { return Vec::new() };
    let mut found = Vec::new();
    for course in &COURSES {
        let points = |from, to| course.points(seconds, from, to);
        found.push(Looked::at(course.name, course.unit, (start, end), &points));
    }
    for series in run.series.iter().filter(|series| is_looked_at(&series.name)) {
        let medians = |from, to| bucket_medians(series.values(), from, to);
        found.push(Looked::at(&series.name, series.unit, (start, end), &medians));
    }
    let found: Vec<_> = found.into_iter().flatten().collect();
    let beyond_chance = holm(&found.iter().map(|looked| looked.trend.p_value).collect::<Vec<_>>());
    found.into_iter().zip(beyond_chance).map(|(looked, certain)| looked.drift(run, certain)).collect()
}

/// What the generator uses says nothing of the target: doubts look at it.
fn is_looked_at(name: &str) -> bool {
    !name.starts_with("generator.")
}

fn longest_hold(run: &Run, seconds: &[Second]) -> Option<(Nanos, Nanos)> {
    let holds = holds(run, seconds).map(|(_, start, end)| (start, end));
    let length = |(start, end): (Nanos, Nanos)| end.since(start);
    // The first of equals.
    holds.reduce(|one, next| if length(next) > length(one) { next } else { one })
}

/// One measure over the hold.
struct Looked<'a> {
    of: &'a str,
    unit: Unit,
    /// What was judged: the hold, or its second half where the line is bent.
    start: Nanos,
    end: Nanos,
    trend: Trend,
    halves: Option<(Trend, Trend)>,
    bent: bool,
    /// The middle of the values.
    level: f64,
    /// The last of them, and its moment in seconds.
    last: (f64, f64),
}

type Points<'a> = &'a dyn Fn(Nanos, Nanos) -> Vec<(f64, f64)>;

impl<'a> Looked<'a> {
    fn at(of: &'a str, unit: Unit, (start, end): (Nanos, Nanos), points: Points<'_>) -> Option<Self> {
        let whole = points(start, end);
        if whole.len() < FEWEST {
            return None;
        }
        let level = median(&mut whole.iter().map(|point| point.1).collect::<Vec<_>>())?;
        let last = *whole.last()?;
        let halves = |from: Nanos, to: Nanos| {
            let middle = from + Nanos(to.since(from).0 / 2);
            Some((trend(&points(from, middle))?, trend(&points(middle, to))?))
        };
        let straight = trend(&whole)?;
        let looked = Self {
            of,
            unit,
            start,
            end,
            trend: straight,
            halves: halves(start, end),
            bent: false,
            level,
            last,
        };
        match looked.halves {
            Some((one, two)) if differ(&one, &two) => {
                let start = start + Nanos(end.since(start).0 / 2);
                Some(Self { start, trend: two, halves: halves(start, end), bent: true, ..looked })
            }
            _ => Some(looked),
        }
    }

    /// Does the later half confirm the direction?
    fn is_confirmed(&self) -> bool {
        // What is the second half already was singled out by its own slope.
        let alike = |two: &Trend| two.p_value < CONFIRMS && two.slope * self.trend.slope > 0.0;
        self.bent || self.halves.as_ref().is_none_or(|(_, two)| alike(two))
    }

    /// Does the rise go on, or does it flatten? Unknown counts as flattening.
    fn goes_on(&self) -> bool {
        self.halves.as_ref().is_some_and(|(one, two)| {
            two.slope > 0.0 && two.p_value < CONFIRMS && two.slope >= GOES_ON * one.slope
        })
    }

    fn drift(self, run: &Run, beyond_chance: bool) -> Drift {
        let Self { of, unit, start, end, trend, .. } = self;
        let change = trend.slope.abs() * end.since(start).as_secs_f64();
        let certain = beyond_chance && self.is_confirmed();
        let significant = certain && matters(unit, change, self.level.abs());
        let rises = trend.slope > 0.0;
        let leak = significant && rises && matches!(unit, Unit::Bytes | Unit::Count) && self.goes_on();
        let limit = limit(run, of).filter(|_| significant && rises);
        let time_to_limit = limit.map(|limit| {
            let (at, value) = self.last;
            let left = (limit - value).max(0.0) / trend.slope;
            Nanos::from_secs_f64(left - (run.duration().as_secs_f64() - at))
        });
        let mut sentence = match (significant, certain) {
            (true, _) => self.sentence(),
            (false, true) => format!("{of}: no trend that matters"),
            (false, false) => format!("{of}: no trend"),
        };
        if leak {
            sentence += ": a leak";
        }
        if let (Some(limit), Some(left)) = (limit, time_to_limit) {
            // Seconds of a day ahead would be a lie.
            let left = Nanos::from_secs(left.whole_secs());
            sentence += &format!(", {left} from the limit of {}", unit.display(limit));
        }
        Drift {
            of: of.to_owned(),
            unit,
            start,
            end,
            slope: trend.slope * HOUR,
            interval: (trend.low * HOUR, trend.high * HOUR),
            p_value: trend.p_value,
            significant,
            leak,
            time_to_limit,
            sentence,
        }
    }

    fn sentence(&self) -> String {
        let Self { of, unit, trend: Trend { slope, low, high, .. }, .. } = *self;
        let (verb, from, to) = if slope > 0.0 { ("rises", low, high) } else { ("falls", -high, -low) };
        let show = |slope: f64| unit.per_hour().display(slope * HOUR);
        let when = if self.bent { " in the second half" } else { "" };
        format!("{of} {verb} by {}{when} (95 %: {} to {})", show(slope.abs()), show(from), show(to))
    }
}

/// Do two slopes differ, beyond chance and by enough to be worth a word?
fn differ(one: &Trend, two: &Trend) -> bool {
    let apart = one.high < two.low || two.high < one.low;
    apart && (one.slope - two.slope).abs() > BENT * one.slope.abs().max(two.slope.abs())
}

/// Does a `change` over the judged time matter, for values about `level`? The larger of a share and of an amount below
/// which one cannot tell it from the grain of the measure:
///
/// | what | share | amount |
/// |---|---|---|
/// | response times | 10 % | 5 ms, as for recovery |
/// | rates | 5 % | 0.1 a second |
/// | memory | 1 % | 0.5 MB |
/// | things | 1 % | 3 |
/// | shares | 5 % | 1 point |
fn matters(unit: Unit, change: f64, level: f64) -> bool {
    let (share, amount) = match unit {
        Unit::Seconds | Unit::SecondsPerHour => (0.1, 0.005),
        Unit::PerSecond | Unit::PerSecondPerHour => (0.05, 0.1),
        Unit::Bytes | Unit::BytesPerHour => (0.01, 5e5),
        Unit::Count | Unit::CountPerHour => (0.01, 3.0),
        Unit::Share | Unit::SharePerHour => (0.05, 0.01),
    };
    change >= (share * level).max(amount)
}

/// Where the series `name` can rise no further, as far as it is known.
fn limit(run: &Run, name: &str) -> Option<f64> {
    let (monitor, what) = name.rsplit_once('.')?;
    let kind = &run.plan.monitors.iter().find(|planned| planned.name == monitor)?.kind;
    // Seen in /proc, so it runs on this machine.
    let on_this_machine = matches!(kind, MonitorKind::Process(_)) && what == "rss";
    (on_this_machine && run.environment.memory_bytes > 0).then_some(run.environment.memory_bytes as f64)
}

/// Which of `p_values` are significant at [`LEVEL`] together: the smallest against level / m, the next against
/// level / (m − 1), and so on to the first that is not.
fn holm(p_values: &[f64]) -> Vec<bool> {
    let mut order: Vec<_> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut significant = vec![false; p_values.len()];
    for (rank, index) in order.iter().enumerate() {
        if p_values[*index] >= LEVEL / (p_values.len() - rank) as f64 {
            break;
        }
        significant[*index] = true;
    }
    significant
}
