//! Every key a suite may hold, in one table: what the reader accepts and what the JSON schema says.
//!
//! The reader asks for keys through [`crate::syntax::Fields`], which only knows what stands here, so the two
//! cannot drift apart.

/// What a value may be.
pub(crate) enum Kind {
    /// Text without slots.
    Text,
    /// Text with slots `{…}`.
    Template,
    /// `true` or `false`.
    Bool,
    /// A whole number between two bounds.
    Integer(u64, u64),
    /// A number, not below zero.
    Number,
    /// A span of time with its unit.
    Duration,
    /// A size in bytes with its unit.
    Size,
    /// `"10/s"`.
    Rate,
    /// `"10/s"` or `"10/s..50/s"`.
    RateRange,
    /// `"1s..5s"`.
    Range,
    /// `"< 500ms"`.
    Level,
    /// Anything JSON can say.
    Json,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A table of known keys.
    Table(&'static Table),
    /// A table whose keys are names.
    Map(&'static Kind),
    /// An array.
    List(&'static Kind),
    /// Any of these.
    OneOf(&'static [Kind]),
}

/// A table and its keys.
pub(crate) struct Table {
    /// What the schema calls it.
    pub(crate) id: &'static str,
    /// What a message calls it: "a task", "the suite".
    pub(crate) name: &'static str,
    /// Its keys.
    pub(crate) keys: &'static [Key],
    /// Further keys it shares with another table.
    pub(crate) and: Option<&'static Table>,
    /// Keys that have to be there.
    pub(crate) required: &'static [&'static str],
}

/// One key.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) doc: &'static str,
}

impl Table {
    /// All keys, shared ones last.
    pub(crate) fn all_keys(&self) -> Vec<&'static Key> {
        let mut keys: Vec<_> = self.keys.iter().collect();
        if let Some(shared) = self.and {
            keys.extend(shared.all_keys());
        }
        keys
    }
}

macro_rules! table {
    ($id:ident, $name:literal, and: $and:expr, required: $required:expr, { $($key:literal : $kind:expr => $doc:literal,)* }) => {
        pub(crate) static $id: Table = Table {
            id: stringify!($id),
            name: $name,
            keys: &[$(Key { name: $key, kind: $kind, doc: $doc }),*],
            and: $and,
            required: &$required,
        };
    };
}

use Kind::{
    Bool, Choice, Duration, Integer, Json, Level, List, Map, Number, OneOf, Range, Rate, RateRange, Size,
    Template, Text,
};

/// Methods a step may name, lower case as keys.
pub(crate) const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];
/// Most users of a phase.
pub(crate) const MAX_USERS: u64 = 1_000_000;
/// Largest whole number TOML holds.
const MAX_INT: u64 = i64::MAX as u64;

const STATUSES: Kind = OneOf(&[Integer(100, 599), Text, List(&OneOf(&[Integer(100, 599), Text]))]);
const WAIT: Kind = OneOf(&[Duration, Range, Kind::Table(&WAIT_TABLE)]);
const STEPS: Kind = OneOf(&[Kind::Table(&STEP), List(&Kind::Table(&STEP))]);
const HEADERS: Kind = Map(&Template);

table!(SUITE, "a suite", and: None, required: ["schema", "users"], {
    "schema": Integer(1, 1) => "Version of the format: 1.",
    "name": Text => "Name of the suite, shown in reports.",
    "description": Text => "What it is for.",
    "host": Text => "Base URL of the target; `--host` overrides it.",
    "seed": Integer(0, MAX_INT) => "Seed of every random choice.",
    "stop_timeout": Duration => "At the end, how long users may take to finish their task. Default 10s.",
    "http": Kind::Table(&HTTP) => "How requests are sent.",
    "auth": Map(&Kind::Table(&AUTH)) => "Ways to log in, by name.",
    "data": Map(&OneOf(&[List(&OneOf(&[Text, Number, Bool, Map(&Json)])), Kind::Table(&FEED)])) => "Data feeds, by name.",
    "users": Map(&Kind::Table(&USER)) => "Classes of virtual users, by name.",
    "profiles": Map(&Kind::Table(&PROFILE)) => "Loads to run, by name.",
    "criteria": Map(&CRITERIA) => "What runs are judged by, by name.",
    "monitor": Kind::Table(&MONITORS) => "What is watched while the load runs.",
});

table!(HTTP, "`http`", and: None, required: [], {
    "timeout": Duration => "From the intended start of a request to the last byte of its response. Default 30s.",
    "connect_timeout": Duration => "For the connection alone, TLS included. Default 10s.",
    "rate_limited": STATUSES => "Statuses that mean \"refused by a rate limiter\". Default [429].",
    "headers": Map(&Text) => "Headers of every request; no slots.",
    "follow_redirects": Bool => "Follow redirects. Default true.",
    "max_redirects": Integer(0, 255) => "Redirects followed in a row. Default 30.",
    "max_body": Size => "Largest response body, as sent. Default 64MiB.",
    "keep_alive": Bool => "Keep connections open between requests. Default true.",
    "insecure": Bool => "Accept any certificate. Default false.",
    "ca_file": Text => "PEM file of additional roots.",
    "client_certificate": Kind::Table(&CERTIFICATE) => "Certificate the client shows.",
});

