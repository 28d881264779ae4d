//! A plan compiled for one thread: what is the same for every request is computed once.
//!
//! Each thread compiles its own copy, so that no reference count is shared between threads.

mod compile;
mod secrets;
mod target;
mod words;

use std::sync::Arc;

use regex::Regex;
use serde_json_path::JsonPath;
use squall_core::{EndpointId, Nanos, TaskId, UserClassId};
use squall_http::Origin;
use squall_plan::{Plan, StatusSet, Template, VarId, Wait};
use squall_stats::Sites;
use thiserror::Error;

use crate::identity::Signer;

pub(crate) use secrets::Secrets;
pub(crate) use target::Targets;
pub(crate) use words::WORDS;

/// The compiled plan of one thread.
pub(crate) struct Program {
    pub(crate) plan: Arc<Plan>,
    pub(crate) origin: Origin,
    pub(crate) classes: Vec<Class>,
    /// By index into `Plan::auths`; `None` where tokens are not signed here.
    pub(crate) signers: Vec<Option<Signer>>,
    pub(crate) sites: Sites,
    pub(crate) secrets: Secrets,
}

/// A plan that cannot be compiled. A checked suite does not bring it about, but a plan may come from elsewhere.
#[derive(Debug, Error)]
pub enum CompileError {
    /// The host is no usable URL, or does not resolve.
    #[error("host '{host}': {reason}")]
    Host {
        /// As the plan gives it.
        host: String,
        /// Why not.
        reason: String,
    },
    /// A JSONPath or a regular expression that does not parse.
    #[error("'{text}' is not valid: {reason}")]
    Pattern {
        /// As the plan gives it.
        text: String,
        /// What the parser said.
        reason: String,
    },
}

pub(crate) struct Class {
    pub(crate) wait: Wait,
    pub(crate) auth: Option<usize>,
    pub(crate) on_start: Vec<Step>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) on_stop: Vec<Step>,
    /// Running sums of the tasks' weights: a task is the first whose sum exceeds a random number.
    pub(crate) weights: Vec<u32>,
    pub(crate) vars: usize,
    /// Row of a `unique` feed: `index · stride + offset`, so that classes that share a feed share no row.
    pub(crate) feed_strides: Vec<(u32, u32)>,
}

pub(crate) struct Task {
    pub(crate) id: TaskId,
    pub(crate) needs: Vec<VarId>,
    pub(crate) steps: Vec<Step>,
}

pub(crate) enum Step {
    Request(Box<Request>),
    Wait(Wait),
}

pub(crate) struct Request {
    pub(crate) site: u32,
    pub(crate) class: UserClassId,
    pub(crate) endpoint: EndpointId,
    pub(crate) method: String,
    /// Where it goes, when that is not the host of the run.
    pub(crate) origin: Option<Origin>,
    pub(crate) target: Text,
    pub(crate) host: Option<String>,
    /// Rendered lines of all headers whose value never changes.
    pub(crate) headers: Vec<u8>,
    pub(crate) dynamic_headers: Vec<(String, Template)>,
    pub(crate) body: Option<Text>,
    pub(crate) follow: bool,
    pub(crate) timeout: Nanos,
    pub(crate) captures: Vec<Capture>,
    pub(crate) status: StatusSet,
    /// The suite named the statuses: one of them is a success even where it usually means a rate limit.
    pub(crate) explicit_status: bool,
    pub(crate) rate_limited: StatusSet,
    pub(crate) checks: Vec<Check>,
}

impl Request {
    /// Is the response looked at, beyond its status?
    pub(crate) fn reads_response(&self) -> bool {
        !self.captures.is_empty() || !self.checks.is_empty()
    }
}

/// Bytes that are the same for every request, or a template.
pub(crate) enum Text {
    Static(Vec<u8>),
    Dynamic(Template),
}

pub(crate) struct Capture {
    pub(crate) var: VarId,
    pub(crate) source: CaptureSource,
    pub(crate) required: bool,
}

pub(crate) enum CaptureSource {
    Json(JsonPath),
    Regex(Regex),
    Header(String),
    Cookie(String),
    Status,
}

pub(crate) enum Check {
    JsonEquals { path: JsonPath, value: serde_json::Value, text: String },
    BodyContains(String),
    HeaderContains { name: String, text: String },
    MaxTime(Nanos),
}
