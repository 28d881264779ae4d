//! From suite.toml to a checked plan: syntax, diagnostics, feasibility.
//!
//! [`load`] reads a suite and reports every mistake at once, each where it is; [`Suite::plan`] makes the plan
//! for a profile and what the command line adds. The format is described in `docs/suite-file.md`.
//!
//! Nothing here opens a socket, starts a thread or prints. The only files read are the suite, its data files
//! and its secrets.

mod auth;
mod criteria;
mod data;
mod diagnostic;
mod json;
mod keys;
mod profile;
mod request;
mod select;
mod settings;
mod suite;
mod syntax;
mod template;
mod units;
mod users;
mod wait;

pub use diagnostic::{Code, Diagnostic, Diagnostics};
pub use profile::Profile;
pub use select::{Planned, Selection, Warning};
pub use suite::{Options, SCHEMA_VERSION, Suite, load, parse};
