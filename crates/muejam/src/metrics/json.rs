//! The numbers as one JSON object: the documented `database` and `cache`, and the keys that the documents read but the
//! public backend lacks (`response_times`, `connection_pool`).

use serde_json::{Map, Value, json};

use super::process::Process;
use super::text::{average_ms, percent};
use super::{Histogram, Metrics};
use crate::storage::StatementStats;
use crate::{App, clock};

/// The whole object.
pub(crate) fn object(app: &App) -> Value {
    let pool = app.storage().pool();
    let pool = json!({
        "size": pool.size,
        "in_use": pool.in_use,
        "utilization_percent": pool.utilization_percent(),
        "acquired": pool.acquired,
        "wait_ms": pool.waited.as_secs_f64() * 1000.0,
    });
    let mut database = database(app);
    database["connection_pool"] = pool.clone();
    let cache = app.cache().stats();
    let process = Process::read();
    let limits = app.metrics().limits();
    json!({
        "timestamp": clock::iso(clock::unix_ms()),
        "uptime_seconds": app.metrics().uptime().as_secs_f64(),
        "database": database,
        "connection_pool": pool,
        "cache": {
            "hits": cache.hits,
            "misses": cache.misses,
            "hit_rate_percent": cache.hit_rate_percent(),
            "miss_rate_percent": cache.miss_rate_percent(),
            "evictions": cache.evictions,
            "eviction_rate_percent": cache.eviction_rate_percent(),
            "sets": cache.sets,
            "deletes": cache.invalidations,
            "entries": cache.entries,
        },
        "response_times": response_times(app.metrics()),
        "requests_in_flight": app.metrics().in_flight(),
        "rate_limits": {
            "exempt": limits.exempt,
            "allowed": limits.allowed,
            "caller_limited": limits.caller_limited,
            "global_limited": limits.global_limited,
        },
        "process": {
            "cpu_seconds": process.cpu_seconds,
            "resident_memory_bytes": process.resident_bytes,
            "open_fds": process.open_fds,
            "max_fds": process.max_fds,
        },
    })
}

fn database(app: &App) -> Value {
    let statements = app.storage().statements().snapshot();
    let mut all = StatementStats::default();
    let mut by_name = Map::new();
    for (name, stats) in &statements {
        all.merge(stats);
        let one = json!({"count": stats.count, "errors": stats.errors, "avg_latency_ms": average_ms(stats)});
        by_name.insert((*name).to_owned(), one);
    }
    let seconds = app.metrics().uptime().as_secs_f64().max(1e-3);
    json!({
        "query_count": all.count,
        "avg_latency_ms": average_ms(&all),
        "min_latency_ms": all.min.as_secs_f64() * 1000.0,
        "max_latency_ms": all.max.as_secs_f64() * 1000.0,
        "error_count": all.errors,
        "error_rate_percent": percent(all.errors, all.count),
        "slow_query_count": all.slow,
        "throughput_qps": all.count as f64 / seconds,
        "statements": by_name,
    })
}

/// By route; percentiles are upper bounds of histogram buckets.
fn response_times(metrics: &Metrics) -> Value {
    let mut by_route: Map<String, Value> = Map::new();
    let mut merged: Vec<(String, Histogram)> = Vec::new();
    for (route, series) in metrics.series() {
        match merged.last_mut() {
            Some((last, histogram)) if *last == route => histogram.merge(&series.durations),
            _ => merged.push((route, series.durations)),
        }
    }
    for (route, histogram) in merged {
        let average = histogram.total.as_secs_f64() * 1000.0 / histogram.count.max(1) as f64;
        let times = json!({
            "count": histogram.count,
            "avg_ms": average,
            "p50_ms": histogram.quantile_bound_ms(0.50),
            "p95_ms": histogram.quantile_bound_ms(0.95),
            "p99_ms": histogram.quantile_bound_ms(0.99),
        });
        by_route.insert(route, times);
    }
    Value::Object(by_route)
}
