//! What a response means to the step that asked for it: captures, checks, outcome.

use serde_json::Value;
use squall_core::{ErrorClass, Nanos, Outcome};
use squall_http::Captured;
use squall_stats::ErrorCode;

use crate::program::{Capture, CaptureSource, Check, Request};

/// The outcome of an answered request, and which error of its class it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    pub(crate) code: ErrorCode,
}

impl Judgement {
    const OK: Self = Self { outcome: Outcome::Ok, code: ErrorCode(0) };

    fn failed(class: ErrorClass, code: u32) -> Self {
        Self { outcome: Outcome::Failed(class), code: ErrorCode(code) }
    }
}

/// Judge an answered request by its status alone.
pub(crate) fn judge_status(request: &Request, status: u16) -> Judgement {
    if request.explicit_status && request.status.contains(status) {
        Judgement::OK
    } else if request.rate_limited.contains(status) {
        Judgement { outcome: Outcome::RateLimited, code: ErrorCode(u32::from(status)) }
    } else if request.status.contains(status) {
        Judgement::OK
    } else {
        Judgement::failed(ErrorClass::Status, u32::from(status))
    }
}

/// Judge a response that was read: checks, then captures into `vars`. Code: 1-based position of what failed.
pub(crate) fn judge_content(
    request: &Request,
    status: u16,
    response_time: Nanos,
    captured: &Captured,
    cookie: impl Fn(&str) -> Option<String>,
    vars: &mut [Vec<String>],
) -> Judgement {
    let mut json = LazyJson { body: captured.body(), value: None };
    for (position, check) in request.checks.iter().enumerate() {
        if !holds(check, response_time, captured, &mut json) {
            return Judgement::failed(ErrorClass::Check, position as u32 + 1);
        }
    }
    for (position, capture) in request.captures.iter().enumerate() {
        let values = extract(capture, status, captured, &mut json, &cookie);
        if !values.is_empty() {
            vars[usize::from(capture.var.0)] = values;
        } else if capture.required {
            return Judgement::failed(ErrorClass::Capture, position as u32 + 1);
        }
    }
    Judgement::OK
}

/// The failed check or capture in words.
pub(crate) fn describe(request: &Request, class: ErrorClass, code: ErrorCode) -> String {
    let position = (code.0 as usize).saturating_sub(1);
    match class {
        ErrorClass::Status => format!("status {}", code.0),
        ErrorClass::Check => match request.checks.get(position) {
            Some(Check::JsonEquals { text, .. }) => format!("check failed: {text}"),
            Some(Check::BodyContains(text)) => format!("check failed: the body contains '{text}'"),
            Some(Check::HeaderContains { name, text }) => format!("check failed: {name} contains '{text}'"),
            Some(Check::MaxTime(time)) => format!("check failed: answered within {time}"),
            None => "check failed".to_owned(),
        },
        ErrorClass::Capture => format!("nothing to capture (capture {})", position + 1),
        other => other.name().to_owned(),
    }
}

/// Values kept of one capture: enough to pick from, and no user fills the machine's memory.
const MAX_VALUES: usize = 10_000;
/// Bytes kept of one capture.
const MAX_VALUE_BYTES: usize = 1 << 20;

/// The first values, as many as the bounds allow.
fn bounded(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut room = MAX_VALUE_BYTES;
    let fitting = values.take(MAX_VALUES).take_while(|value| match room.checked_sub(value.len()) {
        Some(rest) => {
            room = rest;
            true
        }
        None => false,
    });
    fitting.collect()
}

/// The body as JSON, parsed at most once, `Null` when it is not JSON.
struct LazyJson<'a> {
    body: &'a [u8],
    value: Option<Value>,
}

impl LazyJson<'_> {
    fn get(&mut self) -> &Value {
        self.value.get_or_insert_with(|| serde_json::from_slice(self.body).unwrap_or(Value::Null))
    }
}

fn holds(check: &Check, response_time: Nanos, captured: &Captured, json: &mut LazyJson<'_>) -> bool {
    match check {
        Check::JsonEquals { path, value, .. } => path.query(json.get()).iter().any(|node| *node == value),
        Check::BodyContains(text) => contains(captured.body(), text.as_bytes()),
        Check::HeaderContains { name, text } => {
            captured.header(name).is_some_and(|value| contains(value, text.as_bytes()))
        }
        Check::MaxTime(time) => response_time <= *time,
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window == needle)
}

fn extract(
    capture: &Capture,
    status: u16,
    captured: &Captured,
    json: &mut LazyJson<'_>,
    cookie: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    match &capture.source {
        CaptureSource::Json(path) => bounded(path.query(json.get()).iter().filter_map(|node| plain(node))),
        CaptureSource::Regex(regex) => {
            let body = String::from_utf8_lossy(captured.body());
            let matches = regex.captures_iter(&body).filter_map(|found| found.get(1).or(found.get(0)));
            bounded(matches.map(|found| found.as_str().to_owned()))
        }
        CaptureSource::Header(name) => captured.header(name).map(text).into_iter().collect(),
        CaptureSource::Cookie(name) => cookie(name).into_iter().collect(),
        CaptureSource::Status => vec![status.to_string()],
    }
}

/// A JSON value as a slot shows it: strings without quotes; `null` is no value.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_bounded_in_number_and_size() {
        assert_eq!(bounded((0..20_000).map(|n| n.to_string())).len(), MAX_VALUES);
        let large = || "x".repeat(300_000);
        assert_eq!(bounded((0..10).map(|_| large())).len(), 3);
    }
}
