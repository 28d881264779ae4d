//! Who a user is: the value of its `Authorization` header, signed here and renewed before it expires.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use squall_plan::{AuthKind, JwtAlgorithm};
use thiserror::Error;

/// A token that could not be signed.
#[derive(Debug, Error)]
#[error("failed to sign a token for auth '{auth}': {source}")]
pub struct IdentityError {
    auth: String,
    source: jsonwebtoken::errors::Error,
}

/// A user's token and the time (since the Unix epoch) at which it is due for renewal.
#[derive(Debug, Default)]
pub(crate) struct Token {
    value: String,
    renew_at: Option<Duration>,
}

impl Token {
    /// The token itself.
    pub(crate) fn value(&self) -> &str {
        &self.value
    }

    /// Must another one be made before a request at `now`?
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        self.value.is_empty() || self.renew_at.is_some_and(|at| now >= at)
    }

    /// A fixed token.
    pub(crate) fn bearer(value: String) -> Self {
        Self { value, renew_at: None }
    }
}

/// Signs tokens of one `[auth.*]` table.
pub(crate) struct Signer {
    auth: String,
    header: Header,
    key: EncodingKey,
    ttl: Duration,
}

impl Signer {
    /// A signer, when tokens of this kind are signed here.
    pub(crate) fn new(auth: &squall_plan::Auth) -> Option<Self> {
        let AuthKind::Jwt { algorithm, secret, ttl, .. } = &auth.kind else { return None };
        let algorithm = match algorithm {
            JwtAlgorithm::HS256 => Algorithm::HS256,
            JwtAlgorithm::HS384 => Algorithm::HS384,
            JwtAlgorithm::HS512 => Algorithm::HS512,
        };
        Some(Self {
            auth: auth.name.clone(),
            header: Header::new(algorithm),
            key: EncodingKey::from_secret(secret.expose().as_bytes()),
            ttl: (*ttl).into(),
        })
    }

    /// Sign `claims`, valid from `now` (since the Unix epoch) on, adding `iat` and `exp`.
    pub(crate) fn sign(
        &self,
        mut claims: serde_json::Map<String, serde_json::Value>,
        now: Duration,
    ) -> Result<Token, IdentityError> {
        claims.insert("iat".into(), now.as_secs().into());
        claims.insert("exp".into(), (now + self.ttl).as_secs().into());
        let value = jsonwebtoken::encode(&self.header, &claims, &self.key)
            .map_err(|source| IdentityError { auth: self.auth.clone(), source })?;
        // A fifth of its life is left when a token is renewed: no request travels with one about to expire.
        Ok(Token { value, renew_at: Some(now + self.ttl.mul_f64(0.8)) })
    }
}

#[cfg(test)]
mod tests {
    use squall_core::Nanos;
    use squall_plan::Secret;

    use super::*;

    #[test]
    fn tokens_verify_and_are_renewed_before_they_expire() {
        let auth = squall_plan::Auth {
            name: "reader".into(),
            kind: AuthKind::Jwt {
                algorithm: JwtAlgorithm::HS256,
                secret: Secret::new("s3cret"),
                claims: Vec::new(),
                ttl: Nanos::from_secs(600),
            },
        };
        let signer = Signer::new(&auth).unwrap();
        let now = Duration::from_secs(2_000_000_000);
        let claims = serde_json::from_str(r#"{"sub":"AuthenticatedUser-3"}"#).unwrap();
        let token = signer.sign(claims, now).unwrap();
        let key = jsonwebtoken::DecodingKey::from_secret(b"s3cret");
        let mut validation = jsonwebtoken::Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        let decoded: jsonwebtoken::TokenData<serde_json::Value> =
            jsonwebtoken::decode(token.value(), &key, &validation).unwrap();
        assert_eq!(decoded.claims["sub"], "AuthenticatedUser-3");
        assert_eq!(decoded.claims["exp"], 2_000_000_600u64);
        assert!(!token.is_due(now + Duration::from_secs(479)));
        assert!(token.is_due(now + Duration::from_secs(480)));
    }
}
