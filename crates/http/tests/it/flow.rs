//! The course of requests that succeed: framing, kept connections, retries, captures, early answers.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

use squall_core::{ErrorClass, Nanos};
use squall_http::{ClientConfig, Method, Origin, Request};

use crate::support::*;

#[test]
fn a_kept_connection_serves_again() {
    run(async {
        let (address, log) = serve(vec![vec![Act::Read, ok("one"), Act::Read, ok("two"), Act::Hang]]).await;
        let origin = origin(&format!("http://{address}"), address);
        let mut user = User::tcp(ClientConfig::default());
        let first = user.get(&origin, "/1").await.unwrap();
        assert_eq!(user.captured.body(), b"one");
        assert_eq!((first.status, first.reused, first.connects, first.attempts), (200, false, 1, 1));
        assert!(first.connect > Nanos::ZERO);
        let second = user.get(&origin, "/2").await.unwrap();
        assert_eq!(user.captured.body(), b"two");
        assert_eq!((second.status, second.reused, second.connects, second.attempts), (200, true, 0, 1));
        assert_eq!(second.connect, Nanos::ZERO);
        assert!(
            first.started <= first.sent && first.sent <= first.first_byte && first.first_byte <= first.done
        );
        assert!(second.sent >= first.done);
        let sent: u64 = log.borrow().iter().map(|text| text.len() as u64).sum();
        assert_eq!(first.bytes_out + second.bytes_out, sent);
        assert_eq!(first.bytes_in, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none".len() as u64);
        assert_eq!(first.body_in, 3);
    });
}

#[test]
fn times_are_where_they_belong() {
    run_paused(async {
        let script = vec![Act::Read, Act::Wait(20), say("HTTP/1.1 200 OK\r\nContent-"), Act::Wait(30)];
        let rest = vec![say("Length: 2\r\n\r\n1"), Act::Wait(40), say("2"), Act::Hang];
        let mut user = in_memory(vec![[script, rest].concat()]);
        let origin = origin("http://a.test", anywhere());
        let exchange = user.get(&origin, "/").await.unwrap();
        assert_eq!(user.captured.body(), b"12");
        assert_eq!(exchange.started, exchange.sent);
        assert_eq!(exchange.first_byte - exchange.sent, Nanos::from_millis(20));
        assert_eq!(exchange.done - exchange.sent, Nanos::from_millis(90));
    });
}

#[test]
fn connections_end_when_they_should() {
    // What the server says, and whether the connection is used again.
    for (response, kept) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", true),
        ("HTTP/1.1 204 No Content\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more than asked for", false),
    ] {
        run_paused(async {
            let again = [Act::Read, ok("again"), Act::Hang];
            let one = [vec![Act::Read, say(response)], again.to_vec()].concat();
            let mut user = in_memory(vec![one, again.to_vec()]);
            let origin = origin("http://a.test", anywhere());
            let status = user.get(&origin, "/").await.unwrap().status;
            assert!(status == 200 || status == 204);
            assert_eq!(user.session.connection_count(), usize::from(kept), "{response}");
            let second = user.get(&origin, "/").await.unwrap();
            assert_eq!(second.reused, kept, "{response}");
            assert_eq!(user.captured.body(), b"again");
        });
    }
}

#[test]
fn a_body_may_end_with_the_connection() {
    run(async {
        let script =
            vec![Act::Read, say("HTTP/1.1 200 OK\r\n\r\nuntil"), Act::Wait(5), say(" the end"), Act::Close];
        let (address, _) = serve(vec![script]).await;
        let mut user = User::tcp(ClientConfig::default());
        let exchange = user.get(&origin("http://a.test", address), "/").await.unwrap();
        assert_eq!((exchange.status, user.captured.body()), (200, &b"until the end"[..]));
        assert_eq!(user.session.connection_count(), 0);
    });
}

