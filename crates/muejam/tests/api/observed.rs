//! Health, metrics, the log, the time-out: what an operator sees.

use std::time::Duration;

use serde_json::Value;
use squall_muejam::{Config, DatabaseLocation, Flaw, Limits, LogConfig};

use crate::client::{Answer, Server, config, fields};

const STORY: &str = "/v1/stories/sample-story";

/// The value of a series, by the start of its line.
fn series(page: &Answer, start: &str) -> f64 {
    let line = page.text().lines().find(|line| line.starts_with(start));
    let line = line.unwrap_or_else(|| panic!("no line starts with {start}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn health_says_what_works() {
    let server = Server::start(config());
    for path in ["/health", "/v1/health/"] {
        let health = server.get(path).json(200);
        assert_eq!(fields(&health), ["checks", "response_time_ms", "status", "timestamp"]);
        assert_eq!(health["status"], "healthy");
        assert_eq!(health["checks"]["database"]["message"], "Database connection successful");
        assert_eq!(health["checks"]["cache"]["message"], "Cache connection successful");
        assert!(health["checks"]["disk"]["percent_used"].is_number());
    }
    assert_eq!(server.get("/health/ready").json(200)["status"], "ready");
    assert_eq!(server.get("/health/live").json(200)["status"], "alive");
}

#[test]
fn a_full_disk_is_unhealthy() {
    let server = Server::start(Config { disk_unhealthy_percent: 0.0, ..config() });
    let health = server.get("/health").json(503);
    assert_eq!(
        (&health["status"], &health["checks"]["disk"]["status"]),
        (&"unhealthy".into(), &"unhealthy".into())
    );
    assert_eq!(server.get("/health/live").status, 200);
}

#[test]
fn metrics_count_what_happened() {
    let server = Server::start(Config { limits: Limits { per_user: 7, ..Limits::default() }, ..config() });
    for _ in 0..5 {
        server.get(STORY);
    }
    server.get("/v1/stories/none");
    server.get("/nowhere");
    assert_eq!(server.get(STORY).status, 429);
    let page = server.get("/metrics");
    assert!(page.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    for (start, value) in [
        (r#"http_requests_total{method="GET",path="/v1/stories/{key}",status="200"}"#, 5.0),
        (r#"http_requests_total{method="GET",path="/v1/stories/{key}",status="404"}"#, 1.0),
        (r#"http_requests_total{method="GET",path="unmatched",status="404"}"#, 1.0),
        (r#"request_duration_seconds_count{method="GET",path="/v1/stories/{key}",status="200"}"#, 5.0),
        ("requests_total ", 8.0),
        ("cache_hits ", 4.0),
        ("cache_misses ", 2.0),
        (r#"db_statement_count{statement="story_by_slug"}"#, 2.0),
        (r#"rate_limit_decisions_total{decision="allowed"}"#, 7.0),
        (r#"rate_limit_decisions_total{decision="caller_limited"}"#, 1.0),
        (r#"rate_limit_exceeded_total{user_type="anonymous",endpoint="/v1/stories/{key}"}"#, 1.0),
        ("http_responses_with_rate_limit_headers_total ", 8.0),
        ("connection_pool_size ", 4.0),
        ("connection_pool_in_use ", 0.0),
        ("request_timeouts_total ", 0.0),
    ] {
        assert_eq!(series(&page, start), value, "{start}");
    }
    assert!(series(&page, "cache_hit_rate_percent ") > 60.0);
    for name in ["db_query_count{type=\"slow\"}", "process_cpu_seconds_total", "slow_requests_total"] {
        assert!(series(&page, name) >= 0.0);
    }
    assert!(series(&page, "process_resident_memory_bytes") > 1e6);
    assert!(series(&page, "process_open_fds") > 3.0);

    let json = server.get("/metrics/json").json(200);
    assert_eq!((&json["cache"]["hits"], &json["cache"]["misses"]), (&4.into(), &2.into()));
    assert_eq!(json["response_times"]["/v1/stories/{key}"]["count"], 7);
    assert_eq!(json["database"]["statements"]["story_by_slug"]["count"], 2);
    assert_eq!(json["connection_pool"], json["database"]["connection_pool"]);
}

#[test]
fn made_up_methods_and_paths_do_not_grow_the_metrics() {
    let server = Server::start(config());
    for n in 0..30 {
        server.send(&format!("METHOD{n}"), &format!("/path{n}"), &[], "");
    }
    let page = server.get("/metrics");
    assert_eq!(page.text().lines().filter(|line| line.starts_with("http_requests_total{")).count(), 1);
}

#[test]
fn the_log_tells_each_request_and_each_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs").join("muejam.log");
    let limits = Limits { per_user: 2, ..Limits::default() };
    let server = Server::start(Config { log: Some(LogConfig::at(&path)), limits, ..config() });
    let first = server.send("GET", STORY, &[("User-Agent", "test/1")], "");
    server.send("GET", "/v1/users/me/", &[("Authorization", "Bearer nonsense")], "");
    server.get(STORY);
    let lines = eventually(&path, 4);
    let line = &lines[0];
    for (name, value) in [
        ("level", Value::from("INFO")),
        ("message", "API request".into()),
        ("event_type", "api_request".into()),
        ("method", "GET".into()),
        ("path", STORY.into()),
        ("status_code", 200.into()),
        ("ip_address", "127.0.0.1".into()),
        ("user_agent", "test/1".into()),
        ("request_id", first.header("x-request-id").unwrap().into()),
    ] {
        assert_eq!(line[name], value, "{name} of {line}");
    }
    assert!(line["response_time_ms"].is_number());
    assert_eq!(
        (&lines[1]["event_type"], &lines[1]["reason"]),
        (&"authentication".into(), &"invalid_token".into())
    );
    assert_eq!(lines[2]["status_code"], 401);
    assert_eq!(lines[3]["level"], "WARNING");
    assert_eq!(lines[3]["message"], "Rate limit exceeded for ip:127.0.0.1");
    assert_eq!((&lines[3]["status_code"], &lines[3]["path"]), (&429.into(), &STORY.into()));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"status_code\": 200"), "spaced as the documented one");
}

#[test]
fn a_database_that_fails_is_answered_503_and_logged_with_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let (path, rows) = (folder.path().join("muejam.log"), folder.path().join("muejam.db"));
    let database = DatabaseLocation::File(rows.clone());
    let server = Server::start(Config { log: Some(LogConfig::at(&path)), database, ..config() });
    let other = rusqlite::Connection::open(&rows).unwrap();
    other.execute_batch("DROP TABLE \"WhisperLike\"; DROP TABLE \"Whisper\"").unwrap();
    let answer = server.get("/v1/whispers/");
    assert_eq!(answer.code(503), "SERVICE_UNAVAILABLE");
    assert!(!answer.text().contains("Whisper"), "what the database said is not for clients");
    assert_eq!(server.get(STORY).status, 200, "the rest goes on");
    let line = &eventually(&path, 2)[0];
    assert_eq!(line["level"], "ERROR");
    assert!(line["error"].as_str().unwrap().contains("no such table"), "{line}");
    assert_eq!(series(&server.get("/metrics"), "db_error_count "), 1.0);
}

#[test]
fn a_request_that_takes_too_long_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muejam.log");
    let server = Server::start(Config {
        request_timeout: Duration::from_secs(1),
        flaws: vec!["latency=60s".parse::<Flaw>().unwrap()],
        log: Some(LogConfig::at(&path)),
        ..config()
    });
    let answer = server.get(STORY).json(504);
    assert_eq!(
        answer,
        serde_json::json!({
            "error": "Request timeout", "message": "Request exceeded 1 second timeout", "timeout": 1
        })
    );
    let line = &eventually(&path, 1)[0];
    assert_eq!((&line["message"], &line["level"]), (&"Request timeout".into(), &"ERROR".into()));
    let page = server.get("/metrics");
    assert_eq!(series(&page, "request_timeouts_total "), 1.0);
    assert_eq!(series(&page, "request_timeouts_by_path{path=\"/v1/stories/{key}\"}"), 1.0);
}

/// The lines of the log once there are `count`.
fn eventually(path: &std::path::Path, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') && text.lines().count() >= count {
            return text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the log has no {count} lines: {:?}", std::fs::read_to_string(path));
}
