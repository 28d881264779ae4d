//! Levels of a criterion: `"< 500ms"`, `"> 100/s"`, `"< 10MB/h"`, and whether they fit together.

use squall_core::Nanos;
use squall_plan::{Comparison, Level, Measure, Unit};
use toml::Spanned;

use crate::diagnostic::{Code, Diagnostic};
use crate::quantities::LONGEST;
use crate::syntax::{Ctx, Field, Fields, Node};
use crate::units::{self, Bad};

/// The level at `node` for `measure`.
pub(crate) fn level<'a>(cx: &mut Ctx<'a>, node: Node<'a>, measure: &Measure) -> Option<Level> {
    let unit = measure.unit();
    let text = cx.text(node, "a level")?;
    let example = example(unit);
    let trimmed = text.trim();
    let operators = [
        ("<=", Comparison::AtMost),
        (">=", Comparison::AtLeast),
        ("<", Comparison::Below),
        (">", Comparison::Above),
    ];
    let Some((rest, comparison)) =
        operators.iter().find_map(|(o, c)| Some((trimmed.strip_prefix(o)?.trim(), *c)))
    else {
        cx.error(
            Diagnostic::new(Code::BadValue, format!("level `{text}` has no direction"))
                .at(node.span())
                .label("begins with none of `<`, `<=`, `>`, `>=`")
                .help(format!("write for example \"{example}\"")),
        );
        return None;
    };
    // What is monitored may use several cores; a share of requests is a share.
    let share_of_all = unit == Unit::Share && measure.series().is_none();
    let span = unit.of_trend().unwrap_or(unit) == Unit::Seconds;
    match value(rest, unit) {
        Ok(value) if share_of_all && value > 1.0 => {
            cx.error(
                Diagnostic::new(Code::OutOfBounds, format!("`{measure}` is a share, at most 100%"))
                    .at(node.span()),
            );
            None
        }
        Ok(value) if span && value.abs() > LONGEST.as_secs_f64() => {
            cx.bounded(Nanos::from_secs_f64(value.abs()), LONGEST, node.span(), &format!("level `{text}`"));
            None
        }
        Ok(value) => {
            let level = Level { comparison, value };
            if let Some(help) = impossible(level, unit, share_of_all) {
                cx.error(
                    Diagnostic::new(
                        Code::OutOfBounds,
                        format!("no value of `{measure}` can be {}", level.display(unit)),
                    )
                    .at(node.span())
                    .label("never true")
                    .help(help),
                );
                return None;
            }
            Some(level)
        }
        Err(Bad::MissingUnit) => {
            let trend = unit.of_trend().is_some_and(|of| value(rest.trim_start_matches('-'), of).is_ok());
            let (message, label) = match trend {
                true => (format!("level `{text}` of a trend does not say in which time"), "`/h` is missing"),
                false => (format!("level `{text}` has no unit"), "unit is missing"),
            };
            let whole = completed(rest, unit);
            // Half of all people write a share as a number up to 1.
            let help = match (unit, rest.parse::<f64>()) {
                (Unit::Share, Ok(share)) if share <= 1.0 && share > 0.0 => {
                    let percent = unit.display(share);
                    format!("did you mean \"{comparison} {percent}\", or \"{comparison} {whole}\"?")
                }
                _ => format!("did you mean \"{comparison} {whole}\"?"),
            };
            cx.error(Diagnostic::new(Code::MissingUnit, message).at(node.span()).label(label).help(help));
            None
        }
        Err(Bad::Nonsense) => {
            let help = match units::respelled(rest) {
                Some(right) if value(&right, unit).is_ok() => {
                    format!("did you mean \"{comparison} {right}\"?")
                }
                _ => format!("write for example \"{example}\""),
            };
            cx.error(
                Diagnostic::new(Code::BadValue, format!("level `{text}` does not fit `{measure}`"))
                    .at(node.span())
                    .help(help),
            );
            None
        }
    }
}

/// What to write instead of a level that no value meets; trends alone can be below zero.
fn impossible(level: Level, unit: Unit, share_of_all: bool) -> Option<String> {
    let instead =
        |comparison| Some(format!("did you mean `{}`?", Level { comparison, ..level }.display(unit)));
    match level.comparison {
        Comparison::Below if level.value <= 0.0 && unit.of_trend().is_none() => match unit {
            // No answer takes no time either.
            Unit::Seconds => Some(format!("write for example \"{}\"", example(unit))),
            _ => instead(Comparison::AtMost),
        },
        Comparison::Above if share_of_all && level.value >= 1.0 => instead(Comparison::AtLeast),
        _ => None,
    }
}

fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "< 500ms",
        Unit::Share => "< 0.5%",
        Unit::PerSecond => "> 100/s",
        Unit::Count => "< 300",
        Unit::Bytes => "< 512MB",
        Unit::SecondsPerHour => "< 50ms/h",
        Unit::SharePerHour => "< 5%/h",
        Unit::PerSecondPerHour => "> -10/s/h",
        Unit::CountPerHour => "< 100/h",
        Unit::BytesPerHour => "< 10MB/h",
    }
}

