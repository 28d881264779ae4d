//! Redirects and cookies over the wire, and requests cut in their course.

use std::net::SocketAddr;

use squall_core::{ErrorClass, Nanos};
use squall_http::{ClientConfig, Method, Request};

use crate::support::*;

fn to(status: u16, location: &str, more: &str) -> Act {
    say(&format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n{more}Content-Length: 4\r\n\r\ngone"))
}

#[test]
fn redirects_are_followed_over_the_same_connection() {
    run_paused(async {
        let cookie = "Set-Cookie: session=s1; Path=/\r\n";
        let script = vec![
            Act::Read,
            to(302, "/in", cookie),
            Act::Read,
            to(301, "in/deep?q", ""),
            Act::Read,
            ok("here"),
        ];
        let mut user = in_memory(vec![[script, vec![Act::Hang]].concat()]);
        let origin = origin("http://a.test/api", anywhere());
        let request = Request {
            method: Method::POST,
            target: b"/login",
            body: Some(b"name=x"),
            headers: b"Content-Type: text/plain\r\nAuthorization: y\r\n",
            ..get(&origin)
        };
        let exchange = user.send(request).await.unwrap();
        assert_eq!(
            (exchange.status, exchange.redirects, exchange.attempts, exchange.connects),
            (200, 2, 3, 1)
        );
        assert_eq!(user.captured.body(), b"here");
        let log = user.client_log();
        let log = log.borrow();
        assert!(log[0].starts_with("POST /api/login HTTP/1.1\r\n") && log[0].ends_with("\r\n\r\nname=x"));
        assert_eq!(
            log[1],
            "GET /in HTTP/1.1\r\nHost: a.test\r\nAuthorization: y\r\nCookie: session=s1\r\n\r\n"
        );
        assert!(log[2].starts_with("GET /in/deep?q HTTP/1.1\r\n"));
        assert_eq!(exchange.bytes_out, log.iter().map(|text| text.len() as u64).sum::<u64>());
    });
}

#[test]
fn redirects_to_other_origins_are_resolved_once_and_get_no_credentials() {
    let elsewhere = SocketAddr::from(([10, 0, 0, 2], 8080));
    run_paused(async {
        let away = to(307, "http://b.test:8080/x", "Set-Cookie: a=1\r\n");
        let first = vec![Act::Read, away.clone(), Act::Read, away, Act::Hang];
        let second = vec![Act::Read, ok("b"), Act::Read, ok("b"), Act::Hang];
        let mut user = in_memory(vec![first, second]);
        user.connector_mut(|memory| memory.names = vec![("b.test", elsewhere)]);
        let origin = origin("http://a.test", anywhere());
        for turn in 0..2 {
            let request = Request {
                method: Method::PUT,
                body: Some(b"data"),
                headers: b"Authorization: secret\r\nAccept: x\r\n",
                ..get(&origin)
            };
            let exchange = user.send(request).await.unwrap();
            assert_eq!((exchange.status, exchange.redirects), (200, 1));
            assert_eq!(exchange.reused, turn == 1);
        }
        assert_eq!(user.client_connector().resolved.get(), 1);
        assert_eq!(user.client_connector().connected_to.borrow()[1], (elsewhere, None));
        let log = user.client_log();
        assert_eq!(
            log.borrow()[1],
            "PUT /x HTTP/1.1\r\nHost: b.test:8080\r\nAccept: x\r\nContent-Length: 4\r\n\r\ndata"
        );
        assert!(log.borrow()[2].contains("Cookie: a=1\r\n"));
    });
}

#[test]
fn redirects_are_left_alone_unless_wanted() {
    run_paused(async {
        let mut user =
            in_memory(vec![vec![Act::Read, to(302, "/x", ""), Act::Read, to(304, "/x", ""), Act::Hang]]);
        let origin = origin("http://a.test", anywhere());
        let exchange = user.send(Request { follow: false, ..get(&origin) }).await.unwrap();
        assert_eq!((exchange.status, exchange.redirects), (302, 0));
        assert_eq!(user.captured.header("location"), Some(&b"/x"[..]));
        assert_eq!(user.get(&origin, "/").await.unwrap().status, 304);
    });
}

#[test]
fn too_many_redirects_and_dead_ends_are_failures() {
    let failure = |location: &'static str, max_redirects| {
        run_paused(async move {
            let script = (0..10).flat_map(|_| [Act::Read, to(302, location, "")]).collect();
            let config = ClientConfig { max_redirects, ..ClientConfig::default() };
            let mut user = in_memory_with(config, vec![script]);
            user.get(&origin("http://a.test", anywhere()), "/").await.unwrap_err()
        })
    };
    let endless = failure("/again", 3);
    assert_eq!(
        (endless.class, endless.exchange.redirects, endless.exchange.attempts),
        (ErrorClass::Redirect, 3, 4)
    );
    assert_eq!(endless.to_string(), "redirect: too many redirects");
    assert_eq!(failure("/again", 0).exchange.attempts, 1);
    assert_eq!(failure("ftp://a.test/", 3).class, ErrorClass::Redirect);
    assert_eq!(failure("http://nowhere.test/", 3).class, ErrorClass::Dns);
}

