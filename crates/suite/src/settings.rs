//! `[http]`, the host, and other settings that do not belong to a user.

use std::path::PathBuf;

use squall_plan::{ClientCertificate, HttpSettings, StatusSet};
use toml::de::DeValue;
use url::Url;

use crate::diagnostic::{Code, Diagnostic};
use crate::headers::literal_headers;
use crate::quantities::LONGEST_REQUEST;
use crate::syntax::{Ctx, Fields, Node};
use crate::{files, keys};

/// Largest file of certificates or a key, in bytes.
const MAX_PEM: u64 = 16 << 20;
const CERTIFICATE: &str = "CERTIFICATE-----";

/// Settings of the client and whether redirects are followed, over `base`.
pub(crate) fn http<'a>(cx: &mut Ctx<'a>, node: Node<'a>, base: &HttpSettings) -> HttpSettings {
    let mut http = base.clone();
    let Some(fields) = cx.table(node, &keys::HTTP) else { return http };
    if let Some(v) =
        fields.get("timeout").and_then(|n| cx.positive_duration_up_to(LONGEST_REQUEST, n, "`timeout`"))
    {
        http.timeout = v;
    }
    if let Some(v) = fields
        .get("connect_timeout")
        .and_then(|n| cx.positive_duration_up_to(LONGEST_REQUEST, n, "`connect_timeout`"))
    {
        http.connect_timeout = v;
    }
    if let Some(node) = fields.get("rate_limited") {
        http.rate_limited = statuses(cx, node, "`rate_limited`");
    }
    if let Some(node) = fields.get("headers") {
        for (name, value) in literal_headers(cx, node) {
            http.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
            http.headers.push((name, value));
        }
    }
    if let Some(v) = fields.get("max_redirects").and_then(|n| cx.integer(n, "`max_redirects`", 0..=255)) {
        http.max_redirects = u8::try_from(v).unwrap_or(u8::MAX);
    }
    if fields.get("follow_redirects").and_then(|n| cx.boolean(n, "`follow_redirects`")) == Some(false) {
        http.max_redirects = 0;
    }
    if let Some(node) = fields.get("max_body")
        && let Some(v) = cx.size(node, "`max_body`")
    {
        http.max_body = v;
    }
    if let Some(v) = fields.get("keep_alive").and_then(|n| cx.boolean(n, "`keep_alive`")) {
        http.keep_alive = v;
    }
    if let Some(v) = fields.get("insecure").and_then(|n| cx.boolean(n, "`insecure`")) {
        http.insecure = v;
    }
    if let Some(node) = fields.get("ca_file") {
        http.ca_file = pem_file(cx, node, "`ca_file`", CERTIFICATE);
    }
    if let Some(fields) = fields.get("client_certificate").and_then(|n| cx.table(n, &keys::CERTIFICATE)) {
        let cert = fields.get("cert").and_then(|n| pem_file(cx, n, "`cert`", CERTIFICATE));
        let key = fields.get("key").and_then(|n| pem_file(cx, n, "`key`", "PRIVATE KEY-----"));
        http.client_certificate = cert.zip(key).map(|(cert, key)| ClientCertificate { cert, key });
    }
    http
}

/// The path of a PEM file with a block called `block`.
fn pem_file<'a>(cx: &mut Ctx<'a>, node: Node<'a>, what: &str, block: &str) -> Option<PathBuf> {
    let name = cx.filled(node, what)?;
    let path = cx.base_dir.join(name);
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(block);
    let problem = match files::read(&path, MAX_PEM) {
        Ok(bytes) if String::from_utf8_lossy(&bytes).lines().any(begins) => return Some(path),
        Ok(_) => format!("is no PEM file with a line `-----BEGIN {block}`"),
        Err(problem) => problem,
    };
    cx.error(
        Diagnostic::new(Code::File, format!("{what}: {name} {problem}"))
            .at(node.span())
            .label("this file")
            .help("give a PEM file; paths begin at the folder of the suite"),
    );
    None
}

