//! Everything that can be set, as plain data. No file, no environment: `args` turns a command line into this.
//!
//! [`Config::default`] is the service as a test wants it: embedded, intended limits, no log file, no test tokens.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::flaws::Flaw;
use crate::limit::Cidr;

/// All settings of one service instance.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the rows live.
    pub database: DatabaseLocation,
    /// Connections in the database pool, at least 1.
    pub pool_size: usize,
    /// What an empty database is filled with.
    pub seed: SeedConfig,
    /// Who may be somebody.
    pub auth: AuthConfig,
    /// How many requests are too many.
    pub limits: Limits,
    /// Defects switched on.
    pub flaws: Vec<Flaw>,
    /// Where log lines go; `None` writes none.
    pub log: Option<LogConfig>,
    /// After this a request is answered 504.
    pub request_timeout: Duration,
    /// Largest accepted request body in bytes; a larger one is answered 413.
    pub body_limit: usize,
    /// Most entries the in-process cache holds before it evicts the least recently used.
    pub cache_entries: usize,
    /// Share of the disk in use, in percent, from which `/health` answers 503.
    pub disk_unhealthy_percent: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: DatabaseLocation::Memory,
            pool_size: 4,
            seed: SeedConfig::default(),
            auth: AuthConfig::default(),
            limits: Limits::default(),
            flaws: Vec::new(),
            log: None,
            request_timeout: Duration::from_secs(30),
            body_limit: 64 * 1024,
            cache_entries: 10_000,
            disk_unhealthy_percent: 98.0,
        }
    }
}

/// Where the rows live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseLocation {
    /// An in-memory SQLite database of this instance alone, gone with it.
    Memory,
    /// A SQLite file, created when absent, kept.
    File(PathBuf),
}

/// What an empty database is filled with: the same seed gives the same rows (times count back from today).
#[derive(Debug, Clone, Copy)]
pub struct SeedConfig {
    /// Seed of the generator of names and texts.
    pub seed: u64,
    /// Users `user0`…; 0 with no stories leaves the database empty.
    pub users: u32,
    /// Stories, the ones the guide's users ask for first; 0 gives none.
    pub stories: u32,
}

impl Default for SeedConfig {
    fn default() -> Self {
        Self { seed: 1, users: 200, stories: 500 }
    }
}

/// Who may be somebody. With neither a key set nor test tokens, everybody is anonymous.
#[derive(Debug, Clone, Default)]
pub struct AuthConfig {
    /// Accept opaque tokens `test_*` as one user each, and HS256 tokens when `test_jwt_secret` is set.
    pub test_auth: bool,
    /// Secret of HS256 test tokens; only read with `test_auth`.
    pub test_jwt_secret: Option<String>,
    /// Where the public keys of RS256 tokens come from.
    pub jwks: Option<JwksSource>,
    /// Required `iss`, if any.
    pub issuer: Option<String>,
    /// Required `aud`, if any.
    pub audience: Option<String>,
}

/// Where public keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// A JSON file, read at start and again on an unknown `kid`.
    File(PathBuf),
    /// An `http://` URL; TLS is not spoken here, so this is for an issuer on the same machine or network.
    Url(String),
}

/// Which rules decide who is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitMode {
    /// What is documented: per user, per address when anonymous, each request counted once.
    Intent,
    /// What is served: per address always, each request counted twice, only `/health` and `/metrics` exempt.
    AsIs,
    /// No limit at all.
    Off,
}

/// How many requests are too many.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Which rules apply.
    pub mode: LimitMode,
    /// Requests per user (or address) and minute.
    pub per_user: u32,
    /// The same for `X-Client-Type: mobile-ios` and `mobile-android`, in a bucket of its own.
    pub mobile: u32,
    /// Requests of everybody per minute.
    pub global: u32,
    /// Whispers created per user and minute.
    pub whispers_per_minute: u32,
    /// Stories published per user and hour.
    pub publishes_per_hour: u32,
    /// Peers whose `X-Forwarded-For` is believed; nobody by default.
    pub trust_forwarded_for: Vec<Cidr>,
}

impl Limits {
    /// Whether an address given by `peer` in `X-Forwarded-For` is believed.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trust_forwarded_for.iter().any(|network| network.contains(peer))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mode: LimitMode::Intent,
            per_user: 100,
            mobile: 150,
            global: 10_000,
            whispers_per_minute: 10,
            publishes_per_hour: 5,
            trust_forwarded_for: Vec::new(),
        }
    }
}

/// The rotating JSON log.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// The current file; older ones get `.1`, `.2`, … appended.
    pub path: PathBuf,
    /// Size in bytes at which the file is rotated.
    pub max_bytes: u64,
    /// How many older files are kept.
    pub backups: u32,
}

impl LogConfig {
    /// The documented rotation: 10 MiB, 10 older files.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), max_bytes: 10 * 1024 * 1024, backups: 10 }
    }
}
