//! Answers with validators: `ETag`, `Last-Modified`, 304, and whether the cache had them.

use std::future::Future;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::cache::Document;
use crate::reply::ApiError;
use crate::{App, clock};

const X_CACHE_HIT: HeaderName = HeaderName::from_static("x-cache-hit");

/// Where and for how long an answer is kept.
pub(crate) struct Place {
    pub(crate) key: String,
    pub(crate) ttl: Duration,
    pub(crate) tags: Vec<String>,
}

/// The answer from the cache, or a fresh one that is kept.
pub(crate) async fn cached(
    app: &App,
    headers: &HeaderMap,
    place: Place,
    load: impl Future<Output = Result<Document, ApiError>>,
) -> Result<Response, ApiError> {
    if let Some(document) = app.cache().get(&place.key).await {
        return Ok(mark(respond(headers, document), true));
    }
    let stamp = app.cache().stamp().await;
    let document = load.await?;
    app.cache().put(&place.key, document.clone(), place.ttl, &place.tags, stamp).await;
    Ok(mark(respond(headers, document), false))
}

/// Says whether the cache had the answer.
pub(crate) fn mark(mut response: Response, hit: bool) -> Response {
    response.headers_mut().insert(X_CACHE_HIT, HeaderValue::from_static(if hit { "1" } else { "0" }));
    response
}

/// The document, or 304 if the client has it.
pub(crate) fn respond(headers: &HeaderMap, document: Document) -> Response {
    let unchanged = unchanged(headers, &document);
    let (status, body) = if unchanged {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, document.body.into())
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let answer = response.headers_mut();
    if !unchanged {
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Ok(etag) = HeaderValue::try_from(document.etag) {
        answer.insert(header::ETAG, etag);
    }
    if let Ok(modified) = HeaderValue::try_from(clock::http_date(document.modified)) {
        answer.insert(header::LAST_MODIFIED, modified);
    }
    let policy = HeaderValue::from_static("private, must-revalidate, max-age=300");
    answer.insert(header::CACHE_CONTROL, policy);
    response
}

/// RFC 9110, 13.2.2: `If-None-Match` decides when it is there, `If-Modified-Since` otherwise.
fn unchanged(headers: &HeaderMap, document: &Document) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
        let mut tags = lines.flat_map(|line| line.split(','));
        return tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == document.etag
        });
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    since.and_then(clock::parse_http_date).is_some_and(|since| document.modified <= since)
}
