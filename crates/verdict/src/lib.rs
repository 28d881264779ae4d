//! Judgement of a run: criteria against measures, as pure functions of its windows.
//!
//! [`Judge`] serves live judging and re-judging alike: the same windows give the same verdict, whether they come
//! from a run or from a record. [`exit_code`] turns a verdict into what the process says, [`Mix`] compares the
//! load that was asked for with the load that was made. Nothing here reads a clock or a file.

mod analysis;
mod case;
mod chance;
pub mod compare;
mod course;
mod doubts;
mod exit;
mod judge;
mod level;
mod measured;
mod mix;
mod samples;
mod span;
pub mod statistics;
mod tally;
mod track;
mod verdict;
mod watched;

pub use analysis::{
    Analyses, Drift, FaultEffect, IterationRates, PartKind, PhasePart, Recovery, Stretch, analyse,
};
pub use compare::{CompareError, Comparison, compare};
pub use doubts::{Doubt, DoubtKind, Severity};
pub use exit::{CLUSTER, FAILED, INTERRUPTED, INVALID, PASSED, Totals, USAGE, exit_code};
pub use judge::{Judge, judge, judge_by};
pub use mix::{ClassMix, Mix, TaskMix};
pub use verdict::{Overall, Row, Standing, Verdict};
