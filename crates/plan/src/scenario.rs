//! What users do: classes, tasks, requests, captures, checks, and the data they use.

use serde::{Deserialize, Serialize};
use squall_core::{EndpointId, Nanos};

use crate::{Secret, StatusSet, Template};

/// A variable of a user class: index into [`UserClass::vars`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VarId(pub u16);

/// A (method, name) pair under which requests are grouped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Upper case.
    pub method: String,
    /// The step's `name`, or its URL with slots left as they are written.
    pub name: String,
}

/// A class of virtual users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserClass {
    /// Unique; classes of a plan are sorted by it.
    pub name: String,
    /// Share of the users relative to other classes; finite, not negative.
    pub weight: f64,
    /// True when the suite (or a profile's mix) gives the weight, false when it is the default.
    #[serde(default = "yes")]
    pub weight_stated: bool,
    /// Exactly this many users when above 0; the weight is then without effect.
    pub fixed_count: u32,
    /// Between two tasks.
    pub wait: Wait,
    /// How a user of the class logs in: index into `Plan::auths`.
    pub auth: Option<usize>,
    /// A source address of its own for every user.
    pub source: Option<SourceRange>,
    /// Headers of every request of the class.
    pub headers: Vec<(String, Template)>,
    /// Names of the variables its steps capture.
    pub vars: Vec<String>,
    /// Once, before the first task.
    pub on_start: Vec<Step>,
    /// The tasks, in the order of the suite.
    pub tasks: Vec<Task>,
    /// Once, when the user stops in good order.
    pub on_stop: Vec<Step>,
}

/// Records of before this was recorded stated their weights, as far as anybody knows.
fn yes() -> bool {
    true
}

/// Time between two tasks of a user.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Think time, always the same; zero for none.
    Constant(Nanos),
    /// Think time, uniform between two bounds.
    Uniform(Nanos, Nanos),
    /// Think time, exponentially distributed with this mean.
    Exponential(Nanos),
    /// From the start of one task to the start of the next: this sets a schedule, so response times count from it.
    Pacing(Nanos),
}

impl Wait {
    /// The mean, in seconds.
    pub fn mean_secs(&self) -> f64 {
        match *self {
            Self::Constant(t) | Self::Exponential(t) | Self::Pacing(t) => t.as_secs_f64(),
            Self::Uniform(low, high) => f64::midpoint(low.as_secs_f64(), high.as_secs_f64()),
        }
    }
}

/// A task: a weighted unit of a user's behaviour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Unique within the class.
    pub name: String,
    /// Share relative to the other tasks of the class; above 0.
    pub weight: u32,
    /// For `--tags` and `--exclude-tags`.
    pub tags: Vec<String>,
    /// Variables that must hold a value; while one does not, the task is skipped and counted.
    pub needs: Vec<VarId>,
    /// Run in order; at least one.
    pub steps: Vec<Step>,
}

/// One step of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Send a request.
    Request(Box<RequestStep>),
    /// Think.
    Wait(Wait),
}

/// A request and what is done with its response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestStep {
    /// What it is grouped under; carries the method.
    pub endpoint: EndpointId,
    /// Path and query, appended to the host's path prefix; or an absolute URL.
    pub url: Template,
    /// Beside those of the class and of the run.
    pub headers: Vec<(String, Template)>,
    /// The body, if it has one.
    pub body: Option<Body>,
    /// Follow redirects.
    pub follow: bool,
    /// Instead of the run's timeout.
    pub timeout: Option<Nanos>,
    /// Values to keep.
    pub captures: Vec<Capture>,
    /// When the response counts as a success.
    pub expect: Expect,
}

/// A request body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Value of `Content-Type`.
    pub content_type: String,
    /// The bytes.
    pub template: Template,
}

/// A value to keep from a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// Where it goes. A capture replaces what was there; one that finds nothing leaves it.
    pub var: VarId,
    /// Where it comes from.
    pub source: CaptureSource,
    /// Finding nothing fails the request.
    pub required: bool,
}

/// Where a captured value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureSource {
    /// RFC 9535; every node that matches becomes an element.
    JsonPath(String),
    /// First group (or the whole match) of every match in the body.
    Regex(String),
    /// A response header, by name.
    Header(String),
    /// A cookie of the user, by name.
    Cookie(String),
    /// The status.
    Status,
}

/// When a response counts as a success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// Statuses.
    pub status: StatusSet,
    /// True when the suite named the statuses: a status that is both expected and rate-limited is then a success.
    pub explicit_status: bool,
    /// All of these hold.
    pub checks: Vec<Check>,
}

impl Default for Expect {
    fn default() -> Self {
        Self { status: StatusSet::success(), explicit_status: false, checks: Vec::new() }
    }
}

/// A check of a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Some node of the JSONPath (RFC 9535) equals the value, given as JSON text.
    JsonEquals {
        /// The path.
        path: String,
        /// The value, as JSON text.
        value: String,
    },
    /// The body contains the text.
    BodyContains(String),
    /// A response header contains the text.
    HeaderContains {
        /// Name of the header.
        name: String,
        /// What its value must contain.
        text: String,
    },
    /// The response time is at most this.
    MaxTime(Nanos),
}

/// Rows of data, read when the suite is checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    /// As the suite calls it.
    pub name: String,
    /// Which row a user gets.
    pub order: FeedOrder,
    /// Names of the columns; an inline list has one column called `value`.
    pub columns: Vec<String>,
    /// At least one row, each as long as `columns`. A record keeps the feed's shape, not its rows.
    #[serde(skip)]
    pub rows: Vec<Vec<String>>,
}

/// Which row of a feed a user gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedOrder {
    /// A random row, anew for every task.
    Random,
    /// One row after the other, wrapping: user `i` of `n` rows begins at row `i mod n` and steps by one each task.
    Circular,
    /// A row of its own for every user of every class that reads the feed (the classes take rows in turn, by the
    /// number of the user in its class); a user without a row does not start.
    Unique,
}

/// Source addresses for the users of a class: user `i` binds `first + i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRange {
    /// First address.
    pub first: std::net::IpAddr,
    /// How many addresses there are; users beyond them wrap around.
    pub count: u32,
}

/// A way to log in: it gives each user a value for its `Authorization` header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Auth {
    /// As the suite calls it.
    pub name: String,
    /// How the token comes about.
    pub kind: AuthKind,
}

/// How a user's token comes about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// `bearer = "…"`: the text, with slots.
    Bearer(Template),
    /// Signed here, renewed before it expires.
    Jwt {
        /// How it is signed.
        algorithm: JwtAlgorithm,
        /// Shared key.
        secret: Secret,
        /// String claims; `iat` and `exp` are added.
        claims: Vec<(String, Template)>,
        /// Life of a token.
        ttl: Nanos,
    },
}

/// Signature algorithms of a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
}
