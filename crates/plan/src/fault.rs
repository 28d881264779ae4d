//! Faults that are made on purpose while the load runs.

use serde::{Deserialize, Serialize};
use squall_core::Nanos;

/// A command of the user's, run at a moment of the load, and what undoes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultPlan {
    /// Shown in reports; unique within the run.
    pub name: String,
    /// When it begins.
    pub at: Nanos,
    /// Program and arguments, run without a shell; at least one.
    pub run: Vec<String>,
    /// What takes it back; run at the end of the fault, and whenever the run ends before. `None` when it passes by itself.
    pub undo: Option<Vec<String>>,
    /// How long it lasts; `None` when it has no end of its own (a moment's blow, or to the end of the run).
    #[serde(rename = "for")]
    pub lasts: Option<Nanos>,
}
