//! A virtual user's cookies (RFC 6265, without the public-suffix list: targets are the tester's own).
//!
//! Storing what is stored already, and rendering, allocate nothing; a user without cookies has no jar.

use std::net::IpAddr;

use squall_core::Nanos;

use crate::cookie_date;
use crate::origin::Origin;

/// Bounds of a jar: RFC 6265 §6.1 asks for 50 cookies of 4096 bytes per domain.
const MAX_COOKIES: usize = 64;
const MAX_COOKIE_BYTES: usize = 4096;

/// Cookies, those with longer paths first, as they are to be sent.
#[derive(Debug, Default)]
pub(crate) struct Jar {
    cookies: Vec<Cookie>,
}

#[derive(Debug)]
struct Cookie {
    name: Box<[u8]>,
    value: Vec<u8>,
    domain: Box<str>,
    path: Box<[u8]>,
    /// Sent to exactly `domain`, not to hosts below it.
    host_only: bool,
    secure: bool,
    expires: Nanos,
}

/// A request's path in the two pieces it comes in.
#[derive(Clone, Copy)]
struct Path<'a>(&'a [u8], &'a [u8]);

impl<'a> Path<'a> {
    fn of(origin: &'a Origin, target: &'a [u8]) -> Self {
        let end = target.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(target.len());
        Self(origin.prefix().as_bytes(), &target[..end])
    }

    fn bytes(self) -> impl Iterator<Item = u8> + use<'a> {
        self.0.iter().chain(self.1).copied()
    }

    /// RFC 6265 §5.1.4, "path-match".
    fn is_under(self, path: &[u8]) -> bool {
        let mut own = self.bytes();
        path.iter().all(|&byte| own.next() == Some(byte))
            && (path.ends_with(b"/") || matches!(own.next(), None | Some(b'/')))
    }

    /// RFC 6265 §5.1.4, "default-path": the path up to its last `/`. As a length.
    fn default_len(self) -> usize {
        self.bytes().enumerate().filter(|&(_, byte)| byte == b'/').last().map_or(0, |(at, _)| at)
    }
}

impl Jar {
    /// The value of the first cookie of this name that has not expired.
    pub(crate) fn find(&self, name: &[u8], now: Nanos) -> Option<&[u8]> {
        let mut named = self.cookies.iter().filter(|cookie| *cookie.name == *name && cookie.expires > now);
        named.next().map(|cookie| cookie.value.as_slice())
    }

