//! Where requests go: scheme, host, port, path prefix and the addresses behind them.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use rustls_pki_types::ServerName;
use url::{Host, Url};

/// A resolved base of requests. Cloning shares it.
///
/// Two origins are the same when scheme, host and port are: the path prefix and the addresses do not count.
#[derive(Clone)]
pub struct Origin(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    secure: bool,
    port: u16,
    host: Box<str>,
    host_header: Box<str>,
    prefix: Box<str>,
    addresses: Box<[SocketAddr]>,
    /// Present whenever `secure`.
    server_name: Option<ServerName<'static>>,
}

/// Why a URL is no origin.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// Neither `http` nor `https`.
    #[error("the scheme of {0} is neither http nor https")]
    Scheme(String),
    /// No host, or one that is no name.
    #[error("{0} has no usable host")]
    Host(String),
    /// The name does not resolve.
    #[error("{host} does not resolve: {source}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// The name resolves to nothing.
    #[error("{0} resolves to no address")]
    NoAddress(String),
}

impl Origin {
    /// Resolves the base URL with the system's resolver. Blocks: for use before a run, outside the load path.
    ///
    /// The URL's path becomes the prefix of every request's target (a trailing `/` is dropped).
    pub fn resolve(url: &Url) -> Result<Self, OriginError> {
        let parts = Parts::of(url)?;
        let addresses = (parts.resolvable.as_str(), parts.port)
            .to_socket_addrs()
            .map_err(|source| OriginError::Resolve { host: parts.host.clone(), source })?;
        parts.into_origin(addresses.collect())
    }

    /// The base URL with addresses found elsewhere.
    pub fn with_addresses(url: &Url, addresses: Vec<SocketAddr>) -> Result<Self, OriginError> {
        Parts::of(url)?.into_origin(addresses)
    }

    /// True for `https`.
    pub fn is_secure(&self) -> bool {
        self.0.secure
    }

    /// The host, lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port, the scheme's default included.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The value of the `Host` header: the host, with the port when it is not the scheme's default.
    pub fn host_header(&self) -> &str {
        &self.0.host_header
    }

    /// The path before every target: empty, or `/…` without a trailing `/`.
    pub fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// The addresses, in the resolver's order; never empty.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.0.addresses
    }

    pub(crate) fn server_name(&self) -> Option<&ServerName<'static>> {
        self.0.server_name.as_ref()
    }

    pub(crate) fn is_at(&self, secure: bool, host: &str, port: u16) -> bool {
        self.0.secure == secure && self.0.port == port && *self.0.host == *host
    }

    /// The same place, with targets that are whole paths.
    pub(crate) fn without_prefix(&self) -> Self {
        if self.0.prefix.is_empty() {
            return self.clone();
        }
        Self(Arc::new(Inner { prefix: "".into(), ..Inner::clone(&self.0) }))
    }

    /// `scheme://host[:port]`, without the prefix.
    pub(crate) fn authority_url(&self) -> String {
        let scheme = if self.0.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.0.host_header)
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        Arc::ptr_eq(a, b) || (a.secure == b.secure && a.port == b.port && a.host == b.host)
    }
}

impl Eq for Origin {}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({}{})", self.authority_url(), self.0.prefix)
    }
}

/// A URL taken apart, before its addresses are known.
pub(crate) struct Parts {
    pub(crate) secure: bool,
    pub(crate) port: u16,
    pub(crate) host: String,
    /// The host as a resolver wants it: without the brackets of an IPv6 address.
    pub(crate) resolvable: String,
    host_header: String,
    prefix: String,
    server_name: Option<ServerName<'static>>,
}

impl Parts {
    pub(crate) fn of(url: &Url) -> Result<Self, OriginError> {
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(OriginError::Scheme(url.to_string())),
        };
        let no_host = || OriginError::Host(url.to_string());
        let host = url.host().ok_or_else(no_host)?;
        let (resolvable, server_name) = match &host {
            Host::Domain(name) => ((*name).to_owned(), ServerName::try_from((*name).to_owned()).ok()),
            Host::Ipv4(ip) => (ip.to_string(), Some(ServerName::from(std::net::IpAddr::V4(*ip)))),
            Host::Ipv6(ip) => (ip.to_string(), Some(ServerName::from(std::net::IpAddr::V6(*ip)))),
        };
        // Names that no certificate can carry serve well enough without TLS.
        if secure && server_name.is_none() {
            return Err(no_host());
        }
        let host = host.to_string();
        let port = url.port_or_known_default().ok_or_else(no_host)?;
        let host_header = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let prefix = url.path().trim_end_matches('/').to_owned();
        Ok(Self { secure, port, host, resolvable, host_header, prefix, server_name })
    }

    pub(crate) fn into_origin(self, addresses: Vec<SocketAddr>) -> Result<Origin, OriginError> {
        if addresses.is_empty() {
            return Err(OriginError::NoAddress(self.host));
        }
        Ok(Origin(Arc::new(Inner {
            secure: self.secure,
            port: self.port,
            host: self.host.into(),
            host_header: self.host_header.into(),
            prefix: self.prefix.into(),
            addresses: addresses.into(),
            server_name: self.server_name,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<Origin, OriginError> {
        Origin::with_addresses(&Url::parse(url).unwrap(), vec![SocketAddr::from(([127, 0, 0, 1], 1))])
    }

    #[test]
    fn takes_a_url_apart() {
        for (url, secure, host, port, header, prefix) in [
            ("http://Example.com", false, "example.com", 80, "example.com", ""),
            ("https://example.com:8443/api/", true, "example.com", 8443, "example.com:8443", "/api"),
            ("http://[::1]:8000/", false, "[::1]", 8000, "[::1]:8000", ""),
            ("http://10.0.0.1:80/a/b", false, "10.0.0.1", 80, "10.0.0.1", "/a/b"),
        ] {
            let o = origin(url).unwrap();
            assert_eq!(
                (o.is_secure(), o.host(), o.port(), o.host_header(), o.prefix()),
                (secure, host, port, header, prefix)
            );
        }
        assert_eq!(origin("http://my_service-:8000").unwrap().host(), "my_service-");
        assert!(matches!(origin("https://my_service-:8000"), Err(OriginError::Host(_))));
        assert!(matches!(origin("ftp://example.com"), Err(OriginError::Scheme(_))));
    }

    #[test]
    fn equality_is_scheme_host_and_port() {
        assert_eq!(origin("http://a/x").unwrap(), origin("http://a:80/y").unwrap());
        assert_ne!(origin("http://a").unwrap(), origin("https://a").unwrap());
        assert_ne!(origin("http://a").unwrap(), origin("http://a:81").unwrap());
        assert_ne!(origin("http://a").unwrap(), origin("http://b").unwrap());
    }

    #[test]
    fn loopback_resolves_without_a_name_server() {
        let o = Origin::resolve(&Url::parse("http://127.0.0.1:8000").unwrap()).unwrap();
        assert_eq!(o.addresses(), [SocketAddr::from(([127, 0, 0, 1], 8000))]);
    }
}
