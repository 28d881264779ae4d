//! Requests and their encoding: bytes appended to the thread's write buffer.

use crate::origin::Origin;
use squall_core::Nanos;

/// A request method: a token, case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method<'a>(&'a str);

impl<'a> Method<'a> {
    /// `GET`
    pub const GET: Method<'static> = Method("GET");
    /// `HEAD`
    pub const HEAD: Method<'static> = Method("HEAD");
    /// `POST`
    pub const POST: Method<'static> = Method("POST");
    /// `PUT`
    pub const PUT: Method<'static> = Method("PUT");
    /// `DELETE`
    pub const DELETE: Method<'static> = Method("DELETE");
    /// `PATCH`
    pub const PATCH: Method<'static> = Method("PATCH");

    /// Any method, written as given.
    pub const fn new(name: &'a str) -> Self {
        Self(name)
    }

    /// As written in the request line.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// May be sent again when nobody knows whether the first one arrived (RFC 9110 §9.2.2).
    pub fn is_idempotent(self) -> bool {
        matches!(self.0, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "TRACE")
    }

    pub(crate) fn is_head(self) -> bool {
        self.0 == "HEAD"
    }

    /// Methods whose semantics expect a body, so that its absence is said with `Content-Length: 0` (RFC 9110 §8.6).
    fn expects_body(self) -> bool {
        matches!(self.0, "POST" | "PUT" | "PATCH")
    }
}

/// One request, borrowed from the caller for the time of `send`.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method<'a>,
    /// Where it goes.
    pub origin: &'a Origin,
    /// `/path?query`, already percent-encoded; appended to the origin's prefix.
    pub target: &'a [u8],
    /// Rendered header lines, each `Name: value\r\n`. Not among them: `Host`, `Content-Length`, `Connection`, and
    /// the cookies of the jar, which are written here.
    pub headers: &'a [u8],
    /// Value of `Host` when it is not the origin's own. Ignored after a redirect to another origin.
    pub host: Option<&'a str>,
    /// The body. `Some(b"")` sends `Content-Length: 0`.
    pub body: Option<&'a [u8]>,
    /// Follow redirects.
    pub follow: bool,
    /// The moment at which the whole request, redirects and retries included, has failed with `Timeout`.
    pub deadline: Nanos,
}

/// Bodies up to this many bytes travel in the same write as the head; of longer ones, the first part does. One
/// write of 16 KiB costs less than two, and the copy about a microsecond at most.
const INLINE_BODY_BYTES: usize = 16 << 10;

/// Appends head and (the first part of) the body to `out`; returns how many body bytes that were.
/// `write_cookies` appends the `Cookie` line, if there is one.
pub(crate) fn encode(
    request: &Request<'_>,
    keep_alive: bool,
    out: &mut Vec<u8>,
    write_cookies: impl FnOnce(&mut Vec<u8>),
) -> usize {
    out.extend_from_slice(request.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(request.origin.prefix().as_bytes());
    if request.target.first() != Some(&b'/')
        && (request.target != b"*" || !request.origin.prefix().is_empty())
    {
        out.push(b'/');
    }
    out.extend_from_slice(request.target);
    out.extend_from_slice(b" HTTP/1.1\r\nHost: ");
    out.extend_from_slice(request.host.unwrap_or(request.origin.host_header()).as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(request.headers);
    write_cookies(out);
    if !keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    let Some(body) = request.body else {
        if request.method.expects_body() {
            out.extend_from_slice(b"Content-Length: 0\r\n");
        }
        out.extend_from_slice(b"\r\n");
        return 0;
    };
    out.extend_from_slice(b"Content-Length: ");
    push_decimal(out, body.len());
    out.extend_from_slice(b"\r\n\r\n");
    let inline = body.len().min(INLINE_BODY_BYTES);
    out.extend_from_slice(&body[..inline]);
    inline
}

fn push_decimal(out: &mut Vec<u8>, mut value: usize) {
    // 20 digits hold 2^64 - 1.
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use url::Url;

    fn origin(url: &str) -> Origin {
        Origin::with_addresses(&Url::parse(url).unwrap(), vec![SocketAddr::from(([127, 0, 0, 1], 1))])
            .unwrap()
    }

    fn text(method: Method<'_>, base: &str, target: &str, body: Option<&[u8]>, keep_alive: bool) -> String {
        let origin = origin(base);
        let request = Request {
            method,
            origin: &origin,
            target: target.as_bytes(),
            headers: b"Accept: */*\r\n",
            host: None,
            body,
            follow: true,
            deadline: Nanos::MAX,
        };
        let mut out = Vec::new();
        encode(&request, keep_alive, &mut out, |out| out.extend_from_slice(b"Cookie: a=b\r\n"));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_what_a_server_expects() {
        assert_eq!(
            text(Method::GET, "http://h:8000/api/", "/x?q=1", None, true),
            "GET /api/x?q=1 HTTP/1.1\r\nHost: h:8000\r\nAccept: */*\r\nCookie: a=b\r\n\r\n"
        );
        assert_eq!(
            text(Method::POST, "http://h", "/x", Some(b"hello world"), false),
            "POST /x HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nCookie: a=b\r\nConnection: close\r\n\
             Content-Length: 11\r\n\r\nhello world"
        );
        assert!(text(Method::POST, "http://h", "/", None, true).contains("Content-Length: 0\r\n"));
        assert!(text(Method::GET, "http://h", "/", Some(b""), true).contains("Content-Length: 0\r\n"));
        assert!(text(Method::GET, "http://h", "?q", None, true).starts_with("GET /?q HTTP/1.1"));
        assert!(text(Method::new("OPTIONS"), "http://h", "*", None, true).starts_with("OPTIONS * HTTP/1.1"));
    }

    #[test]
    fn long_bodies_are_split() {
        let origin = origin("http://h");
        let body = vec![b'x'; 100_000];
        let request = Request {
            method: Method::PUT,
            origin: &origin,
            target: b"/",
            headers: b"",
            host: Some("virtual.example"),
            body: Some(&body),
            follow: false,
            deadline: Nanos::MAX,
        };
        let mut out = Vec::new();
        let inline = encode(&request, true, &mut out, |_| ());
        let head = "PUT / HTTP/1.1\r\nHost: virtual.example\r\nContent-Length: 100000\r\n\r\n";
        assert!(out.starts_with(head.as_bytes()));
        assert_eq!(out.len(), head.len() + inline);
        assert!(inline > 0 && inline < body.len());
    }

    #[test]
    fn decimals() {
        for value in [0, 7, 10, 999, usize::MAX] {
            let mut out = Vec::new();
            push_decimal(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }
}
