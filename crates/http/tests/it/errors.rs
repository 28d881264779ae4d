//! Every way to fail, and its class.

use proptest::prelude::*;
use squall_core::{ErrorClass, Nanos};
use squall_http::{ClientConfig, Failure, FailureDetail, Method, Request, Tls};

use crate::support::*;

fn fail(script: Vec<Act>) -> Failure {
    fail_with(ClientConfig::default(), script)
}

/// The failure of a GET against a scripted server on the loopback.
fn fail_with(config: ClientConfig, script: Vec<Act>) -> Failure {
    run(async {
        let (address, _) = serve(vec![script]).await;
        let mut user = User::tcp(config);
        let failure = user.get(&origin("http://a.test", address), "/").await.unwrap_err();
        // A broken connection is never used again, and nothing is left in flight.
        assert_eq!(user.session.connection_count(), 0);
        assert_eq!(user.session.in_flight(), None);
        assert!(failure.exchange.done >= failure.exchange.sent);
        failure
    })
}

#[test]
fn misbehaving_servers_are_classified() {
    let filler = format!("X-Filler: {}\r\n", "x".repeat(1000));
    let small = || ClientConfig { max_body: 1000, ..ClientConfig::default() };
    let gzip = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello";
    for (name, config, last, class) in [
        ("nothing", small(), vec![Act::Close], ErrorClass::ClosedEarly),
        ("a reset", small(), vec![Act::Reset], ErrorClass::Reset),
        ("half a head", small(), vec![say("HTTP/1.1 200 OK\r\nCont"), Act::Close], ErrorClass::ClosedEarly),
        (
            "half a body",
            small(),
            vec![say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), Act::Close],
            ErrorClass::ClosedEarly,
        ),
        (
            "half a chunk",
            small(),
            vec![say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx"), Act::Close],
            ErrorClass::ClosedEarly,
        ),
        ("another protocol", small(), vec![say("SSH-2.0-OpenSSH_9.6\r\n"), Act::Hang], ErrorClass::Protocol),
        ("noise", small(), vec![Act::Say(vec![0x16, 3, 1, 0, 0, 255]), Act::Hang], ErrorClass::Protocol),
        ("an upgrade", small(), vec![say("HTTP/1.1 101 Switching\r\n\r\n"), Act::Hang], ErrorClass::Protocol),
        (
            "a bad length",
            small(),
            vec![say("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), Act::Hang],
            ErrorClass::Protocol,
        ),
        (
            "a bad chunk",
            small(),
            vec![say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz"), Act::Hang],
            ErrorClass::Protocol,
        ),
        (
            "an endless head",
            small(),
            vec![say(&format!("HTTP/1.1 200 OK\r\n{}", filler.repeat(100))), Act::Hang],
            ErrorClass::HeadTooLarge,
        ),
        (
            "too many headers",
            small(),
            vec![say(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(200))), Act::Hang],
            ErrorClass::HeadTooLarge,
        ),
        (
            "an endless body",
            small(),
            vec![say(&format!("HTTP/1.1 200 OK\r\n\r\n{}", filler.repeat(10))), Act::Hang],
            ErrorClass::BodyTooLarge,
        ),
        (
            "an announced flood",
            small(),
            vec![say("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"), Act::Hang],
            ErrorClass::BodyTooLarge,
        ),
        ("false gzip", small(), vec![say(gzip), Act::Hang], ErrorClass::Decode),
    ] {
        let failure = run_named(name, config, last);
        assert_eq!(failure.class, class, "{name}: {failure}");
        assert!(failure.fully_written, "{name}");
        assert_eq!(failure.exchange.attempts, 1, "{name}");
        assert!(failure.to_string().len() > class.name().len() + 2, "{name}: {failure}");
    }
}

fn run_named(name: &str, config: ClientConfig, last: Vec<Act>) -> Failure {
    if name == "false gzip" {
        // The response itself is sound: the connection is kept.
        return run(async {
            let (address, _) = serve(vec![[vec![Act::Read], last].concat()]).await;
            let mut user = User::tcp(config);
            let failure = user.get(&origin("http://a.test", address), "/").await.unwrap_err();
            assert_eq!((failure.exchange.status, user.session.connection_count()), (200, 1));
            failure
        });
    }
    fail_with(config, [vec![Act::Read], last].concat())
}

#[test]
fn garbled_bodies_nobody_looks_at_are_no_failure() {
    run(async {
        let gzip = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello";
        let (address, _) = serve(vec![vec![Act::Read, say(gzip), Act::Hang]]).await;
        let mut user = User::tcp(ClientConfig::default());
        let origin = origin("http://a.test", address);
        let exchange = user.session.send(&user.client, &get(&origin), &user.timer, None).await.unwrap();
        assert_eq!(exchange.status, 200);
    });
}

#[test]
fn a_closed_port_refuses() {
    run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut user = User::tcp(ClientConfig::default());
        let failure = user.get(&origin("http://a.test", address), "/").await.unwrap_err();
        assert_eq!((failure.class, failure.fully_written), (ErrorClass::ConnectRefused, false));
        assert_eq!((failure.exchange.attempts, failure.exchange.sent), (0, Nanos::ZERO));
        assert!(matches!(failure.detail, FailureDetail::Io(_)));
    });
}

