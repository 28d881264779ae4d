//! Is the service alive, ready and well? Asked by load balancers, so never limited and never cached.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::metrics::process::Disk;
use crate::{App, clock, reply};

/// From here on the disk is called degraded; the service still serves.
const DISK_DEGRADED_PERCENT: f64 = 80.0;
const GIB: f64 = (1_u64 << 30) as f64;

pub(super) async fn live() -> Response {
    reply::json(StatusCode::OK, &json!({"status": "alive"}))
}

pub(super) async fn ready(State(app): State<App>) -> Response {
    let (database, cache) = (database(&app).await, cache(&app).await);
    if well(&database) && well(&cache) {
        return reply::json(StatusCode::OK, &json!({"status": "ready"}));
    }
    let checks = json!({"database": database, "cache": cache});
    let response =
        reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not_ready", "checks": checks}));
    reply::because(response, format!("Health check failed: {checks}"))
}

pub(super) async fn overall(State(app): State<App>) -> Response {
    let started = clock::now();
    let (database, cache) = (database(&app).await, cache(&app).await);
    let disk = disk(app.config().disk_unhealthy_percent);
    let healthy = well(&database) && well(&cache) && disk["status"] != "unhealthy";
    let (code, status) =
        if healthy { (StatusCode::OK, "healthy") } else { (StatusCode::SERVICE_UNAVAILABLE, "unhealthy") };
    let checks = json!({"database": database, "cache": cache, "disk": disk});
    let cause = (!healthy).then(|| format!("Health check failed: {checks}"));
    let response = reply::json(
        code,
        &json!({
            "status": status,
            "timestamp": clock::unix_ms() as f64 / 1000.0,
            "response_time_ms": milliseconds(clock::now() - started),
            "checks": checks,
        }),
    );
    match cause {
        Some(cause) => reply::because(response, cause),
        None => response,
    }
}

async fn database(app: &App) -> Value {
    let started = clock::now();
    let result = app.storage().ping().await.map_err(|error| error.to_string());
    component("Database", result, clock::now() - started)
}

async fn cache(app: &App) -> Value {
    let started = clock::now();
    let result = app.cache().ping().await;
    component("Cache", result, clock::now() - started)
}

fn component(name: &str, result: Result<(), String>, took: Duration) -> Value {
    match result {
        Ok(()) => json!({
            "status": "healthy",
            "latency_ms": milliseconds(took),
            "message": format!("{name} connection successful"),
        }),
        Err(error) => json!({"status": "unhealthy", "latency_ms": milliseconds(took), "error": error}),
    }
}

fn disk(unhealthy_percent: f64) -> Value {
    let Some(disk) = Disk::read() else {
        return json!({"status": "unknown", "message": "Disk usage cannot be read"});
    };
    let used = disk.used_percent();
    let status = if used >= unhealthy_percent {
        "unhealthy"
    } else if used >= DISK_DEGRADED_PERCENT {
        "degraded"
    } else {
        "healthy"
    };
    json!({
        "status": status,
        "percent_used": tenth(used),
        "total_gb": tenth(disk.total as f64 / GIB),
        "used_gb": tenth(disk.used as f64 / GIB),
        "free_gb": tenth(disk.free as f64 / GIB),
        "message": format!("Disk usage at {used:.1}%"),
    })
}

fn well(component: &Value) -> bool {
    component["status"] == "healthy"
}

fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}
