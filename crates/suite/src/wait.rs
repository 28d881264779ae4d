//! Waits: `"1s..5s"`, `"2s"`, `{ exponential = "3s" }`, `{ pacing = "100ms" }`, `{ throughput = "10/s" }`.

use squall_core::Nanos;
use squall_plan::Wait;
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic, list};
use crate::keys;
use crate::quantities::LONGEST;
use crate::syntax::{Ctx, Node};
use crate::units::{self, Bad};

/// The wait at `node`.
pub(crate) fn read<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<Wait> {
    match node.get_ref() {
        DeValue::Table(_) => table(cx, node),
        DeValue::String(text) => match text.split_once("..") {
            Some((low, high)) => range(cx, node, low.trim(), high.trim()),
            None => cx.duration(node, "`wait`").map(Wait::Constant),
        },
        _ => cx.duration(node, "`wait`").map(Wait::Constant),
    }
}

/// `wait` times `factor`.
pub(crate) fn scaled(wait: Wait, factor: f64) -> Wait {
    let by = |t: Nanos| Nanos::from_secs_f64(t.as_secs_f64() * factor);
    match wait {
        Wait::Constant(t) => Wait::Constant(by(t)),
        Wait::Uniform(low, high) => Wait::Uniform(by(low), by(high)),
        Wait::Exponential(t) => Wait::Exponential(by(t)),
        Wait::Pacing(t) => Wait::Pacing(by(t)),
    }
}

fn range<'a>(cx: &mut Ctx<'a>, node: Node<'a>, low: &str, high: &str) -> Option<Wait> {
    match (units::duration(low), units::duration(high)) {
        (Ok(low), Ok(high)) => {
            cx.bounded(low.max(high), LONGEST, node.span(), "`wait`").then(|| uniform(cx, node, low, high))?
        }
        // `1..5s` is a common way to say `1s..5s`.
        (Err(Bad::MissingUnit), _) | (_, Err(Bad::MissingUnit)) => {
            let unit = |text: &str| text.trim_start_matches(|c: char| !c.is_alphabetic()).to_owned();
            let known = [unit(low), unit(high)].into_iter().find(|u| !u.is_empty());
            let known = known.unwrap_or_else(|| "s".to_owned());
            let fixed = |text: &str| {
                if unit(text).is_empty() { format!("{text}{known}") } else { text.to_owned() }
            };
            cx.error(
                Diagnostic::new(
                    Code::MissingUnit,
                    format!("`wait` is `{low}..{high}`, where a unit is missing"),
                )
                .at(node.span())
                .label("unit is missing")
                .help(format!("did you mean \"{}..{}\"?", fixed(low), fixed(high))),
            );
            None
        }
        _ => {
            cx.error(
                Diagnostic::new(Code::BadValue, "`wait` cannot be understood")
                    .at(node.span())
                    .label("not understood")
                    .help("write for example \"1s..5s\", \"2s\" or { pacing = \"100ms\" }"),
            );
            None
        }
    }
}

fn uniform<'a>(cx: &mut Ctx<'a>, node: Node<'a>, low: Nanos, high: Nanos) -> Option<Wait> {
    if low > high {
        cx.error(
            Diagnostic::new(Code::BadValue, format!("`wait` from {low} to {high} is empty"))
                .at(node.span())
                .help(format!("did you mean \"{high}..{low}\"?")),
        );
        return None;
    }
    Some(Wait::Uniform(low, high))
}

fn table<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<Wait> {
    let fields = cx.table(node, &keys::WAIT_TABLE)?;
    let kinds = ["between", "exponential", "pacing", "throughput"];
    let given: Vec<&str> = kinds.into_iter().filter(|k| fields.has(k)).collect();
    let [kind] = given[..] else {
        cx.error(
            Diagnostic::new(Code::Conflict, "a wait is of one kind")
                .at(node.span())
                .help(format!("give one of {}", list(&kinds))),
        );
        return None;
    };
    let value = fields.get(kind)?;
    match kind {
        "exponential" => cx.positive_duration(value, "`exponential`").map(Wait::Exponential),
        "pacing" => cx.positive_duration(value, "`pacing`").map(Wait::Pacing),
        "throughput" => {
            let rate = cx.rate(value, "`throughput`")?;
            let pace = Nanos::from_secs_f64(1.0 / rate);
            cx.bounded(pace, LONGEST, value.span(), "the pace of `throughput`").then_some(Wait::Pacing(pace))
        }
        _ => {
            let elements = cx.list(value, "`between`")?;
            let [low, high] = elements[..] else {
                cx.error(
                    Diagnostic::new(Code::BadValue, "`between` takes two times")
                        .at(value.span())
                        .help("write between = [\"1s\", \"5s\"]"),
                );
                return None;
            };
            let (low, high) = (cx.duration(low, "`between`"), cx.duration(high, "`between`"));
            uniform(cx, value, low?, high?)
        }
    }
}
