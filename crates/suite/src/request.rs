//! One request of a step: URL, headers, body, what to expect and what to keep.

use std::collections::HashMap;

use squall_core::EndpointId;
use squall_plan::{
    Body, Capture, CaptureSource, Check, Endpoint, Escape, Expect, Part, RequestStep, Template, VarId,
};
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic, list};
use crate::headers::{clean, header_name, headers};
use crate::json;
use crate::keys;
use crate::patterns::{json_path, regex};
use crate::quantities::LONGEST_REQUEST;
use crate::settings::statuses;
use crate::syntax::{Ctx, Fields, Node};
use crate::template::{self, Builder, Scope};
use crate::url::{default_name, encode, url};

/// Most endpoints of a suite: more means that a name holds something that changes.
pub(crate) const MAX_ENDPOINTS: usize = 2000;

/// Every (method, name) seen so far.
#[derive(Default)]
pub(crate) struct Endpoints {
    pub(crate) all: Vec<Endpoint>,
    ids: HashMap<Endpoint, usize>,
}

impl Endpoints {
    fn intern(&mut self, endpoint: Endpoint) -> EndpointId {
        let next = self.all.len();
        let id = *self.ids.entry(endpoint.clone()).or_insert(next);
        if id == next {
            self.all.push(endpoint);
        }
        EndpointId::from(id)
    }
}

/// What reading requests needs beside the context.
pub(crate) struct Requests<'s> {
    pub(crate) scope: Scope<'s>,
    pub(crate) follow: bool,
    pub(crate) endpoints: &'s mut Endpoints,
}

/// The request in `fields`, if it names a method; `what` is "task `x`" or "a step of …".
pub(crate) fn request<'a>(
    cx: &mut Ctx<'a>,
    fields: &Fields<'a>,
    what: &str,
    to: &mut Requests<'_>,
) -> Option<RequestStep> {
    let methods: Vec<&str> = keys::METHODS.into_iter().filter(|m| fields.has(m)).collect();
    let [method] = methods[..] else {
        let error = if methods.is_empty() {
            Diagnostic::new(Code::MissingKey, format!("{what} sends no request"))
                .help("name a method and a path, e.g. `get = \"/health\"`")
        } else {
            Diagnostic::new(
                Code::Conflict,
                format!("{what} names {} methods: {}", methods.len(), list(&methods)),
            )
            .help("one request a step; put several into `steps = [...]`")
        };
        cx.error(error.at(fields.span()));
        return None;
    };
    let url_node = fields.get(method)?;
    let url = url(cx, url_node, to.scope);
    let headers = fields.get("headers").map(|n| headers(cx, n, to.scope)).unwrap_or_default();
    let body = body(cx, fields, what, to.scope);
    let captures = fields.get("capture").map(|n| captures(cx, n, to.scope)).unwrap_or_default();
    let expect = fields.get("expect").map(|n| expect(cx, n)).unwrap_or_default();
    let timeout =
        fields.get("timeout").and_then(|n| cx.positive_duration_up_to(LONGEST_REQUEST, n, "`timeout`"));
    let follow = fields.get("follow").and_then(|n| cx.boolean(n, "`follow`")).unwrap_or(to.follow);
    let named = fields.get("name").and_then(|n| cx.line(n, "`name`"));
    let name = match named {
        Some(name) => name.to_owned(),
        None => default_name(url_node.get_ref().as_str()?),
    };
    let endpoint = to.endpoints.intern(Endpoint { method: method.to_uppercase(), name });
    Some(RequestStep { endpoint, url: url?, headers, body, follow, timeout, captures, expect })
}

fn body<'a>(cx: &mut Ctx<'a>, fields: &Fields<'a>, what: &str, scope: Scope<'_>) -> Option<Body> {
    let kinds: Vec<&str> = ["json", "form", "body"].into_iter().filter(|k| fields.has(k)).collect();
    if kinds.len() > 1 {
        let message = format!("{what} has {} bodies: {}", kinds.len(), list(&kinds));
        cx.error(Diagnostic::new(Code::Conflict, message).at(fields.span()));
        return None;
    }
    let content_type = fields
        .get("content_type")
        .filter(|n| clean(cx, n, "`content_type`"))
        .and_then(|n| cx.filled(n, "`content_type`"));
    if let Some(node) = fields.get("content_type").filter(|_| kinds.is_empty()) {
        cx.error(
            Diagnostic::new(Code::Conflict, "`content_type` without a `body`")
                .at(node.span())
                .help("add `body = \"…\"`"),
        );
    }
    let (default, template) = match *kinds.first()? {
        "json" => ("application/json", json::body(cx, fields.get("json")?, scope)?),
        "form" => ("application/x-www-form-urlencoded", form(cx, fields.get("form")?, scope)?),
        _ => {
            let node = fields.get("body")?;
            ("text/plain; charset=utf-8", template::read(cx, node, "`body`", Escape::Raw, scope)?)
        }
    };
    Some(Body { content_type: content_type.unwrap_or(default).to_owned(), template })
}

