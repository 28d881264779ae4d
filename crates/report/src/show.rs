//! Numbers as people read them, in tables and in the HTML report.

use std::borrow::Cow;

use squall_core::Nanos;
use squall_plan::Unit;

use crate::report::Bound;

/// What stands where there is no number.
pub(crate) const NOTHING: &str = "–";

/// A count with its thousands apart: `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits or whole numbers: `0.42`, `38.2`, `1,204`.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => count(value.round().max(0.0) as u64),
    }
}

/// A time or a rate that may be missing.
pub(crate) fn maybe(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.into(), number)
}

/// Milliseconds that may be only a lower bound.
pub(crate) fn bound(bound: Option<Bound>) -> String {
    bound.map_or_else(|| NOTHING.into(), |Bound { ms, at_least }| at_least_ms(ms, at_least))
}

/// Milliseconds, marked when they are a lower bound.
pub(crate) fn at_least_ms(ms: f64, at_least: bool) -> String {
    if at_least { format!("≥ {}", number(ms)) } else { number(ms) }
}

/// A share from 0 to 1 as a percentage; small ones keep a digit, so that something never reads as nothing.
pub(crate) fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0%".into(),
        p if p < 0.01 => "<0.01%".into(),
        p if p < 9.995 => format!("{p:.2}%"),
        p => format!("{p:.1}%"),
    }
}

/// A share that may be missing.
pub(crate) fn maybe_percent(share: Option<f64>) -> String {
    share.map_or_else(|| NOTHING.into(), percent)
}

/// Bytes in the unit that keeps them short.
pub(crate) fn bytes(n: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{value:.0} B") } else { format!("{} {}", number(value), UNITS[unit]) }
}

/// Seconds of the run as `2m40s`; below a minute with a decimal.
pub(crate) fn seconds(s: f64) -> String {
    let rounded = if s < 60.0 { (s * 10.0).round() / 10.0 } else { s.round() };
    Nanos::from_secs_f64(rounded).to_string()
}

/// A probability: what is nearly impossible needs no digits.
pub(crate) fn probability(p: f64) -> String {
    if p < 0.001 { "<0.001".into() } else { format!("{p:.3}") }
}

/// Two values of `unit` and what lies between them: `498–530ms`, `-1MB/h to 4MB/h`.
pub(crate) fn interval(unit: Unit, (low, high): (f64, f64)) -> String {
    let (from, to) = (unit.display(low), unit.display(high));
    if low < 0.0 || high < 0.0 {
        return format!("{from} to {to}");
    }
    let suffix = |text: &str| text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned();
    let shared = suffix(&to);
    match from.strip_suffix(&shared) {
        Some(number) if suffix(&from) == shared => format!("{number}–{to}"),
        _ => format!("{from}–{to}"),
    }
}

/// `text` without control characters, which could move the cursor or recolour a terminal: names and error
/// texts come from elsewhere.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_and_something_is_never_nothing() {
        let shown = [0.0, 0.42, 9.996, 38.24, 99.96, 1203.6, 1_234_567.0].map(number);
        assert_eq!(shown, ["0", "0.42", "10.0", "38.2", "100", "1,204", "1,234,567"]);
        let shares = [0.0, 0.000_01, 0.0042, 0.5].map(percent);
        assert_eq!(shares, ["0%", "<0.01%", "0.42%", "50.0%"]);
        assert_eq!([12.0, 2048.0, 5.5e6].map(bytes), ["12 B", "2.00 KiB", "5.25 MiB"]);
        assert_eq!([0.0, 12.34, 160.2].map(seconds), ["0s", "12.3s", "2m40s"]);
        assert_eq!(at_least_ms(30_000.0, true), "≥ 30,000");
    }

    #[test]
    fn an_interval_says_its_unit_once_where_it_can() {
        assert_eq!(interval(Unit::Seconds, (0.498, 0.53)), "498–530ms");
        assert_eq!(interval(Unit::Seconds, (0.9, 1.2)), "900ms–1.2s");
        assert_eq!(interval(Unit::Share, (0.004, 0.01)), "0.4–1%");
        assert_eq!(interval(Unit::BytesPerHour, (-1e6, 4e6)), "-1MB/h to 4MB/h");
        assert_eq!(interval(Unit::Count, (3.0, 5.0)), "3–5");
    }
}
