//! Reads one HTTP/1.x request from bytes: where it ends and what it asks for.
//!
//! It knows only what this server needs: method, target, `Content-Length`, `Connection`. A request whose length it cannot
//! know (chunked, or a malformed head) is refused, and the connection with it.

/// A complete request head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of the head, with its empty line.
    pub length: usize,
    /// Bytes of the body that follows.
    pub body: u64,
    /// The path, without the query.
    pub path: String,
    /// The answer must have no body.
    pub is_head: bool,
    /// The client asked for the connection to be closed after the answer.
    pub close: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    Complete(Head),
    Incomplete,
    Malformed,
}

/// A head larger than this is refused.
const MAX_HEAD: usize = 64 * 1024;

/// Looks for one request head at the start of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
        return if bytes.len() > MAX_HEAD { Parsed::Malformed } else { Parsed::Incomplete };
    };
    parse_head(&bytes[..end])
        .map_or(Parsed::Malformed, |head| Parsed::Complete(Head { length: end + 4, ..head }))
}

fn parse_head(bytes: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_1_0 = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        _ => return None,
    };
    if method.is_empty() || !target.starts_with('/') || words.next().is_some() {
        return None;
    }
    let path = target.split(['?', '#']).next().unwrap_or(target).to_owned();
    let mut head = Head { length: 0, body: 0, path, is_head: method == "HEAD", close: is_1_0 };
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.body = value.parse().ok()?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = if is_1_0 {
                !value.eq_ignore_ascii_case("keep-alive")
            } else {
                value.eq_ignore_ascii_case("close")
            };
        }
    }
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(text: &str) -> Head {
        match parse(text.as_bytes()) {
            Parsed::Complete(head) => head,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn reads_what_it_needs() {
        let head = complete("GET /a/b?x=1 HTTP/1.1\r\nHost: h\r\n\r\nrest");
        assert_eq!(
            (head.path.as_str(), head.length, head.body),
            ("/a/b", "GET /a/b?x=1 HTTP/1.1\r\nHost: h\r\n\r\n".len(), 0)
        );
        assert!(!head.is_head && !head.close);
        let head = complete("POST / HTTP/1.1\r\ncontent-length: 12\r\nConnection: Close\r\n\r\n");
        assert_eq!((head.body, head.close), (12, true));
        assert!(complete("HEAD / HTTP/1.1\r\n\r\n").is_head);
        assert!(complete("GET / HTTP/1.0\r\n\r\n").close);
        assert!(!complete("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").close);
    }

    #[test]
    fn every_prefix_of_a_request_is_incomplete() {
        let text = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(parse(&text.as_bytes()[..end]), Parsed::Incomplete, "{end}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_measure() {
        for text in [
            "GET / HTTP/2\r\n\r\n",
            "GET x HTTP/1.1\r\n\r\n",
            "nonsense\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert_eq!(parse(text.as_bytes()), Parsed::Malformed, "{text:?}");
        }
        assert_eq!(parse(&vec![b'a'; MAX_HEAD + 1]), Parsed::Malformed);
    }
}
