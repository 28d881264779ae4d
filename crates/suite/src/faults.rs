//! `[[profiles.NAME.faults]]`: commands of the user's that break something while the load runs.

use squall_core::Nanos;
use squall_plan::FaultPlan;
use toml::Spanned;
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic};
use crate::keys;
use crate::syntax::{Ctx, Node, head};

/// Most faults of a profile.
const MAX_FAULTS: usize = 100;
/// Most words of a command.
const MAX_WORDS: usize = 1000;

/// The faults at `node` of a profile that runs for `run_time`, in rising order of their begin.
pub(crate) fn read<'a>(
    cx: &mut Ctx<'a>,
    node: Node<'a>,
    profile: &str,
    run_time: Option<Nanos>,
) -> Vec<FaultPlan> {
    let mut nodes = cx.one_or_many(node);
    if nodes.len() > MAX_FAULTS {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, format!("profile `{profile}` has {} faults", nodes.len()))
                .at(head(&node.span()))
                .help(format!("at most {MAX_FAULTS}")),
        );
        nodes.truncate(MAX_FAULTS);
    }
    let mut faults: Vec<FaultPlan> = Vec::new();
    for (index, node) in nodes.into_iter().enumerate() {
        let Some((fault, name_at)) = fault(cx, node, index, profile, run_time) else { continue };
        if faults.iter().any(|known| known.name == fault.name) {
            cx.error(
                Diagnostic::new(Code::Duplicate, format!("two faults are called `{}`", fault.name))
                    .at(name_at.unwrap_or_else(|| head(&node.span())))
                    .label("used before")
                    .help("give each a name of its own"),
            );
        }
        faults.push(fault);
    }
    faults.sort_by_key(|fault| fault.at);
    faults
}

fn fault<'a>(
    cx: &mut Ctx<'a>,
    node: Node<'a>,
    index: usize,
    profile: &str,
    run_time: Option<Nanos>,
) -> Option<(FaultPlan, Option<std::ops::Range<usize>>)> {
    let fields = cx.table(node, &keys::FAULT)?;
    let name = fields.get("name").and_then(|n| cx.filled(n, "`name`").and_then(|_| cx.line(n, "`name`")));
    let name = name.map(str::to_owned);
    let name = name.unwrap_or_else(|| format!("fault-{}", index + 1));
    let at = fields.get("at").and_then(|n| Some((cx.duration(n, "`at`")?, n.span())));
    if let (Some((at, span)), Some(run_time)) = (&at, run_time)
        && *at >= run_time
    {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, format!("fault `{name}` begins when the run is over"))
                .at(span.clone())
                .label(format!("profile `{profile}` runs for {run_time}"))
                .help("`at` counts from the start of the run, all phases together"),
        );
    }
    let run = fields.get("run").and_then(|n| command(cx, n, "run"));
    let undo = fields.get("undo").and_then(|n| command(cx, n, "undo"));
    let lasts = fields.get("for").and_then(|n| cx.positive_duration(n, "`for`"));
    let fault = FaultPlan {
        name,
        at: at.map_or(Nanos::ZERO, |(at, _)| at),
        run: run.unwrap_or_default(),
        undo,
        lasts,
    };
    Some((fault, fields.get("name").map(Spanned::span)))
}

/// A program and its arguments.
fn command<'a>(cx: &mut Ctx<'a>, node: Node<'a>, key: &str) -> Option<Vec<String>> {
    if let DeValue::String(text) = node.get_ref() {
        // With quotes or a pipe in it, only its author knows what it should become.
        let simple =
            !text.trim().is_empty() && !text.contains(['"', '\'', '\\', '|', '&', ';', '<', '>', '$']);
        let words: Vec<String> = text.split_whitespace().map(|word| format!("\"{word}\"")).collect();
        let help = match simple {
            true => format!("did you mean {key} = [{}]?", words.join(", ")),
            false => format!("for a shell, say so: {key} = [\"sh\", \"-c\", '…']"),
        };
        cx.error(
            Diagnostic::new(
                Code::WrongType,
                format!("`{key}`: write it as a list of program and arguments; no shell is involved"),
            )
            .at(node.span())
            .label("expected a list of texts")
            .help(help),
        );
        return None;
    }
    let elements = cx.list(node, &format!("`{key}`"))?;
    if elements.is_empty() || elements.len() > MAX_WORDS {
        let many = elements.len() > MAX_WORDS;
        let message = match many {
            true => format!("`{key}` has {} words", elements.len()),
            false => format!("`{key}` names no program"),
        };
        let code = if many { Code::OutOfBounds } else { Code::BadValue };
        let help = match many {
            true => format!("at most {MAX_WORDS}"),
            false => format!("write for example {key} = [\"docker\", \"stop\", \"redis\"]"),
        };
        cx.error(Diagnostic::new(code, message).at(head(&node.span())).help(help));
        return None;
    }
    let mut words = Vec::with_capacity(elements.len());
    for (index, element) in elements.into_iter().enumerate() {
        let text = match index {
            0 => cx.filled(element, "the program")?,
            _ => cx.text(element, "an argument")?,
        };
        if text.contains('\0') {
            cx.error(
                Diagnostic::new(Code::BadValue, format!("`{key}` cannot hold a zero byte"))
                    .at(element.span())
                    .help("no command can be given one"),
            );
            return None;
        }
        words.push(text.to_owned());
    }
    Some(words)
}
