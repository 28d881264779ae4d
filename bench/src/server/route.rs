//! What a path asks the server to do, and the ready-made answers.
//!
//! Directives stand at the front of a path, in any order: `/delay/20ms`, `/status/503`, `/body/10240`, `/close`. What
//! follows them is a name that only the log cares about: `/delay/20ms/status/500/checkout`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::config::parse_duration;

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directives {
    pub delay: Duration,
    pub status: u16,
    pub body: usize,
    /// Close the connection after the answer, and say so in it.
    pub close: bool,
}

/// An answer's body is never larger than this.
const MAX_BODY: usize = 64 * 1024 * 1024;

impl Directives {
    /// Reads the directives at the front of `path`; anything else ends them.
    pub(super) fn of(path: &str, default_body: usize) -> Self {
        let mut found = Self { delay: Duration::ZERO, status: 200, body: default_body, close: false };
        let mut segments = path.split('/').skip(1);
        while let Some(segment) = segments.next() {
            let known = match segment {
                "delay" => segments.next().and_then(parse_duration).map(|delay| found.delay = delay),
                "status" => segments
                    .next()
                    .and_then(|s| s.parse().ok())
                    .filter(|s| (200..=599).contains(s))
                    .map(|status| found.status = status),
                "body" => segments
                    .next()
                    .and_then(|s| s.parse().ok())
                    .filter(|b| *b <= MAX_BODY)
                    .map(|body| found.body = body),
                "close" => {
                    found.close = true;
                    Some(())
                }
                _ => None,
            };
            if known.is_none() {
                break;
            }
        }
        found
    }
}

/// The bytes of an answer; `HEAD` gets only the first `head` of them.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub bytes: Arc<[u8]>,
    pub head: usize,
}

impl Answer {
    /// An answer with this status and body.
    pub(super) fn new(status: u16, content_type: &str, body: &[u8], close: bool) -> Self {
        let mut head = String::with_capacity(128);
        // Writing to a string cannot fail.
        let _ = write!(head, "HTTP/1.1 {status} {}\r\n", reason(status));
        if has_body(status) {
            let _ = write!(head, "Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len());
        }
        if close {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        let head = bytes.len();
        if has_body(status) {
            bytes.extend_from_slice(body);
        }
        Self { bytes: bytes.into(), head }
    }
}

/// Answers made once and shared by all connections.
#[derive(Debug, Default)]
pub(super) struct Answers {
    made: HashMap<(u16, usize, bool), Answer>,
}

/// More different answers than this are made anew each time.
const MAX_KEPT: usize = 256;

impl Answers {
    pub(super) fn get(&mut self, status: u16, body: usize, close: bool) -> Answer {
        if let Some(answer) = self.made.get(&(status, body, close)) {
            return answer.clone();
        }
        let answer = Answer::new(status, "text/plain", &vec![b'x'; body], close);
        if self.made.len() < MAX_KEPT {
            self.made.insert((status, body, close), answer.clone());
        }
        answer
    }
}

fn has_body(status: u16) -> bool {
    !matches!(status, 204 | 304)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_stand_at_the_front() {
        let plain = Directives { delay: Duration::ZERO, status: 200, body: 512, close: false };
        let cases = [
            ("/", plain),
            ("/stories/status/500", plain),
            ("/status/503", Directives { status: 503, ..plain }),
            ("/status/999/x", plain),
            ("/delay/20ms/x", Directives { delay: Duration::from_millis(20), ..plain }),
            ("/delay/never/status/500", plain),
            (
                "/close/body/7/delay/1s/status/429/me",
                Directives { delay: Duration::from_secs(1), status: 429, body: 7, close: true },
            ),
        ];
        for (path, expected) in cases {
            assert_eq!(Directives::of(path, 512), expected, "{path}");
        }
    }

    #[test]
    fn answers_are_valid_http() {
        let answer = Answers::default().get(200, 3, false);
        let expected = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nxxx";
        assert_eq!(std::str::from_utf8(&answer.bytes), Ok(expected));
        assert_eq!(answer.head, expected.len() - 3);
        let empty = Answers::default().get(204, 3, true);
        assert_eq!(
            std::str::from_utf8(&empty.bytes),
            Ok("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        );
    }
}