#[test]
fn a_source_address_this_machine_lacks_is_our_own_fault() {
    run(async {
        let (address, _) = serve(vec![vec![Act::Read, ok("x"), Act::Hang]]).await;
        let mut user = User::tcp(ClientConfig::default());
        let origin = origin("http://a.test", address);
        // 192.0.2.0/24 is reserved for documentation: no machine has it.
        user.session = squall_http::Session::new(Some("192.0.2.1".parse().unwrap()));
        assert_eq!(user.get(&origin, "/").await.unwrap_err().class, ErrorClass::Generator);
        user.session = squall_http::Session::new(Some("::1".parse().unwrap()));
        assert_eq!(user.get(&origin, "/").await.unwrap_err().class, ErrorClass::Generator);
        user.session = squall_http::Session::new(Some("127.0.0.2".parse().unwrap()));
        assert_eq!(user.get(&origin, "/").await.unwrap().status, 200);
    });
}

#[test]
fn connecting_is_bounded_by_the_sooner_of_two_limits() {
    for (connect_ms, deadline_ms, class) in
        [(100, 5000, ErrorClass::ConnectTimeout), (5000, 100, ErrorClass::Timeout)]
    {
        run_paused(async {
            let connect_timeout = Nanos::from_millis(connect_ms);
            let mut user =
                in_memory_with(ClientConfig { connect_timeout, ..ClientConfig::default() }, Vec::new());
            let origin = origin("http://a.test", anywhere());
            let begun = user.clock.now();
            let deadline = begun + Nanos::from_millis(deadline_ms);
            let failure = user.send(Request { deadline, ..get(&origin) }).await.unwrap_err();
            assert_eq!((failure.class, failure.fully_written), (class, false));
            let took = failure.exchange.done - begun;
            assert!(took >= Nanos::from_millis(100) && took < Nanos::from_millis(110), "{took}");
        });
    }
}

#[test]
fn the_connect_timeout_ends_with_connecting() {
    run_paused(async {
        let connect_timeout = Nanos::from_millis(100);
        let config = ClientConfig { connect_timeout, ..ClientConfig::default() };
        let mut user = in_memory_with(config, vec![vec![Act::Read, Act::Wait(500), ok("late"), Act::Hang]]);
        assert_eq!(user.get(&origin("http://a.test", anywhere()), "/").await.unwrap().status, 200);
    });
}

