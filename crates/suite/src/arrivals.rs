//! `rate` and `arrivals` of a profile or a phase: task iterations that arrive by themselves (the open model).

use squall_core::Nanos;
use squall_plan::{ArrivalPlan, RateSegment, Spacing};
use toml::Spanned;
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{Ctx, Fields, Node, head};
use crate::units::{self, Bad};

/// Highest arrival rate, per second.
pub(crate) const MAX_RATE: f64 = 1_000_000.0;
/// Users of a phase with arrivals start at once unless a spawn rate is given: they are no load by themselves.
pub(crate) const POOL_SPAWN_RATE: f64 = 1_000_000.0;
/// Most users that serve arrivals unless the suite says.
pub(crate) const MAX_POOL: u32 = 10_000;
/// Most steps of a rate.
const MAX_STEPS: usize = 1000;
/// Shortest step: below it a rate per second says nothing.
const SHORTEST_STEP: Nanos = Nanos(1_000_000);

/// The arrivals a table asks for, over `run_time`. A rate with a mistake still counts as one.
pub(crate) fn read<'a>(
    cx: &mut Ctx<'a>,
    fields: &Fields<'a>,
    run_time: Option<Nanos>,
) -> Option<ArrivalPlan> {
    let spacing = fields.get("arrivals").and_then(|n| spacing(cx, n)).unwrap_or_default();
    let Some(node) = fields.get("rate") else {
        if let Some(field) = fields.field("arrivals") {
            cx.error(
                Diagnostic::new(Code::MissingKey, "`arrivals` says nothing without `rate`")
                    .at(field.key_span.clone())
                    .label("nothing arrives")
                    .help("add `rate = \"100/s\"`, or leave it out: without a rate, users set the pace"),
            );
        }
        return None;
    };
    let before = cx.errors.len();
    let segments = segments(cx, node);
    if cx.errors.len() == before {
        check(cx, fields, node, &segments, run_time);
    }
    let mut plan = match cx.errors.len() == before {
        true => ArrivalPlan { segments, spacing },
        false => constant(1.0, spacing),
    };
    spread(&mut plan, run_time);
    Some(plan)
}

/// The same rate all the time.
pub(crate) fn constant(rate: f64, spacing: Spacing) -> ArrivalPlan {
    ArrivalPlan { segments: vec![RateSegment { from: rate, to: rate, span: None }], spacing }
}

/// Give every segment its part of `run_time`, which is divided equally.
pub(crate) fn spread(plan: &mut ArrivalPlan, run_time: Option<Nanos>) {
    let steps = plan.segments.len() as u64;
    for (index, segment) in plan.segments.iter_mut().enumerate() {
        // Differences of rounded ends, so that the steps together are as long as the phase.
        let end =
            |index: u64, time: Nanos| (u128::from(time.0) * u128::from(index) / u128::from(steps)) as u64;
        let index = index as u64;
        segment.span = run_time.map(|time| Nanos(end(index + 1, time) - end(index, time)));
    }
}

/// How many users serve arrivals at this rate unless the suite says: by Little's law as many as there are arrivals
/// in a second, so that every task may take a second.
pub(crate) fn pool(peak: f64) -> u32 {
    peak.ceil().clamp(10.0, f64::from(MAX_POOL)) as u32
}

fn spacing<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<Spacing> {
    Some(match cx.choice(node, "`arrivals`", &["uniform", "poisson"])? {
        "poisson" => Spacing::Poisson,
        _ => Spacing::Uniform,
    })
}

fn segments<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Vec<RateSegment> {
    let mut steps = cx.one_or_many(node);
    if steps.is_empty() {
        cx.error(
            Diagnostic::new(Code::BadValue, "`rate` has no steps")
                .at(node.span())
                .label("empty")
                .help("write for example [\"50/s\", \"100/s\", \"150/s\"]"),
        );
    }
    if steps.len() > MAX_STEPS {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, format!("`rate` has {} steps", steps.len()))
                .at(head(&node.span()))
                .help(format!("at most {MAX_STEPS}")),
        );
        steps.truncate(MAX_STEPS);
    }
    steps.into_iter().filter_map(|step| segment(cx, step)).collect()
}

