//! Two runs against each other: what became worse, what became better, what stayed the same, and what nobody can tell.
//!
//! Compared is the measured part of both, phase by phase of the same name, over the endpoints that both requested. The
//! method stands where it is done: blocks of time ([`blocks`]), a figure and its error ([`estimate`]), differences and
//! what they are called ([`change`]), what else differs ([`differences`]). It knows one run of each: what changes from
//! one run of the same thing to the next (caches, neighbours, where a process landed) is not in any interval here.
//!
//! Everything is a pure function of the records: no random numbers, so the same records give the same answer.

mod blocks;
mod change;
mod differences;
mod estimate;
mod pairing;
mod sentence;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;
use squall_core::EndpointId;
use squall_plan::Unit;
use squall_record::Run;
use thiserror::Error;

use self::blocks::{Block, Observed, Sample, requested};
use self::change::{Pair, conclude};
use self::estimate::{Curve, Estimate, MIN_BLOCKS};
use crate::{Doubt, Severity, judge};

/// What counts as a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margins {
    /// How far B may be from A, as a share of A; above 0, below 1.
    pub margin: f64,
    /// A difference of response times below this many seconds does not matter.
    pub floor_secs: f64,
    /// The same for error rates, as a share from 0 to 1.
    pub floor_share: f64,
    /// The same for throughput, in requests per second.
    pub floor_rate: f64,
}

impl Default for Margins {
    /// 5 %, a millisecond, 0.1 points, a request in ten seconds.
    fn default() -> Self {
        Self { margin: 0.05, floor_secs: 0.001, floor_share: 0.001, floor_rate: 0.1 }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Median response time.
    P50,
    /// 95th percentile of response time.
    P95,
    /// 99th percentile of response time.
    P99,
    /// Mean response time of successes.
    Mean,
    /// Failed / (Ok + Failed).
    ErrorRate,
    /// Successes per second.
    Throughput,
}

/// What is found about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// B is worse: beyond chance, and by more than the margin.
    Regressed,
    /// B is better: beyond chance, and by more than the margin.
    Improved,
    /// B is within the margin of A, beyond chance.
    Equivalent,
    /// Neither is known.
    Inconclusive,
}

/// A figure of both runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Which.
    pub metric: Metric,
    /// Its value in A, in the unit of the metric: seconds, a share, requests per second.
    pub a: f64,
    /// Its value in B.
    pub b: f64,
    /// Only a lower bound of A is known, because requests were never answered.
    pub a_at_least: bool,
    /// The same for B.
    pub b_at_least: bool,
    /// B against A: a share of A (0.1 is 10 % more); for error rates B − A.
    pub difference: f64,
    /// 95 % confidence interval of the difference, by itself; infinite (JSON: null) where the requests cannot tell.
    pub interval: (f64, f64),
    /// What the difference was held against: the margin asked for, or the floor where that is more.
    pub margin: f64,
    /// Two-sided, of no difference.
    pub p_value: f64,
    /// The same, adjusted for all that was looked at.
    pub p_adjusted: f64,
    /// What is found.
    pub finding: Finding,
    /// Where it is not settled: how much longer each run would have to be, were the difference what it seems.
    /// `None` where it is settled, or a day would not settle it.
    pub more_minutes: Option<f64>,
}

/// An endpoint, or all requests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subject {
    /// `GET /v1/stories/`; `all requests` for the total.
    pub label: String,
    /// Requests of A that were answered or failed.
    pub a_requests: u64,
    /// The same of B.
    pub b_requests: u64,
    /// All changes together.
    pub finding: Finding,
    /// Those for which there are enough requests.
    pub changes: Vec<Change>,
}

/// A run, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// Name of the suite.
    pub suite: String,
    /// The profile, if one was chosen.
    pub profile: Option<String>,
    /// When it started, RFC 3339.
    pub started: String,
    /// How long it is compared, in seconds.
    pub compared_s: f64,
}

/// A part of both runs that is compared, in seconds of run time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stretch {
    /// Name of the phase.
    pub phase: String,
    /// Where it begins and ends in A.
    pub a: (f64, f64),
    /// Where it begins and ends in B.
    pub b: (f64, f64),
}

