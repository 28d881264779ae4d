//! How long after a disturbance requests were as they had been before it.
//!
//! Recovered is the begin of the first 10 s after the end of the disturbance (longer, until they hold 100 requests) in
//! which all of this is true:
//!
//! * the percentile of response time is at most 1.1 × the baseline's + 5 ms,
//! * the error rate is at most the baseline's + 0.5 points,
//! * throughput is at least 0.9 × the baseline's, per user or per task iteration due.
//!
//! Requests count when they complete: a server that still works off what queued up in the disturbance is not recovered.
//!
//! Few requests scatter. The p95 of 400 requests has a standard error of about 8 %, and a window that is as before by these
//! bounds may come many seconds after the server is well again. So the begin is looked for twice: from the first window
//! within the bounds it moves back over windows that are beyond them by no more than chance does ([`CHANCE`]), and then
//! forth over first seconds ([`HEAD`]) that are by themselves worse than chance does, which a long window forgives.
//! In simulation the time agrees with the server's own to about a second.
//!
//! Answers of a rate limiter are neither successes nor errors.

use squall_core::Nanos;
use squall_plan::{Load, Unit};
use squall_record::PhaseMark;
use squall_stats::{Window, nearest_rank};

use super::disturbance::{Disturbance, Pace, disturbing_phases};
use super::seconds::{Filter, Second, percentiles, seconds, within};
use super::stretch::stretch;
use super::{Recovery, Stretch};

/// What is looked at at once; longer where it holds fewer than [`ENOUGH`] requests.
const WINDOW: Nanos = Nanos::from_secs(10);
/// The first seconds of it, which must not be worse by themselves.
const HEAD: Nanos = Nanos::from_secs(2);
/// Standard deviations that chance does: one in a hundred is beyond.
const CHANCE: f64 = 2.33;
/// Requests that tell something.
const ENOUGH: u64 = 100;
/// A response time may be this many times the baseline's, and by [`LONGER`] more.
const SLOWER: f64 = 1.1;
/// See [`SLOWER`]; in seconds.
const LONGER: f64 = 0.005;
/// The error rate may be higher by this share.
const MORE_ERRORS: f64 = 0.005;
/// Throughput may be this share of the baseline's.
const LESS_THROUGHPUT: f64 = 0.9;

/// How the requests that `filter` lets through recovered from each disturbing phase, by a `percentile` (0 to 100) of
/// response time.
pub(crate) fn recoveries(
    load: &Load,
    windows: &[Window],
    phases: &[PhaseMark],
    percentile: f64,
    filter: Filter<'_>,
) -> Vec<Recovery> {
    in_seconds(load, &seconds(windows, phases, filter), phases, percentile)
}

/// The same of a run that is already gathered.
pub(super) fn in_seconds(
    load: &Load,
    seconds: &[Second],
    phases: &[PhaseMark],
    percentile: f64,
) -> Vec<Recovery> {
    let disturbances = disturbing_phases(load, phases, seconds);
    disturbances.iter().map(|one| recovery(seconds, one, percentile)).collect()
}

/// How requests recovered from `disturbance`.
pub(super) fn recovery(seconds: &[Second], disturbance: &Disturbance, percentile: f64) -> Recovery {
    let Disturbance { name, start, end, baseline: (from, to), until, pace } = disturbance;
    let baseline = stretch(seconds, *from, *to);
    let before = within(seconds, *from, *to);
    let usual = Usual {
        percentile,
        pace: *pace,
        time: percentiles(before, [percentile])[0],
        error_rate: baseline.error_rate,
        throughput: throughput(&baseline, *pace),
    };
    let known: u64 = before.iter().map(|second| second.ok + second.failed).sum();
    let (time, sentence) = if known < ENOUGH {
        (None, format!("{name}: only {known} requests before it, too few to compare with"))
    } else {
        search(seconds, disturbance, &usual)
    };
    let during = stretch(seconds, *start, *end);
    Recovery { disturbance: name.clone(), baseline, during, time, watched: until.since(*end), sentence }
}

/// The baseline.
struct Usual {
    percentile: f64,
    pace: Pace,
    /// The percentile of response time in seconds.
    time: Option<f64>,
    error_rate: Option<f64>,
    throughput: Option<f64>,
}

