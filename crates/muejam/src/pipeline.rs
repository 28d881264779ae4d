//! What every request passes: freeze, identity, limit, delays, time-out, headers, log and numbers.
//!
//! Order matters: the freeze is outermost, so that the service's own numbers are as blind to it as a stopped process's
//! would be; identity comes before the limit, so that the limit knows users; the time-out covers all real work.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::auth::{Caller, Refusal};
use crate::limit::{Count, Decision, is_operational};
use crate::log::{Level, Line};
use crate::reply::{self, ApiError, Cause};
use crate::{App, clock};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const API_VERSION: HeaderName = HeaderName::from_static("x-api-version");

/// What the log and the numbers need to know after the request is gone.
struct Facts {
    method: Method,
    path: String,
    route: String,
    address: IpAddr,
    user_agent: Option<String>,
    request_id: String,
}

/// How a request ended, beside its answer.
struct Outcome {
    response: Response,
    /// As the limiter names the caller.
    identity: Option<String>,
    limited: bool,
    timed_out: bool,
}

/// The layer around all routes.
pub(crate) async fn serve_request(State(app): State<App>, request: Request, next: Next) -> Response {
    app.flaws().wait_out_stall().await;
    let started = clock::now();
    let in_flight = app.metrics().enter();
    let facts = Facts::of(&app, &request);
    let limit = app.config().request_timeout;
    let outcome = match timeout(limit, decide_and_run(&app, &facts, request, next)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            app.metrics().timed_out(&facts.route);
            Outcome { response: timed_out(limit), identity: None, limited: false, timed_out: true }
        }
    };
    let took = clock::now() - started;
    app.metrics().answered(&facts.route, &facts.method, outcome.response.status().as_u16(), took);
    if outcome.response.headers().contains_key(LIMIT) {
        app.metrics().with_limit_headers.fetch_add(1, Ordering::Relaxed);
    }
    let mut response = describe(&app, facts, outcome, took);
    protect(response.headers_mut());
    drop(in_flight);
    app.flaws().wait_out_stall().await;
    response
}

async fn decide_and_run(app: &App, facts: &Facts, mut request: Request, next: Next) -> Outcome {
    let caller = app.auth().identify(request.headers(), app.storage()).await;
    note_refusal(app, facts, &caller);
    let started = clock::now();
    let identity = app.limiter().identity(caller.user().map(|user| user.id.as_str()), facts.address);
    let decision = if app.limiter().exempt(&facts.path) {
        Decision::Exempt
    } else {
        app.limiter().check(&identity, request.headers())
    };
    app.metrics().decided(decision, caller.user().is_some(), &facts.route, clock::now() - started);
    let (count, limited) = match decision {
        Decision::Exempt => (None, false),
        Decision::Allowed(count) => (Some(count), false),
        Decision::CallerLimited(count) | Decision::GlobalLimited(count) => (Some(count), true),
    };
    let mut response = match count {
        Some(count) if limited => reply::too_many(count),
        _ if !is_operational(&facts.path) && app.flaws().suffer().await => ApiError::Internal.into_response(),
        _ => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
    };
    if let Some(count) = count {
        limit_headers(response.headers_mut(), count);
    }
    Outcome { response, identity: Some(identity), limited, timed_out: false }
}

impl Facts {
    fn of(app: &App, request: &Request) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| peer.ip().to_canonical());
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        let agent = request.headers().get(header::USER_AGENT).filter(|_| app.log().is_on());
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route: canonical(route).to_owned(),
            address: app.limiter().address(peer, request.headers()),
            user_agent: agent.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            request_id: Uuid::new_v4().to_string(),
        }
    }

    fn is_v1(&self) -> bool {
        self.path.starts_with("/v1/") || self.path.starts_with("/api/v1/")
    }
}

/// One name for the forms a route has: with and without the last slash, `/v1` and its alias `/api/v1`.
fn canonical(route: &str) -> &str {
    let route = match route.strip_prefix("/api") {
        Some(rest) if rest.starts_with("/v1/") => rest,
        _ => route,
    };
    route.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(route)
}