/// Something that was not the same for both runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What, e.g. `users of phase steady`.
    pub what: String,
    /// How it was for A.
    pub a: String,
    /// How it was for B.
    pub b: String,
}

/// Two runs against each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What is found, all together. An overall `equivalent` rests on the median, p95, error rate and throughput of all
    /// requests: p99 takes many times the requests, and seldom used endpoints the time.
    pub finding: Finding,
    /// The same in a sentence.
    pub sentence: String,
    /// Where it is not settled: how much longer each run would have to be; see [`Change::more_minutes`].
    pub more_minutes: Option<f64>,
    /// The margin asked for.
    pub margin: f64,
    /// The run that is compared with.
    pub a: Side,
    /// The run that is judged.
    pub b: Side,
    /// What differs between the machines and programs.
    pub environment: Vec<Difference>,
    /// What differs between the plans.
    pub plan: Vec<Difference>,
    /// What makes the comparison less worth, in words.
    pub warnings: Vec<String>,
    /// What was recorded and not compared, in words.
    pub excluded: Vec<String>,
    /// What is compared.
    pub stretches: Vec<Stretch>,
    /// All requests to the endpoints of both.
    pub total: Subject,
    /// By endpoint, sorted by name; none when there is only one, which is the total then.
    pub endpoints: Vec<Subject>,
}

/// Why two runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompareError {
    /// A run does not show what it should, so that no comparison with it would.
    #[error("run {run} is not valid: {}", .doubts.iter().map(said).collect::<Vec<_>>().join(" "))]
    NotValid {
        /// `A` or `B`.
        run: char,
        /// Why.
        doubts: Vec<Doubt>,
    },
    /// A run has no measured part.
    #[error("run {run} has nothing to compare: it ended before its first measured second")]
    NothingMeasured {
        /// `A` or `B`.
        run: char,
    },
    /// The runs did not request one endpoint both.
    #[error("the runs have no endpoint in common")]
    NothingInCommon,
}

fn said(doubt: &Doubt) -> String {
    format!("{} {}", doubt.kind.sentence(), doubt.evidence)
}

impl Metric {
    /// In the order of tables.
    pub const ALL: [Self; 6] =
        [Self::P50, Self::P95, Self::P99, Self::Mean, Self::ErrorRate, Self::Throughput];

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Mean => "mean",
            Self::ErrorRate => "error rate",
            Self::Throughput => "throughput",
        }
    }

    /// Unit of its values.
    pub fn unit(self) -> Unit {
        match self {
            Self::P50 | Self::P95 | Self::P99 | Self::Mean => Unit::Seconds,
            Self::ErrorRate => Unit::Share,
            Self::Throughput => Unit::PerSecond,
        }
    }

    /// Is its difference a share of A? That of an error rate is not: from 0 everything is infinitely more.
    pub fn is_relative(self) -> bool {
        self != Self::ErrorRate
    }

    fn higher_is_better(self) -> bool {
        self == Self::Throughput
    }

    /// Does an overall `equivalent` rest on it?
    fn decides(self) -> bool {
        !matches!(self, Self::P99 | Self::Mean)
    }
}

impl Finding {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::Equivalent => "equivalent",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// The graver of found differences, else what `deciding` changes say together.
    fn of<'a>(
        all: impl Iterator<Item = &'a Change> + Clone,
        deciding: impl Iterator<Item = &'a Change>,
    ) -> Self {
        let any = |wanted: Self| all.clone().any(|change| change.finding == wanted);
        let mut deciding = deciding.peekable();
        if any(Self::Regressed) {
            Self::Regressed
        } else if any(Self::Improved) {
            Self::Improved
        } else if deciding.peek().is_some() && deciding.all(|change| change.finding == Self::Equivalent) {
            Self::Equivalent
        } else {
            Self::Inconclusive
        }
    }
}

