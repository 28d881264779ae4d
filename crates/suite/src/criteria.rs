//! `[criteria.NAME]`: measures against levels.
//!
//! Scopes are kept as names here; a profile resolves its phases, see [`crate::profile`].

use std::collections::HashMap;
use std::ops::Range;

use squall_core::Nanos;
use squall_plan::{Criterion, Endpoint, Function, Measure, Pending, Scope};
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic};
use crate::measures::{self, Found, Problem, Series};
use crate::syntax::{Ctx, Field, Fields, Node};
use crate::{keys, levels};

/// A criterion of the suite; its phase is not resolved yet.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) criterion: Criterion,
    pub(crate) phase: Option<(String, Range<usize>)>,
    /// Where its measure stands.
    pub(crate) at: Range<usize>,
    /// Where its `for` stands.
    pub(crate) hold_at: Option<Range<usize>>,
}

/// Criteria under one name.
#[derive(Clone, Default)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) pending: Vec<Pending>,
}

/// What a criterion may name.
pub(crate) struct Names<'s> {
    series: &'s [Series],
    endpoints: &'s [Endpoint],
    /// Positions of the endpoints by `GET /v1/x`.
    full: HashMap<String, usize>,
    /// Positions of the endpoints by `/v1/x`: every method that has it.
    short: HashMap<&'s str, Vec<usize>>,
    pub(crate) classes: &'s [&'s str],
}

impl<'s> Names<'s> {
    /// The names of `endpoints`, `classes` and the `series` of monitors.
    pub(crate) fn new(endpoints: &'s [Endpoint], classes: &'s [&'s str], series: &'s [Series]) -> Self {
        let full = endpoints.iter().enumerate().map(|(position, e)| (full_name(e), position)).collect();
        let mut short: HashMap<&str, Vec<usize>> = HashMap::new();
        for (position, endpoint) in endpoints.iter().enumerate() {
            short.entry(&endpoint.name).or_default().push(position);
        }
        Self { series, endpoints, full, short, classes }
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
        let rows = cx.one_or_many(field.node);
        if rows.is_empty() {
            cx.error(
                Diagnostic::new(Code::MissingKey, format!("`{}` is judged by nothing", field.key))
                    .at(field.node.span())
                    .label("an empty list")
                    .help(
                        "give at least one level, for example [{ target = \"…\" }], or leave the measure out",
                    ),
            );
        }
        for node in rows {
            row(cx, &field, node, names, &mut set);
        }
    }
    set
}

fn row<'a>(cx: &mut Ctx<'a>, field: &Field<'a>, node: Node<'a>, names: &Names<'_>, set: &mut Set) {
    let fields = match node.get_ref() {
        DeValue::Table(_) => match cx.table_unless_measure(field, node) {
            Some(fields) => Some(fields),
            None => return,
        },
        _ => None,
    };
    let pending = fields.as_ref().and_then(|f| f.get("pending"));
    let measure = match measures::read(field.key, names.series, cx.is_crowded()) {
        Ok(Found::Known(measure)) => measure,
        Ok(Found::Later) => {
            match pending {
                Some(reason) => later(cx, field, fields.as_ref(), reason, set),
                None => cx.error(
                    Diagnostic::new(
                        Code::Measure,
                        format!("this version cannot measure `{}` yet", field.key),
                    )
                    .at(field.key_span.clone())
                    .label("of a later version")
                    .help("say so, and it is listed instead of judged: pending = \"needs …\""),
                ),
            }
            return;
        }
        Err(Problem { message, within, label, help }) => {
            let span = cx.inside(&field.key_span, field.key, within);
            cx.error(Diagnostic::new(Code::Measure, message).at(span).label(label).maybe_help(help));
            return;
        }
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
        if let Some(target) = levels::level(cx, node, &measure) {
            let criterion = Criterion {
                measure,
                scope: Scope::default(),
                target: Some(target),
                acceptable: None,
                failure: None,
                hold: None,
                abort: false,
            };
            set.rows.push(Row { criterion, phase: None, at: field.key_span.clone(), hold_at: None });
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
    let before = cx.errors.len();
    let [target, acceptable, failure] = ["target", "acceptable", "failure"]
        .map(|key| fields.get(key).and_then(|n| levels::level(cx, n, &measure)));
    if cx.errors.len() == before {
        levels::check(cx, field, fields, (target, acceptable, failure), measure.unit());
    }
    let endpoint = fields.get("endpoint").and_then(|n| endpoint(cx, n, names));
    let class = fields.get("users").and_then(|n| cx.reference(n, "class of users", names.classes));
    let phase = fields.get("phase").and_then(|n| Some((cx.text(n, "`phase`")?.to_owned(), n.span())));
    let scope = Scope { endpoint: endpoint.map(Into::into), class: class.map(Into::into), phase: None };
    let hold = fields.get("for").and_then(|n| window(cx, n));
    let abort = fields.get("abort").and_then(|n| cx.boolean(n, "`abort`")).unwrap_or(false);
    check_scope(cx, fields, &measure);
    check_course(cx, fields, &measure, abort);
    set.rows.push(Row {
        criterion: Criterion { measure, scope, target, acceptable, failure, hold, abort },
        phase,
        at: field.key_span.clone(),
        hold_at: fields.get("for").map(toml::Spanned::span),
    });
}

/// A `for`: windows are made of whole seconds.
fn window<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<Nanos> {
    let hold = cx.positive_duration(node, "`for`")?;
    if hold < Nanos::SECOND {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, format!("`for` is {hold}, at least 1s"))
                .at(node.span())
                .label("too short")
                .help("what is measured is kept by whole seconds: give 1s or more"),
        );
        return None;
    }
    Some(hold)
}

