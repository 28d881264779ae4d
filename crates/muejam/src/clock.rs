//! The two clocks of the service: a monotonic one for durations and windows, the wall clock for timestamps.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::{rfc2822, temporal};

const ISO_MICROS: temporal::DateTimePrinter = temporal::DateTimePrinter::new().precision(Some(6));
const HTTP_DATE: rfc2822::DateTimePrinter = rfc2822::DateTimePrinter::new();
const HTTP_DATE_PARSER: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new();

/// The monotonic clock.
#[expect(clippy::disallowed_methods, reason = "the system under test is not the generator's data plane")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since the Unix epoch.
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// `2026-11-23T13:20:59.778000Z`; an instant outside the calendar's range reads as the epoch.
pub(crate) fn iso(unix_ms: i64) -> String {
    ISO_MICROS.timestamp_to_string(&Timestamp::from_millisecond(unix_ms).unwrap_or_default())
}

/// `Mon, 23 Nov 2026 13:20:59 GMT`, whole seconds, as `Last-Modified` wants it.
pub(crate) fn http_date(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds)
        .and_then(|at| HTTP_DATE.timestamp_to_rfc9110_string(&at))
        .unwrap_or_default()
}

/// Seconds since the Unix epoch of an HTTP date, `None` if it is not one.
pub(crate) fn parse_http_date(text: &str) -> Option<i64> {
    HTTP_DATE_PARSER.parse_timestamp(text).ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_keep_six_digits_and_http_dates_survive_a_round_trip() {
        assert_eq!(iso(1_795_440_059_778), "2026-11-23T13:20:59.778000Z");
        let text = http_date(1_795_440_059);
        assert_eq!(text, "Mon, 23 Nov 2026 13:20:59 GMT");
        assert_eq!(parse_http_date(&text), Some(1_795_440_059));
        assert_eq!(parse_http_date("yesterday"), None);
    }
}
