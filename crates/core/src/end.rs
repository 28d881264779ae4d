//! Why a run ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a run ended. Whatever the reason, its record is complete up to then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "detail")]
pub enum EndReason {
    /// The run time was over.
    Completed,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// The run stopped itself; says why.
    Aborted(String),
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Terminated => f.write_str("terminated"),
            Self::Aborted(why) => write!(f, "aborted: {why}"),
        }
    }
}