/// What the caller has left, on answers that were counted.
fn limit_headers(headers: &mut HeaderMap, count: Count) {
    let reset =
        clock::iso(clock::unix_ms().saturating_add(i64::try_from(count.reset_ms).unwrap_or(i64::MAX)));
    headers.insert(LIMIT, HeaderValue::from(count.limit));
    headers.insert(REMAINING, HeaderValue::from(count.remaining));
    if let Ok(reset) = HeaderValue::try_from(reset) {
        headers.insert(RESET, reset);
    }
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
}

fn timed_out(limit: Duration) -> Response {
    let seconds = limit.as_secs_f64();
    // A whole number of seconds is shown as one: the documented 30 is not 30.0.
    let shown = if seconds.fract() == 0.0 { json!(limit.as_secs()) } else { json!(seconds) };
    let message = format!("Request exceeded {shown} second timeout");
    reply::json(
        StatusCode::GATEWAY_TIMEOUT,
        &json!({"error": "Request timeout", "message": message, "timeout": shown}),
    )
}

/// Puts the request's id and version on the answer, and its line into the log.
fn describe(app: &App, facts: Facts, outcome: Outcome, took: Duration) -> Response {
    let mut response = outcome.response;
    if facts.is_v1() {
        response.headers_mut().insert(API_VERSION, HeaderValue::from_static("v1"));
    }
    if let Ok(id) = HeaderValue::try_from(&facts.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    if !app.log().is_on() {
        return response;
    }
    let status = response.status();
    let identity = outcome.identity.unwrap_or_else(|| format!("ip:{}", facts.address));
    let (level, logger, message, event) = if outcome.timed_out {
        (Level::Error, "infrastructure.timeout_middleware", "Request timeout".into(), "request_timeout")
    } else if outcome.limited {
        let message = format!("Rate limit exceeded for {identity}");
        (Level::Warning, "infrastructure.rate_limit_middleware", message.into(), "rate_limit_exceeded")
    } else if status.is_server_error() {
        (Level::Error, "infrastructure.logging_middleware", "API request".into(), "api_request")
    } else {
        (Level::Info, "infrastructure.logging_middleware", "API request".into(), "api_request")
    };
    let milliseconds = (took.as_secs_f64() * 100_000.0).round() / 100.0;
    let mut fields: Vec<(&'static str, Value)> = vec![
        ("request_id", facts.request_id.into()),
        ("user_id", identity.into()),
        ("ip_address", facts.address.to_string().into()),
        ("event_type", event.into()),
        ("method", facts.method.as_str().into()),
        ("path", facts.path.into()),
        ("status_code", status.as_u16().into()),
        ("response_time_ms", milliseconds.into()),
        ("user_agent", facts.user_agent.into()),
    ];
    if let Some(Cause(cause)) = response.extensions_mut().remove() {
        fields.push(("error", cause.into()));
    }
    app.log().write(Line { at_ms: clock::unix_ms(), level, logger, message, fields });
    response
}

/// A token that is no good leaves a line of its own, whatever the endpoint makes of it.
fn note_refusal(app: &App, facts: &Facts, caller: &Caller) {
    let Caller::Refused(refusal) = caller else { return };
    let reason = match refusal {
        Refusal::Expired => "expired_token",
        Refusal::Invalid => "invalid_token",
        Refusal::Unavailable => "authentication_failed",
    };
    let fields: Vec<(&'static str, Value)> = vec![
        ("request_id", facts.request_id.clone().into()),
        ("ip_address", facts.address.to_string().into()),
        ("event_type", "authentication".into()),
        ("auth_event_type", "token_verification".into()),
        ("success", false.into()),
        ("reason", reason.into()),
    ];
    let message = "Authentication event: token_verification".into();
    let logger = "infrastructure.logging_config";
    app.log().write(Line { at_ms: clock::unix_ms(), level: Level::Warning, logger, message, fields });
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn a_route_has_one_name_whatever_form_was_asked_for() {
        for form in ["/v1/stories", "/v1/stories/", "/api/v1/stories", "/api/v1/stories/"] {
            assert_eq!(canonical(form), "/v1/stories");
        }
        assert_eq!(canonical("/api/stories/mine/"), "/api/stories/mine");
        assert_eq!(canonical("/"), "/");
    }
}