/// Does what is measured have endpoints and classes at all?
fn check_scope(cx: &mut Ctx<'_>, fields: &Fields<'_>, measure: &Measure) {
    let dropped = match measure {
        Measure::Dropped => true,
        Measure::Of(_, of) => matches!(**of, Measure::Dropped),
        _ => false,
    };
    for (key, what) in [("endpoint", "endpoint"), ("users", "class of users")] {
        let Some(field) = fields.field(key) else { continue };
        let message = match measure.series() {
            Some(series) => format!("`{series}` belongs to no {what}"),
            None if dropped && key == "endpoint" => {
                "`dropped` belongs to no endpoint: it counts task iterations that never became requests"
                    .to_owned()
            }
            None => continue,
        };
        cx.error(
            Diagnostic::new(Code::Conflict, message).at(field.key_span.clone()).label("limits nothing").help(
                match dropped {
                    true => "leave it out, or limit it to a class of `users` or a `phase`",
                    false => "leave it out; a series can be limited to a `phase`",
                },
            ),
        );
    }
}

/// `for` and `abort` need a value before the end: a trend and a recovery have one only then.
fn check_course(cx: &mut Ctx<'_>, fields: &Fields<'_>, measure: &Measure, abort: bool) {
    let Measure::Of(function @ (Function::Slope | Function::Recovery), _) = measure else { return };
    let name = function.name();
    if let Some(field) = fields.field("for") {
        let help = match function {
            Function::Recovery => "leave it out: the time until requests are as before is the measure itself",
            _ => "leave it out: a trend is of the whole time that is judged, or of a `phase`",
        };
        cx.error(
            Diagnostic::new(Code::Conflict, format!("`{name}(…)` cannot be judged in windows"))
                .at(field.key_span.clone())
                .label("of no use here")
                .help(help),
        );
    }
    if let Some(field) = fields.field("abort").filter(|_| abort) {
        cx.error(
            Diagnostic::new(Code::Conflict, format!("`{name}(…)` is only known when the run is over"))
                .at(field.key_span.clone())
                .label("cannot stop it")
                .help("leave it out, or let the measure itself stop the run: p95 = { failure = \"> 10s\", for = \"30s\", abort = true }"),
        );
    }
}

fn later<'a>(
    cx: &mut Ctx<'a>,
    field: &Field<'a>,
    fields: Option<&Fields<'a>>,
    reason: Node<'a>,
    set: &mut Set,
) {
    let Some(reason) = cx.filled(reason, "`pending`").and_then(|_| cx.line(reason, "`pending`")) else {
        return;
    };
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

impl<'a> Ctx<'a> {
    /// The table of a criterion; a bare `postgres.connections = …` makes tables of its parts, which deserves a
    /// message of its own.
    fn table_unless_measure(&mut self, field: &Field<'a>, node: Node<'a>) -> Option<Fields<'a>> {
        if measures::is_prefix(field.key) {
            let example = match field.key {
                "process" | "generator" => format!("{}.rss", field.key),
                _ => "postgres.connections.used".to_owned(),
            };
            self.error(
                Diagnostic::new(Code::Measure, format!("`{}` alone is no measure", field.key))
                    .at(field.key_span.clone())
                    .help(format!("put a measure with dots into quotes: \"{example}\" = {{ … }}")),
            );
            return None;
        }
        self.table(node, &keys::LEVELS)
    }
}
