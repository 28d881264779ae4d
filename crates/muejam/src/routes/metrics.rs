//! The service's numbers, for Prometheus and for people.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::{App, metrics, reply};

pub(super) async fn text(State(app): State<App>) -> Response {
    let page = metrics::text::page(&app);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response()
}

pub(super) async fn json(State(app): State<App>) -> Response {
    reply::json(StatusCode::OK, &metrics::json::object(&app))
}
