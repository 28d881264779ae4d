//! Settings of the HTTP client.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use squall_core::Nanos;

/// How requests are sent and responses are read, for every user of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpSettings {
    /// From the moment a user begins to send (connecting included) to the last byte of the response, redirects
    /// included. Queueing before that is not bounded by it.
    pub timeout: Nanos,
    /// For the connection alone, TLS included.
    pub connect_timeout: Nanos,
    /// Statuses that mean "refused by a rate limiter".
    pub rate_limited: StatusSet,
    /// Headers sent with every request: name and literal value.
    pub headers: Vec<(String, String)>,
    /// Redirects followed in a row; 0 follows none.
    pub max_redirects: u8,
    /// Bytes of a response body, as sent.
    pub max_body: u64,
    /// Keep connections open between the requests of a user.
    pub keep_alive: bool,
    /// Accept any certificate (self-signed ones of test systems).
    pub insecure: bool,
    /// PEM file of additional roots.
    pub ca_file: Option<PathBuf>,
    /// Certificate the client shows.
    pub client_certificate: Option<ClientCertificate>,
}

/// A client certificate and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// Certificate chain.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            timeout: Nanos::from_secs(30),
            connect_timeout: Nanos::from_secs(10),
            rate_limited: StatusSet::from_codes([429]),
            headers: Vec::new(),
            max_redirects: 30,
            max_body: 64 << 20,
            keep_alive: true,
            insecure: false,
            ca_file: None,
            client_certificate: None,
        }
    }
}

/// A set of HTTP statuses, as inclusive ranges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSet(pub Vec<(u16, u16)>);

impl StatusSet {
    /// Exactly these statuses.
    pub fn from_codes(codes: impl IntoIterator<Item = u16>) -> Self {
        Self(codes.into_iter().map(|code| (code, code)).collect())
    }

    /// What a step expects when it does not say: 200–399.
    pub fn success() -> Self {
        Self(vec![(200, 399)])
    }

    /// Is `status` in the set?
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|&(low, high)| (low..=high).contains(&status))
    }
}
