//! The numbers as Prometheus reads them (text format 0.0.4), under the names the documents' alert rules use.
//!
//! Left out because there is nothing behind them here: `replication_lag_seconds`, `cache_l2_hit_rate_percent` and the
//! labels `user_id` and `is_admin` of `http_requests_total`, which would make one series per user.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use super::process::Process;
use super::{BOUNDS_US, Histogram, Metrics};
use crate::App;
use crate::storage::StatementStats;

/// A page being written; nothing here can fail, a `String` takes all.
struct Page(String);

impl Page {
    fn kind(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &str, value: f64) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.kind(name, "gauge", help);
        self.value(name, "", value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.kind(name, "counter", help);
        self.value(name, "", value as f64);
    }

    fn histogram(&mut self, name: &str, labels: &str, histogram: &Histogram) {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut below = 0;
        for (bound, count) in BOUNDS_US.iter().zip(histogram.buckets) {
            below += count;
            let le = *bound as f64 / 1e6;
            self.value(&format!("{name}_bucket"), &format!("{labels}{comma}le=\"{le}\""), below as f64);
        }
        let all = histogram.count as f64;
        self.value(&format!("{name}_bucket"), &format!("{labels}{comma}le=\"+Inf\""), all);
        self.value(&format!("{name}_sum"), labels, histogram.total.as_secs_f64());
        self.value(&format!("{name}_count"), labels, all);
    }
}

/// The whole page.
pub(crate) fn page(app: &App) -> String {
    let mut page = Page(String::with_capacity(16 * 1024));
    requests(&mut page, app.metrics());
    limits(&mut page, app.metrics());
    database(&mut page, app);
    cache(&mut page, app);
    process(&mut page);
    page.counter(
        "log_lines_dropped_total",
        "Log lines lost because the writer fell behind.",
        app.log().dropped(),
    );
    page.0
}

fn requests(page: &mut Page, metrics: &Metrics) {
    let series = metrics.series();
    let mut all = 0;
    page.kind("http_requests_total", "counter", "Requests answered, by method, route and status.");
    for (route, one) in &series {
        all += one.durations.count;
        let labels = format!("method=\"{}\",path=\"{route}\",status=\"{}\"", one.method, one.status);
        page.value("http_requests_total", &labels, one.durations.count as f64);
    }
    page.counter("requests_total", "Requests answered.", all);
    page.kind("request_duration_seconds", "histogram", "Time from the request's head to its answer.");
    for (route, one) in &series {
        let labels = format!("method=\"{}\",path=\"{route}\",status=\"{}\"", one.method, one.status);
        page.histogram("request_duration_seconds", &labels, &one.durations);
    }
    page.gauge("http_requests_in_flight", "Requests being served.", metrics.in_flight() as f64);
    let slow = metrics.slow_requests.load(Ordering::Relaxed);
    page.counter("slow_requests_total", "Requests that took longer than 1 s.", slow);
    let timeouts = metrics.timeouts();
    page.counter("request_timeouts_total", "Requests cut off and answered 504.", timeouts.values().sum());
    page.kind("request_timeouts_by_path", "counter", "Requests cut off, by route.");
    for (route, count) in timeouts {
        page.value("request_timeouts_by_path", &format!("path=\"{route}\""), count as f64);
    }
}

fn limits(page: &mut Page, metrics: &Metrics) {
    let limits = metrics.limits();
    page.kind("rate_limit_decisions_total", "counter", "Decisions about rate limits.");
    for (decision, count) in [
        ("exempt", limits.exempt),
        ("allowed", limits.allowed),
        ("caller_limited", limits.caller_limited),
        ("global_limited", limits.global_limited),
    ] {
        page.value("rate_limit_decisions_total", &format!("decision=\"{decision}\""), count as f64);
    }
    page.kind("rate_limit_exceeded_total", "counter", "Requests refused, by kind of caller and route.");
    for ((user_type, route), count) in &limits.exceeded {
        let labels = format!("user_type=\"{user_type}\",endpoint=\"{route}\"");
        page.value("rate_limit_exceeded_total", &labels, *count as f64);
    }
    page.kind("rate_limit_check_duration_seconds", "histogram", "Time one decision took.");
    page.histogram("rate_limit_check_duration_seconds", "", &limits.check_durations);
    let with_headers = metrics.with_limit_headers.load(Ordering::Relaxed);
    let help = "Answers with X-RateLimit headers.";
    page.counter("http_responses_with_rate_limit_headers_total", help, with_headers);
}