table!(CERTIFICATE, "`client_certificate`", and: None, required: ["cert", "key"], {
    "cert": Text => "PEM file of the certificate chain.",
    "key": Text => "PEM file of the private key.",
});

table!(AUTH, "a way to log in", and: None, required: [], {
    "bearer": Template => "Token of the `Authorization: Bearer` header.",
    "jwt": Kind::Table(&JWT) => "A token signed here, one for each user, renewed before it expires.",
});

table!(JWT, "`jwt`", and: None, required: ["secret", "claims"], {
    "algorithm": Choice(&["HS256", "HS384", "HS512"]) => "How it is signed. Default HS256.",
    "secret": Text => "`env:NAME`, `env:NAME?default` (test keys only) or `file:path`.",
    "claims": Map(&Template) => "Text claims; `iat` and `exp` are added.",
    "ttl": Duration => "Life of a token. Default 10m.",
});

table!(FEED, "a data feed", and: None, required: [], {
    "values": List(&OneOf(&[Text, Number, Bool, Map(&Json)])) => "Rows written here.",
    "csv": Text => "CSV file with a header line, beside the suite.",
    "jsonl": Text => "File with a JSON object on each line, beside the suite.",
    "order": Choice(&["random", "circular", "unique"]) => "Which row a user gets. Default random.",
});

table!(USER, "a class of users", and: None, required: ["tasks"], {
    "description": Text => "Who they are.",
    "weight": Number => "Share of the users, relative to the other classes. Default 1; 0 leaves the class out unless a profile's mix or the command line names it.",
    "fixed_count": Integer(0, MAX_USERS) => "Exactly this many users, before any weighted one.",
    "wait": WAIT => "Between two tasks. Default 0s.",
    "auth": Text => "Name of a way to log in.",
    "source": Text => "Addresses to send from, one for each user: `127.1.0.0/16`.",
    "headers": HEADERS => "Headers of every request of the class.",
    "on_start": STEPS => "Once, before the first task.",
    "on_stop": STEPS => "Once, when the user stops in good order.",
    "tasks": Map(&Kind::Table(&TASK)) => "What the users do, by name.",
});

table!(TASK, "a task", and: Some(&REQUEST), required: [], {
    "weight": Integer(1, 1_000_000) => "Share relative to the other tasks of the class. Default 1.",
    "tags": OneOf(&[Text, List(&Text)]) => "For `--tags` and `--exclude-tags`.",
    "needs": OneOf(&[Text, List(&Text)]) => "Variables that must hold a value, or the task is skipped and counted. What the task uses and does not capture first is needed anyway.",
    "steps": List(&Kind::Table(&STEP)) => "Several steps in order, instead of one request.",
});

table!(STEP, "a step", and: Some(&REQUEST), required: [], {
    "wait": WAIT => "Think, instead of sending a request.",
});

table!(REQUEST, "a request", and: None, required: [], {
    "get": Template => "Send a GET request to this path.",
    "post": Template => "Send a POST request to this path.",
    "put": Template => "Send a PUT request to this path.",
    "patch": Template => "Send a PATCH request to this path.",
    "delete": Template => "Send a DELETE request to this path.",
    "head": Template => "Send a HEAD request to this path.",
    "options": Template => "Send an OPTIONS request to this path.",
    "name": Text => "What the request is grouped under.",
    "headers": HEADERS => "Headers of this request.",
    "json": Json => "JSON body; texts in it may have slots.",
    "form": Map(&Template) => "Form body.",
    "body": Template => "Any other body.",
    "content_type": Text => "Content type of `body`. Default text/plain; charset=utf-8.",
    "expect": OneOf(&[Integer(100, 599), Text, List(&OneOf(&[Integer(100, 599), Text])), Kind::Table(&EXPECT)]) => "When the response counts as a success: statuses, or a table.",
    "capture": Map(&OneOf(&[Text, Kind::Table(&CAPTURE)])) => "Values to keep, by variable; a text is a JSONPath.",
    "follow": Bool => "Follow redirects. Default as in `http`.",
    "timeout": Duration => "Instead of the timeout of `http`.",
});

table!(EXPECT, "`expect`", and: None, required: [], {
    "status": STATUSES => "Statuses: 201, \"2xx\", \"200..299\", or a list of them.",
    "json": Map(&Json) => "JSONPaths and the value that one of their nodes must equal.",
    "contains": OneOf(&[Text, List(&Text)]) => "Text the body must contain.",
    "header": Map(&Text) => "Text a response header must contain.",
    "max_time": Duration => "Longest response time.",
});

table!(CAPTURE, "a capture", and: None, required: [], {
    "jsonpath": Text => "RFC 9535; every node that matches becomes an element.",
    "regex": Text => "First group, or the whole match, of every match in the body.",
    "header": Text => "A response header.",
    "cookie": Text => "A cookie of the user.",
    "status": Bool => "The status.",
    "required": Bool => "Finding nothing fails the request. Default false.",
});

