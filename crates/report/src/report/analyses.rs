//! What happened beside the criteria, as reports show it: parts of phases, recoveries, drifts, faults.

use serde::Serialize;
use squall_core::Nanos;
use squall_plan::Unit;
use squall_record::Run;
use squall_verdict::{Analyses, Drift, FaultEffect, PartKind, PhasePart, Recovery, Stretch};

/// What a stretch of time was like: what was done in it, whichever phase it was begun in. Moments are seconds of the
/// run, times milliseconds, shares from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StretchReport {
    /// Its begin.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Most users that ran at once.
    pub users: u32,
    /// Requests answered or failed.
    pub completed: u64,
    /// Answered as expected, per second.
    pub ok_per_s: f64,
    /// The same for each user; `null` without users.
    pub ok_per_s_and_user: Option<f64>,
    /// Task iterations.
    pub iterations: IterationRates,
    /// Median response time.
    pub p50_ms: Option<f64>,
    /// 95th percentile.
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Failed / (ok + failed).
    pub error_rate: Option<f64>,
    /// Rate-limited / completed.
    pub rate_limited_share: Option<f64>,
}

/// Task iterations per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct IterationRates {
    /// Due to start.
    pub offered_per_s: f64,
    /// Begun by a user.
    pub started_per_s: f64,
    /// Run to their end.
    pub completed_per_s: f64,
    /// Given up because no user was free in time.
    pub dropped_per_s: f64,
}

/// A part of a phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartReport {
    /// Name of the phase.
    pub phase: String,
    /// `ramp_up`, `hold` or `ramp_down`.
    pub part: PartKind,
    /// False for a warm-up or a ramp-down.
    pub measured: bool,
    /// What it was like.
    #[serde(flatten)]
    pub stretch: StretchReport,
}

/// How requests came back to what they were before a disturbance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecoveryReport {
    /// The phase or fault that disturbed.
    pub disturbance: String,
    /// The result in words.
    pub sentence: String,
    /// From the end of the disturbance until requests were as before; `null` when they never were.
    pub time_s: Option<f64>,
    /// How long after its end was looked at.
    pub watched_s: f64,
    /// What was compared with.
    pub before: StretchReport,
    /// While it lasted.
    pub during: StretchReport,
    /// Afterwards: of a fault the rest that was looked at, of a phase the next hold; `null` when the run ended before.
    pub after: Option<StretchReport>,
}

/// A fault that was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultReport {
    /// As the plan calls it.
    pub name: String,
    /// True when its commands did not do what they should.
    pub failed: bool,
    /// What came of its commands.
    pub outcome: String,
    /// What came of the requests.
    #[serde(flatten)]
    pub recovery: RecoveryReport,
}

/// The trend of a measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DriftReport {
    /// `p95`, `throughput`, or the name of a series.
    pub of: String,
    /// Unit of the values: `seconds`, `share`, `per_second`, `count`, `bytes`.
    pub unit: Unit,
    /// Where it was looked at.
    pub start_s: f64,
    /// See `start_s`.
    pub end_s: f64,
    /// Robust trend (Theil–Sen), in the unit per hour.
    pub slope: f64,
    /// 95 % confidence interval of the slope.
    pub interval: (f64, f64),
    /// How likely such a trend is by chance.
    pub p_value: f64,
    /// Beyond chance, and large enough to matter.
    pub significant: bool,
    /// A significant rise of something that should not rise.
    pub leak: bool,
    /// From the end of the run until a known limit is reached; `null` where there is none.
    pub time_to_limit_s: Option<f64>,
    /// The result in words.
    pub sentence: String,
}

impl StretchReport {
    fn new(of: &Stretch) -> Self {
        let ms = |secs: Option<f64>| secs.map(|secs| secs * 1e3);
        Self {
            start_s: of.start.as_secs_f64(),
            end_s: of.end.as_secs_f64(),
            users: of.users,
            completed: of.completed,
            ok_per_s: of.throughput,
            ok_per_s_and_user: of.throughput_per_user,
            iterations: IterationRates {
                offered_per_s: of.iterations.offered,
                started_per_s: of.iterations.started,
                completed_per_s: of.iterations.completed,
                dropped_per_s: of.iterations.dropped,
            },
            p50_ms: ms(of.p50),
            p95_ms: ms(of.p95),
            p99_ms: ms(of.p99),
            error_rate: of.error_rate,
            rate_limited_share: of.rate_limited,
        }
    }
}

