//! `[criteria.NAME]`: measures against levels.
//!
//! Scopes are kept as names here; a profile resolves its phases, see [`crate::profile`].

use std::collections::HashMap;
use std::ops::Range;

use squall_core::Nanos;
use squall_plan::{Comparison, Criterion, Endpoint, Level, Measure, Pending, Scope, Unit};
use toml::Spanned;
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic};
use crate::keys;
use crate::quantities::LONGEST;
use crate::syntax::{Ctx, Field, Fields, Node};
use crate::units::{self, Bad};

/// A criterion of the suite; its phase is not resolved yet.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) criterion: Criterion,
    pub(crate) phase: Option<(String, Range<usize>)>,
}

/// Criteria under one name.
#[derive(Clone, Default)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) pending: Vec<Pending>,
}

/// What a scope may name.
pub(crate) struct Names<'s> {
    endpoints: &'s [Endpoint],
    /// Positions of the endpoints by `GET /v1/x`.
    full: HashMap<String, usize>,
    /// Positions of the endpoints by `/v1/x`: every method that has it.
    short: HashMap<&'s str, Vec<usize>>,
    pub(crate) classes: &'s [&'s str],
}

impl<'s> Names<'s> {
    /// The names of `endpoints` and `classes`.
    pub(crate) fn new(endpoints: &'s [Endpoint], classes: &'s [&'s str]) -> Self {
        let full = endpoints.iter().enumerate().map(|(position, e)| (full_name(e), position)).collect();
        let mut short: HashMap<&str, Vec<usize>> = HashMap::new();
        for (position, endpoint) in endpoints.iter().enumerate() {
            short.entry(&endpoint.name).or_default().push(position);
        }
        Self { endpoints, full, short, classes }
    }
}

fn full_name(endpoint: &Endpoint) -> String {
    format!("{} {}", endpoint.method, endpoint.name)
}

/// All named sets.
pub(crate) fn sets<'a>(cx: &mut Ctx<'a>, node: Node<'a>, names: &Names<'_>) -> Vec<Set> {
    let mut sets = Vec::new();
    for field in cx.named_few(node, "`criteria`").unwrap_or_default() {
        cx.check_name(&field, "set of criteria");
        sets.push(set(cx, field.key, field.node, names));
    }
    sets
}

/// The criteria of one table.
pub(crate) fn set<'a>(cx: &mut Ctx<'a>, name: &str, node: Node<'a>, names: &Names<'_>) -> Set {
    let mut set = Set { name: name.to_owned(), ..Set::default() };
    for field in cx.named(node, "a set of criteria").unwrap_or_default() {
        for node in cx.one_or_many(field.node) {
            row(cx, &field, node, names, &mut set);
        }
    }
    set
}

const MEASURES: [&str; 14] = [
    "p50",
    "p66",
    "p75",
    "p80",
    "p90",
    "p95",
    "p98",
    "p99",
    "p99.9",
    "p99.99",
    "mean",
    "max",
    "error_rate",
    "throughput",
];

/// Beginnings of the measures that need more than what the client sees.
const LATER: [&str; 5] = ["postgres.", "redis.", "host.", "process.", "health."];
/// Functions over measures, and client measures, of later versions.
const LATER_FUNCTIONS: [&str; 6] = ["recovery(", "slope(", "max(", "min(", "mean(", "rate("];

fn measure(name: &str) -> Option<Measure> {
    Some(match name {
        "mean" => Measure::Mean,
        "max" => Measure::Max,
        "error_rate" => Measure::ErrorRate,
        "throughput" => Measure::Throughput,
        "rate_limited" => Measure::RateLimited,
        _ => {
            let digits = name.strip_prefix('p')?;
            if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
                return None;
            }
            Measure::Percentile(digits.parse().ok().filter(|p| (0.0..100.0).contains(p) && *p > 0.0)?)
        }
    })
}

fn is_later(name: &str) -> bool {
    name == "dropped"
        || LATER.iter().any(|start| name.starts_with(start))
        || (name.ends_with(')') && LATER_FUNCTIONS.iter().any(|start| name.starts_with(start)))
}

