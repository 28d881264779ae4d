//! Tokens: who they make of a caller, and who they do not.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use squall_muejam::{AuthConfig, Config, JwksSource};

use crate::client::{Answer, Server, config};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/api/fixtures").join(name)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn hs256(claims: &Value, secret: &str) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn rs256(claims: &Value, kid: Option<&str>) -> String {
    let key = EncodingKey::from_rsa_pem(&std::fs::read(fixture("rsa-test-key.pem")).unwrap()).unwrap();
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::RS256) };
    encode(&header, claims, &key).unwrap()
}

fn good(changes: &Value) -> Value {
    let mut claims = json!({
        "sub": "user_abc", "exp": now() + 60, "iat": now(), "nbf": now() - 1, "iss": "https://issuer", "aud": "muejam"
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

fn me(server: &Server, token: &str) -> Answer {
    server.send("GET", "/v1/users/me/", &[("Authorization", &format!("Bearer {token}"))], "")
}

fn with_keys(source: JwksSource) -> Config {
    let auth = AuthConfig {
        jwks: Some(source),
        issuer: Some("https://issuer".into()),
        audience: Some("muejam".into()),
        ..AuthConfig::default()
    };
    Config { auth, ..config() }
}

#[test]
fn test_tokens_are_one_user_each() {
    let server = Server::start(config());
    let a = server.call("token_1", "GET", "/v1/users/me/", "").json(200);
    let b = server.call("token_2", "GET", "/v1/users/me/", "").json(200);
    assert_eq!(server.call("token_1", "GET", "/v1/users/me/", "").json(200), a);
    assert!(a["id"] != b["id"] && a["handle"] != b["handle"]);
    let token = hs256(&json!({"sub": "someone", "exp": now() + 60}), "test_secret");
    assert_eq!(me(&server, &token).json(200)["clerk_user_id"], "someone");
}

#[test]
fn a_bad_test_token_is_refused_and_an_expired_one_is_told_so() {
    let server = Server::start(config());
    let claims = json!({"sub": "someone", "exp": now() + 60});
    for token in [
        hs256(&claims, "another secret"),
        hs256(&json!({"exp": now() + 60}), "test_secret"),
        hs256(&json!({"sub": "someone"}), "test_secret"),
        hs256(&json!({"sub": "", "exp": now() + 60}), "test_secret"),
        hs256(&json!({"sub": "s", "exp": now() + 60, "nbf": now() + 50}), "test_secret"),
        hs256(&json!({"sub": "s", "exp": now() + 60, "iat": now() + 50}), "test_secret"),
        rs256(&claims, Some("test-key")),
        "nonsense".into(),
        "a.b.c".into(),
        "test_".into(),
        format!("test_{}", "x".repeat(500)),
    ] {
        assert_eq!(me(&server, &token).code(401), "UNAUTHORIZED", "{token}");
    }
    let expired = hs256(&json!({"sub": "someone", "exp": now() - 1}), "test_secret");
    assert_eq!(me(&server, &expired).code(401), "TOKEN_EXPIRED");
    let public = server.send("GET", "/v1/stories/", &[("Authorization", "Bearer nonsense")], "");
    assert_eq!(public.status, 200, "where nobody is needed a bad token is nobody's");
}

#[test]
fn without_the_switch_test_tokens_are_worth_nothing() {
    let auth = AuthConfig { test_jwt_secret: Some("test_secret".into()), ..AuthConfig::default() };
    let server = Server::start(Config { auth, ..config() });
    let token = hs256(&json!({"sub": "someone", "exp": now() + 60}), "test_secret");
    for token in ["test_someone", &token] {
        assert_eq!(me(&server, token).code(401), "UNAUTHORIZED");
    }
}

#[test]
fn signed_tokens_are_checked_against_the_key_set() {
    let server = Server::start(with_keys(JwksSource::File(fixture("jwks.json"))));
    let kid = Some("test-key");
    assert_eq!(me(&server, &rs256(&good(&json!({})), kid)).json(200)["clerk_user_id"], "user_abc");
    assert_eq!(me(&server, &rs256(&good(&json!({"exp": now() - 1})), kid)).code(401), "TOKEN_EXPIRED");
    let mut tampered = rs256(&good(&json!({})), kid).into_bytes();
    let middle = tampered.len() / 2;
    tampered[middle] = if tampered[middle] == b'A' { b'B' } else { b'A' };
    for token in [
        rs256(&good(&json!({"iss": "https://other"})), kid),
        rs256(&good(&json!({"aud": "other"})), kid),
        rs256(&good(&json!({"nbf": now() + 50})), kid),
        rs256(&good(&json!({"iat": now() + 50})), kid),
        rs256(&good(&json!({"sub": 7})), kid),
        rs256(&good(&json!({})), Some("another-key")),
        rs256(&good(&json!({})), None),
        String::from_utf8(tampered).unwrap(),
        // The public key as the secret of a symmetric algorithm: the classic confusion.
        hs256(&good(&json!({})), &std::fs::read_to_string(fixture("jwks.json")).unwrap()),
    ] {
        assert_eq!(me(&server, &token).code(401), "UNAUTHORIZED", "{token}");
    }
}

#[test]
fn a_token_is_not_remembered_past_its_end() {
    let server = Server::start(with_keys(JwksSource::File(fixture("jwks.json"))));
    let token = rs256(&good(&json!({"exp": now() + 2})), Some("test-key"));
    assert_eq!(me(&server, &token).status, 200);
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(me(&server, &token).code(401), "TOKEN_EXPIRED");
}

#[test]
fn an_unknown_key_makes_the_set_be_fetched_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let served = Arc::new(Mutex::new((r#"{"keys":[]}"#.to_owned(), 0)));
    let state = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let mut state = state.lock().unwrap();
            state.1 += 1;
            let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}", state.0);
        }
    });
    let server = Server::start(with_keys(JwksSource::Url(url)));
    let token = rs256(&good(&json!({})), Some("test-key"));
    for _ in 0..5 {
        assert_eq!(me(&server, &token).code(401), "UNAUTHORIZED");
    }
    let fetched = served.lock().unwrap().1;
    assert!((1..5).contains(&fetched), "made-up keys must not cause a fetch each: {fetched}");
    served.lock().unwrap().0 = std::fs::read_to_string(fixture("jwks.json")).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(me(&server, &token).status, 200, "the key was added to the set");
}

#[test]
fn a_key_set_out_of_reach_is_the_services_fault() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(with_keys(JwksSource::Url(format!("http://{closed}/jwks"))));
    let token = rs256(&good(&json!({})), Some("test-key"));
    assert_eq!(me(&server, &token).code(503), "SERVICE_UNAVAILABLE");
    assert_eq!(server.get("/v1/stories/").status, 200);
}
