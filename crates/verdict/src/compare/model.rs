//! What a comparison says: findings, changes, and what they are about.

use serde::Serialize;
use squall_plan::Unit;
use thiserror::Error;

use crate::Doubt;

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
pub struct PairedStretch {
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
    /// What is compared, in time.
    pub stretches: Vec<PairedStretch>,
    /// The endpoints of both, e.g. `GET /v1/stories/`, sorted.
    pub common: Vec<String>,
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

pub(super) fn said(doubt: &Doubt) -> String {
    doubt.kind.told(&doubt.evidence)
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

    pub(super) fn higher_is_better(self) -> bool {
        self == Self::Throughput
    }

    /// Does an overall `equivalent` rest on it?
    pub(super) fn decides(self) -> bool {
        !matches!(self, Self::P99 | Self::Mean)
    }
}

impl Change {
    /// True for the error rate of two runs without a failure.
    pub fn nothing_failed(&self) -> bool {
        self.metric == Metric::ErrorRate && self.a == 0.0 && self.b == 0.0
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
    pub(super) fn of<'a>(found: &[Self], deciding: impl Iterator<Item = &'a Change>) -> Self {
        let any = |wanted: Self| found.contains(&wanted);
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
