//! The URLs of requests: paths, whole URLs, and captured links.

use squall_plan::{Escape, Part, Template};
use url::Url;

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{Ctx, Node};
use crate::template::{self, Builder, Scope};

/// Longest URL as it is written, in bytes.
const MAX_URL: usize = 32 << 10;

/// What a request without a name is grouped under: path and query as they are written; a query with slots is
/// cut off, because what it asks for is not a place of its own.
pub(crate) fn default_name(url: &str) -> String {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let literal = |text: &str| !text.replace("{{", "").contains('{');
    match query {
        Some(query) if literal(query) => template::unescaped(&format!("{path}?{query}")),
        _ => template::unescaped(path),
    }
}

/// The URL at `node`.
pub(crate) fn url<'a>(cx: &mut Ctx<'a>, node: Node<'a>, scope: Scope<'_>) -> Option<Template> {
    let text = cx.line(node, "a path")?;
    if text.len() > MAX_URL {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, format!("a URL of {} bytes", text.len()))
                .at(node.span())
                .label("too long")
                .help(format!("at most {MAX_URL} bytes: servers refuse longer ones; send a body instead")),
        );
        return None;
    }
    let parsed = template::parse(cx, node, text, Escape::Percent, scope)?;
    let mut absolute = false;
    let whole = match parsed.parts.first() {
        Some(Part::Text(start)) => {
            absolute = start.starts_with("http://") || start.starts_with("https://");
            absolute || start.starts_with('/')
        }
        // A captured link: it is a URL already, and escaping it would break it.
        Some(Part::Slot { .. }) => true,
        None => false,
    };
    if !whole {
        cx.error(
            Diagnostic::new(Code::BadValue, format!("path `{text}` does not begin with `/`"))
                .at(node.span())
                .label("neither a path nor a URL")
                .help(format!("did you mean \"/{text}\"?")),
        );
        return None;
    }
    if let Some(at) = text.find('#') {
        let span = cx.inside(&node.span(), text, at..text.len());
        cx.error(
            Diagnostic::new(Code::BadValue, "a fragment is never sent").at(span).label("leave this out"),
        );
        return None;
    }
    if absolute && let Err(error) = check(&parsed) {
        cx.error(error.at(node.span()));
        return None;
    }
    let mut builder = Builder::default();
    for (index, part) in parsed.parts.into_iter().enumerate() {
        match part {
            Part::Text(text) => builder.text(&sendable(&text)),
            Part::Slot { slot, .. } if index == 0 => builder.slot(slot, Escape::Raw),
            Part::Slot { slot, escape } => builder.slot(slot, escape),
        }
    }
    Some(builder.template)
}

/// A whole URL has to be one whatever its slots hold; a digit can stand anywhere that a slot can.
fn check(template: &Template) -> Result<(), Diagnostic> {
    let sample: String = template
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => sendable(text),
            Part::Slot { .. } => "1".to_owned(),
        })
        .collect();
    let bad = |message: String| Diagnostic::new(Code::Host, message).label("not a URL");
    let example = "write a path like \"/health\", or a whole URL like \"http://localhost:8000/health\"";
    let rest = sample.split_once("://").map_or("", |(_, rest)| rest);
    // Parsers of URLs forgive too many slashes; a request that goes elsewhere than it seems is none.
    if rest.starts_with(['/', '?']) || rest.is_empty() {
        return Err(bad("the URL names no host".to_owned()).help(example));
    }
    let url = Url::parse(&sample).map_err(|e| bad(format!("not a URL: {e}")).help(example))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("a URL cannot hold a user and password".to_owned())
            .label("would stand in records and reports")
            .help("send them in a header: Authorization = \"Basic {env:NAME}\", or with `auth`"));
    }
    Ok(())
}

/// Literal text of a URL with what cannot stand in a request line percent-encoded.
fn sendable(text: &str) -> String {
    // Brackets surround addresses; elsewhere servers accept them.
    encode(text, |b| matches!(b, 0x21..=0x7e) && !b"\"<>\\^`{|}".contains(&b))
}

/// `text` with every byte percent-encoded that is not to be kept.
pub(crate) fn encode(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
    out
}