fn database(page: &mut Page, app: &App) {
    let statements = app.storage().statements().snapshot();
    let mut all = StatementStats::default();
    for stats in statements.values() {
        all.merge(stats);
    }
    page.kind("db_query_count", "counter", "Statements run; `type=\"slow\"` took longer than 100 ms.");
    page.value("db_query_count", "", all.count as f64);
    page.value("db_query_count", "type=\"slow\"", all.slow as f64);
    page.gauge("db_avg_latency_ms", "Mean time of a statement.", average_ms(&all));
    page.counter("db_error_count", "Statements that failed.", all.errors);
    page.gauge("db_error_rate_percent", "Share of statements that failed.", percent(all.errors, all.count));
    let seconds = app.metrics().uptime().as_secs_f64().max(1e-3);
    page.gauge("db_throughput_qps", "Statements per second since the start.", all.count as f64 / seconds);
    page.kind("db_statement_count", "counter", "Statements run, by name.");
    for (name, stats) in &statements {
        page.value("db_statement_count", &format!("statement=\"{name}\""), stats.count as f64);
    }
    page.kind("db_statement_seconds_total", "counter", "Time in statements, by name.");
    for (name, stats) in &statements {
        let seconds = stats.total.as_secs_f64();
        page.value("db_statement_seconds_total", &format!("statement=\"{name}\""), seconds);
    }
    let pool = app.storage().pool();
    page.gauge("connection_pool_size", "Connections in the pool.", pool.size as f64);
    page.gauge("connection_pool_in_use", "Connections in use.", pool.in_use as f64);
    page.gauge("connection_pool_utilization_percent", "Share in use.", pool.utilization_percent());
    page.counter("connection_pool_acquired_total", "Connections taken.", pool.acquired);
    page.kind("connection_pool_wait_seconds_total", "counter", "Time spent waiting for a connection.");
    page.value("connection_pool_wait_seconds_total", "", pool.waited.as_secs_f64());
}

fn cache(page: &mut Page, app: &App) {
    let cache = app.cache().stats();
    page.counter("cache_hits", "Look-ups that found something.", cache.hits);
    page.counter("cache_misses", "Look-ups that found nothing.", cache.misses);
    page.gauge("cache_hit_rate_percent", "Share of look-ups that found something.", cache.hit_rate_percent());
    page.gauge(
        "cache_l1_hit_rate_percent",
        "The same: the cache is in the process.",
        cache.hit_rate_percent(),
    );
    page.gauge("cache_miss_rate_percent", "Share of look-ups that found nothing.", cache.miss_rate_percent());
    page.counter("cache_evictions", "Answers pushed out by newer ones.", cache.evictions);
    let evicted = cache.eviction_rate_percent();
    page.gauge("cache_eviction_rate_percent", "Share of stored answers pushed out.", evicted);
    page.counter("cache_sets", "Answers stored.", cache.sets);
    page.counter("cache_invalidations", "Writes that made answers invalid.", cache.invalidations);
    page.gauge("cache_entries", "Answers held.", cache.entries as f64);
}

fn process(page: &mut Page) {
    let process = Process::read();
    page.kind("process_cpu_seconds_total", "counter", "CPU time of this process.");
    page.value("process_cpu_seconds_total", "", process.cpu_seconds);
    let numbers = [
        ("process_resident_memory_bytes", "Memory in RAM.", process.resident_bytes.map(|n| n as f64)),
        ("process_open_fds", "Open file descriptors.", process.open_fds.map(|n| n as f64)),
        ("process_max_fds", "Most file descriptors allowed.", process.max_fds.map(|n| n as f64)),
    ];
    for (name, help, value) in numbers {
        if let Some(value) = value {
            page.gauge(name, help, value);
        }
    }
}

pub(super) fn average_ms(stats: &StatementStats) -> f64 {
    if stats.count == 0 { 0.0 } else { stats.total.as_secs_f64() * 1000.0 / stats.count as f64 }
}

pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}