/// Hold `b` against `a`.
///
/// # Errors
/// [`CompareError`]: a run is not valid, has no measured part, or shares no endpoint with the other.
pub fn compare(a: &Run, b: &Run, margins: &Margins) -> Result<Comparison, CompareError> {
    let mut warnings = Vec::new();
    for (name, run) in [('A', a), ('B', b)] {
        warnings.extend(believable(name, run)?);
    }
    let paired = pairing::pair(a, b);
    for (run, parts) in [('A', &paired.a), ('B', &paired.b)] {
        if parts.is_empty() {
            return Err(CompareError::NothingMeasured { run });
        }
    }
    let names = (named(a, &requested(a, &paired.a)), named(b, &requested(b, &paired.b)));
    let common: BTreeMap<&String, (EndpointId, EndpointId)> =
        names.0.iter().filter_map(|(name, id)| Some((name, (*id, *names.1.get(name)?)))).collect();
    if common.is_empty() {
        return Err(CompareError::NothingInCommon);
    }
    let sample_a = Sample::new(a, &paired.a, &common.values().map(|(id, _)| *id).collect());
    let sample_b = Sample::new(b, &paired.b, &common.values().map(|(_, id)| *id).collect());
    let seconds = sample_a.span.min(sample_b.span);
    // One endpoint alone is the total.
    let single = common.len() == 1;
    let subject = |label: &str, a: &Observed, b: &Observed, tests: usize| Subject {
        label: label.to_owned(),
        a_requests: a.sum(Block::completed),
        b_requests: b.sum(Block::completed),
        finding: Finding::Inconclusive,
        changes: changes(a, b, margins, seconds, tests),
    };
    let tests = Metric::ALL.len() * if single { 1 } else { 2 };
    let mut total = subject("all requests", &sample_a.total, &sample_b.total, tests);
    let pairs = common.iter().filter(|_| !single).filter_map(|(name, (in_a, in_b))| {
        Some((name, sample_a.endpoints.get(in_a)?, sample_b.endpoints.get(in_b)?))
    });
    let mut endpoints: Vec<Subject> =
        pairs.map(|(name, a, b)| subject(name, a, b, tests * common.len())).collect();
    let share = if single { 1.0 } else { 0.5 };
    conclude(&mut total.changes.iter_mut().collect::<Vec<_>>(), share);
    conclude(&mut endpoints.iter_mut().flat_map(|subject| &mut subject.changes).collect::<Vec<_>>(), share);
    total.finding = Finding::of(total.changes.iter(), deciding(&total.changes));
    for subject in &mut endpoints {
        // How often an endpoint is requested is chance, as long as all together are requested as often.
        let decides = |change: &&Change| change.metric != Metric::Throughput;
        subject.finding = Finding::of(subject.changes.iter(), deciding(&subject.changes).filter(decides));
    }
    let everything = [&total].into_iter().chain(&endpoints).flat_map(|subject| &subject.changes);
    let finding = Finding::of(everything, deciding(&total.changes));
    let plan = differences::plan(a, b, &names.0, &names.1);
    warnings.extend(paired.warnings);
    warnings.extend(differences::warnings(a, b, &plan));
    warnings.extend(short(seconds, &total));
    warnings.extend(mix(&total, &endpoints));
    let mut comparison = Comparison {
        finding,
        sentence: String::new(),
        more_minutes: more_minutes(finding, &total.changes),
        margin: margins.margin,
        a: side(a, &sample_a),
        b: side(b, &sample_b),
        environment: differences::environment(&a.environment, &b.environment),
        plan,
        warnings,
        excluded: paired.excluded,
        stretches: paired.stretches,
        total,
        endpoints,
    };
    comparison.sentence = sentence::sentence(&comparison);
    Ok(comparison)
}

fn deciding(changes: &[Change]) -> impl Iterator<Item = &Change> {
    changes.iter().filter(|change| change.metric.decides())
}

/// What is to be said about a run that may be compared.
fn believable(name: char, run: &Run) -> Result<Vec<String>, CompareError> {
    let (invalid, suspect): (Vec<Doubt>, Vec<Doubt>) =
        judge(run).doubts.into_iter().partition(|doubt| doubt.severity == Severity::Invalid);
    if !invalid.is_empty() {
        return Err(CompareError::NotValid { run: name, doubts: invalid });
    }
    let mut lines: Vec<String> =
        suspect.iter().map(|doubt| format!("run {name} is to be read with care: {}", said(doubt))).collect();
    if !run.reached_its_end() {
        lines.push(format!("run {name} did not reach its end: what there is of it is compared"));
    }
    Ok(lines)
}

