//! Who is calling: RS256 tokens against a key set, or test tokens where they were asked for.
//!
//! A caller with a bad token is not refused here: whether that matters is the endpoint's business. Invariants: a token
//! is only ever checked by the one algorithm its kind of key belongs to; test tokens count for nothing unless
//! `test_auth` is set.

mod fetch;
mod jwks;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, header};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use crate::config::AuthConfig;
use crate::storage::Storage;
use crate::{Error, clock};
use jwks::{Jwks, KeyError};

/// A token may be issued by a clock this many seconds ahead of ours.
const IAT_SKEW_S: f64 = 5.0;
/// Tokens remembered as good, so that a signature is checked once and not for each request.
const REMEMBERED: usize = 20_000;

/// A caller that is somebody.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// Id of the profile.
    pub(crate) id: String,
}

/// Why a token makes nobody of its bearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Expired,
    Invalid,
    /// The key set or the database could not be asked.
    Unavailable,
}

/// Who is calling.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Anonymous,
    User(Arc<User>),
    Refused(Refusal),
}

impl Caller {
    pub(crate) fn user(&self) -> Option<&Arc<User>> {
        match self {
            Self::User(user) => Some(user),
            Self::Anonymous | Self::Refused(_) => None,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    iat: Option<f64>,
}

/// A token found good before.
#[derive(Debug)]
struct Remembered {
    user: Arc<User>,
    expires: f64,
}

/// Turns tokens into users.
#[derive(Debug)]
pub(crate) struct Authenticator {
    test_auth: bool,
    test_key: Option<DecodingKey>,
    jwks: Option<Jwks>,
    issuer: Option<String>,
    audience: Option<String>,
    remembered: Mutex<HashMap<String, Remembered>>,
}

impl Authenticator {
    /// Reads a key set that is a file; one behind a URL is fetched when the first token needs it.
    ///
    /// # Errors
    /// [`Error::Jwks`] when the file cannot be read or the URL cannot be used.
    pub(crate) fn new(config: &AuthConfig) -> Result<Self, Error> {
        let secret = config.test_jwt_secret.as_ref().filter(|_| config.test_auth);
        Ok(Self {
            test_auth: config.test_auth,
            test_key: secret.map(|secret| DecodingKey::from_secret(secret.as_bytes())),
            jwks: config.jwks.as_ref().map(Jwks::new).transpose().map_err(Error::Jwks)?,
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            remembered: Mutex::default(),
        })
    }

    /// Who is calling, by the `Authorization` header. Creates the profile of a subject not seen before.
    pub(crate) async fn identify(&self, headers: &HeaderMap, storage: &dyn Storage) -> Caller {
        let Some(token) = bearer(headers) else { return Caller::Anonymous };
        let now = clock::unix_ms() as f64 / 1000.0;
        if let Some(user) = self.recall(token, now) {
            return Caller::User(user);
        }
        let claims = match self.verify(token, now).await {
            Ok(claims) => claims,
            Err(refusal) => return Caller::Refused(refusal),
        };
        match storage.profile_for_subject(&claims.sub).await {
            Ok(profile) => {
                let user = Arc::new(User { id: profile.id });
                self.remember(token, Remembered { user: Arc::clone(&user), expires: claims.exp }, now);
                Caller::User(user)
            }
            Err(_) => Caller::Refused(Refusal::Unavailable),
        }
    }

    fn recall(&self, token: &str, now: f64) -> Option<Arc<User>> {
        let remembered = self.remembered.lock().expect("nothing panics while it holds this lock");
        remembered.get(token).filter(|found| found.expires > now).map(|found| Arc::clone(&found.user))
    }

    fn remember(&self, token: &str, entry: Remembered, now: f64) {
        let mut remembered = self.remembered.lock().expect("nothing panics while it holds this lock");
        if remembered.len() >= REMEMBERED {
            remembered.retain(|_, found| found.expires > now);
        }
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(token.to_owned(), entry);
    }

    async fn verify(&self, token: &str, now: f64) -> Result<Claims, Refusal> {
        if self.test_auth && is_test_token(token) {
            return Ok(Claims { sub: token.to_owned(), exp: f64::INFINITY, iat: None });
        }
        let header = decode_header(token).map_err(|_| Refusal::Invalid)?;
        let claims = match (header.alg, &self.test_key, &self.jwks) {
            (Algorithm::HS256, Some(key), _) => check(token, key, &self.rules(Algorithm::HS256, None, None))?,
            (Algorithm::RS256, _, Some(jwks)) => {
                let kid = header.kid.ok_or(Refusal::Invalid)?;
                let key = jwks.key(&kid).await.map_err(|error| match error {
                    KeyError::Unknown => Refusal::Invalid,
                    KeyError::Unavailable => Refusal::Unavailable,
                })?;
                let rules = self.rules(Algorithm::RS256, self.issuer.as_deref(), self.audience.as_deref());
                check(token, &key, &rules)?
            }
            _ => return Err(Refusal::Invalid),
        };
        // The library still takes a token in the very second it ends in.
        if claims.exp <= now {
            return Err(Refusal::Expired);
        }
        let from_the_future = claims.iat.is_some_and(|iat| iat > now + IAT_SKEW_S);
        if from_the_future || claims.sub.is_empty() { Err(Refusal::Invalid) } else { Ok(claims) }
    }

    fn rules(&self, algorithm: Algorithm, issuer: Option<&str>, audience: Option<&str>) -> Validation {
        let mut rules = Validation::new(algorithm);
        rules.leeway = 0;
        rules.validate_nbf = true;
        rules.validate_aud = audience.is_some();
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = issuer {
            rules.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = audience {
            rules.set_audience(&[audience]);
            required.push("aud");
        }
        rules.set_required_spec_claims(&required);
        rules
    }
}

fn check(token: &str, key: &DecodingKey, rules: &Validation) -> Result<Claims, Refusal> {
    decode::<Claims>(token, key, rules).map(|data| data.claims).map_err(|error| match error.kind() {
        ErrorKind::ExpiredSignature => Refusal::Expired,
        _ => Refusal::Invalid,
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// `test_` and up to a hundred letters more: each such text is one user.
fn is_test_token(token: &str) -> bool {
    token.len() <= 128
        && token.strip_prefix("test_").is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        })
}