/// Sums from the end of the disturbance up to a moment.
#[derive(Clone, Copy, Default)]
struct Sums {
    ok: u64,
    failed: u64,
    /// Requests that have a response time, or waited in vain.
    timed: u64,
    /// Those of them that took too long.
    late: u64,
    offered: u64,
    user_seconds: f64,
}

impl Sums {
    fn since(&self, earlier: &Self) -> Self {
        Self {
            ok: self.ok - earlier.ok,
            failed: self.failed - earlier.failed,
            timed: self.timed - earlier.timed,
            late: self.late - earlier.late,
            offered: self.offered - earlier.offered,
            user_seconds: self.user_seconds - earlier.user_seconds,
        }
    }

    fn add(&mut self, second: &Second, usual: &Usual) {
        self.ok += second.ok;
        self.failed += second.failed;
        self.timed += second.times.count();
        self.offered += second.iterations.offered;
        self.user_seconds += second.user_seconds;
        let limit = usual.time.map_or(Nanos::MAX, |time| Nanos::from_secs_f64(time * SLOWER + LONGER));
        // A percentile is the upper bound of its bucket, or the longest of all.
        if second.longest > limit {
            let late = second.times.buckets().filter(|(time, _)| *time > limit);
            self.late += late.map(|(_, n)| n).sum::<u64>();
        }
    }

    /// Within the bounds, or beyond them by no more than `deviations` standard deviations.
    fn is_as_usual(&self, usual: &Usual, deviations: f64) -> bool {
        self.is_fast(usual, deviations) && self.is_right(usual, deviations) && self.is_much(usual, deviations)
    }

    fn is_fast(&self, usual: &Usual, deviations: f64) -> bool {
        // Nearest rank, as for every percentile: as many may be late as are not needed for it.
        let timed = self.timed as f64;
        let share = usual.percentile / 100.0;
        let needed = nearest_rank(usual.percentile / 100.0, self.timed) as f64;
        let chance = deviations * (timed * share * (1.0 - share)).sqrt();
        usual.time.is_none() || (self.timed - self.late) as f64 >= needed - chance
    }

    fn is_right(&self, usual: &Usual, deviations: f64) -> bool {
        let share = usual.error_rate.unwrap_or(0.0) + MORE_ERRORS;
        let answered = (self.ok + self.failed) as f64;
        let chance = deviations * (answered * share * (1.0 - share).max(0.0)).sqrt();
        self.failed as f64 <= share * answered + chance
    }

    fn is_much(&self, usual: &Usual, deviations: f64) -> bool {
        let Some(throughput) = usual.throughput else { return true };
        // Users come back at random, so that successes scatter as a Poisson process does; of iterations that are due a
        // share is served, which scatters less.
        let (by, variance) = match usual.pace {
            Pace::PerUser => (self.user_seconds, 1.0),
            Pace::PerIteration => (self.offered as f64, 1.0 - LESS_THROUGHPUT),
        };
        let expected = LESS_THROUGHPUT * throughput * by;
        self.ok as f64 >= expected - deviations * (variance * expected).sqrt() && by > 0.0
    }
}

/// Successes per user and second, or per iteration that was due; `None` where neither is known.
fn throughput(stretch: &Stretch, pace: Pace) -> Option<f64> {
    match pace {
        Pace::PerUser => stretch.throughput_per_user,
        Pace::PerIteration => {
            let offered = stretch.iterations.offered;
            (offered > 0.0).then(|| stretch.throughput / offered)
        }
    }
}

