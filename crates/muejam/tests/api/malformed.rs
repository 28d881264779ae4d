//! Nothing a client sends makes the service fail: its answer is a refusal, and it serves on.

use std::io::Write as _;
use std::net::TcpStream;

use crate::client::{Server, config, raw};

#[test]
fn bodies_that_are_not_what_they_should_be() {
    let server = Server::start(config());
    for body in
        ["{", "[]", "null", "7", "\"x\"", "{\"title\":}", "{\"title\":\"\\ud800\",\"blurb\":\"b\"}", "\u{0}"]
    {
        assert_eq!(server.call("w", "POST", "/v1/stories/", body).code(400), "PARSE_ERROR", "{body:?}");
    }
    let deep = format!("{{\"title\":{}", "[".repeat(20_000));
    assert_eq!(server.call("w", "POST", "/v1/stories/", &deep).code(400), "PARSE_ERROR");
    assert_eq!(server.call("w", "POST", "/v1/stories/", "").code(400), "PARSE_ERROR");
    let form = [("Authorization", "Bearer test_w"), ("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(server.send("POST", "/v1/stories/", &form, "title=x").code(415), "INVALID_MEDIA_TYPE");
    let odd = r#"{"title":"a\u0000b","blurb":"b"}"#;
    assert_eq!(server.call("w", "POST", "/v1/stories/", odd).code(400), "VALIDATION_ERROR");
}

#[test]
fn bodies_that_are_too_large() {
    let server = Server::start(config());
    let body = format!(r#"{{"title":"x","blurb":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(server.call("w", "POST", "/v1/stories/", &body).code(413), "PAYLOAD_TOO_LARGE");
    let mut chunked =
        b"POST /v1/stories/ HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer test_w\r\n\
        Transfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for _ in 0..70 {
        chunked.extend_from_slice(b"400\r\n");
        chunked.extend_from_slice(&[b' '; 1024]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(
        raw(server.address, &chunked).code(413),
        "PAYLOAD_TOO_LARGE",
        "also when no length is announced"
    );
}

#[test]
fn paths_and_queries_from_another_world() {
    let server = Server::start(config());
    for path in [
        "/v1/stories/%FF%FE",
        "/v1/stories/%00",
        "/v1/stories/%F0%9F%90%89",
        "/v1/stories/..%2F..%2Fetc%2Fpasswd",
        "/v1/stories/'%20OR%201=1--",
        "/v1/users/%ff/",
        "/api/stories/%c0%af",
        "/v1//stories",
        "//",
        "/%",
        "/v1/whispers/?cursor=%00&scope=%FF",
        "/v1/search/stories?q=%25_%5C",
        "/v1/search/stories?q=%FF",
        "/v1/search/stories?q=%F0%9F%90%89&genre=%27",
        "/v1/discover/?&&==&q=&tag=%zz",
        "/v1/stories/?cursor=%27%3B%20DROP%20TABLE",
        "/v1/discover/trending/?days=99999999999999999999999",
    ] {
        let status = server.get(path).status;
        assert!(status < 500, "{path} was answered {status}");
    }
    let long = format!("/v1/stories/{}", "x".repeat(20_000));
    assert!(server.get(&long).status < 500);
    let q = format!("/v1/search/stories?q={}", "x".repeat(300));
    assert!(server.get(&q).json(400)["details"]["q"].is_array());
    for method in ["DELETE", "BREW", "OPTIONS", "TRACE"] {
        assert_eq!(server.send(method, "/v1/discover/", &[], "").code(405), "METHOD_NOT_ALLOWED", "{method}");
    }
}

#[test]
fn headers_from_another_world() {
    let server = Server::start(config());
    for (name, value) in [
        ("Authorization", "Bearer"),
        ("Authorization", "Bearer  "),
        ("Authorization", "Basic dTpw"),
        ("Authorization", "Bearer \u{fc}\u{fc}"),
        ("X-Forwarded-For", "not, an, address"),
        ("X-Client-Type", "\u{fc}"),
        ("If-None-Match", "\u{fc}"),
        ("If-Modified-Since", "yesterday"),
        ("Content-Length", "0"),
        ("User-Agent", "\u{fc}\u{1F409}"),
    ] {
        let status = server.send("GET", "/v1/stories/sample-story", &[(name, value)], "").status;
        assert_eq!(status, 200, "{name}: {value}");
    }
    for bytes in [&b"GET /\xff\xfe HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"[..], b"nonsense\r\n\r\n"]
    {
        assert!(raw(server.address, bytes).status < 500);
    }
}

#[test]
fn clients_that_break_off_leave_nothing_behind() {
    let server = Server::start(config());
    for n in 0..50 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head: &[u8] = if n % 2 == 0 {
            b"POST /v1/stories/ HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer test_w\r\nContent-Length: 500\r\n\r\n{\"ti"
        } else {
            b"GET /v1/discover/?page_size=100 HTTP/1.1\r\nHost: t\r\n\r\n"
        };
        stream.write_all(head).unwrap();
    }
    for _ in 0..200 {
        let numbers = server.get("/metrics/json").json(200);
        // This very request is the one in flight.
        if numbers["requests_in_flight"] == 1 && numbers["connection_pool"]["in_use"] == 0 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("requests of clients that are gone are still being served");
}
