//! Answers: JSON bodies, and the error envelopes clients of the API know.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::auth::Refusal;
use crate::limit::Count;
use crate::storage::StorageError;

pub(crate) type Reply = Result<Response, ApiError>;

/// Messages by field, as `details` shows them.
pub(crate) type Problems = BTreeMap<&'static str, Vec<String>>;

/// A request that cannot be answered as asked.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// A body that breaks the rules, by field.
    Validation(Problems),
    /// Query parameters that break the rules, by parameter.
    Query(Problems),
    /// The search without a text, in its own older shape.
    SearchText,
    /// The body is not JSON.
    Parse(String),
    /// The body is not even meant to be JSON.
    MediaType,
    /// The body is larger than the service takes.
    TooLarge,
    /// Somebody is needed and nobody called.
    LoginNeeded,
    /// The feed that is for somebody, in its own older shape.
    FeedLoginNeeded,
    /// A token was given and is no good.
    Token(Refusal),
    /// It is somebody else's.
    Forbidden(&'static str),
    /// There is no such thing.
    NotFound(&'static str),
    /// The path exists, not with this method.
    MethodNotAllowed,
    /// It is there already.
    Conflict(&'static str),
    /// Too much of one kind of action; the window in seconds.
    ActionLimited(Count, u32),
    /// The database did not do its part; what it said is for the log, not for the client.
    Database(String),
    /// It broke.
    Internal,
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Conflict => Self::Conflict("Already exists"),
            StorageError::BadCursor => {
                Self::Query(Problems::from([("cursor", vec!["Invalid cursor.".to_owned()])]))
            }
            StorageError::Failed(cause) => Self::Database(cause),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        use StatusCode as S;
        match self {
            Self::Validation(details) => {
                envelope(S::BAD_REQUEST, "VALIDATION_ERROR", "Invalid input", &json!(details))
            }
            Self::Query(details) => {
                json(S::BAD_REQUEST, &json!({"error": "Invalid query parameters", "details": details}))
            }
            Self::SearchText => json(
                S::BAD_REQUEST,
                &json!({"error": "Query parameter \"q\" is required", "details": {"q": ["This field is required."]}}),
            ),
            Self::Parse(why) => envelope(S::BAD_REQUEST, "PARSE_ERROR", &why, &json!({})),
            Self::MediaType => envelope(
                S::UNSUPPORTED_MEDIA_TYPE,
                "INVALID_MEDIA_TYPE",
                "The body must be application/json",
                &json!({}),
            ),
            Self::TooLarge => {
                envelope(S::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "The body is too large", &json!({}))
            }
            Self::LoginNeeded => unauthorized("UNAUTHORIZED", "Authentication required"),
            Self::FeedLoginNeeded => {
                json(S::UNAUTHORIZED, &json!({"error": "Authentication required for For You feed"}))
            }
            Self::Token(Refusal::Expired) => unauthorized("TOKEN_EXPIRED", "Token has expired"),
            Self::Token(Refusal::Invalid) => unauthorized("UNAUTHORIZED", "Invalid token"),
            Self::Token(Refusal::Unavailable) => envelope(
                S::SERVICE_UNAVAILABLE,
                "SERVICE_UNAVAILABLE",
                "Tokens cannot be checked now",
                &json!({}),
            ),
            Self::Forbidden(what) => envelope(S::FORBIDDEN, "FORBIDDEN", what, &Value::Null),
            Self::NotFound(what) => envelope(S::NOT_FOUND, "NOT_FOUND", what, &Value::Null),
            Self::MethodNotAllowed => {
                envelope(S::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Method not allowed", &json!({}))
            }
            Self::Conflict(what) => envelope(S::CONFLICT, "CONFLICT", what, &Value::Null),
            Self::ActionLimited(count, window) => action_limited(count, window),
            Self::Database(cause) => {
                let what = "The database is not available";
                let response = envelope(S::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", what, &Value::Null);
                because(response, cause)
            }
            Self::Internal => {
                envelope(S::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "Internal server error", &Value::Null)
            }
        }
    }
}

/// Why an answer is a failure, for the log alone.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

/// Notes for the log why `response` is a failure.
pub(crate) fn because(mut response: Response, cause: String) -> Response {
    response.extensions_mut().insert(Cause(cause));
    response
}

/// A body the service made itself, as an answer.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).expect("rows serialise: their maps have text keys");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer without a body.
pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The refusal of a request beyond a limit, with its numeric `Retry-After`.
pub(crate) fn too_many(count: Count) -> Response {
    let retry_after = retry_after_s(count);
    let limit = count.limit;
    let mut response = json(
        StatusCode::TOO_MANY_REQUESTS,
        &json!({
            "error": "Rate limit exceeded",
            "message": format!("Too many requests. Limit: {limit} requests per minute."),
            "limit": limit,
            "retry_after": retry_after,
        }),
    );
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    response
}

/// Whole seconds until one more request fits, at least 1.
fn retry_after_s(count: Count) -> u64 {
    count.wait_ms.unwrap_or(0).div_ceil(1000).max(1)
}

fn action_limited(count: Count, window: u32) -> Response {
    let message = "Rate limit exceeded. Please try again later.";
    let details = json!({"limit": count.limit, "window": window});
    let mut response = envelope(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED", message, &details);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s(count)));
    response
}

fn unauthorized(code: &str, message: &str) -> Response {
    let mut response = envelope(StatusCode::UNAUTHORIZED, code, message, &Value::Null);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn envelope(status: StatusCode, code: &str, message: &str, details: &Value) -> Response {
    let mut error = json!({"code": code, "message": message});
    if !details.is_null() {
        error["details"] = details.clone();
    }
    json(status, &json!({ "error": error }))
}
