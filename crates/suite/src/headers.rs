//! Headers of requests: their names, what their values may hold, and those that are Squall's own.

use std::ops::Range;

use squall_plan::{Escape, Template};

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{Ctx, Field, Node};
use crate::template::{self, Scope};
use crate::warnings::Warning;

/// Headers that say how a message travels, and what to do instead of writing them.
const FRAMING: [(&str, &str); 9] = [
    ("content-length", "leave it out: it follows from the body"),
    ("transfer-encoding", "leave it out: bodies are sent with their length"),
    ("connection", "leave it out; `[http] keep_alive = false` closes connections after each request"),
    ("keep-alive", "leave it out; `[http] keep_alive` says whether connections stay open"),
    ("proxy-connection", "leave it out; `[http] keep_alive` says whether connections stay open"),
    ("expect", "leave it out: bodies are sent without asking first"),
    ("upgrade", "leave it out: every request is HTTP/1.1"),
    ("trailer", "leave it out: bodies have no trailers"),
    ("te", "leave it out: trailers of responses are not read"),
];
/// Most headers with a literal secret that are warned of.
const MAX_WARNINGS: usize = 50;

/// Headers with slots.
pub(crate) fn headers<'a>(cx: &mut Ctx<'a>, node: Node<'a>, scope: Scope<'_>) -> Vec<(String, Template)> {
    let mut headers = Vec::new();
    for field in cx.named(node, "`headers`").unwrap_or_default() {
        let named = request_header(cx, &field);
        let value = template::read(cx, field.node, "a header", Escape::Header, scope);
        let clean = clean(cx, field.node, "a header");
        let Some(value) = value.filter(|_| named && clean) else { continue };
        match value.as_literal() {
            Some(text) => warn_of_secret(cx, &field, text),
            None if field.key.eq_ignore_ascii_case("host") => {
                cx.error(
                    Diagnostic::new(Code::BadValue, "the header `Host` cannot have slots")
                        .at(field.node.span())
                        .label("differs between requests of one connection")
                        .help("write one name; requests to several hosts name them in their URLs"),
                );
                continue;
            }
            None => {}
        }
        headers.push((field.key.to_owned(), value));
    }
    headers
}

/// Header names and values without slots.
pub(crate) fn literal_headers<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for field in cx.named(node, "`headers`").unwrap_or_default() {
        let named = request_header(cx, &field);
        let Some(value) = cx.text(field.node, "a header") else { continue };
        if value.contains("{env:") {
            cx.error(
                Diagnostic::new(Code::BadSlot, "headers of `http` are sent as they are, without slots")
                    .at(field.node.span())
                    .help("put a header with slots into the class of users that sends it"),
            );
        } else if clean(cx, field.node, "a header") && named {
            warn_of_secret(cx, &field, value);
            headers.push((field.key.to_owned(), value.to_owned()));
        }
    }
    headers
}

/// Is the key the name of a header that a suite may send? Notes a mistake if it is not.
fn request_header(cx: &mut Ctx<'_>, field: &Field<'_>) -> bool {
    if !header_name(cx, field.key, field.key_span.clone()) {
        return false;
    }
    let framing = FRAMING.iter().find(|(name, _)| field.key.eq_ignore_ascii_case(name));
    if let Some((_, remedy)) = framing {
        cx.error(
            Diagnostic::new(Code::BadValue, format!("a suite cannot set the header `{}`", field.key))
                .at(field.key_span.clone())
                .label("written by squall itself")
                .help(*remedy),
        );
    }
    framing.is_none()
}

/// Is `name` a header name? Notes a mistake if it is not.
pub(crate) fn header_name(cx: &mut Ctx<'_>, name: &str, span: Range<usize>) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let good = !name.is_empty() && name.chars().all(token);
    if !good {
        cx.error(
            Diagnostic::new(Code::BadValue, format!("`{name}` cannot be the name of a header"))
                .at(span)
                .help("a name is made of letters, digits and `-`"),
        );
    }
    good
}

/// Can the text at `node` stand in a header? Notes a mistake if a character of it would end the line; a node
/// that is no text is somebody else's mistake.
pub(crate) fn clean<'a>(cx: &mut Ctx<'a>, node: Node<'a>, what: &str) -> bool {
    let text = node.get_ref().as_str().unwrap_or_default();
    let Some(at) = text.find(|c: char| c.is_control() && c != '\t') else { return true };
    let message = if text[at..].starts_with(['\r', '\n']) {
        format!("{what} cannot hold a line break")
    } else {
        format!("{what} cannot hold control characters")
    };
    let span = cx.inside(&node.span(), text, at..at + 1);
    cx.error(
        Diagnostic::new(Code::BadValue, message)
            .at(span)
            .help("a value is one line; a further header is a further key"),
    );
    false
}

/// A secret that stands in the suite stands wherever the suite goes, and in the record of every run.
fn warn_of_secret(cx: &mut Ctx<'_>, field: &Field<'_>, value: &str) {
    if is_secret(field.key) && !is_for_tests(value) && cx.warnings.len() < MAX_WARNINGS {
        let line = cx.text[..field.key_span.start].matches('\n').count() + 1;
        cx.warnings.push(Warning::LiteralSecret { header: field.key.to_owned(), line });
    }
}

/// Does the name of a header say that its value is nobody else's business?
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 7] =
        ["api-key", "apikey", "auth-token", "access-token", "private-token", "secret", "password"];
    let name = name.to_ascii_lowercase().replace('_', "-");
    matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie")
        || WORDS.iter().any(|word| name.contains(word))
}

/// Is `value` nothing that needs to be kept secret: empty, or a token that says it is for tests?
pub(crate) fn is_for_tests(value: &str) -> bool {
    let value = value.trim();
    let token = value.strip_prefix("Bearer ").unwrap_or(value).trim_start();
    token.is_empty() || token.starts_with("test_")
}
