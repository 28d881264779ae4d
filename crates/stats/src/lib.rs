//! What a run measured: histograms, the windows they travel in, exact merges, and summaries of them.
//!
//! Recording never blocks, never locks and, in steady state, never allocates. Merging is exact: the sum of
//! windows is the window of the sum. Locust's rounding lives in [`locust`], at the edge, and nowhere else.

mod cell;
mod errors;
mod histogram;
pub mod locust;
mod recorder;
mod summary;
mod window;

pub use cell::{Cell, CellKey, Sample};
pub use errors::{ErrorCode, ErrorEntry, ErrorKey, ErrorTable, MAX_ERRORS, MAX_SAMPLES};
pub use histogram::{DecodeError, Histogram, PageReserve};
pub use recorder::{Recorder, Sites};
pub use summary::{Quantile, Summary, nearest_rank};
pub use window::{Iterations, TaskCounts, Window};
