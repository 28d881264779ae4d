//! Settings of the client, as the engine gives them: resolved, with no defaults left to find.

use std::path::PathBuf;

use squall_core::Nanos;

/// How requests are sent and responses read, for every user of a thread.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Bound of establishing one connection, TLS included; the request's own deadline bounds it too.
    pub connect_timeout: Nanos,
    /// Redirects followed in a row; one more is a failure.
    pub max_redirects: u8,
    /// Bytes of a response body as sent (before decoding); one more is a failure.
    pub max_body: u64,
    /// Keep connections open between requests; otherwise each carries `Connection: close`.
    pub keep_alive: bool,
    /// Bytes of a (decoded) body kept in a [`crate::Captured`]; the rest is counted and dropped.
    pub max_captured: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Nanos::from_secs(10),
            max_redirects: 30,
            max_body: 64 << 20,
            keep_alive: true,
            max_captured: 8 << 20,
        }
    }
}

/// What TLS trusts and shows. Read once by [`crate::Tls::load`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Accept any certificate (self-signed ones of test systems).
    pub insecure: bool,
    /// PEM file of roots trusted in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// Certificate the client shows.
    pub client_certificate: Option<ClientCertificate>,
}

/// A client certificate and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Certificate chain.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}