    /// Appends a `Cookie` line, if any cookie belongs to this request.
    pub(crate) fn write(&self, origin: &Origin, target: &[u8], now: Nanos, out: &mut Vec<u8>) {
        let path = Path::of(origin, target);
        let mut first = true;
        for cookie in &self.cookies {
            let wanted = cookie.expires > now
                && (origin.is_secure() || !cookie.secure)
                && if cookie.host_only {
                    *cookie.domain == *origin.host()
                } else {
                    domain_matches(origin.host(), &cookie.domain)
                }
                && path.is_under(&cookie.path);
            if !wanted {
                continue;
            }
            out.extend_from_slice(if first { b"Cookie: " } else { b"; " });
            first = false;
            out.extend_from_slice(&cookie.name);
            out.push(b'=');
            out.extend_from_slice(&cookie.value);
        }
        if !first {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Takes a `Set-Cookie` value into the jar, which comes to be with the first one. `wall` is now in seconds since
/// 1970. What breaks the rules is ignored, as a browser does.
pub(crate) fn store(
    jar: &mut Option<Box<Jar>>,
    origin: &Origin,
    target: &[u8],
    header: &[u8],
    now: Nanos,
    wall: i64,
) {
    let Some(new) = SetCookie::parse(header, origin.host(), now, wall) else { return };
    let request_path = Path::of(origin, target);
    let default_len = request_path.default_len();
    let same_path = |path: &[u8]| match new.path {
        Some(wanted) => path == wanted,
        None if default_len == 0 => path == b"/",
        None => path.len() == default_len && request_path.bytes().take(default_len).eq(path.iter().copied()),
    };
    let domain = new.domain.unwrap_or(origin.host());
    let found = jar.as_ref().and_then(|jar| {
        jar.cookies.iter().position(|old| {
            *old.name == *new.name && old.domain.eq_ignore_ascii_case(domain) && same_path(&old.path)
        })
    });
    match found {
        Some(at) => {
            // Found in the jar, so there is one.
            let Some(jar) = jar else { return };
            if new.expires <= now {
                jar.cookies.remove(at);
                return;
            }
            let old = &mut jar.cookies[at];
            old.expires = new.expires;
            old.secure = new.secure;
            old.host_only = new.domain.is_none();
            if old.value != new.value {
                old.value.clear();
                old.value.extend_from_slice(new.value);
            }
        }
        None if new.expires <= now => {}
        None => {
            let path: Box<[u8]> = match new.path {
                Some(path) => path.into(),
                None if default_len == 0 => b"/"[..].into(),
                None => request_path.bytes().take(default_len).collect(),
            };
            let cookie = Cookie {
                name: new.name.into(),
                value: new.value.to_vec(),
                domain: domain.to_ascii_lowercase().into(),
                path,
                host_only: new.domain.is_none(),
                secure: new.secure,
                expires: new.expires,
            };
            jar.get_or_insert_default().insert(cookie);
        }
    }
}

impl Jar {
    fn insert(&mut self, cookie: Cookie) {
        if self.cookies.len() >= MAX_COOKIES {
            let soonest = (0..self.cookies.len()).min_by_key(|&at| self.cookies[at].expires);
            if let Some(at) = soonest {
                self.cookies.remove(at);
            }
        }
        let at = self.cookies.partition_point(|old| old.path.len() >= cookie.path.len());
        self.cookies.insert(at, cookie);
    }
}

/// A `Set-Cookie` value, taken apart.
struct SetCookie<'a> {
    name: &'a [u8],
    value: &'a [u8],
    /// Of the attribute, without a leading dot; `None`: this host only.
    domain: Option<&'a str>,
    path: Option<&'a [u8]>,
    secure: bool,
    /// [`Nanos::MAX`] for the session, a past moment to delete.
    expires: Nanos,
}

impl<'a> SetCookie<'a> {
    /// RFC 6265 §5.2 and the refusals of §5.3.
    fn parse(header: &'a [u8], host: &str, now: Nanos, wall: i64) -> Option<Self> {
        if header.len() > MAX_COOKIE_BYTES {
            return None;
        }
        let mut parts = header.split(|&byte| byte == b';');
        let (name, value) = split_pair(parts.next()?)?;
        if name.is_empty() || name.iter().chain(value).any(u8::is_ascii_control) {
            return None;
        }
        let mut cookie = Self { name, value, domain: None, path: None, secure: false, expires: Nanos::MAX };
        let mut max_age = None;
        let mut expires = None;
        for part in parts {
            let (name, value) = split_pair(part).unwrap_or((part.trim_ascii(), b""));
            match name.len() {
                4 if name.eq_ignore_ascii_case(b"path") => {
                    cookie.path = value.starts_with(b"/").then_some(value);
                }
                6 if name.eq_ignore_ascii_case(b"domain") => {
                    let domain = std::str::from_utf8(value).ok()?;
                    let domain = domain.strip_prefix('.').unwrap_or(domain);
                    cookie.domain = (!domain.is_empty()).then_some(domain);
                }
                6 if name.eq_ignore_ascii_case(b"secure") => cookie.secure = true,
                7 if name.eq_ignore_ascii_case(b"max-age") => {
                    max_age = std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok());
                }
                7 if name.eq_ignore_ascii_case(b"expires") => expires = cookie_date::parse(value),
                _ => {}
            }
        }
        if let Some(domain) = cookie.domain {
            if !domain_matches(host, domain) {
                return None;
            }
            // A whole top-level domain is nobody's; the host itself may have a name without dots.
            if !domain.contains('.') && !domain.eq_ignore_ascii_case(host) {
                return None;
            }
        }
        let left = max_age.or_else(|| expires.map(|at| at.saturating_sub(wall)));
        cookie.expires = match left {
            None => Nanos::MAX,
            Some(seconds) => match u64::try_from(seconds) {
                Err(_) | Ok(0) => Nanos::ZERO,
                Ok(seconds) => now + Nanos::from_secs(seconds),
            },
        };
        Some(cookie)
    }
}

fn split_pair(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = part.iter().position(|&byte| byte == b'=')?;
    Some((part[..at].trim_ascii(), part[at + 1..].trim_ascii()))
}

/// RFC 6265 §5.1.3: the same, or below it and no address.
fn domain_matches(host: &str, domain: &str) -> bool {
    if host.eq_ignore_ascii_case(domain) {
        return true;
    }
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    start > 0
        && host.as_bytes()[start - 1] == b'.'
        && host.as_bytes()[start..].eq_ignore_ascii_case(domain.as_bytes())
        && host.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests;
