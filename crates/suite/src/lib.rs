//! From suite.toml to a checked plan: syntax and diagnostics.
//!
//! [`load`] reads a suite and reports every mistake at once, each where it is; [`Suite::plan`] makes the plan
//! for a profile and what the command line adds. The format is described in `docs/suite-file.md`.
//!
//! Nothing here opens a socket, starts a thread or prints. The only files read are the suite, its data files
//! and its secrets.

mod arrivals;
mod auth;
mod broken;
mod criteria;
mod criteria_only;
mod data;
mod diagnostic;
mod direction;
mod excerpt;
mod faults;
mod files;
mod headers;
mod json;
mod keys;
mod levels;
mod loads;
mod measures;
mod monitors;
mod patterns;
mod profile;
mod quantities;
mod ratio;
mod reach;
mod request;
mod schema;
mod scopes;
mod select;
mod settings;
mod suite;
mod syntax;
mod template;
mod units;
mod url;
mod users;
mod wait;
mod warnings;

pub use criteria_only::{CriteriaChoice, Judgement, load_criteria, parse_criteria};
pub use diagnostic::{Code, Diagnostic, Diagnostics, nearest};
pub use profile::Profile;
pub use ratio::{ClassRatio, TaskRatio, task_ratio};
pub use schema::json_schema;
pub use select::{Planned, Selection};
pub use suite::{Options, SCHEMA_VERSION, Suite, load, parse};
pub use warnings::Warning;
