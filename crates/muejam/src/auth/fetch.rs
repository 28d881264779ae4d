//! Fetches one small document over plain HTTP. Deliberately not a client library: no TLS, no redirects, no reuse.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);
const MOST_BYTES: u64 = 1024 * 1024;

/// An `http://` address taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    authority: String,
    path: String,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or_else(|| {
            format!(
                "`{url}` does not start with http:// (for a set served over TLS, save it and use --jwks-file)"
            )
        })?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let allowed = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if authority.is_empty() || authority.contains('@') || !allowed(authority) || !allowed(path) {
            return Err(format!("`{url}` is not an address of the form http://host[:port]/path"));
        }
        Ok(Self { authority: authority.to_owned(), path: path.to_owned() })
    }

    /// The body of a 200 answer.
    pub(super) async fn get(&self) -> Result<Vec<u8>, String> {
        let answer =
            timeout(PATIENCE, self.exchange()).await.map_err(|_| "no answer within 5 s".to_owned())?;
        let answer = answer.map_err(|error| error.to_string())?;
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .ok_or("the answer has no end of headers")?;
        let status = answer.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        if status != b"200" {
            return Err(format!("answered {}", String::from_utf8_lossy(status)));
        }
        Ok(answer[end + 4..].to_vec())
    }

    async fn exchange(&self) -> std::io::Result<Vec<u8>> {
        let has_port = self.authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let address = if has_port { self.authority.clone() } else { format!("{}:80", self.authority) };
        let mut stream = TcpStream::connect(address).await?;
        // HTTP/1.0 forbids the chunked coding, so the body is what comes until the end.
        let ask = format!(
            "GET {} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\n\r\n",
            self.path, self.authority
        );
        stream.write_all(ask.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MOST_BYTES).read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn only_plain_http_addresses_are_taken() {
        let target = Target::parse("http://127.0.0.1:80/jwks").unwrap();
        assert_eq!((&*target.authority, &*target.path), ("127.0.0.1:80", "/jwks"));
        assert_eq!(Target::parse("http://host").unwrap().path, "/");
        for wrong in ["https://host/jwks", "http://", "http://a@b/", "http://a/b c", "ftp://x"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
