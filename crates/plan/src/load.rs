//! The load over time: a closed model of users, an open model of arrivals, or one after the other.

use serde::{Deserialize, Serialize};
use squall_core::Nanos;

/// Phases in order, and how the run ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// At least one.
    pub phases: Vec<PhasePlan>,
    /// At the end, how long users may take to finish their current task; zero cuts them at once.
    pub stop_timeout: Nanos,
}

/// One step of the load: a number of users, reached at a rate, held for a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhasePlan {
    /// Shown in reports; unique within the run.
    pub name: String,
    /// Users at the end of the ramp.
    pub users: u32,
    /// Users started (or stopped) per second; finite and above zero.
    pub spawn_rate: f64,
    /// From the start of the phase, ramp included; `None` runs until it is stopped (last phase only).
    pub run_time: Option<Nanos>,
    /// False for a warm-up or a ramp-down: recorded and shown, but not judged.
    pub measured: bool,
    /// Open model: task iterations arrive by themselves and `users` serve them. `None` is the closed model, in which
    /// users set the pace.
    #[serde(default)]
    pub arrivals: Option<ArrivalPlan>,
}

/// Task iterations that arrive at a rate, whether or not a user is free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArrivalPlan {
    /// The rate over time, one segment after the other; at least one. Only the last may be open-ended.
    pub segments: Vec<RateSegment>,
    /// How arrivals are spaced.
    pub spacing: Spacing,
}

/// A stretch of time in which the arrival rate changes linearly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateSegment {
    /// Arrivals per second at its beginning; finite, not negative.
    pub from: f64,
    /// Arrivals per second at its end; equal to `from` for a constant rate.
    pub to: f64,
    /// How long it lasts; `None` to the end of the phase.
    pub span: Option<Nanos>,
}

/// How arrivals are spaced in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Evenly.
    #[default]
    Uniform,
    /// Independently of each other (a Poisson process), as arrivals of many strangers are.
    Poisson,
}

impl ArrivalPlan {
    /// The highest rate, in arrivals per second.
    pub fn peak(&self) -> f64 {
        self.segments.iter().map(|segment| segment.from.max(segment.to)).fold(0.0, f64::max)
    }

    /// Arrivals of the phase, when each segment has a span.
    pub fn expected(&self) -> Option<f64> {
        self.segments.iter().try_fold(0.0, |sum, segment| {
            Some(sum + f64::midpoint(segment.from, segment.to) * segment.span?.as_secs_f64())
        })
    }
}

impl Load {
    /// The whole run time, or `None` when it is open-ended.
    pub fn run_time(&self) -> Option<Nanos> {
        self.phases.iter().try_fold(Nanos::ZERO, |sum, phase| Some(sum + phase.run_time?))
    }

    /// The largest number of users of any phase.
    pub fn peak_users(&self) -> u32 {
        self.phases.iter().map(|phase| phase.users).max().unwrap_or(0)
    }
}