impl PartReport {
    pub(super) fn new(of: &PhasePart) -> Self {
        Self {
            phase: of.phase.clone(),
            part: of.kind,
            measured: of.measured,
            stretch: StretchReport::new(&of.stretch),
        }
    }

    /// The kind of the part in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self.part {
            PartKind::RampUp => "ramp-up",
            PartKind::Hold => "hold",
            PartKind::RampDown => "ramp-down",
        }
    }
}

impl RecoveryReport {
    fn new(of: &Recovery, after: Option<&Stretch>) -> Self {
        Self {
            disturbance: of.disturbance.clone(),
            sentence: of.sentence.clone(),
            time_s: of.time.map(Nanos::as_secs_f64),
            watched_s: of.watched.as_secs_f64(),
            before: StretchReport::new(&of.baseline),
            during: StretchReport::new(&of.during),
            after: after.map(StretchReport::new),
        }
    }

    /// All of `analyses`; what came after a phase is the next part in which the users stayed as many as they were.
    pub(super) fn all(analyses: &Analyses) -> Vec<Self> {
        let report = |recovery: &Recovery| {
            let mut parts = analyses.parts.iter();
            let next =
                parts.find(|part| part.kind == PartKind::Hold && part.stretch.start >= recovery.during.end);
            Self::new(recovery, next.map(|part| &part.stretch))
        };
        analyses.recoveries.iter().map(report).collect()
    }

    /// Before, during and after, in words and numbers.
    pub(crate) fn stretches(&self) -> impl Iterator<Item = (&'static str, &StretchReport)> {
        let always = [("before", &self.before), ("during", &self.during)];
        always.into_iter().chain(self.after.as_ref().map(|after| ("after", after)))
    }
}

impl FaultReport {
    fn new(of: &FaultEffect) -> Self {
        Self {
            name: of.name.clone(),
            failed: of.failed,
            outcome: of.outcome.clone(),
            recovery: RecoveryReport::new(&of.recovery, of.after.as_ref()),
        }
    }

    pub(super) fn all(analyses: &Analyses) -> Vec<Self> {
        analyses.faults.iter().map(Self::new).collect()
    }
}

impl DriftReport {
    pub(super) fn new(of: &Drift) -> Self {
        Self {
            of: of.of.clone(),
            unit: of.unit,
            start_s: of.start.as_secs_f64(),
            end_s: of.end.as_secs_f64(),
            slope: of.slope,
            interval: of.interval,
            p_value: of.p_value,
            significant: of.significant,
            leak: of.leak,
            time_to_limit_s: of.time_to_limit.map(Nanos::as_secs_f64),
            sentence: of.sentence.clone(),
        }
    }
}

/// Task iterations of the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct IterationsReport {
    /// At least one phase has an arrival rate: iterations come whether or not a user is free.
    pub open: bool,
    /// Due to start.
    pub offered: u64,
    /// Begun by a user.
    pub started: u64,
    /// Run to their end.
    pub completed: u64,
    /// Given up because no user was free in time.
    pub dropped: u64,
    /// `offered` per second; `null` for a run without time.
    pub offered_per_s: Option<f64>,
    /// See `offered_per_s`.
    pub started_per_s: Option<f64>,
    /// See `offered_per_s`.
    pub completed_per_s: Option<f64>,
    /// See `offered_per_s`.
    pub dropped_per_s: Option<f64>,
    /// dropped / offered; `null` when nothing was offered.
    pub dropped_share: Option<f64>,
}

impl IterationsReport {
    pub(super) fn new(run: &Run, span: Nanos) -> Self {
        let all = run.iterations(|_, _| true);
        let per_s = |count: u64| (span > Nanos::ZERO).then(|| count as f64 / span.as_secs_f64());
        Self {
            open: run.plan.load.phases.iter().any(|phase| phase.arrivals.is_some()),
            offered: all.offered,
            started: all.started,
            completed: all.completed,
            dropped: all.dropped,
            offered_per_s: per_s(all.offered),
            started_per_s: per_s(all.started),
            completed_per_s: per_s(all.completed),
            dropped_per_s: per_s(all.dropped),
            dropped_share: all.dropped_share(),
        }
    }

    /// Name, count and rate of each kind.
    pub(crate) fn rows(&self) -> [(&'static str, u64, Option<f64>); 4] {
        [
            ("offered", self.offered, self.offered_per_s),
            ("started", self.started, self.started_per_s),
            ("completed", self.completed, self.completed_per_s),
            ("dropped", self.dropped, self.dropped_per_s),
        ]
    }
}
