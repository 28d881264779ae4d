//! A set of public keys by `kid`: kept for an hour, read again when a token names a key it does not hold.
//!
//! An unknown `kid` costs one read in [`REREAD_AFTER`] at most, so made-up tokens cannot make this service hammer the
//! issuer. When a read fails the keys at hand stay in use.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use tokio::sync::Mutex;

use super::fetch;
use crate::clock;
use crate::config::JwksSource;

const KEEP: Duration = Duration::from_secs(3600);
const REREAD_AFTER: Duration = Duration::from_secs(1);

/// Why there is no key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyError {
    /// The set holds no key of that name.
    Unknown,
    /// The set could not be read, and never was.
    Unavailable,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Url(fetch::Target),
}

#[derive(Debug, Default)]
struct Keys {
    by_kid: HashMap<String, DecodingKey>,
    read: Option<Instant>,
    tried: Option<Instant>,
}

/// A set of public keys.
#[derive(Debug)]
pub(super) struct Jwks {
    source: Source,
    /// Held across a read, so that many requests that miss a key cause one read.
    keys: Mutex<Keys>,
}

impl Jwks {
    pub(super) fn new(source: &JwksSource) -> Result<Self, String> {
        let mut keys = Keys::default();
        let source = match source {
            JwksSource::File(path) => {
                let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                keys.by_kid = parse(&text)?;
                keys.read = Some(clock::now());
                keys.tried = keys.read;
                Source::File(path.clone())
            }
            JwksSource::Url(url) => Source::Url(fetch::Target::parse(url)?),
        };
        Ok(Self { source, keys: Mutex::new(keys) })
    }

    /// The key named `kid`.
    pub(super) async fn key(&self, kid: &str) -> Result<DecodingKey, KeyError> {
        let mut keys = self.keys.lock().await;
        let now = clock::now();
        let old = keys.read.is_none_or(|read| now - read > KEEP);
        if let (Some(key), false) = (keys.by_kid.get(kid), old) {
            return Ok(key.clone());
        }
        if keys.tried.is_none_or(|tried| now - tried >= REREAD_AFTER) {
            keys.tried = Some(now);
            if let Ok(by_kid) = self.read().await {
                keys.by_kid = by_kid;
                keys.read = Some(now);
            }
        }
        match keys.by_kid.get(kid) {
            Some(key) => Ok(key.clone()),
            None if keys.read.is_some() => Err(KeyError::Unknown),
            None => Err(KeyError::Unavailable),
        }
    }

    async fn read(&self) -> Result<HashMap<String, DecodingKey>, String> {
        match &self.source {
            Source::Url(target) => parse(&target.get().await?),
            Source::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
                parse(&read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?)
            }
        }
    }
}

/// The RSA keys of a set that have a name; keys of other kinds are none of ours.
fn parse(text: &[u8]) -> Result<HashMap<String, DecodingKey>, String> {
    let set: JwkSet = serde_json::from_slice(text).map_err(|error| format!("not a key set: {error}"))?;
    let mut by_kid = HashMap::new();
    for jwk in &set.keys {
        if let (Some(kid), AlgorithmParameters::RSA(rsa)) = (&jwk.common.key_id, &jwk.algorithm) {
            let key = DecodingKey::from_rsa_components(&rsa.n, &rsa.e);
            by_kid.insert(kid.clone(), key.map_err(|error| format!("key `{kid}`: {error}"))?);
        }
    }
    Ok(by_kid)
}