fn row<'a>(cx: &mut Ctx<'a>, field: &Field<'a>, node: Node<'a>, names: &Names<'_>, set: &mut Set) {
    let known = measure(field.key);
    let fields = match node.get_ref() {
        DeValue::Table(_) => match cx.table_unless_measure(field, node) {
            Some(fields) => Some(fields),
            None => return,
        },
        _ => None,
    };
    let pending = fields.as_ref().and_then(|f| f.get("pending"));
    let Some(measure) = known else {
        match (is_later(field.key), pending) {
            (true, Some(reason)) => later(cx, field, fields.as_ref(), reason, set),
            (true, None) => cx.error(
                Diagnostic::new(Code::Measure, format!("this version cannot measure `{}` yet", field.key))
                    .at(field.key_span.clone())
                    .label("of a later version")
                    .help("say so, and it is listed instead of judged: pending = \"needs …\""),
            ),
            (false, _) => {
                let measures = MEASURES.into_iter().chain(["rate_limited", "dropped"]);
                let help = cx.suggestion(field.key, measures);
                cx.error(
                    Diagnostic::new(Code::Measure, format!("there is no measure `{}`", field.key))
                        .at(field.key_span.clone())
                        .label("unknown measure")
                        .maybe_help(help),
                );
            }
        }
        return;
    };
    if let Some(node) = pending {
        cx.error(
            Diagnostic::new(Code::Measure, format!("`{}` can be measured, so it is not pending", field.key))
                .at(node.span())
                .help("leave `pending` out"),
        );
    }
    let Some(fields) = fields else {
        // The shorthand `p95 = "< 500ms"` is a target.
        if let Some(target) = level(cx, node, field.key, measure.unit()) {
            let criterion = Criterion {
                measure,
                scope: Scope::default(),
                target: Some(target),
                acceptable: None,
                failure: None,
                hold: None,
                abort: false,
            };
            set.rows.push(Row { criterion, phase: None });
        }
        return;
    };
    judged(cx, field, measure, &fields, names, set);
}

fn judged<'a>(
    cx: &mut Ctx<'a>,
    field: &Field<'a>,
    measure: Measure,
    fields: &Fields<'a>,
    names: &Names<'_>,
    set: &mut Set,
) {
    let unit = measure.unit();
    let before = cx.errors.len();
    let [target, acceptable, failure] = ["target", "acceptable", "failure"]
        .map(|key| fields.get(key).and_then(|n| level(cx, n, field.key, unit)));
    if cx.errors.len() == before {
        check_levels(cx, field, fields, (target, acceptable, failure), unit);
    }
    let endpoint = fields.get("endpoint").and_then(|n| endpoint(cx, n, names));
    let class = fields.get("users").and_then(|n| cx.reference(n, "class of users", names.classes));
    let phase = fields.get("phase").and_then(|n| Some((cx.text(n, "`phase`")?.to_owned(), n.span())));
    let scope = Scope { endpoint: endpoint.map(Into::into), class: class.map(Into::into), phase: None };
    set.rows.push(Row {
        criterion: Criterion { measure, scope, target, acceptable, failure, hold: None, abort: false },
        phase,
    });
}

fn later<'a>(
    cx: &mut Ctx<'a>,
    field: &Field<'a>,
    fields: Option<&Fields<'a>>,
    reason: Node<'a>,
    set: &mut Set,
) {
    let Some(reason) = cx.text(reason, "`pending`") else { return };
    let mut levels = Vec::new();
    for key in ["target", "acceptable", "failure"] {
        if let Some(text) = fields.and_then(|f| f.get(key)).and_then(|n| cx.text(n, "a level")) {
            levels.push(format!("{key} {text}"));
        }
    }
    set.pending.push(Pending {
        measure: field.key.to_owned(),
        levels: levels.join(", "),
        reason: reason.to_owned(),
    });
}

