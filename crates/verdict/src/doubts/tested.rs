//! Not one request was answered.

use squall_core::ErrorClass;
use squall_record::Run;

use super::{Doubt, DoubtKind, Facts, Findings, counted};

pub(super) fn nothing_tested(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    if !anything_answered(facts.run) {
        let started: u64 = facts.run.windows.iter().map(|window| window.started).sum();
        let verb = if started == 1 { "was" } else { "were" };
        findings.invalid(format!("{} {verb} begun.", counted(started, "request")));
    }
    findings.doubt(DoubtKind::NothingTested)
}

/// An answer counts whatever it says; what broke off before there was one does not.
fn anything_answered(run: &Run) -> bool {
    let all = run.summary(|_| true);
    if all.ok() + all.rate_limited() > 0 {
        return true;
    }
    let errors = run.errors();
    errors.overflowed > 0 || errors.entries().iter().any(|entry| is_answer(entry.key.error))
}

/// Is a request that failed so one that was answered?
pub(super) fn is_answer(error: ErrorClass) -> bool {
    use ErrorClass::{
        BodyTooLarge, Capture, Check, ClosedEarly, ConnectFailed, ConnectRefused, ConnectTimeout, Decode,
        Dns, Generator, HeadTooLarge, Protocol, Redirect, Reset, Status, Timeout, Tls,
    };
    match error {
        BodyTooLarge | Capture | Check | Decode | HeadTooLarge | Redirect | Status => true,
        ClosedEarly | ConnectFailed | ConnectRefused | ConnectTimeout | Dns | Generator | Protocol
        | Reset | Timeout | Tls => false,
    }
}