table!(WAIT_TABLE, "a wait", and: None, required: [], {
    "between": List(&Duration) => "Think time, uniform between two bounds.",
    "exponential": Duration => "Think time, exponentially distributed with this mean.",
    "pacing": Duration => "From the start of one task to the start of the next.",
    "throughput": Rate => "Tasks started per second and user: pacing by another name.",
});

table!(MONITORS, "`monitor`", and: None, required: [], {
    "process": OneOf(&[Kind::Table(&PROCESS), List(&Kind::Table(&PROCESS))]) => "Processes on this machine: CPU, memory, threads, descriptors.",
});

table!(PROCESS, "a monitor of a process", and: None, required: [], {
    "name": Text => "Second part of the names of its series: `process.NAME.rss`. Needed when there are several.",
    "pid": Integer(1, i32::MAX as u64) => "This process.",
    "port": Integer(1, 65_535) => "The process that listens on this TCP port. Default: the port of the target, if that is on this machine.",
    "interval": Duration => "Time between two samples, from 100ms to 1m. Default 1s.",
});

table!(FAULT, "a fault", and: None, required: ["at", "run"], {
    "name": Text => "Shown in reports. Default `fault-1` and so on.",
    "at": Duration => "When it begins, from the start of the run.",
    "run": List(&Text) => "Program and arguments, run without a shell.",
    "undo": List(&Text) => "Program and arguments that take it back, at its end, or when the run ends before.",
    "for": Duration => "How long it lasts. Without it, to the end of the run.",
});

table!(PROFILE, "a profile", and: None, required: [], {
    "description": Text => "What it shows.",
    "host": Text => "Target of this profile.",
    "http": Kind::Table(&HTTP) => "Settings that differ from the suite's.",
    "users": Integer(1, MAX_USERS) => "Users at the end of the ramp. With a rate: users that serve the arrivals, by default as many as arrive in a second.",
    "spawn_rate": OneOf(&[Number, Rate]) => "Users started per second. Default 1; with a rate, all at once.",
    "rate": ARRIVALS => "Tasks that arrive per second, whether or not a user is free: constant, a range over `run_time`, or a list of equal steps.",
    "arrivals": Choice(&["uniform", "poisson"]) => "How arrivals are spaced. Default uniform.",
    "run_time": Duration => "Ramp included; without it the run ends when it is stopped.",
    "phases": List(&Kind::Table(&PHASE)) => "Several loads in a row, instead of `users`, `spawn_rate`, `rate`, `arrivals`, `run_time`.",
    "faults": List(&Kind::Table(&FAULT)) => "What is broken on purpose while the load runs; only with `--allow-faults`.",
    "stop_timeout": Duration => "Instead of the suite's.",
    "mix": Map(&Number) => "Other weights for classes; a class that is not named is left out.",
    "wait_factor": Number => "Every wait of every class times this; 0.2 is five times as busy. Default 1.",
    "criteria": OneOf(&[Text, List(&Text), CRITERIA]) => "Names of criteria, or criteria written here.",
});

table!(PHASE, "a phase", and: None, required: [], {
    "name": Text => "Shown in reports. Default `phase-1` and so on.",
    "users": Integer(0, MAX_USERS) => "Users at the end of the ramp; 0 is a ramp-down, which is not judged. With a rate: users that serve the arrivals, by default as many as arrive in a second.",
    "spawn_rate": OneOf(&[Number, Rate]) => "Users started or stopped per second. Default 1; with a rate, all at once.",
    "rate": ARRIVALS => "Tasks that arrive per second, whether or not a user is free: constant, a range over `run_time`, or a list of equal steps.",
    "arrivals": Choice(&["uniform", "poisson"]) => "How arrivals are spaced. Default uniform.",
    "run_time": Duration => "From the start of the phase, ramp included; only the last phase may leave it out.",
    "warmup": Bool => "Recorded and shown, but not judged. Default false.",
});

const ARRIVALS: Kind = OneOf(&[RateRange, List(&RateRange)]);
const ROW: Kind = OneOf(&[Level, Kind::Table(&LEVELS)]);
const CRITERIA: Kind = Map(&OneOf(&[Level, Kind::Table(&LEVELS), List(&ROW)]));

table!(LEVELS, "a criterion", and: None, required: [], {
    "target": Level => "What one hopes for: met, the criterion passes.",
    "acceptable": Level => "What one can live with: met, the criterion is degraded.",
    "failure": Level => "What one cannot live with: met, the criterion fails.",
    "endpoint": Text => "Only this endpoint: `GET /v1/x`, or the name alone when one method has it.",
    "users": Text => "Only this class of users.",
    "phase": Text => "Only this phase; of a recovery, the phase that disturbs.",
    "for": Duration => "Judged on every window of this length instead of the whole: the worst one counts.",
    "abort": Bool => "Stop the run when it fails while the run goes. Default false.",
    "pending": Text => "This version cannot measure it yet; why. It is listed, not judged.",
});
