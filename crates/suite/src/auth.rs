//! `[auth.NAME]`: how users log in. Secrets come from the environment or a file, never from the suite.

use squall_core::Nanos;
use squall_plan::{Auth, AuthKind, Escape, JwtAlgorithm, Secret, Template};

use crate::diagnostic::{Code, Diagnostic};
use crate::headers::{clean, is_for_tests};
use crate::syntax::{Ctx, Field, Node};
use crate::template::{self, Scope};
use crate::{files, keys};

/// Largest file with a secret, in bytes.
const MAX_SECRET: u64 = 64 << 10;

/// All ways to log in.
pub(crate) fn auths<'a>(cx: &mut Ctx<'a>, node: Node<'a>, scope: Scope<'_>) -> Vec<Auth> {
    let fields = cx.named_few(node, "`auth`").unwrap_or_default();
    fields.iter().filter_map(|field| auth(cx, field, scope)).collect()
}

fn auth<'a>(cx: &mut Ctx<'a>, field: &Field<'a>, scope: Scope<'_>) -> Option<Auth> {
    let named = cx.check_name(field, "way to log in");
    let fields = cx.table(field.node, &keys::AUTH)?;
    let kind = match (fields.get("bearer"), fields.get("jwt")) {
        (Some(node), None) => AuthKind::Bearer(bearer(cx, node, scope)?),
        (None, Some(node)) => jwt(cx, node, scope)?,
        _ => {
            cx.error(
                Diagnostic::new(Code::MissingKey, format!("`{}` needs one kind of token", field.key))
                    .at(field.key_span.clone())
                    .help("give either `bearer` or `jwt`"),
            );
            return None;
        }
    };
    named.then(|| Auth { name: field.key.to_owned(), kind })
}

/// A token with slots. One without them would be a secret that stands in the suite and in every record,
/// unless it says that it is for tests.
fn bearer<'a>(cx: &mut Ctx<'a>, node: Node<'a>, scope: Scope<'_>) -> Option<Template> {
    cx.filled(node, "`bearer`")?;
    let token = template::read(cx, node, "`bearer`", Escape::Header, scope);
    let clean = clean(cx, node, "`bearer`");
    let token = token.filter(|_| clean)?;
    if token.as_literal().is_some_and(|text| !is_for_tests(text)) {
        cx.error(
            Diagnostic::new(
                Code::Secret,
                "a literal secret stands in the suite and would stand in the record",
            )
            .at(node.span())
            .label("readable by everybody")
            .help("write bearer = \"{env:NAME}\"; a token that is for tests only begins with `test_`"),
        );
        return None;
    }
    Some(token)
}

fn jwt<'a>(cx: &mut Ctx<'a>, node: Node<'a>, scope: Scope<'_>) -> Option<AuthKind> {
    let fields = cx.table(node, &keys::JWT)?;
    let algorithm =
        match fields.get("algorithm").map(|n| cx.choice(n, "`algorithm`", &["HS256", "HS384", "HS512"])) {
            Some(Some("HS384")) => JwtAlgorithm::HS384,
            Some(Some("HS512")) => JwtAlgorithm::HS512,
            _ => JwtAlgorithm::HS256,
        };
    let ttl = match fields.get("ttl") {
        Some(node) => cx.positive_duration(node, "`ttl`"),
        None => Some(Nanos::from_secs(600)),
    };
    let secret = fields.get("secret").and_then(|n| secret(cx, n));
    let mut claims = Vec::new();
    if let Some(node) = fields.get("claims") {
        for claim in cx.named(node, "`claims`").unwrap_or_default() {
            // Claims are written into JSON as values by whoever signs, so the text stays as it is here.
            if let Some(value) = template::read(cx, claim.node, "a claim", Escape::Raw, scope) {
                claims.push((claim.key.to_owned(), value));
            }
        }
    }
    Some(AuthKind::Jwt { algorithm, secret: secret?, claims, ttl: ttl? })
}

/// A secret named by `env:NAME`, `env:NAME?default` or `file:path`.
fn secret<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<Secret> {
    let text = cx.text(node, "a secret")?;
    let read = if let Some(name) = text.strip_prefix("env:") {
        template::env(cx, name)
    } else if let Some(path) = text.strip_prefix("file:") {
        match files::read_text(&cx.base_dir.join(path), MAX_SECRET) {
            Ok(value) if !value.trim().is_empty() => Ok(Secret::new(value.trim_end_matches(['\r', '\n']))),
            Ok(_) => Err(Diagnostic::new(Code::Secret, format!("secret file {path} is empty"))),
            Err(problem) => Err(Diagnostic::new(Code::Secret, format!("secret file {path} {problem}"))),
        }
        .map_err(|e| e.help("paths begin at the folder of the suite"))
    } else {
        Err(Diagnostic::new(Code::Secret, "a secret does not stand in the suite itself")
            .label("not a reference")
            .help("write \"env:NAME\" or \"file:path\""))
    };
    match read {
        Ok(secret) => Some(secret),
        Err(error) => {
            cx.error(error.at(node.span()));
            None
        }
    }
}
