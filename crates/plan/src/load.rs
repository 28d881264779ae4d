//! The load over time: a closed model of users, an open model of arrivals, or one after the other.

use std::fmt;

use serde::{Deserialize, Serialize};
use squall_core::Nanos;

use crate::Unit;

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

    /// The mean rate over the phase, in arrivals per second. Where the last segment has no end, it decides alone.
    pub fn mean(&self) -> f64 {
        let last = self.segments.last().map_or(0.0, |last| f64::midpoint(last.from, last.to));
        let time: Option<Nanos> =
            self.segments.iter().try_fold(Nanos::ZERO, |sum, segment| Some(sum + segment.span?));
        match (time, self.expected()) {
            (Some(time), Some(arrivals)) if time > Nanos::ZERO => arrivals / time.as_secs_f64(),
            _ => last,
        }
    }

    /// Arrivals of the phase, when each segment has a span.
    pub fn expected(&self) -> Option<f64> {
        self.segments.iter().try_fold(0.0, |sum, segment| {
            Some(sum + f64::midpoint(segment.from, segment.to) * segment.span?.as_secs_f64())
        })
    }
}

impl fmt::Display for ArrivalPlan {
    /// As a person says it: `100/s`, `50/s..200/s`, `50/s, 100/s, 150/s, poisson`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |rate: f64| Unit::PerSecond.display(rate);
        for (index, segment) in self.segments.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            f.write_str(&rate(segment.from))?;
            if segment.to != segment.from {
                write!(f, "..{}", rate(segment.to))?;
            }
        }
        f.write_str(match self.spacing {
            Spacing::Uniform => "",
            Spacing::Poisson => ", poisson",
        })
    }
}

impl Load {
    /// Do task iterations arrive by themselves in any phase?
    pub fn has_arrivals(&self) -> bool {
        self.phases.iter().any(|phase| phase.arrivals.is_some())
    }

    /// The whole run time, or `None` when it is open-ended.
    pub fn run_time(&self) -> Option<Nanos> {
        self.phases.iter().try_fold(Nanos::ZERO, |sum, phase| Some(sum + phase.run_time?))
    }

    /// The largest number of users of any phase.
    pub fn peak_users(&self) -> u32 {
        self.phases.iter().map(|phase| phase.users).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(from: f64, to: f64, span: Option<u64>) -> RateSegment {
        RateSegment { from, to, span: span.map(Nanos::from_secs) }
    }

    #[test]
    fn arrivals_have_a_mean_a_peak_and_words() {
        let steps = vec![segment(50.0, 50.0, Some(10)), segment(50.0, 150.0, Some(30))];
        let plan = ArrivalPlan { segments: steps, spacing: Spacing::Poisson };
        assert_eq!((plan.expected(), plan.mean(), plan.peak()), (Some(3500.0), 87.5, 150.0));
        assert_eq!(plan.to_string(), "50/s, 50/s..150/s, poisson");
        let open = ArrivalPlan { segments: vec![segment(0.5, 0.5, None)], spacing: Spacing::Uniform };
        assert_eq!((open.expected(), open.mean(), open.to_string().as_str()), (None, 0.5, "0.5/s"));
    }
}