/// The labels of endpoints.
fn named(run: &Run, ids: &BTreeSet<EndpointId>) -> BTreeMap<String, EndpointId> {
    let label = |id: &EndpointId| {
        let endpoint = run.plan.endpoints.get(id.index())?;
        Some((format!("{} {}", endpoint.method, endpoint.name), *id))
    };
    ids.iter().filter_map(label).collect()
}

fn side(run: &Run, sample: &Sample) -> Side {
    Side {
        suite: run.plan.name.clone(),
        profile: run.plan.profile.clone(),
        started: run.started.to_string(),
        compared_s: sample.span,
    }
}

fn changes(a: &Observed, b: &Observed, margins: &Margins, seconds: f64, tests: usize) -> Vec<Change> {
    let curves = (Rc::new(Curve::of(a)), Rc::new(Curve::of(b)));
    let pair = |metric: Metric| {
        let of = |observed: &Observed, curve: &Rc<Curve>| match metric {
            Metric::P50 => Estimate::percentile(observed, curve, 0.5),
            Metric::P95 => Estimate::percentile(observed, curve, 0.95),
            Metric::P99 => Estimate::percentile(observed, curve, 0.99),
            Metric::Mean => Estimate::mean(observed),
            Metric::ErrorRate => Estimate::error_rate(observed),
            Metric::Throughput => Estimate::throughput(observed),
        };
        let pair = Pair { metric, a: of(a, &curves.0)?, b: of(b, &curves.1)? };
        // Nothing in either is the same, whatever a logarithm makes of it.
        (metric != Metric::Throughput || pair.a.value + pair.b.value > 0.0).then_some(pair)
    };
    let pairs = Metric::ALL.into_iter().filter_map(pair);
    pairs.map(|pair| pair.change(margins, seconds, tests)).collect()
}

/// The longest of what the deciding changes need; `None` when one of them needs more than can be said.
fn more_minutes(finding: Finding, total: &[Change]) -> Option<f64> {
    let open = deciding(total).filter(|change| change.finding == Finding::Inconclusive);
    let longest =
        open.map(|change| change.more_minutes).try_fold(0.0, |most, minutes| Some(minutes?.max(most)));
    longest.filter(|minutes: &f64| finding == Finding::Inconclusive && *minutes > 0.0)
}

fn short(seconds: f64, total: &Subject) -> Option<String> {
    let needed = Metric::ALL.into_iter().filter(|metric| metric.decides());
    let missing: Vec<&str> = needed
        .filter(|metric| total.changes.iter().all(|change| change.metric != *metric))
        .map(Metric::name)
        .collect();
    if seconds < MIN_BLOCKS as f64 || total.changes.is_empty() {
        Some(format!(
            "{seconds:.0} s are too short to compare: it takes {MIN_BLOCKS} windows of a second at least, better minutes"
        ))
    } else if missing.is_empty() {
        None
    } else {
        Some(format!("there are too few requests to compare {}", missing.join(", ")))
    }
}

/// A total of other shares is another total.
fn mix(total: &Subject, endpoints: &[Subject]) -> Option<String> {
    /// Points that change a total visibly.
    const SHIFT: f64 = 0.03;
    let share = |part: u64, whole: u64| if whole > 0 { part as f64 / whole as f64 } else { 0.0 };
    let shares = endpoints.iter().map(|endpoint| {
        let shares =
            (share(endpoint.a_requests, total.a_requests), share(endpoint.b_requests, total.b_requests));
        (endpoint, shares)
    });
    let shift = |(a, b): (f64, f64)| (a - b).abs();
    let (endpoint, (a, b)) = shares.max_by(|x, y| shift(x.1).total_cmp(&shift(y.1)))?;
    (shift((a, b)) > SHIFT).then(|| {
        format!(
            "the mix of requests differs: {} is {:.0}% of A and {:.0}% of B; compare endpoints, not totals",
            endpoint.label,
            a * 100.0,
            b * 100.0
        )
    })
}
