//! What tests share: a counting allocator, scripted TCP servers, snapshot filters.
//!
//! It depends on no other crate of the project, so any of them may use it in `[dev-dependencies]`. It speaks bytes, not
//! HTTP: a scripted server that reused the project's own HTTP code would agree with that code's mistakes.

pub mod alloc;
mod filters;
mod scripted;

pub use filters::snapshot_filters;
pub use scripted::{ScriptedServer, Step};
