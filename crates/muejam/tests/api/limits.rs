//! Rate limits, by the numbers of the documents.

use squall_muejam::{Config, LimitMode, Limits};

use crate::client::{Server, config};

const STORY: &str = "/v1/stories/sample-story";

fn server(limits: Limits) -> Server {
    Server::start(Config { limits, ..config() })
}

/// How many of 160 requests pass.
fn passed(server: &Server, headers: &[(&str, &str)]) -> usize {
    (0..160).filter(|_| server.send("GET", STORY, headers, "").status == 200).count()
}

#[test]
fn the_hundred_and_first_request_of_a_minute_is_refused_with_a_time_to_wait() {
    let server = server(Limits::default());
    for n in 1..=100_u32 {
        let answer = server.get(STORY);
        assert_eq!(answer.status, 200, "request {n}");
        assert_eq!(answer.header("x-ratelimit-limit"), Some("100"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(&*(100 - n).to_string()));
        assert!(answer.header("x-ratelimit-reset").is_some_and(|reset| reset.ends_with('Z')));
    }
    let refused = server.get(STORY);
    let body = refused.json(429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(
        (&body["error"], &body["limit"], &body["retry_after"]),
        (&"Rate limit exceeded".into(), &100.into(), &wait.into())
    );
    assert_eq!(body["message"], "Too many requests. Limit: 100 requests per minute.");
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    for path in ["/health", "/health/ready", "/health/live/", "/metrics", "/metrics/json"] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, None), "{path} is exempt");
    }
    let user = server.call("someone", "GET", STORY, "");
    assert_eq!(
        (user.status, user.header("x-ratelimit-remaining")),
        (200, Some("99")),
        "a user has a bucket of their own"
    );
}

#[test]
fn mobile_clients_have_a_larger_bucket_of_their_own() {
    let server = server(Limits::default());
    assert_eq!(passed(&server, &[("X-Client-Type", "mobile-ios")]), 150);
    assert_eq!(passed(&server, &[]), 100);
}

#[test]
fn a_forwarded_address_counts_only_from_a_trusted_peer() {
    let trusting = Limits { trust_forwarded_for: vec!["127.0.0.0/8".parse().unwrap()], ..Limits::default() };
    let server_that_trusts = server(trusting);
    for address in ["10.0.0.1", "10.0.0.2"] {
        assert_eq!(passed(&server_that_trusts, &[("X-Forwarded-For", address)]), 100, "{address}");
    }
    let wary = server(Limits::default());
    assert_eq!(passed(&wary, &[("X-Forwarded-For", "10.0.0.1")]), 100);
    assert_eq!(passed(&wary, &[("X-Forwarded-For", "10.0.0.2")]), 0, "it is one address, whatever it says");
}

#[test]
fn as_is_halves_the_number_and_limits_the_readiness_probe() {
    let server = server(Limits { mode: LimitMode::AsIs, ..Limits::default() });
    let first = server.get(STORY);
    assert_eq!(first.header("x-ratelimit-remaining"), Some("98"));
    assert_eq!(passed(&server, &[]), 49);
    assert_eq!(server.call("someone", "GET", STORY, "").status, 429, "users are not known to it");
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.get("/health/ready").status, 429);
}

#[test]
fn all_callers_together_have_a_limit() {
    let server = server(Limits { global: 3, ..Limits::default() });
    for who in ["a", "b", "c"] {
        assert_eq!(server.call(who, "GET", STORY, "").status, 200);
    }
    let refused = server.call("d", "GET", STORY, "");
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").unwrap().parse::<u64>().is_ok());
}

#[test]
fn whispers_and_publishing_have_limits_of_their_own() {
    let server = server(Limits::default());
    let whisper = r#"{"content":"hush","scope":"GLOBAL"}"#;
    for _ in 0..10 {
        assert_eq!(server.call("w", "POST", "/v1/whispers/", whisper).status, 201);
        assert_eq!(server.get("/v1/whispers/").status, 200, "reading does not eat the budget");
    }
    let refused = server.call("w", "POST", "/v1/whispers/", whisper);
    assert_eq!(refused.code(429), "RATE_LIMIT_EXCEEDED");
    assert_eq!(refused.json(429)["error"]["details"], serde_json::json!({"limit": 10, "window": 60}));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
    assert_eq!(server.call("v", "POST", "/v1/whispers/", whisper).status, 201);
    let mut codes = Vec::new();
    for n in 0..6 {
        let body = format!(r#"{{"title":"Story {n}","blurb":"b"}}"#);
        let story = server.call("w", "POST", "/v1/stories/", &body).json(201);
        let path = format!("/v1/stories/{}/publish", story["data"]["id"].as_str().unwrap());
        codes.push(server.call("w", "POST", &path, "").status);
    }
    assert_eq!(codes, [200, 200, 200, 200, 200, 429]);
}

#[test]
fn off_is_off() {
    let server =
        server(Limits { mode: LimitMode::Off, per_user: 1, whispers_per_minute: 0, ..Limits::default() });
    assert_eq!(passed(&server, &[]), 160);
    assert_eq!(server.get(STORY).header("x-ratelimit-limit"), None);
    assert_eq!(server.call("w", "POST", "/v1/whispers/", r#"{"content":"x","scope":"GLOBAL"}"#).status, 201);
}