/// `"100/s"` or `"50/s..200/s"`.
fn segment<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<RateSegment> {
    let text = match node.get_ref() {
        DeValue::String(text) => text.as_ref(),
        _ => "",
    };
    let (from, to) = match text.split_once("..") {
        Some((from, to)) => ends(cx, node, from.trim(), to.trim())?,
        None if !text.is_empty() && units::rate(text) == Err(Bad::Nonsense) => {
            cx.error(not_understood(text).at(node.span()));
            return None;
        }
        None => {
            let rate = cx.rate_or_zero(node, "`rate`")?;
            (rate, rate)
        }
    };
    if from.max(to) > MAX_RATE {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, format!("`rate` is {}/s", from.max(to)))
                .at(node.span())
                .label("out of bounds")
                .help(format!("at most {MAX_RATE}/s")),
        );
        return None;
    }
    Some(RateSegment { from, to, span: None })
}

fn ends<'a>(cx: &mut Ctx<'a>, node: Node<'a>, from: &str, to: &str) -> Option<(f64, f64)> {
    // `1/s...5/s` is a slip, not the fraction `.5/s`.
    let nonsense = to.starts_with('.');
    let error = match (units::rate(from), units::rate(to)) {
        (Ok(from), Ok(to)) if !nonsense => return Some((from, to)),
        (Err(Bad::MissingUnit), _) | (_, Err(Bad::MissingUnit)) if !nonsense => {
            let unit = |text: &str| text.find('/').map(|at| text[at..].to_owned());
            let known = unit(from).or_else(|| unit(to)).unwrap_or_else(|| "/s".to_owned());
            let whole = |text: &str| match unit(text) {
                Some(_) => text.to_owned(),
                None => format!("{text}{known}"),
            };
            Diagnostic::new(Code::MissingUnit, format!("`rate` is `{from}..{to}`, where a unit is missing"))
                .label("unit is missing")
                .help(format!("did you mean \"{}..{}\"?", whole(from), whole(to)))
        }
        _ => not_understood(""),
    };
    cx.error(error.at(node.span()));
    None
}

fn not_understood(text: &str) -> Diagnostic {
    // `5/s-10/s` is how some write a range.
    let range = text.split_once('-').map(|(from, to)| (from.trim(), to.trim()));
    let help = match range.filter(|(from, to)| units::rate(from).is_ok() && units::rate(to).is_ok()) {
        Some((from, to)) => format!("did you mean \"{from}..{to}\"?"),
        None => "write for example \"100/s\" or \"50/s..200/s\"".to_owned(),
    };
    Diagnostic::new(Code::BadValue, "`rate` cannot be understood").label("not understood").help(help)
}

/// What can only be said of the whole: does anything arrive, and is there a time to change the rate in?
fn check<'a>(
    cx: &mut Ctx<'a>,
    fields: &Fields<'a>,
    node: Node<'a>,
    segments: &[RateSegment],
    run_time: Option<Nanos>,
) {
    if segments.iter().all(|s| s.from == 0.0 && s.to == 0.0) {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, "`rate` is never above zero")
                .at(node.span())
                .label("nothing arrives")
                .help("write for example \"100/s\""),
        );
    }
    let changes = segments.len() > 1 || segments.iter().any(|s| s.from != s.to);
    if changes && !fields.has("run_time") {
        cx.error(
            Diagnostic::new(Code::MissingKey, "`rate` changes over a time that is not given")
                .at(node.span())
                .label("no `run_time`")
                .help("add `run_time`: a range is passed through, and steps are divided, within it"),
        );
    }
    if let Some(time) = run_time.filter(|time| time.0 / (segments.len() as u64) < SHORTEST_STEP.0) {
        let message = format!("{} steps of `rate` in {time} are too many", segments.len());
        cx.error(
            Diagnostic::new(Code::OutOfBounds, message)
                .at(fields.get("run_time").map_or_else(|| node.span(), Spanned::span))
                .label("too short")
                .help("a step takes at least 1ms"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_together_are_as_long_as_the_phase() {
        let step = RateSegment { from: 1.0, to: 2.0, span: None };
        let mut plan = ArrivalPlan { segments: vec![step; 7], spacing: Spacing::Uniform };
        spread(&mut plan, Some(Nanos::from_secs(10)));
        let sum: u64 = plan.segments.iter().filter_map(|s| s.span).map(|s| s.0).sum();
        assert_eq!(sum, 10_000_000_000);
    }

    #[test]
    fn the_pool_is_a_second_of_arrivals() {
        assert_eq!([0.5, 10.0, 100.1, 1e6].map(pool), [10, 10, 101, 10_000]);
    }
}
