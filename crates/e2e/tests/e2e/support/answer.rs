//! What the binary answered, and the numbers of a run as its JSON summary has them.

use std::fmt;
use std::process::Output;

use serde_json::Value;
use squall_verdict::DoubtKind;

/// What the binary answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// stderr without line breaks: messages are wrapped for the terminal.
    pub(crate) fn said(&self) -> String {
        self.stderr.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The same for a run of which only counts matter: those of a run that is not valid, because its generator was too busy,
    /// are as exact.
    #[track_caller]
    pub(crate) fn assert_counted(&self, code: i32, texts: &[&str]) {
        self.assert(if self.was_busy() { 3 } else { code }, texts);
    }

    /// Did the run say that its generator was too busy to measure?
    pub(crate) fn was_busy(&self) -> bool {
        self.said().contains(DoubtKind::GeneratorSaturated.sentence())
    }

    /// The exit code and every text on stderr, or everything there is to know.
    #[track_caller]
    pub(crate) fn assert(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self}");
        for text in texts {
            assert!(self.said().contains(text), "no `{text}` in\n{self}");
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {:?}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr)
    }
}

/// What `squall report --format json` prints.
#[derive(Debug)]
pub(crate) struct Summary(pub(crate) Value);

impl Summary {
    /// A count over all requests of the run: `attempts`, `completed`, `ok`, `failed`, `rate_limited`, `cut`, ….
    #[track_caller]
    pub(crate) fn total(&self, name: &str) -> u64 {
        count(&self.0["total"], name)
    }

    /// The requests of one endpoint.
    #[track_caller]
    pub(crate) fn endpoint(&self, name: &str) -> &Value {
        let found = self.list("endpoints").iter().find(|endpoint| endpoint["name"] == name);
        found.unwrap_or_else(|| panic!("no endpoint {name} in {:#}", self.0["endpoints"]))
    }

    /// A list of the summary: `endpoints`, `phases`, `errors`, `log`.
    #[track_caller]
    pub(crate) fn list(&self, name: &str) -> &[Value] {
        self.0[name].as_array().unwrap_or_else(|| panic!("no list {name} in {:#}", self.0))
    }

    /// Classes of errors with how often each happened, in the order of frequency.
    pub(crate) fn errors(&self) -> Vec<(&str, u64)> {
        let errors = self.list("errors").iter();
        errors.map(|error| (error["error"].as_str().unwrap(), count(error, "count"))).collect()
    }
}

/// A count in `requests`, which may be the total, an endpoint or a phase.
#[track_caller]
pub(crate) fn count(requests: &Value, name: &str) -> u64 {
    requests[name].as_u64().unwrap_or_else(|| panic!("no number {name} in {requests:#}"))
}

/// A percentile in `requests`: its `ms` or `service_ms`.
#[track_caller]
pub(crate) fn percentile(requests: &Value, percentile: f64, what: &str) -> f64 {
    let list = requests["percentiles"].as_array().unwrap();
    let found = list.iter().find(|entry| entry["percentile"] == percentile).unwrap();
    found[what].as_f64().unwrap_or_else(|| panic!("no {what} of p{percentile} in {found:#}"))
}
