//! What a judged run is worth to the shell.

use squall_record::Run;
use squall_verdict::{FAILED, PASSED, Totals, Verdict, exit_code};

/// The exit code of `run`, judged as `verdict`; `on_error` is `--exit-code-on-error`.
pub(super) fn code(run: &Run, verdict: &Verdict, on_error: Option<u8>) -> u8 {
    let end = run.end.as_ref().map(|end| &end.reason);
    match exit_code(verdict, Totals::of(run), end, on_error) {
        // The run did not show what it was made for, or left something broken.
        PASSED if run.faults.iter().any(|fault| fault.failed) => FAILED,
        code => code,
    }
}

/// Faults that failed, as what is said about them at the end, where it is not overlooked.
pub(super) fn failed_faults(run: &Run) -> Vec<String> {
    let failed = run.faults.iter().filter(|fault| fault.failed);
    failed.map(|fault| format!("the fault {} failed: {}", fault.name, fault.outcome)).collect()
}
