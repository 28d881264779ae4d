//! Where a redirect leads, and what of the request goes along (RFC 9110 §15.4). Pure.

use squall_core::ErrorClass;
use url::Url;

use crate::failure::Error;
use crate::origin::{Origin, Parts};
use crate::request::{Method, Request};

/// Headers that speak of a body; without one they would be lies.
const OF_BODY: [&[u8]; 6] = [
    b"content-type",
    b"content-encoding",
    b"content-language",
    b"content-location",
    b"content-length",
    b"transfer-encoding",
];
/// Headers meant for one origin only.
const CREDENTIALS: [&[u8]; 3] = [b"authorization", b"proxy-authorization", b"cookie"];

/// A redirect's target, before its origin is resolved.
#[derive(Debug)]
pub(crate) struct Target {
    url: Url,
    /// Scheme, host or port differ.
    pub(crate) crosses_origin: bool,
    headers: Vec<u8>,
    host: Option<String>,
    becomes_get: bool,
}

/// A redirected request: what differs from the caller's.
#[derive(Debug)]
pub(crate) struct Hop {
    origin: Origin,
    target: Vec<u8>,
    headers: Vec<u8>,
    host: Option<String>,
    becomes_get: bool,
}

/// What `current` becomes after a redirect to `location`.
pub(crate) fn next(current: &Request<'_>, status: u16, location: &[u8]) -> Result<Target, Error> {
    let base = url_of(current)?;
    let broken =
        || Error::text(ErrorClass::Redirect, &format_args!("to {}", String::from_utf8_lossy(location)));
    let location = std::str::from_utf8(location).map_err(|_| broken())?;
    let url = base.join(location.trim()).map_err(|_| broken())?;
    let crosses_origin = {
        let parts = Parts::of(&url).map_err(|error| Error::text(ErrorClass::Redirect, &error))?;
        !current.origin.is_at(parts.secure, &parts.host, parts.port)
    };
    let becomes_get = match status {
        303 => !matches!(current.method.as_str(), "GET" | "HEAD"),
        301 | 302 => current.method.as_str() == "POST",
        _ => false,
    };
    let headers = keep_headers(current.headers, |name| {
        let is_one_of = |names: &[&[u8]]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
        !(becomes_get && is_one_of(&OF_BODY) || crosses_origin && is_one_of(&CREDENTIALS))
    });
    let host = current.host.filter(|_| !crosses_origin).map(str::to_owned);
    Ok(Target { url, crosses_origin, headers, host, becomes_get })
}

impl Target {
    /// Under which its origin is remembered.
    pub(crate) fn key(&self) -> String {
        self.url[..url::Position::BeforePath].to_owned()
    }

    /// Its origin, to be resolved, with an empty prefix.
    pub(crate) fn parts(&self) -> Result<Parts, Error> {
        let mut url = self.url.clone();
        url.set_path("");
        Parts::of(&url).map_err(|error| Error::text(ErrorClass::Redirect, &error))
    }

    /// Completed with the origin it leads to.
    pub(crate) fn into_hop(self, origin: &Origin) -> Hop {
        Hop {
            origin: origin.without_prefix(),
            target: self.url[url::Position::BeforePath..url::Position::AfterQuery].into(),
            headers: self.headers,
            host: self.host,
            becomes_get: self.becomes_get,
        }
    }
}

impl Hop {
    /// The request to send; `before` is the one this hop came from.
    pub(crate) fn request<'a>(&'a self, before: &Request<'a>) -> Request<'a> {
        Request {
            method: if self.becomes_get { Method::GET } else { before.method },
            origin: &self.origin,
            target: &self.target,
            headers: &self.headers,
            host: self.host.as_deref(),
            body: before.body.filter(|_| !self.becomes_get),
            follow: before.follow,
            deadline: before.deadline,
        }
    }

    /// A hop that follows one that became a `GET` stays one.
    pub(crate) fn after(mut self, earlier: Option<&Self>) -> Self {
        self.becomes_get |= earlier.is_some_and(|earlier| earlier.becomes_get);
        self
    }
}

fn url_of(request: &Request<'_>) -> Result<Url, Error> {
    let target = String::from_utf8_lossy(request.target);
    let slash = if target.starts_with('/') { "" } else { "/" };
    let text = format!("{}{}{slash}{target}", request.origin.authority_url(), request.origin.prefix());
    Url::parse(&text).map_err(|error| Error::text(ErrorClass::Redirect, &error))
}

fn keep_headers(lines: &[u8], keep: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut kept = Vec::with_capacity(lines.len());
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        if keep(name.trim_ascii()) {
            kept.extend_from_slice(line);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