/// The time it took, and the result as a sentence.
fn search(seconds: &[Second], disturbance: &Disturbance, usual: &Usual) -> (Option<Nanos>, String) {
    let Disturbance { name, end, until, .. } = disturbance;
    let first = seconds.partition_point(|second| second.end <= *end);
    let count = seconds[first..].partition_point(|second| second.end <= *until);
    let after = &seconds[first..first + count];
    let mut sums = vec![Sums::default()];
    let mut sum = Sums::default();
    for second in after {
        sum.add(second, usual);
        sums.push(sum);
    }
    let between = |from: usize, to: usize| sums[to].since(&sums[from]);
    let span = |from: usize, to: usize| after[to - 1].end.since(after[from].start);
    // The window from each second on: where it stops.
    let mut stops: Vec<usize> = Vec::new();
    let mut recovery = None;
    for from in 0..after.len() {
        let full = |to: usize| {
            let found = between(from, to);
            span(from, to) >= WINDOW && found.ok + found.failed >= ENOUGH
        };
        let at_least = stops.last().copied().unwrap_or(0).max(from + 1);
        let Some(to) = (at_least..=after.len()).find(|to| full(*to)) else { break };
        stops.push(to);
        if between(from, to).is_as_usual(usual, 0.0) {
            recovery = Some((from, to));
            break;
        }
    }
    if let Some((from, to)) = recovery {
        let by_chance = |from: &usize| between(*from, stops[*from]).is_as_usual(usual, CHANCE);
        let back = (0..from).rev().take_while(by_chance).last().unwrap_or(from);
        let head_is_as_usual = |begin: &usize| {
            let head = (begin + 1..=to).find(|to| span(*begin, *to) >= HEAD).unwrap_or(to);
            between(*begin, head).is_as_usual(usual, CHANCE)
        };
        let begin = (back..to).find(head_is_as_usual).unwrap_or(from);
        let time = after[begin].start.since(*end);
        return (Some(time), recovered(&after[from..to], name, time, usual));
    }
    let watched = until.since(*end);
    let sentence = match stops.last() {
        Some(to) => {
            let from = stops.len() - 1;
            let worse = still_worse(&after[from..*to], &between(from, *to), usual);
            format!("{name}: did not recover within {}: {worse}", rounded(watched))
        }
        None if watched < WINDOW => format!("{name}: only {} after it, too short to tell", rounded(watched)),
        None => {
            let n = sum.ok + sum.failed;
            format!("{name}: only {n} requests in the {} after it, too few to tell", rounded(watched))
        }
    };
    (None, sentence)
}

fn recovered(clean: &[Second], name: &str, time: Nanos, usual: &Usual) -> String {
    let time = rounded(time);
    let when = if time == Nanos::ZERO { "at once".to_owned() } else { format!("{time} after its end") };
    let percentile = usual.percentile;
    let [now] = percentiles(clean, [percentile]);
    let (now, before) = (shown(Unit::Seconds, now), shown(Unit::Seconds, usual.time));
    format!("{name}: requests were as before {when} (p{percentile} {now}, before it {before})")
}

/// What was not as usual in the last window, of which `found` are the sums.
fn still_worse(last: &[Second], found: &Sums, usual: &Usual) -> String {
    let mut worse = Vec::new();
    if !found.is_fast(usual, 0.0) {
        let [time] = percentiles(last, [usual.percentile]);
        let (now, before) = (shown(Unit::Seconds, time), shown(Unit::Seconds, usual.time));
        worse.push(format!("p{} is {now} (before it {before})", usual.percentile));
    }
    if !found.is_right(usual, 0.0) {
        let rate = found.failed as f64 / (found.ok + found.failed).max(1) as f64;
        let (now, before) = (shown(Unit::Share, Some(rate)), shown(Unit::Share, usual.error_rate));
        worse.push(format!("{now} of requests fail (before it {before})"));
    }
    if !found.is_much(usual, 0.0) {
        let (by, of) = match usual.pace {
            Pace::PerUser => (found.user_seconds, "a second and user"),
            Pace::PerIteration => (found.offered as f64, "per iteration due"),
        };
        let now = if by > 0.0 { three_digits(found.ok as f64 / by) } else { "no".to_owned() };
        let before = usual.throughput.map_or("unknown".to_owned(), three_digits);
        worse.push(format!("{now} successes {of} (before it {before})"));
    }
    worse.join(", ")
}

fn shown(unit: Unit, value: Option<f64>) -> String {
    value.map_or("unknown".to_owned(), |value| unit.display(value))
}

/// A time without the crumbs by which a second of the run is longer or shorter than one.
fn rounded(time: Nanos) -> Nanos {
    Nanos::from_millis((time.as_millis_f64() / 100.0).round() as u64 * 100)
}

/// `value` with three significant digits.
fn three_digits(value: f64) -> String {
    let decimals = if value > 0.0 { (2 - value.log10().floor() as i32).clamp(0, 9) as usize } else { 0 };
    format!("{value:.decimals$}")
}