/// `text` in `unit`, which may be below zero only for a trend.
fn value(text: &str, unit: Unit) -> Result<f64, Bad> {
    let value = match unit.of_trend() {
        Some(unit) => {
            let (sign, size) = match text.strip_prefix('-') {
                Some(size) => (-1.0, size),
                None => (1.0, text),
            };
            match size.strip_suffix("/h") {
                // `100/h` is also a rate of which the hour of the trend is missing.
                Some(size) => sign * value(size.trim_end(), unit)?,
                None => return Err(value(size, unit).err().unwrap_or(Bad::MissingUnit)),
            }
        }
        None => match unit {
            Unit::Seconds => units::duration(text).map(Nanos::as_secs_f64)?,
            Unit::Share => units::percent(text)?,
            Unit::PerSecond => units::rate(text)?,
            Unit::Bytes => units::bytes(text)?,
            _ => units::count(text)?,
        },
    };
    if value.is_finite() { Ok(value) } else { Err(Bad::Nonsense) }
}

/// `text` with what is missing of its unit.
fn completed(text: &str, unit: Unit) -> String {
    let (trend, unit) = match unit.of_trend() {
        Some(unit) => ("/h", unit),
        None => ("", unit),
    };
    let amount = text.strip_suffix(trend).unwrap_or(text).trim_end();
    let suffix = match unit {
        _ if value(amount.trim_start_matches('-'), unit).is_ok() => "",
        Unit::Seconds => "ms",
        Unit::Share => "%",
        Unit::PerSecond => "/s",
        Unit::Bytes => "MB",
        _ => "",
    };
    format!("{amount}{suffix}{trend}")
}

fn upward(level: Level) -> bool {
    matches!(level.comparison, Comparison::Above | Comparison::AtLeast)
}

fn inclusive(level: Level) -> bool {
    matches!(level.comparison, Comparison::AtMost | Comparison::AtLeast)
}

/// Levels have to fit together: target within acceptable, and neither within failure.
pub(crate) fn check(
    cx: &mut Ctx<'_>,
    field: &Field<'_>,
    fields: &Fields<'_>,
    (target, acceptable, failure): (Option<Level>, Option<Level>, Option<Level>),
    unit: Unit,
) {
    let at = |key: &str| fields.get(key).map_or_else(|| field.key_span.clone(), Spanned::span);
    if target.is_none() && acceptable.is_none() && failure.is_none() {
        cx.error(
            Diagnostic::new(Code::Levels, format!("`{}` has no level", field.key))
                .at(field.key_span.clone())
                .label("judges nothing")
                .help("give at least one of `target`, `acceptable`, `failure`"),
        );
        return;
    }
    let mut contradiction = |key: &str, message: String, help: &str| {
        cx.error(
            Diagnostic::new(Code::Levels, message).at(at(key)).label("contradicts another level").help(help),
        );
    };
    if let (Some(t), Some(a)) = (target, acceptable) {
        let stricter = if upward(t) { a.value > t.value } else { a.value < t.value };
        if upward(t) != upward(a) {
            contradiction("acceptable", "target and acceptable point in different directions".into(), SAME);
        } else if stricter {
            let (a, t) = (a.display(unit), t.display(unit));
            let message = format!("acceptable ({a}) is stricter than the target ({t})");
            contradiction("acceptable", message, "what is acceptable is at most as strict as the target");
        }
    }
    if let (Some(good), Some(f)) = (acceptable.or(target), failure) {
        let name = if acceptable.is_some() { "acceptable" } else { "target" };
        let overlap = if upward(good) { f.value > good.value } else { f.value < good.value };
        let touching = f.value == good.value && inclusive(f) && inclusive(good);
        if upward(good) == upward(f) {
            let message = format!("failure points in the same direction as {name}");
            contradiction("failure", message, "a failure lies on the other side");
        } else if overlap || touching {
            let (f, good) = (f.display(unit), good.display(unit));
            let message = format!("a value can be a failure ({f}) and {name} ({good}) at once");
            contradiction("failure", message, "leave no value that meets both");
        }
    }
}

const SAME: &str = "both say what is good, so both begin with `<` or both with `>`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_the_unit_of_the_measure() {
        for (text, unit, expected) in [
            ("512MB", Unit::Bytes, 512e6),
            ("1.5GiB", Unit::Bytes, 1.5 * 1024.0 * 1024.0 * 1024.0),
            ("300", Unit::Count, 300.0),
            ("10MB/h", Unit::BytesPerHour, 10e6),
            ("0 MB/h", Unit::BytesPerHour, 0.0),
            ("50ms/h", Unit::SecondsPerHour, 0.05),
            ("5%/h", Unit::SharePerHour, 0.05),
            ("-10/s/h", Unit::PerSecondPerHour, -10.0),
            ("100/h", Unit::CountPerHour, 100.0),
        ] {
            assert_eq!(value(text, unit), Ok(expected), "{text}");
        }
        for (text, unit) in [("-5ms", Unit::Seconds), ("80%", Unit::Count), ("512mb", Unit::Bytes)] {
            assert_eq!(value(text, unit), Err(Bad::Nonsense), "{text}");
        }
    }

    #[test]
    fn a_missing_unit_is_completed() {
        for (text, unit, whole) in [
            ("500", Unit::Seconds, "500ms"),
            ("512", Unit::Bytes, "512MB"),
            ("10MB", Unit::BytesPerHour, "10MB/h"),
            ("10", Unit::BytesPerHour, "10MB/h"),
            ("10/h", Unit::BytesPerHour, "10MB/h"),
            ("-5/s", Unit::PerSecondPerHour, "-5/s/h"),
            ("5/h", Unit::PerSecondPerHour, "5/s/h"),
            ("100", Unit::CountPerHour, "100/h"),
        ] {
            assert_eq!(value(text, unit), Err(Bad::MissingUnit), "{text}");
            assert_eq!(completed(text, unit), whole);
            assert!(value(whole, unit).is_ok(), "{whole}");
        }
    }
}
