//! Locust's time spans: `20`, `20s`, `3m`, `2h`, `1h20m`, `3h30m10s`. Hours, minutes, seconds in this order, whole
//! numbers, no spaces. (Suite files have their own units.)

use squall_core::Nanos;

/// What Locust says to anything else.
pub(crate) const FORMAT: &str = "Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.";

/// The span `text` stands for, or what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Nanos, String> {
    if text.is_empty() {
        return Err("Invalid time span format".to_owned());
    }
    seconds(text).map(Nanos::from_secs).ok_or_else(|| format!("Invalid time span format. {FORMAT}"))
}

fn seconds(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    let mut rest = text;
    let mut total: u64 = 0;
    for (unit, factor) in [('h', 3600), ('m', 60), ('s', 1)] {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        if let Some(after) = after.strip_prefix(unit) {
            total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
            rest = after;
        }
    }
    rest.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use squall_core::Nanos;

    use super::parse;

    #[test]
    fn locusts_spans() {
        for (text, seconds) in [
            ("20", 20),
            ("20s", 20),
            ("3m", 180),
            ("2h", 7200),
            ("1h20m", 4800),
            ("3h30m10s", 12_610),
            ("1h5s", 3605),
        ] {
            assert_eq!(parse(text), Ok(Nanos::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_in_locusts_words() {
        for text in [
            "1m1h",
            "1.5h",
            "1d",
            "10 s",
            "s",
            "h",
            "5m3",
            "-5",
            "99999999999999999999",
            "9999999999999999999h",
        ] {
            assert_eq!(
                parse(text).unwrap_err(),
                "Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.",
                "{text}"
            );
        }
        assert_eq!(parse("").unwrap_err(), "Invalid time span format");
    }
}
