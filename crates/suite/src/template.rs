//! Slots: `"/v1/stories/{pick(slugs)}"` into a [`Template`].
//!
//! The grammar is deliberately tiny: a name, `feed.column`, `user.id`, `user.index`, `now()`, `uuid()`,
//! `word()`, `int(a, b)`, `pick(name)`, `env:NAME` and `env:NAME?default`; `{{` and `}}` are braces.

use squall_plan::{Escape, Feed, Part, PickFrom, Secret, Slot, Template, VarId};

use crate::diagnostic::{Code, Diagnostic, list, nearest};
use crate::syntax::{Ctx, Node};

/// What slots may refer to.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'s> {
    /// Variables of the class, by id.
    pub(crate) vars: &'s [String],
    /// Feeds of the suite.
    pub(crate) feeds: &'s [Feed],
}

/// Most mistakes that are looked for in one text.
const MAX_MISTAKES: usize = 20;
const FUNCTIONS: [&str; 5] = ["now", "uuid", "word", "int", "pick"];

/// A text of the suite as a template.
pub(crate) fn read<'a>(
    cx: &mut Ctx<'a>,
    node: Node<'a>,
    what: &str,
    escape: Escape,
    scope: Scope<'_>,
) -> Option<Template> {
    let text = cx.text(node, what)?;
    parse(cx, node, text, escape, scope)
}

/// `text`, which is the value of `node`, as a template.
pub(crate) fn parse<'a>(
    cx: &mut Ctx<'a>,
    node: Node<'a>,
    text: &str,
    escape: Escape,
    scope: Scope<'_>,
) -> Option<Template> {
    let mut builder = Builder::default();
    let mut mistakes = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(['{', '}']).filter(|_| mistakes < MAX_MISTAKES) {
        let brace = at + found;
        builder.text(&text[at..brace]);
        let rest = &text[brace..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            builder.text(&rest[..1]);
            at = brace + 2;
        } else if let Some(length) = rest.strip_prefix('{').and_then(|r| r.find('}')) {
            let inner = brace + 1..brace + 1 + length;
            match slot(cx, &text[inner.clone()], scope) {
                Ok(slot) => builder.slot(slot, escape),
                Err(error) => {
                    let span = cx.inside(&node.span(), text, inner.clone());
                    cx.error(error.at(span));
                    mistakes += 1;
                }
            }
            at = inner.end + 1;
        } else {
            let span = cx.inside(&node.span(), text, brace..brace + 1);
            cx.error(
                Diagnostic::new(Code::BadSlot, "a brace stands alone")
                    .at(span)
                    .label("no matching brace")
                    .help("a slot is `{…}`; a brace itself is written `{{` or `}}`"),
            );
            mistakes += 1;
            at = brace + 1;
        }
    }
    builder.text(&text[at..]);
    (mistakes == 0).then_some(builder.template)
}

/// Puts a template together, joining adjacent texts.
#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) template: Template,
}

impl Builder {
    /// Append literal text.
    pub(crate) fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Part::Text(last)) = self.template.parts.last_mut() {
            last.push_str(text);
        } else {
            self.template.parts.push(Part::Text(text.to_owned()));
        }
    }

    /// Append a slot.
    pub(crate) fn slot(&mut self, slot: Slot, escape: Escape) {
        self.template.parts.push(Part::Slot { slot, escape });
    }

    /// Append another template.
    pub(crate) fn append(&mut self, other: Template) {
        for part in other.parts {
            match part {
                Part::Text(text) => self.text(&text),
                Part::Slot { slot, escape } => self.slot(slot, escape),
            }
        }
    }
}

fn slot(cx: &Ctx<'_>, source: &str, scope: Scope<'_>) -> Result<Slot, Diagnostic> {
    let source = source.trim();
    if let Some(name) = source.strip_prefix("env:") {
        return env(cx, name).map(Slot::Env);
    }
    if let Some((function, arguments)) = source.split_once('(') {
        let Some(arguments) = arguments.strip_suffix(')') else {
            return Err(bad(format!("`{source}` has no closing parenthesis")));
        };
        return call(cx, function.trim(), arguments.trim(), scope);
    }
    match source {
        "user.id" => return Ok(Slot::UserId),
        "user.index" => return Ok(Slot::UserIndex),
        "" => return Err(bad("a slot is empty").help("a brace itself is written `{{` or `}}`")),
        _ => {}
    }
    if let Some(name) = FUNCTIONS.iter().find(|f| **f == source) {
        return Err(bad(format!("`{name}` is a function")).help(format!("write `{{{}}}`", example(name))));
    }
    let owner = source.split_once('.').map_or(source, |(owner, _)| owner);
    if cx.broken_feeds.contains(&owner) {
        // Any slot will do: the suite is refused for the feed.
        return Ok(Slot::Word);
    }
    if let Some((owner, column)) = source.split_once('.') {
        return field(cx, owner, column, scope);
    }
    if let Some(var) = variable(source, scope) {
        return Ok(Slot::Var(var));
    }
    if let Some((feed, data)) = scope.feeds.iter().enumerate().find(|(_, f)| f.name == source) {
        if data.columns.len() == 1 {
            return Ok(Slot::Field { feed, column: 0 });
        }
        return Err(bad(format!("feed `{source}` has several columns"))
            .help(format!("write `{{{source}.{}}}`", data.columns[0])));
    }
    Err(unknown(cx, source, scope))
}

fn variable(name: &str, scope: Scope<'_>) -> Option<VarId> {
    let position = scope.vars.iter().position(|v| v == name)?;
    u16::try_from(position).ok().map(VarId)
}

