//! Numbers, times, sizes and rates of a suite, each within its bounds.
//!
//! How quantities are written is in [`crate::units`]; here is what is said when one is not.

use std::ops::{Range, RangeInclusive};

use squall_core::Nanos;
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{Ctx, Node};
use crate::units::{self, Bad};

/// Longest span of time that a suite may say: a year.
pub(crate) const LONGEST: Nanos = Nanos::from_secs(365 * 86_400);
/// Longest time one request may take.
pub(crate) const LONGEST_REQUEST: Nanos = Nanos::from_secs(3600);

impl<'a> Ctx<'a> {
    /// A whole number within `bounds`.
    pub(crate) fn integer(&mut self, node: Node<'a>, what: &str, bounds: RangeInclusive<u64>) -> Option<u64> {
        let DeValue::Integer(integer) = node.get_ref() else {
            self.wrong_type(node, what, "a whole number");
            return None;
        };
        let value = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let inside = value.and_then(|v| u64::try_from(v).ok()).filter(|v| bounds.contains(v));
        if inside.is_none() {
            let (low, high) = bounds.into_inner();
            self.error(
                Diagnostic::new(Code::OutOfBounds, format!("{what} is {integer}, outside {low} to {high}"))
                    .at(node.span())
                    .label("out of bounds"),
            );
        }
        inside
    }

    /// A finite number, not below zero.
    pub(crate) fn number(&mut self, node: Node<'a>, what: &str, code: Code) -> Option<f64> {
        let value = match node.get_ref() {
            DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).ok().map(|v| v as f64),
            DeValue::Float(f) => f.as_str().replace('_', "").parse().ok(),
            _ => {
                self.wrong_type(node, what, "a number");
                return None;
            }
        };
        let value = value.filter(|v: &f64| v.is_finite() && *v >= 0.0);
        if value.is_none() {
            self.error(
                Diagnostic::new(code, format!("{what} must be a finite number, not below zero"))
                    .at(node.span())
                    .label("not usable")
                    .maybe_help(
                        (code == Code::Weight)
                            .then(|| "weights are shares: 70 beside 30 is seven users of ten".to_owned()),
                    ),
            );
        }
        value
    }

    /// A span of time, at most [`LONGEST`].
    pub(crate) fn duration(&mut self, node: Node<'a>, what: &str) -> Option<Nanos> {
        self.duration_up_to(LONGEST, node, what)
    }

    /// A span of time, at most `most`.
    pub(crate) fn duration_up_to(&mut self, most: Nanos, node: Node<'a>, what: &str) -> Option<Nanos> {
        let time = self.quantity(node, what, "5s", &["500ms", "2m30s", "1h"], "s", units::duration)?;
        self.bounded(time, most, node.span(), what).then_some(time)
    }

    /// Is `time` no longer than `most`? Notes a mistake if it is.
    pub(crate) fn bounded(&mut self, time: Nanos, most: Nanos, span: Range<usize>, what: &str) -> bool {
        if time > most {
            let hours = most.as_secs_f64() / 3600.0;
            let most = if hours < 24.0 { format!("{hours:.0}h") } else { format!("{:.0}d", hours / 24.0) };
            self.error(
                Diagnostic::new(Code::OutOfBounds, format!("{what} is longer than {most}"))
                    .at(span)
                    .label("out of bounds")
                    .help(format!("write a time of at most \"{most}\"")),
            );
        }
        time <= most
    }

    /// A span of time above zero.
    pub(crate) fn positive_duration(&mut self, node: Node<'a>, what: &str) -> Option<Nanos> {
        self.positive_duration_up_to(LONGEST, node, what)
    }

    /// A span of time above zero, at most `most`.
    pub(crate) fn positive_duration_up_to(
        &mut self,
        most: Nanos,
        node: Node<'a>,
        what: &str,
    ) -> Option<Nanos> {
        let value = self.duration_up_to(most, node, what)?;
        if value == Nanos::ZERO {
            self.error(
                Diagnostic::new(Code::OutOfBounds, format!("{what} must be above zero"))
                    .at(node.span())
                    .label("zero"),
            );
            return None;
        }
        Some(value)
    }

    /// A size in bytes.
    pub(crate) fn size(&mut self, node: Node<'a>, what: &str) -> Option<u64> {
        self.quantity(node, what, "64MiB", &["500kB", "1GiB"], "B", units::size)
    }

    /// Events per second.
    pub(crate) fn rate_or_zero(&mut self, node: Node<'a>, what: &str) -> Option<f64> {
        self.quantity(node, what, "10/s", &["600/m"], "/s", units::rate)
    }

    /// Events per second, above zero.
    pub(crate) fn rate(&mut self, node: Node<'a>, what: &str) -> Option<f64> {
        let rate = self.rate_or_zero(node, what)?;
        if rate <= 0.0 {
            self.error(
                Diagnostic::new(Code::OutOfBounds, format!("{what} must be above zero")).at(node.span()),
            );
            return None;
        }
        Some(rate)
    }

    fn quantity<T>(
        &mut self,
        node: Node<'a>,
        what: &str,
        example: &str,
        others: &[&str],
        unit: &str,
        parse: fn(&str) -> Result<T, Bad>,
    ) -> Option<T> {
        let (text, bare) = match node.get_ref() {
            DeValue::String(text) => (text.to_string(), false),
            DeValue::Integer(number) => (number.to_string(), true),
            DeValue::Float(number) => (number.to_string(), true),
            _ => {
                self.wrong_type(node, what, &format!("a text like \"{example}\""));
                return None;
            }
        };
        let bad = match parse(&text) {
            Ok(value) if !bare => return Some(value),
            Ok(_) => Bad::MissingUnit,
            Err(bad) => bad,
        };
        self.error(match bad {
            Bad::MissingUnit => {
                Diagnostic::new(Code::MissingUnit, format!("{what} is `{text}`, without a unit"))
                    .at(node.span())
                    .label("unit is missing")
                    .help(format!("did you mean \"{}{unit}\"?", text.trim()))
            }
            Bad::Nonsense => {
                let others: Vec<_> = others.iter().map(|o| format!("\"{o}\"")).collect();
                Diagnostic::new(Code::BadValue, format!("{what} cannot be understood"))
                    .at(node.span())
                    .label("not understood")
                    .help(format!("write for example \"{example}\" or {}", others.join(" or ")))
            }
        });
        None
    }
}
