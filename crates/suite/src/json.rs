//! JSON written as TOML: bodies with slots in their texts, and values to compare with.

use squall_plan::{Escape, Part, Slot, Template};
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{Ctx, Node, entries};
use crate::template::{self, Builder, Scope};

/// Deepest nesting of a JSON value.
const MAX_DEPTH: usize = 64;

/// A JSON body. A text that is exactly one `{int(a, b)}` becomes a number.
pub(crate) fn body<'a>(cx: &mut Ctx<'a>, node: Node<'a>, scope: Scope<'_>) -> Option<Template> {
    let mut builder = Builder::default();
    write(cx, node, Some(scope), MAX_DEPTH, &mut builder)?;
    Some(builder.template)
}

/// A value without slots, as JSON text.
pub(crate) fn literal<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<String> {
    let mut builder = Builder::default();
    write(cx, node, None, MAX_DEPTH, &mut builder)?;
    builder.template.as_literal().map(str::to_owned)
}

fn write<'a>(
    cx: &mut Ctx<'a>,
    node: Node<'a>,
    scope: Option<Scope<'_>>,
    depth: usize,
    out: &mut Builder,
) -> Option<()> {
    if depth == 0 {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, "a JSON value is nested too deep")
                .at(node.span())
                .label("too deep")
                .help(format!("at most {MAX_DEPTH} levels; a `body` can hold anything")),
        );
        return None;
    }
    match node.get_ref() {
        DeValue::String(text) => match scope {
            Some(scope) => string(cx, node, text, scope, out)?,
            None => out.text(&quoted(text)),
        },
        DeValue::Integer(number) => {
            let value = i64::from_str_radix(number.as_str(), number.radix()).ok();
            let Some(value) = value else {
                cx.error(Diagnostic::new(Code::OutOfBounds, "a whole number is too large").at(node.span()));
                return None;
            };
            out.text(&value.to_string());
        }
        DeValue::Float(number) => {
            let value = number.as_str().replace('_', "").parse().ok();
            let Some(value) = value.and_then(serde_json::Number::from_f64) else {
                cx.error(Diagnostic::new(Code::BadValue, "JSON has no such number").at(node.span()));
                return None;
            };
            out.text(&value.to_string());
        }
        DeValue::Boolean(truth) => out.text(if *truth { "true" } else { "false" }),
        DeValue::Datetime(date) => out.text(&quoted(&date.to_string())),
        DeValue::Array(array) => {
            out.text("[");
            for (index, element) in array.iter().enumerate() {
                out.text(if index == 0 { "" } else { "," });
                write(cx, element, scope, depth - 1, out)?;
            }
            out.text("]");
        }
        DeValue::Table(table) => {
            out.text("{");
            for (index, field) in entries(table).into_iter().enumerate() {
                out.text(if index == 0 { "" } else { "," });
                out.text(&quoted(field.key));
                out.text(":");
                write(cx, field.node, scope, depth - 1, out)?;
            }
            out.text("}");
        }
    }
    Some(())
}

fn string<'a>(
    cx: &mut Ctx<'a>,
    node: Node<'a>,
    text: &str,
    scope: Scope<'_>,
    out: &mut Builder,
) -> Option<()> {
    let parsed = template::parse(cx, node, text, Escape::JsonString, scope)?;
    if let [Part::Slot { slot: slot @ Slot::Int(..), .. }] = parsed.parts.as_slice() {
        out.slot(slot.clone(), Escape::Raw);
        return Some(());
    }
    out.text("\"");
    for part in parsed.parts {
        match part {
            Part::Text(text) => {
                let quoted = quoted(&text);
                out.text(&quoted[1..quoted.len() - 1]);
            }
            Part::Slot { slot, escape } => out.slot(slot, escape),
        }
    }
    out.text("\"");
    Some(())
}

/// `text` as a JSON string, quotes included.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