#[test]
fn head_has_no_body() {
    run_paused(async {
        let head = say("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
        let mut user = in_memory(vec![vec![Act::Read, head, Act::Read, ok("x"), Act::Hang]]);
        let origin = origin("http://a.test", anywhere());
        user.send(Request { method: Method::HEAD, ..get(&origin) }).await.unwrap();
        assert_eq!(user.captured.header("content-length"), Some(&b"500"[..]));
        assert!(user.get(&origin, "/").await.unwrap().reused);
    });
}

#[test]
fn without_keep_alive_each_request_connects() {
    run_paused(async {
        let config = ClientConfig { keep_alive: false, ..ClientConfig::default() };
        let mut user = in_memory_with(config, vec![vec![Act::Read, ok("x"), Act::Hang]; 2]);
        let origin = origin("http://a.test", anywhere());
        for _ in 0..2 {
            let exchange = user.get(&origin, "/").await.unwrap();
            assert_eq!((exchange.connects, user.session.connection_count()), (1, 0));
        }
        assert!(user.client_log().borrow().iter().all(|text| text.contains("\r\nConnection: close\r\n")));
    });
}

#[test]
fn long_bodies_go_out_whole() {
    run_paused(async {
        let body: Vec<u8> = (0..1_000_000u32).map(|n| b'a' + (n % 23) as u8).collect();
        let mut user = in_memory(vec![vec![Act::Read, ok("thanks"), Act::Hang]]);
        user.connector_mut(|memory| memory.capacity = 100);
        let origin = origin("http://a.test", anywhere());
        let request = Request { method: Method::POST, body: Some(&body), ..get(&origin) };
        let exchange = user.send(request).await.unwrap();
        let log = user.client_log();
        assert!(log.borrow()[0].as_bytes().ends_with(&body));
        assert_eq!(exchange.bytes_out, log.borrow()[0].len() as u64);
        assert_eq!(user.session.connection_count(), 1);
    });
}

#[test]
fn an_answer_before_the_body_was_sent_is_used() {
    run_paused(async {
        let body = vec![b'x'; 1_000_000];
        let refusal = say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
        for last in [Act::Hang, Act::Close] {
            let mut user = in_memory(vec![vec![Act::ReadHead, refusal.clone(), last]]);
            user.connector_mut(|memory| memory.capacity = 100);
            let origin = origin("http://a.test", anywhere());
            let request = Request {
                method: Method::POST,
                body: Some(&body),
                deadline: user.in_secs(5),
                ..get(&origin)
            };
            let exchange = user.send(request).await.unwrap();
            assert_eq!((exchange.status, exchange.attempts), (413, 1));
            assert!(exchange.bytes_out < 1_000_000);
            // Half a request is no start for the next one.
            assert_eq!(user.session.connection_count(), 0);
        }
    });
}

#[test]
fn a_connection_closed_while_idle_is_replaced_before_anything_is_sent() {
    for last_words in ["", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"] {
        run_paused(async {
            let first = vec![Act::Read, ok("one"), Act::Wait(10), say(last_words), Act::Close];
            let mut user = in_memory(vec![first, vec![Act::Read, ok("two"), Act::Hang]]);
            let origin = origin("http://a.test", anywhere());
            user.get(&origin, "/").await.unwrap();
            tokio::time::sleep(Nanos::from_millis(20).into()).await;
            // Not even a POST is at risk.
            let request = Request { method: Method::POST, body: Some(b"x"), ..get(&origin) };
            let exchange = user.send(request).await.unwrap();
            assert_eq!(
                (exchange.reused, exchange.retries, exchange.attempts, exchange.connects),
                (false, 0, 1, 1)
            );
            assert_eq!(user.captured.body(), b"two");
        });
    }
}

/// A kept connection that is closed upon the second request, then these scripts.
fn stale(
    method: Method<'static>,
    end: Vec<Act>,
    then: Vec<Vec<Act>>,
) -> (Result<(u8, u32), ErrorClass>, String) {
    run(async {
        let first = [vec![Act::Read, ok("one"), Act::Read], end].concat();
        let (address, log) = serve([vec![first], then].concat()).await;
        let origin = origin("http://a.test", address);
        let mut user = User::tcp(ClientConfig::default());
        user.get(&origin, "/").await.unwrap();
        let deadline = user.in_secs(5);
        let result = user.send(Request { method, deadline, ..get(&origin) }).await;
        let _ = log;
        let result = result.map(|x| (x.retries, x.attempts)).map_err(|failure| failure.class);
        (result, String::from_utf8_lossy(user.captured.body()).into_owned())
    })
}

#[test]
fn a_stale_connection_is_retried_once_for_idempotent_methods() {
    let again = || vec![vec![Act::Read, ok("two"), Act::Hang]];
    for end in [vec![Act::Close], vec![Act::Reset]] {
        assert_eq!(stale(Method::GET, end, again()), (Ok((1, 2)), "two".to_owned()));
    }
    for name in ["HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"] {
        let empty = say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let (result, _) = stale(Method::new(name), vec![Act::Close], vec![vec![Act::Read, empty, Act::Hang]]);
        assert_eq!(result, Ok((1, 2)), "{name}");
    }
    for name in ["POST", "PATCH", "PURGE"] {
        assert_eq!(
            stale(Method::new(name), vec![Act::Close], again()).0,
            Err(ErrorClass::ClosedEarly),
            "{name}"
        );
        assert_eq!(stale(Method::new(name), vec![Act::Reset], again()).0, Err(ErrorClass::Reset), "{name}");
    }
    // A retry and a redirect in one request.
    run(async {
        let kept = |last: Act| vec![Act::Read, ok("one"), Act::Read, last];
        let moved =
            say("HTTP/1.1 302 Found\r\nLocation: /\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let scripts = vec![kept(Act::Close), vec![Act::Read, moved], vec![Act::Read, ok("end"), Act::Hang]];
        let (address, _) = serve(scripts).await;
        let origin = origin("http://a.test", address);
        let mut user = User::tcp(ClientConfig::default());
        user.get(&origin, "/").await.unwrap();
        let exchange = user.get(&origin, "/").await.unwrap();
        assert_eq!(
            (exchange.retries, exchange.redirects, exchange.attempts, exchange.connects),
            (1, 1, 3, 2)
        );
    });
    // Once bytes of an answer came, it was no stale connection; and one retry is all there is.
    let answered = vec![say("HTTP/1.1 200 OK\r\n"), Act::Close];
    assert_eq!(stale(Method::GET, answered, again()).0, Err(ErrorClass::ClosedEarly));
    assert_eq!(
        stale(Method::GET, vec![Act::Close], vec![vec![Act::Read, Act::Close]]).0,
        Err(ErrorClass::ClosedEarly)
    );
}

#[test]
fn bodies_are_decoded_when_wanted() {
    let text = "a body that repeats itself, a body that repeats itself";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut br = Vec::new();
    brotli::BrotliCompress(&mut text.as_bytes(), &mut br, &brotli::enc::BrotliEncoderParams::default())
        .unwrap();
    for (name, encoded) in [("gzip", gzip), ("br", br)] {
        run_paused(async {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\nContent-Length: {}\r\n\r\n",
                encoded.len()
            );
            let response = Act::Say([head.as_bytes(), &encoded].concat());
            let script = vec![Act::Read, response.clone(), Act::Read, response, Act::Hang];
            let mut user = in_memory(vec![script]);
            let origin = origin("http://a.test", anywhere());
            for _ in 0..2 {
                user.get(&origin, "/").await.unwrap();
                assert_eq!(user.captured.body(), text.as_bytes());
                assert_eq!(user.captured.header("Content-Encoding"), Some(name.as_bytes()));
            }
        });
    }
}

#[test]
fn what_is_captured_is_bounded() {
    run_paused(async {
        let config = ClientConfig { max_captured: 10, ..ClientConfig::default() };
        let mut user = in_memory_with(config, vec![vec![Act::Read, ok(&"x".repeat(1000)), Act::Hang]]);
        let exchange = user.get(&origin("http://a.test", anywhere()), "/").await.unwrap();
        assert_eq!((user.captured.body(), user.captured.is_truncated()), (&b"xxxxxxxxxx"[..], true));
        assert!(exchange.bytes_in > 1000);
    });
}

#[test]
fn connections_are_bounded() {
    run_paused(async {
        let mut user = in_memory(vec![vec![Act::Read, ok("x"), Act::Read, ok("y"), Act::Hang]; 9]);
        let origins: Vec<Origin> = (0..8).map(|n| origin(&format!("http://{n}.test"), anywhere())).collect();
        for origin in &origins {
            user.get(origin, "/").await.unwrap();
        }
        assert_eq!(user.session.connection_count(), 6);
        assert!(user.get(&origins[7], "/").await.unwrap().reused);
        assert!(!user.get(&origins[0], "/").await.unwrap().reused);
        user.session.close();
        assert_eq!(user.session.connection_count(), 0);
    });
}

#[test]
fn connections_spread_over_addresses_and_fall_back() {
    let address = |last: u8| SocketAddr::from(([10, 0, 0, last], 80));
    let v6: SocketAddr = "[::1]:80".parse().unwrap();
    let source: IpAddr = "127.0.0.9".parse().unwrap();
    run_paused(async {
        let mut user = in_memory(vec![vec![Act::Read, ok("x"), Act::Hang]; 4]);
        user.connector_mut(|memory| memory.refuse = vec![v6, address(2)]);
        let url = url::Url::parse("http://a.test").unwrap();
        let origin = Origin::with_addresses(&url, vec![address(1), address(2), address(3), v6]).unwrap();
        for _ in 0..3 {
            user.session.close();
            assert_eq!(user.get(&origin, "/").await.unwrap().connects, 1);
        }
        let tried: Vec<_> = user.client_connector().connected_to.borrow().iter().map(|(to, _)| *to).collect();
        assert_eq!(tried, [address(1), address(2), address(3), address(3)]);
        // A user with an address of its own connects from it, to addresses of its family.
        user.session = squall_http::Session::new(Some(source));
        let origin = Origin::with_addresses(&url, vec![v6, address(1)]).unwrap();
        user.get(&origin, "/").await.unwrap();
        assert_eq!(user.client_connector().connected_to.borrow().last(), Some(&(address(1), Some(source))));
    });
}

#[test]
fn users_of_a_thread_do_not_mix_up_their_bytes() {
    run_paused(async {
        let response = |name: &str| {
            vec![
                Act::Read,
                say("HTTP/1.1 200 OK\r\nX-Na"),
                Act::Wait(10),
                say(&format!("me: {name}\r\nContent-Length: 2\r\n\r\n")),
                Act::Wait(10),
                say(name),
                Act::Hang,
            ]
        };
        let names: Vec<String> = (10..30).map(|n| n.to_string()).collect();
        let user = in_memory(names.iter().map(|name| response(name)).collect());
        let origin = origin("http://a.test", anywhere());
        let client = &user.client;
        let clock = &user.clock;
        let one = |name: &'_ str| {
            let (origin, name) = (&origin, name.to_owned());
            async move {
                let mut session = squall_http::Session::default();
                let mut captured = client.lend_captured();
                let timer = Timer::new(std::rc::Rc::clone(clock));
                session.send(client, &get(origin), &timer, Some(&mut captured)).await.unwrap();
                assert_eq!(captured.body(), name.as_bytes());
                assert_eq!(captured.header("x-name"), Some(name.as_bytes()));
                client.give_back(captured);
            }
        };
        let mut all: Vec<_> = names.iter().map(|name| Box::pin(one(name))).collect();
        std::future::poll_fn(|cx| {
            all.retain_mut(|user| user.as_mut().poll(cx).is_pending());
            if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        // What is lent again has forgotten whose it was.
        let lent = client.lend_captured();
        assert!(lent.head().is_empty() && lent.body().is_empty());
    });
}