fn form<'a>(cx: &mut Ctx<'a>, node: Node<'a>, scope: Scope<'_>) -> Option<Template> {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let mut builder = Builder::default();
    for (index, field) in cx.named(node, "`form`")?.into_iter().enumerate() {
        builder.text(if index == 0 { "" } else { "&" });
        builder.text(&encode(field.key, unreserved));
        builder.text("=");
        let mut value = template::read(cx, field.node, "a form value", Escape::Percent, scope)?;
        for part in &mut value.parts {
            if let Part::Text(text) = part {
                *text = encode(text, unreserved);
            }
        }
        builder.append(value);
    }
    Some(builder.template)
}

fn expect<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Expect {
    let mut expect = Expect::default();
    if !node.get_ref().is_table() {
        expect.status = statuses(cx, node, "`expect`");
        expect.explicit_status = true;
        return expect;
    }
    let Some(fields) = cx.table(node, &keys::EXPECT) else { return expect };
    if fields.is_empty() {
        cx.error(
            Diagnostic::new(Code::BadValue, "`expect` expects nothing")
                .at(node.span())
                .label("empty")
                .help("name statuses, e.g. `expect = [200]`, or leave it out: then 200 to 399 are expected"),
        );
    }
    if let Some(node) = fields.get("status") {
        expect.status = statuses(cx, node, "`status`");
        expect.explicit_status = true;
    }
    for field in fields.get("json").and_then(|n| cx.named(n, "`json`")).unwrap_or_default() {
        let good = json_path(cx, field.key, field.key_span.clone());
        if let (true, Some(value)) = (good, json::literal(cx, field.node)) {
            expect.checks.push(Check::JsonEquals { path: field.key.to_owned(), value });
        }
    }
    if let Some(node) = fields.get("contains") {
        for element in cx.one_or_many(node) {
            if let Some(text) = cx.filled(element, "`contains`") {
                expect.checks.push(Check::BodyContains(text.to_owned()));
            }
        }
    }
    for field in fields.get("header").and_then(|n| cx.named(n, "`header`")).unwrap_or_default() {
        let named = header_name(cx, field.key, field.key_span.clone());
        if let (true, Some(text)) = (named, cx.filled(field.node, "`header`")) {
            let (name, text) = (field.key.to_owned(), text.to_owned());
            expect.checks.push(Check::HeaderContains { name, text });
        }
    }
    if let Some(time) = fields.get("max_time").and_then(|n| cx.positive_duration(n, "`max_time`")) {
        expect.checks.push(Check::MaxTime(time));
    }
    expect
}

fn captures<'a>(cx: &mut Ctx<'a>, node: Node<'a>, scope: Scope<'_>) -> Vec<Capture> {
    let mut captures = Vec::new();
    for field in cx.named(node, "`capture`").unwrap_or_default() {
        let var = scope.vars.iter().position(|v| v == field.key).and_then(|i| u16::try_from(i).ok());
        let read = match field.node.get_ref() {
            DeValue::String(path) => json_path(cx, path, field.node.span())
                .then(|| (CaptureSource::JsonPath(path.to_string()), false)),
            _ => cx.table(field.node, &keys::CAPTURE).and_then(|fields| capture_table(cx, &fields)),
        };
        if let (Some(var), Some((source, required))) = (var, read) {
            captures.push(Capture { var: VarId(var), source, required });
        }
    }
    captures
}

fn capture_table<'a>(cx: &mut Ctx<'a>, fields: &Fields<'a>) -> Option<(CaptureSource, bool)> {
    let required = fields.get("required").and_then(|n| cx.boolean(n, "`required`")).unwrap_or(false);
    let kinds = ["jsonpath", "regex", "header", "cookie", "status"];
    let given: Vec<&str> = kinds.into_iter().filter(|k| fields.has(k)).collect();
    let [kind] = given[..] else {
        cx.error(
            Diagnostic::new(Code::Conflict, "a capture takes its value from one place")
                .at(fields.span())
                .help(format!("give one of {}", list(&kinds))),
        );
        return None;
    };
    let node = fields.get(kind)?;
    if kind == "status" {
        return cx.boolean(node, "`status`")?.then_some((CaptureSource::Status, required));
    }
    let text = cx.text(node, "a capture")?;
    let source = match kind {
        "jsonpath" => json_path(cx, text, node.span()).then(|| CaptureSource::JsonPath(text.to_owned()))?,
        "regex" => regex(cx, text, node.span()).then(|| CaptureSource::Regex(text.to_owned()))?,
        "header" => header_name(cx, text, node.span()).then(|| CaptureSource::Header(text.to_owned()))?,
        _ => CaptureSource::Cookie(text.to_owned()),
    };
    Some((source, required))
}
