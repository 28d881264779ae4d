//! Reasons not to believe a run, whatever its criteria say: a test that did not test can neither pass nor fail.

use serde::{Deserialize, Serialize};
use squall_core::ErrorClass;
use squall_record::Run;

/// A reason not to believe a run. With one, the result is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Not one request of the run was answered.
    NothingTested,
}

impl Doubt {
    /// The stable name, as written in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            Self::NothingTested => "nothing_tested",
        }
    }

    /// What is wrong, as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NothingTested => "The result is not valid: no request was answered.",
        }
    }

    /// What to do about it, as a sentence.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NothingTested => {
                "See that the target is up and its address right, and that the run is long enough for users to send \
                 something."
            }
        }
    }
}

/// Everything there is to doubt about `run`.
pub(crate) fn doubts(run: &Run) -> Vec<Doubt> {
    if anything_answered(run) { Vec::new() } else { vec![Doubt::NothingTested] }
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

fn is_answer(error: ErrorClass) -> bool {
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
