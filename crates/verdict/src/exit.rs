//! What the process says when a run is over.
//!
//! Precedence: [`USAGE`], [`CLUSTER`], [`INTERRUPTED`], [`INVALID`], [`FAILED`]. The first two are known before or
//! beside the verdict, so their owners return them; [`INVALID`] belongs to doubts (a test that did not test).

use squall_core::EndReason;
use squall_record::Run;

use crate::{Overall, Verdict};

/// Target or acceptable met; without criteria, every request was answered as expected.
pub const PASSED: u8 = 0;
/// A criterion failed; without criteria, a request failed or was refused by a rate limiter, or an arrival was given up; or
/// the run stopped itself.
pub const FAILED: u8 = 1;
/// The command line or the suite is wrong.
pub const USAGE: u8 = 2;
/// The result is not valid.
pub const INVALID: u8 = 3;
/// The cluster failed.
pub const CLUSTER: u8 = 4;
/// A signal ended the run before its run time was over.
pub const INTERRUPTED: u8 = 130;

/// What an exit code needs to know of a run beside its verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Failed requests of the whole run, warm-up included.
    pub failed: u64,
    /// Requests of the whole run that a rate limiter refused, warm-up included.
    pub rate_limited: u64,
    /// Arrivals of the whole run that were given up.
    pub dropped: u64,
    /// A signal ended the run before its run time was over.
    pub interrupted: bool,
}

impl Totals {
    /// Those of a record.
    pub fn of(run: &Run) -> Self {
        let all = run.summary(|_| true);
        Self {
            failed: all.failed(),
            rate_limited: all.rate_limited(),
            dropped: run.iterations(|_, _| true).dropped,
            interrupted: run.was_interrupted(),
        }
    }
}

/// The exit code of a run that was made. `end` is why it ended, `None` when it was cut off; `on_error` replaces
/// the code for failed and rate-limited requests of a run without criteria (`--exit-code-on-error`).
///
/// Where nobody set a limit for refusals, a run that was mostly refused must not look like a pass.
///
/// A part of a run is no verdict on the whole, so an interrupted run neither passes nor fails; one without a run time
/// has no other end than a signal, and is judged. A run that stopped itself never passes.
pub fn exit_code(verdict: &Verdict, totals: Totals, end: Option<&EndReason>, on_error: Option<u8>) -> u8 {
    match (end, verdict.overall) {
        _ if totals.interrupted => INTERRUPTED,
        _ if verdict.is_invalid() => INVALID,
        (Some(EndReason::Aborted(_)), _) | (_, Overall::Failed) => FAILED,
        (_, Overall::NoCriteria) if totals.failed + totals.rate_limited + totals.dropped > 0 => {
            on_error.unwrap_or(FAILED)
        }
        (_, Overall::Passed | Overall::Degraded | Overall::NoCriteria) => PASSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Doubt, DoubtKind, Severity};

    #[test]
    fn precedence_and_meaning() {
        use Overall::{Degraded, Failed, NoCriteria, Passed};
        let completed = Some(EndReason::Completed);
        let aborted = Some(EndReason::Aborted("disk full".into()));
        for (overall, (failed, rate_limited), end, on_error, code) in [
            (Passed, (0, 0), &completed, None, 0),
            (Passed, (7, 0), &completed, None, 0),
            (Passed, (7, 0), &completed, Some(9), 0),
            (Degraded, (0, 0), &completed, None, 0),
            (Failed, (0, 0), &completed, None, 1),
            (Failed, (7, 0), &completed, Some(0), 1),
            (NoCriteria, (0, 0), &completed, Some(9), 0),
            (NoCriteria, (1, 0), &completed, None, 1),
            (NoCriteria, (1, 0), &completed, Some(9), 9),
            (NoCriteria, (1, 0), &completed, Some(0), 0),
            (NoCriteria, (0, 1), &completed, None, 1),
            (NoCriteria, (0, 1), &completed, Some(9), 9),
            (NoCriteria, (0, 1), &completed, Some(0), 0),
            (Passed, (0, 7), &completed, Some(9), 0),
            // Stopped by a signal, which is how a run without a run time ends.
            (Passed, (0, 0), &Some(EndReason::Interrupted), None, 0),
            (Passed, (0, 0), &Some(EndReason::Terminated), None, 0),
            (Failed, (0, 0), &Some(EndReason::Terminated), None, 1),
            (Passed, (0, 0), &aborted, None, 1),
            (NoCriteria, (0, 0), &aborted, Some(0), 1),
            (Failed, (0, 0), &None, None, 1),
            (Passed, (0, 0), &None, None, 0),
        ] {
            let mut verdict =
                Verdict { rows: vec![], overall, pending: vec![], excluded: vec![], doubts: vec![] };
            let mut totals = Totals { failed, rate_limited, dropped: 0, interrupted: false };
            let got = exit_code(&verdict, totals, end.as_ref(), on_error);
            assert_eq!(got, code, "{overall:?} {failed} {rate_limited} {end:?} {on_error:?}");
            // What was given up counts as what was refused.
            let given_up = Totals { rate_limited: 0, dropped: rate_limited, ..totals };
            assert_eq!(exit_code(&verdict, given_up, end.as_ref(), on_error), code);
            // Whatever it was, a run that is to be doubted is not valid, and a part of a run is not a verdict on it.
            let doubt =
                |severity| Doubt { kind: DoubtKind::NothingTested, severity, evidence: String::new() };
            verdict.doubts.push(doubt(Severity::Suspect));
            assert_eq!(
                exit_code(&verdict, totals, end.as_ref(), on_error),
                code,
                "a suspicion changes nothing"
            );
            verdict.doubts.push(doubt(Severity::Invalid));
            assert_eq!(exit_code(&verdict, totals, end.as_ref(), on_error), INVALID);
            totals.interrupted = true;
            assert_eq!(exit_code(&verdict, totals, end.as_ref(), on_error), INTERRUPTED);
        }
    }
}
