//! Quantities as people write them: `1m30s`, `64MiB`, `10/s`, `0.5%`.
//!
//! A number without its unit is refused rather than guessed; zero needs its unit too, so that a quantity
//! always looks like one.

use squall_core::Nanos;

/// Why a quantity was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// The number is fine, the unit is missing.
    MissingUnit,
    /// Neither is.
    Nonsense,
}

const TIMES: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
];

const SIZES: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A span of time: numbers with units, largest first, e.g. `1h20m`, `1.5s`, `250ms`.
pub(crate) fn duration(text: &str) -> Result<Nanos, Bad> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    let mut last = f64::INFINITY;
    if rest.is_empty() {
        return Err(Bad::Nonsense);
    }
    while !rest.is_empty() {
        let (value, after) = number(rest).ok_or(Bad::Nonsense)?;
        if after.is_empty() {
            return Err(Bad::MissingUnit);
        }
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let size = TIMES.iter().find(|(name, _)| *name == unit).ok_or(Bad::Nonsense)?.1;
        if size >= last {
            return Err(Bad::Nonsense);
        }
        last = size;
        seconds += value * size;
        rest = next;
    }
    Ok(Nanos::from_secs_f64(seconds))
}

/// A size in whole bytes, e.g. `64MiB`.
pub(crate) fn size(text: &str) -> Result<u64, Bad> {
    bytes(text).map(|bytes| bytes.round() as u64)
}

/// A number of things, without a unit.
pub(crate) fn count(text: &str) -> Result<f64, Bad> {
    number(text.trim()).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value).ok_or(Bad::Nonsense)
}

/// An amount of bytes, e.g. `1.5GB`.
pub(crate) fn bytes(text: &str) -> Result<f64, Bad> {
    let (value, unit) = number(text.trim()).ok_or(Bad::Nonsense)?;
    let unit = unit.trim_start();
    if unit.is_empty() {
        return Err(Bad::MissingUnit);
    }
    let factor = SIZES.iter().find(|(name, _)| *name == unit).ok_or(Bad::Nonsense)?.1;
    Ok(value * factor as f64)
}

/// A size whose unit is written with other letters, small for large: `512mb` is `512MB`.
pub(crate) fn respelled(text: &str) -> Option<String> {
    let (amount, trend) = text.strip_suffix("/h").map_or((text, ""), |amount| (amount, "/h"));
    let (digits, unit) = amount.split_at(amount.find(|c: char| c.is_ascii_alphabetic())?);
    let (unit, _) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    Some(format!("{digits}{unit}{trend}"))
}

/// Events per second: `10/s`, `600/m`, `3600/h`.
pub(crate) fn rate(text: &str) -> Result<f64, Bad> {
    let (value, unit) = number(text.trim()).ok_or(Bad::Nonsense)?;
    match unit.trim_start() {
        "" => Err(Bad::MissingUnit),
        "/s" => Ok(value),
        "/m" | "/min" => Ok(value / 60.0),
        "/h" => Ok(value / 3600.0),
        _ => Err(Bad::Nonsense),
    }
}

/// A share: `0.5%` is 0.005.
pub(crate) fn percent(text: &str) -> Result<f64, Bad> {
    let (value, unit) = number(text.trim()).ok_or(Bad::Nonsense)?;
    match unit.trim_start() {
        "" => Err(Bad::MissingUnit),
        "%" => Ok(value / 100.0),
        _ => Err(Bad::Nonsense),
    }
}

/// The unsigned decimal number `text` begins with, and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let value: f64 = digits.replace('_', "").parse().ok()?;
    value.is_finite().then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        for (text, ns) in [
            ("5s", 5_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1h", 3_600_000_000_000),
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("20us", 20_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Nanos(ns)), "{text}");
        }
        assert_eq!(duration("5"), Err(Bad::MissingUnit));
        for text in ["", "s", "5x", "1s1m", "1s1s", "-1s", "1..2s", "5 s"] {
            assert_eq!(duration(text), Err(Bad::Nonsense), "{text}");
        }
    }

    #[test]
    fn sizes_rates_and_shares() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("1.5kB"), Ok(1500));
        assert_eq!(size("64"), Err(Bad::MissingUnit));
        assert_eq!(rate("600/m"), Ok(10.0));
        assert_eq!(rate("10"), Err(Bad::MissingUnit));
        assert_eq!(percent("0.5%"), Ok(0.005));
        assert_eq!(percent("5 furlongs"), Err(Bad::Nonsense));
    }
}