/// One status, a class like `"2xx"`, a range like `"200..299"`, or a list of those.
pub(crate) fn statuses<'a>(cx: &mut Ctx<'a>, node: Node<'a>, what: &str) -> StatusSet {
    let mut ranges = Vec::new();
    let elements = cx.one_or_many(node);
    if elements.is_empty() && what != "`rate_limited`" {
        cx.error(
            Diagnostic::new(Code::BadValue, format!("{what} names no status"))
                .at(node.span())
                .label("empty")
                .help("write 201, \"2xx\" or \"200..299\", or leave it out"),
        );
    }
    for element in elements {
        let range = match element.get_ref() {
            DeValue::Integer(_) => cx.integer(element, what, 100..=599).map(|v| (v as u16, v as u16)),
            DeValue::String(text) => {
                let range = status_range(text);
                if range.is_none() {
                    cx.error(
                        Diagnostic::new(Code::BadValue, format!("{what}: `{text}` is no status"))
                            .at(element.span())
                            .help("write 201, \"2xx\" or \"200..299\""),
                    );
                }
                range
            }
            _ => {
                cx.wrong_type(element, what, "a status");
                None
            }
        };
        ranges.extend(range);
    }
    StatusSet(ranges)
}

fn status_range(text: &str) -> Option<(u16, u16)> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|c| (1..=5).contains(c))?;
        return Some((class * 100, class * 100 + 99));
    }
    let (low, high) = text.split_once("..").or_else(|| text.split_once('-')).unwrap_or((text, text));
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    (100 <= low && low <= high && high <= 599).then_some((low, high))
}

/// The base URL without a slash at its end, or what is wrong with it.
pub(crate) fn check_host(host: &str) -> Result<String, Diagnostic> {
    let bad = |message: String| Diagnostic::new(Code::Host, message).label("not a base URL");
    let with_scheme = host.starts_with("http://") || host.starts_with("https://");
    let example = || {
        let rest = host.split_once("://").map_or(host, |(_, rest)| rest).trim_matches('/');
        let rest = if rest.is_empty() { "localhost:8000" } else { rest };
        format!("did you mean \"http://{rest}\"?")
    };
    if !with_scheme {
        return Err(bad(format!("host `{host}` does not begin with http:// or https://")).help(example()));
    }
    let url = Url::parse(host).map_err(|e| bad(format!("host `{host}` is not a URL: {e}")))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad(format!("host `{host}` names no host")).help("write \"http://localhost:8000\""));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("a host cannot hold a user and password".to_owned())
            .help("send them in the `Authorization` header of a class"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad(format!("host `{host}` has a query or a fragment"))
            .help("a host is scheme, name, port and perhaps a path prefix"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The `host` key of a table.
pub(crate) fn host<'a>(cx: &mut Ctx<'a>, fields: &Fields<'a>) -> Option<String> {
    let node = fields.get("host")?;
    let text = cx.text(node, "`host`")?;
    match check_host(text) {
        Ok(host) => Some(host),
        Err(error) => {
            cx.error(error.at(node.span()));
            None
        }
    }
}

/// Does the target run on this machine, as far as its name tells?
pub(crate) fn is_loopback(host: &str) -> bool {
    match Url::parse(host).ok().as_ref().and_then(Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_checked_and_tidied() {
        assert_eq!(check_host("http://localhost:8000/").unwrap(), "http://localhost:8000");
        assert_eq!(check_host("https://example.com/api/").unwrap(), "https://example.com/api");
        for host in ["localhost:8000", "ftp://x", "http://", "http://a?b", "http://u:p@h", ""] {
            assert_eq!(check_host(host).unwrap_err().code, Code::Host, "{host}");
        }
        let help = check_host("localhost:8000").unwrap_err().help.unwrap();
        assert_eq!(help, "did you mean \"http://localhost:8000\"?");
    }

    #[test]
    fn statuses_come_as_numbers_classes_and_ranges() {
        assert_eq!(status_range("2xx"), Some((200, 299)));
        assert_eq!(status_range("200..204"), Some((200, 204)));
        assert_eq!(status_range("404"), Some((404, 404)));
        for text in ["9xx", "300..200", "99", "teapot"] {
            assert_eq!(status_range(text), None, "{text}");
        }
    }

    #[test]
    fn loopback_is_told_from_the_name() {
        assert!(is_loopback("http://127.0.0.1:8000") && is_loopback("http://localhost"));
        assert!(is_loopback("http://[::1]:80") && !is_loopback("http://example.com"));
    }
}