fn field(cx: &Ctx<'_>, owner: &str, column: &str, scope: Scope<'_>) -> Result<Slot, Diagnostic> {
    if owner == "user" {
        return Err(
            bad(format!("a user has no `{column}`")).maybe_help(cx.suggestion(column, ["id", "index"]))
        );
    }
    let Some((feed, data)) = scope.feeds.iter().enumerate().find(|(_, f)| f.name == owner) else {
        let feeds: Vec<_> = scope.feeds.iter().map(|f| f.name.as_str()).chain(["user"]).collect();
        return Err(Diagnostic::new(Code::UnknownName, format!("there is no data feed called `{owner}`"))
            .label("unknown data feed")
            .maybe_help(cx.suggestion(owner, feeds)));
    };
    let Some(position) = data.columns.iter().position(|c| c == column) else {
        return Err(Diagnostic::new(Code::UnknownName, format!("feed `{owner}` has no column `{column}`"))
            .label("unknown column")
            .maybe_help(cx.suggestion(column, data.columns.iter().map(String::as_str))));
    };
    Ok(Slot::Field { feed, column: position })
}

fn call(cx: &Ctx<'_>, function: &str, arguments: &str, scope: Scope<'_>) -> Result<Slot, Diagnostic> {
    let none = arguments.is_empty();
    match function {
        "now" if none => Ok(Slot::Now),
        "uuid" if none => Ok(Slot::Uuid),
        "word" if none => Ok(Slot::Word),
        "int" => {
            let bounds = arguments.split_once(',');
            let bounds = bounds.and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
            match bounds {
                Some((low, high)) if low <= high => Ok(Slot::Int(low, high)),
                Some((low, high)) => Err(bad(format!("`int({low}, {high})` is empty"))
                    .help(format!("did you mean `int({high}, {low})`?"))),
                None => Err(bad("`int` takes two whole numbers").help("write `{int(1, 100)}`")),
            }
        }
        "pick" if cx.broken_feeds.contains(&arguments) => Ok(Slot::Word),
        "pick" => pick(cx, arguments, scope),
        "now" | "uuid" | "word" => {
            Err(bad(format!("`{function}` takes no arguments")).help(format!("write `{{{function}()}}`")))
        }
        _ => Err(bad(format!("there is no function `{function}`"))
            .label("unknown function")
            .maybe_help(cx.suggestion(function, FUNCTIONS))),
    }
}

fn pick(cx: &Ctx<'_>, name: &str, scope: Scope<'_>) -> Result<Slot, Diagnostic> {
    if let Some(var) = variable(name, scope) {
        return Ok(Slot::Pick(PickFrom::Var(var)));
    }
    match scope.feeds.iter().position(|f| f.name == name) {
        Some(feed) => Ok(Slot::Pick(PickFrom::Feed(feed))),
        None if name.is_empty() => Err(bad("`pick` takes the name of a variable or a data feed")),
        None => Err(unknown(cx, name, scope)),
    }
}

/// The environment's value for `name` or `name?default`.
pub(crate) fn env(cx: &Ctx<'_>, source: &str) -> Result<Secret, Diagnostic> {
    let (name, default) =
        source.split_once('?').map_or((source, None), |(name, default)| (name, Some(default)));
    let name = name.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(good) {
        return Err(Diagnostic::new(Code::Secret, format!("`{name}` cannot be an environment variable"))
            .help("write `env:NAME`"));
    }
    let value = (cx.env)(name).filter(|v| !v.is_empty());
    value.or_else(|| default.map(str::to_owned)).map(Secret::new).ok_or_else(|| {
        Diagnostic::new(Code::Secret, format!("environment variable {name} is not set"))
            .label("needs this variable")
            .help(format!(
                "set {name}; a key that is for tests only may have a default: `env:{name}?default`"
            ))
    })
}

fn unknown(cx: &Ctx<'_>, name: &str, scope: Scope<'_>) -> Diagnostic {
    let error = Diagnostic::new(Code::UnknownName, format!("there is nothing called `{name}`"))
        .label("neither captured nor a data feed");
    if cx.is_crowded() {
        return error;
    }
    let vars = scope.vars.iter().map(String::as_str);
    let known: Vec<&str> = vars.chain(scope.feeds.iter().map(|f| f.name.as_str())).collect();
    let extras = ["user.id", "user.index", "now()", "uuid()", "word()"];
    let all: Vec<&str> = known.iter().copied().chain(extras).collect();
    let help = match nearest(name, &all) {
        Some(best) => format!("did you mean `{best}`?"),
        None if known.is_empty() => {
            format!("no step of the class captures `{name}`, and no data feed is called so")
        }
        None => {
            let more = known.len().saturating_sub(8);
            let more = if more == 0 { String::new() } else { format!(", and {more} more") };
            let known = list(&known[..known.len().min(8)]);
            format!("no step of the class captures `{name}`; there is {known}{more}")
        }
    };
    error.help(help)
}

fn bad(message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::BadSlot, message).label("not a slot")
}

fn example(function: &str) -> &'static str {
    match function {
        "int" => "int(1, 100)",
        "pick" => "pick(list)",
        "now" => "now()",
        "uuid" => "uuid()",
        _ => "word()",
    }
}

/// Variables a template uses.
pub(crate) fn vars_of(template: &Template) -> impl Iterator<Item = VarId> + '_ {
    template.parts.iter().filter_map(|part| match part {
        Part::Slot { slot: Slot::Var(var) | Slot::Pick(PickFrom::Var(var)), .. } => Some(*var),
        _ => None,
    })
}

/// The braces of `text` as a reader sees them: `{{` becomes `{`.
pub(crate) fn unescaped(text: &str) -> String {
    text.replace("{{", "{").replace("}}", "}")
}