#[test]
fn cookies_belong_to_the_user() {
    run_paused(async {
        let set = say("HTTP/1.1 200 OK\r\nSet-Cookie: id=7; Max-Age=60\r\nContent-Length: 0\r\n\r\n");
        let script =
            vec![Act::Read, set, Act::Read, ok("x"), Act::Read, ok("x"), Act::Read, ok("x"), Act::Hang];
        let mut user = in_memory(vec![script]);
        let origin = origin("http://a.test", anywhere());
        user.get(&origin, "/").await.unwrap();
        user.get(&origin, "/").await.unwrap();
        tokio::time::sleep(Nanos::from_secs(61).into()).await;
        user.get(&origin, "/").await.unwrap();
        user.session.clear_cookies();
        user.get(&origin, "/").await.unwrap();
        let log = user.client_log();
        let with: Vec<bool> = log.borrow().iter().map(|text| text.contains("\r\nCookie: id=7\r\n")).collect();
        assert_eq!(with, [false, true, false, false]);
    });
}

/// Sends and drops the future after 10 ms; then the user goes on with a fresh connection.
fn cut(script: Vec<Act>, body: Option<&'static [u8]>, capacity: usize) -> (bool, u32, bool) {
    run_paused(async move {
        let mut user = in_memory(vec![script, vec![Act::Read, ok("next"), Act::Hang]]);
        user.connector_mut(|memory| memory.capacity = capacity);
        let origin = origin("http://a.test", anywhere());
        assert_eq!(user.session.in_flight(), None);
        let request = Request { method: Method::PUT, body, ..get(&origin) };
        let sending = user.session.send(&user.client, &request, &user.timer, None);
        assert!(tokio::time::timeout(Nanos::from_millis(10).into(), sending).await.is_err());
        let in_flight = user.session.in_flight().unwrap();
        let next = user.get(&origin, "/").await.unwrap();
        assert_eq!(user.captured.body(), b"next");
        assert!(!next.reused);
        assert_eq!(user.session.in_flight(), None);
        (in_flight.fully_written, in_flight.attempts, in_flight.sent > Nanos::ZERO)
    })
}

#[test]
fn a_cut_request_tells_how_far_it_came() {
    let large = &[b'x'; 100_000];
    let partial = say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    assert_eq!(cut(vec![Act::Read, Act::Hang], Some(b"x"), 4096), (true, 1, true));
    assert_eq!(cut(vec![Act::Read, partial, Act::Hang], None, 4096), (true, 1, true));
    assert_eq!(cut(vec![Act::Hang], Some(large), 4096), (false, 0, true));
    assert_eq!(cut(vec![Act::ReadHead, Act::Hang], Some(large), 4096), (false, 0, true));
    // Answered, and its target's name is not resolved yet.
    let slow = to(302, "http://slow.test/", "Connection: close\r\n");
    assert_eq!(cut(vec![Act::Read, slow, Act::Hang], None, 4096), (false, 1, true));
    // Two wire requests: the redirect counts, and the second is unanswered.
    assert_eq!(cut(vec![Act::Read, to(307, "/x", ""), Act::Read, Act::Hang], None, 4096), (true, 2, true));
    // The redirect is answered, its target cannot take the next one: nothing is outstanding.
    assert_eq!(cut(vec![Act::Read, to(307, "/x", ""), Act::Hang], Some(large), 4096), (false, 1, true));
}

#[test]
fn a_request_cut_while_connecting_was_never_written() {
    run_paused(async {
        let mut user = in_memory(Vec::new());
        let origin = origin("http://a.test", anywhere());
        let request = get(&origin);
        let sending = user.session.send(&user.client, &request, &user.timer, None);
        assert!(tokio::time::timeout(Nanos::from_millis(10).into(), sending).await.is_err());
        let in_flight = user.session.in_flight().unwrap();
        assert_eq!((in_flight.fully_written, in_flight.attempts, in_flight.sent), (false, 0, Nanos::ZERO));
    });
}
