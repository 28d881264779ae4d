//! What users and requests cost: bytes held by an idle user, and allocations per request.

use std::io::{Read, Write};
use std::mem::{size_of, size_of_val};
use std::net::SocketAddr;
use std::time::Duration;

use squall_http::{Captured, ClientConfig, Method, Request, Session, TcpConnector};
use squall_testkit::alloc;

use crate::support::*;

type Responses = &'static [&'static [&'static str]];

/// Answers the requests of each connection with these responses in turn, each in pieces a moment apart; in threads of its own, so that what it
/// allocates is not the client's.
fn thread_server(responses: Responses) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            std::thread::spawn(move || {
                let mut bytes = vec![0; 64 << 10];
                let mut held = 0;
                let mut turns = responses.iter().cycle();
                loop {
                    match stream.read(&mut bytes[held..]) {
                        Ok(0) | Err(_) => return,
                        Ok(n) => held += n,
                    }
                    if !bytes[..held].windows(4).any(|end| end == b"\r\n\r\n") {
                        continue;
                    }
                    held = 0;
                    for (index, piece) in turns.next().unwrap().iter().enumerate() {
                        if index > 0 {
                            std::thread::sleep(Duration::from_millis(2));
                        }
                        if stream.write_all(piece.as_bytes()).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    address
}

/// Allocations and requests of a warmed-up user.
fn allocations(responses: Responses, requests: u64, captures: bool, body: Option<&[u8]>) -> u64 {
    alloc::assert_installed();
    let address = thread_server(responses);
    run(async {
        let mut user = User::tcp(ClientConfig::default());
        let origin = origin("http://a.test/api", address);
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let request =
            Request { method, body, headers: b"Accept: */*\r\n", target: b"/x?y=1", ..get(&origin) };
        let mut captured = Captured::default();
        let mut before = alloc::this_thread();
        for turn in 0..requests + 10 {
            if turn == 10 {
                before = alloc::this_thread();
            }
            let out = captures.then_some(&mut captured);
            let exchange = user.session.send(&user.client, &request, &user.timer, out).await.unwrap();
            assert_eq!((exchange.status, exchange.reused), (200, turn > 0));
        }
        (alloc::this_thread() - before).allocations
    })
}

const PLAIN: &str = "HTTP/1.1 200 OK\r\nServer: x\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/plain\r\n\
    Content-Length: 12\r\n\r\nhello world\n";

#[test]
fn a_plain_request_allocates_nothing() {
    assert_eq!(allocations(&[&[PLAIN]], 1000, false, None), 0);
    assert_eq!(allocations(&[&[PLAIN]], 1000, false, Some(b"{\"a\": 1}")), 0);
}

#[test]
fn nor_does_one_with_a_split_head_a_known_cookie_or_a_capture() {
    let split: Responses = &[&["HTTP/1.1 200 OK\r\nContent-", "Length: 4\r\n\r\nte", "xt"], &[PLAIN]];
    assert_eq!(allocations(split, 20, false, None), 0);
    assert_eq!(allocations(split, 20, true, None), 0);
    let cookie: Responses = &[&["HTTP/1.1 200 OK\r\nSet-Cookie: session=abc; Path=/; Max-Age=60; \
        Expires=Wed, 21 Oct 2099 07:28:00 GMT; HttpOnly\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"]];
    assert_eq!(allocations(cookie, 100, false, None), 0);
    assert_eq!(allocations(cookie, 100, true, None), 0);
}

#[test]
fn an_idle_user_costs_little() {
    alloc::assert_installed();
    const USERS: usize = 200;
    let address = thread_server(&[&["HTTP/1.1 200 OK\r\nContent-", "Length: 4\r\n\r\ntext"]]);
    run(async {
        let user = User::tcp(ClientConfig::default());
        let origin = origin("http://a.test", address);
        let mut users: Vec<Box<Session>> = Vec::with_capacity(USERS);
        // The first one pays for what the thread shares.
        let mut before = alloc::this_thread();
        for turn in 0..=USERS {
            if turn == 1 {
                before = alloc::this_thread();
            }
            let mut session = Box::new(Session::default());
            session.send(&user.client, &get(&origin), &user.timer, None).await.unwrap();
            assert_eq!(session.connection_count(), 1);
            users.push(session);
        }
        let each = (alloc::this_thread() - before).live_bytes() / USERS as i64;
        assert!(each > 0 && each <= 2048, "{each} bytes");
    });
}

#[test]
fn sessions_and_futures_are_small() {
    run(async {
        let mut user = User::tcp(ClientConfig::default());
        let origin = origin("http://a.test", anywhere());
        let request = get(&origin);
        let future = user.session.send(&user.client, &request, &user.timer, None);
        assert!(size_of_val(&future) <= 512, "{}", size_of_val(&future));
        assert!(size_of::<Session<TcpConnector>>() <= 320, "{}", size_of::<Session<TcpConnector>>());
    });
}