#[test]
fn the_deadline_covers_the_whole_request() {
    let chunk = |ms| {
        [Act::Wait(ms), say("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), Act::Read]
    };
    for script in [
        vec![Act::Hang],
        vec![Act::Read, Act::Hang],
        vec![Act::Read, say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), Act::Hang],
        // Each hop is quick enough, all together are not.
        [vec![Act::Read], chunk(400).to_vec(), chunk(400).to_vec(), chunk(400).to_vec()].concat(),
    ] {
        run_paused(async {
            let mut user = in_memory(vec![script.clone()]);
            let origin = origin("http://a.test", anywhere());
            let begun = user.clock.now();
            let deadline = begun + Nanos::SECOND;
            let failure = user.send(Request { deadline, ..get(&origin) }).await.unwrap_err();
            assert_eq!((failure.class, failure.fully_written), (ErrorClass::Timeout, true), "{script:?}");
            let took = failure.exchange.done - begun;
            assert!(took >= Nanos::SECOND && took < Nanos::from_millis(1010), "{took}");
            assert_eq!(user.session.connection_count(), 0);
        });
    }
}

#[test]
fn a_server_that_takes_nothing_times_out_before_it_is_written() {
    run_paused(async {
        let mut user = in_memory(vec![vec![Act::Hang]]);
        let origin = origin("http://a.test", anywhere());
        let body = vec![b'x'; 1 << 20];
        let deadline = user.in_secs(1);
        let request = Request { method: Method::POST, body: Some(&body), deadline, ..get(&origin) };
        let failure = user.send(request).await.unwrap_err();
        assert_eq!((failure.class, failure.fully_written), (ErrorClass::Timeout, false));
        assert_eq!(failure.exchange.attempts, 0);
        assert!(failure.exchange.bytes_out > 0 && failure.exchange.bytes_out < 1 << 20);
    });
}

#[test]
fn https_without_tls_settings_fails_politely() {
    run(async {
        let (address, _) = serve(vec![vec![Act::Hang]]).await;
        let mut user = User::new(ClientConfig::default(), Tls::disabled(), squall_http::TcpConnector);
        let failure = user.get(&origin("https://a.test", address), "/").await.unwrap_err();
        assert_eq!(failure.class, ErrorClass::Tls);
    });
}

#[test]
fn the_user_goes_on_after_a_failure() {
    run(async {
        let (address, _) = serve(vec![
            vec![Act::Read, say("nonsense\r\n"), Act::Hang],
            vec![Act::Read, ok("fine"), Act::Hang],
        ])
        .await;
        let mut user = User::tcp(ClientConfig::default());
        let origin = origin("http://a.test", address);
        assert_eq!(user.get(&origin, "/").await.unwrap_err().class, ErrorClass::Protocol);
        assert_eq!(user.get(&origin, "/").await.unwrap().status, 200);
        assert_eq!(user.captured.body(), b"fine");
        // What an earlier response left behind is not taken for this one's.
        let deadline = user.clock.now() + Nanos::from_millis(50);
        let failure = user.send(Request { deadline, ..get(&origin) }).await.unwrap_err();
        assert_eq!(
            (failure.class, user.captured.head(), user.captured.body()),
            (ErrorClass::Timeout, &b""[..], &b""[..])
        );
    });
}

#[test]
fn failures_on_a_fresh_connection_are_not_retried() {
    assert_eq!(fail(vec![Act::Read, Act::Close]).exchange.retries, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Whatever a server says, and in whatever pieces, a request ends: with a response, or with a failure of the
    /// server's; and the user can go on.
    #[test]
    fn every_request_ends(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..20),
                prop::sample::select(vec![
                    "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: /\r\n",
                    "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Content-Encoding: br\r\n", "\r\n",
                    "3\r\nabc\r\n", "0\r\n\r\n", "abc", "Connection: close\r\n", "Set-Cookie: a=b; path=/\r\n",
                ]).prop_map(|text| text.as_bytes().to_vec()),
            ],
            0..8,
        ),
        closes in any::<bool>(),
    ) {
        let mut script = vec![Act::Read];
        script.extend(pieces.into_iter().flat_map(|piece| [Act::Say(piece), Act::Wait(1)]));
        script.push(if closes { Act::Close } else { Act::Hang });
        run_paused(async {
            let mut user = in_memory(vec![script; 2]);
            let origin = origin("http://a.test", anywhere());
            match user.get(&origin, "/").await {
                Ok(exchange) => assert!(exchange.status >= 200 && exchange.done >= exchange.first_byte),
                Err(failure) => assert!(!matches!(
                    failure.class,
                    ErrorClass::Generator | ErrorClass::Dns | ErrorClass::ConnectFailed | ErrorClass::Tls
                )),
            }
            user.session.close();
            user.connector_mut(|memory| *memory = Memory::new(vec![vec![Act::Read, ok("fine"), Act::Hang]]));
            assert_eq!(user.get(&origin, "/").await.unwrap().status, 200);
            assert_eq!(user.captured.body(), b"fine");
        });
    }
}
