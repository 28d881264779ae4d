//! What handlers take from a request, with this API's own refusals instead of the framework's.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::App;
use crate::auth::{Caller, User};
use crate::reply::{ApiError, Problems};

/// The parameters of the query, the last of two with one name; bytes that are no UTF-8 are replaced.
pub(crate) struct Params(HashMap<String, String>);

impl Params {
    /// The parameter, `None` when it is missing or empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A parameter of at most `most` characters.
    pub(crate) fn short(&self, name: &'static str, most: usize, problems: &mut Problems) -> Option<String> {
        let text = self.text(name)?;
        if text.chars().count() > most {
            let problem = format!("Ensure this field has no more than {most} characters.");
            problems.entry(name).or_default().push(problem);
        }
        Some(text.to_owned())
    }

    /// A whole number between two bounds, `default` when it is missing.
    pub(crate) fn number(
        &self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<usize>,
        default: usize,
        problems: &mut Problems,
    ) -> usize {
        let Some(text) = self.text(name) else { return default };
        let problem = match text.parse::<usize>() {
            Ok(number) if bounds.contains(&number) => return number,
            Ok(number) if number < *bounds.start() => {
                format!("Ensure this value is greater than or equal to {}.", bounds.start())
            }
            Ok(_) => format!("Ensure this value is less than or equal to {}.", bounds.end()),
            Err(_) => "A valid integer is required.".to_owned(),
        };
        problems.entry(name).or_default().push(problem);
        default
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Ok(Query(pairs)) = Query::<HashMap<String, String>>::try_from_uri(&parts.uri) else {
            let problem = vec!["The query could not be read.".to_owned()];
            return Err(ApiError::Query(Problems::from([("query", problem)])));
        };
        Ok(Self(pairs))
    }
}

/// The variable parts of the path; one that is no UTF-8 names nothing there could be.
pub(crate) struct Key<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Key<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(key) =
            Path::from_request_parts(parts, state).await.map_err(|_| ApiError::NotFound("Not found"))?;
        Ok(Self(key))
    }
}

/// The caller, who must be somebody.
pub(crate) struct Login(pub(crate) Arc<User>);

impl<S: Sync> FromRequestParts<S> for Login {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::User(user)) => Ok(Self(Arc::clone(user))),
            Some(Caller::Refused(refusal)) => Err(ApiError::Token(*refusal)),
            Some(Caller::Anonymous) | None => Err(ApiError::LoginNeeded),
        }
    }
}

/// The caller, whoever it is; a bad token is nobody.
pub(crate) struct Guest(pub(crate) Option<Arc<User>>);

impl<S: Sync> FromRequestParts<S> for Guest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(parts.extensions.get::<Caller>().and_then(Caller::user).cloned()))
    }
}

/// A body that is a JSON object, of a bounded size. Fields nobody asks for are ignored.
pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl FromRequest<App> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        if !means_json(request.headers()) {
            return Err(ApiError::MediaType);
        }
        let limit = app.config().body_limit;
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if announced.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > limit) {
            return Err(ApiError::TooLarge);
        }
        let body = read(request.into_body(), limit).await?;
        match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(ApiError::Parse("JSON parse error - expected an object".into())),
            Err(error) => Err(ApiError::Parse(format!("JSON parse error - {error}"))),
        }
    }
}

async fn read(body: Body, limit: usize) -> Result<axum::body::Bytes, ApiError> {
    to_bytes(body, limit).await.map_err(|error| {
        let text = error.to_string();
        let inner = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        if text.contains("limit") || inner.contains("limit") {
            ApiError::TooLarge
        } else {
            ApiError::Parse("The body ended early".into())
        }
    })
}

/// A body without a type is taken for JSON, as a client that sends one by hand means it.
fn means_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(text) = value.to_str() else { return false };
    let kind = text.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
        || kind.get(kind.len().saturating_sub(5)..).is_some_and(|end| end.eq_ignore_ascii_case("+json"))
}