/// `GET /v1/x`, or `/v1/x` when one method has it, as a position.
fn endpoint<'a>(cx: &mut Ctx<'a>, node: Node<'a>, names: &Names<'_>) -> Option<usize> {
    let name = cx.text(node, "`endpoint`")?;
    if let Some(exact) = names.full.get(name) {
        return Some(*exact);
    }
    match names.short.get(name).map(Vec::as_slice) {
        Some([position]) => Some(*position),
        Some([first, second, ..]) => {
            let full = |position: &usize| full_name(&names.endpoints[*position]);
            cx.error(
                Diagnostic::new(Code::UnknownName, format!("`{name}` is several endpoints"))
                    .at(node.span())
                    .help(format!("name the method: `{}` or `{}`", full(first), full(second))),
            );
            None
        }
        _ if cx.is_crowded() => {
            // Nothing will be suggested, so there is nothing to compare with.
            cx.unknown_name(node.span(), "endpoint", name, &[""]);
            None
        }
        _ => {
            let all: Vec<String> = names.endpoints.iter().map(full_name).collect();
            let known: Vec<&str> = all.iter().map(String::as_str).collect();
            cx.unknown_name(node.span(), "endpoint", name, &known);
            None
        }
    }
}

fn level<'a>(cx: &mut Ctx<'a>, node: Node<'a>, measure: &str, unit: Unit) -> Option<Level> {
    let text = cx.text(node, "a level")?;
    let example = match unit {
        Unit::Seconds => "< 500ms",
        Unit::Share => "< 0.5%",
        Unit::PerSecond => "> 100/s",
        _ => "< 100",
    };
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
    let value = match unit {
        Unit::Seconds => units::duration(rest).map(Nanos::as_secs_f64),
        Unit::Share => units::percent(rest),
        Unit::PerSecond => units::rate(rest),
        _ => Err(Bad::Nonsense),
    };
    let suffix = match unit {
        Unit::Seconds => "ms",
        Unit::Share => "%",
        Unit::PerSecond => "/s",
        _ => "",
    };
    match value {
        Ok(value) if unit == Unit::Share && value > 1.0 => {
            cx.error(
                Diagnostic::new(Code::OutOfBounds, format!("`{measure}` is a share, at most 100%"))
                    .at(node.span()),
            );
            None
        }
        Ok(value) if unit == Unit::Seconds && value > LONGEST.as_secs_f64() => {
            cx.bounded(Nanos::from_secs_f64(value), LONGEST, node.span(), &format!("level `{text}`"));
            None
        }
        Ok(value) => Some(Level { comparison, value }),
        Err(Bad::MissingUnit) => {
            cx.error(
                Diagnostic::new(Code::MissingUnit, format!("level `{text}` has no unit"))
                    .at(node.span())
                    .label("unit is missing")
                    .help(format!("did you mean \"{comparison} {rest}{suffix}\"?")),
            );
            None
        }
        Err(Bad::Nonsense) => {
            cx.error(
                Diagnostic::new(Code::BadValue, format!("level `{text}` does not fit `{measure}`"))
                    .at(node.span())
                    .help(format!("write for example \"{example}\"")),
            );
            None
        }
    }
}

fn upward(level: Level) -> bool {
    matches!(level.comparison, Comparison::Above | Comparison::AtLeast)
}

fn inclusive(level: Level) -> bool {
    matches!(level.comparison, Comparison::AtMost | Comparison::AtLeast)
}

/// Levels have to fit together: target within acceptable, and neither within failure.
fn check_levels(
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

impl<'a> Ctx<'a> {
    /// The table of a criterion; a bare `postgres.connections = …` makes tables of its parts, which deserves a
    /// message of its own.
    fn table_unless_measure(&mut self, field: &Field<'a>, node: Node<'a>) -> Option<Fields<'a>> {
        let dotted = LATER.iter().any(|start| start.strip_suffix('.') == Some(field.key));
        if dotted {
            self.error(
                Diagnostic::new(Code::Measure, format!("`{}` alone is no measure", field.key))
                    .at(field.key_span.clone())
                    .help("put a measure with dots into quotes: \"postgres.connections.used\" = { … }"),
            );
            return None;
        }
        self.table(node, &keys::LEVELS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_read_by_name() {
        assert_eq!(measure("p99.9"), Some(Measure::Percentile(99.9)));
        assert_eq!(measure("rate_limited"), Some(Measure::RateLimited));
        for name in ["p0", "p100", "p", "p9x", "median", "p1.2.3"] {
            assert_eq!(measure(name), None, "{name}");
        }
        assert!(is_later("recovery(p95)") && is_later("redis.hit_rate") && !is_later("redis"));
    }
}
