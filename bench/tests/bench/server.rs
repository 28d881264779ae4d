//! Exact counting, over real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use squall_bench::server::{Config, Log, monotonic_ns, spawn};

/// A client so simple that its own count cannot be wrong.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

pub(crate) struct Reply {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: &str) {
        self.stream.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    pub(crate) fn reply(&mut self, has_body: bool) -> Reply {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).unwrap(), 0, "closed after {head:?}");
        }
        let length = head.lines().find_map(|l| l.strip_prefix("Content-Length: "));
        let length = length.filter(|_| has_body).map_or(0, |l| l.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        Reply { head, body }
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n"));
        self.reply(true)
    }

    fn is_closed(&mut self) -> bool {
        self.stream.read(&mut [0]).unwrap() == 0
    }
}

fn counts(log: &Log, path: &str) -> (u64, u64) {
    log.path(path).map_or((0, 0), |p| (p.received, p.answered))
}

#[test]
fn counts_every_request_of_many_clients() {
    const CLIENTS: usize = 20;
    const EACH: usize = 500;
    let server = spawn(Config::default()).unwrap();
    let addr = server.addr();
    std::thread::scope(|scope| {
        for c in 0..CLIENTS {
            scope.spawn(move || {
                let mut client = Client::connect(addr);
                for i in 0..EACH {
                    let path = if i % 5 == 0 { "/status/503/e" } else { ["/a", "/b"][c % 2] };
                    let reply = client.get(&format!("{path}?n={i}"));
                    assert_eq!(reply.body.len(), 512);
                    assert_eq!(reply.head.contains(" 503 "), i % 5 == 0, "{}", reply.head);
                }
            });
        }
    });
    let log = server.stop().unwrap();
    let total = (CLIENTS * EACH) as u64;
    assert_eq!((log.received, log.answered, log.malformed), (total, total, 0));
    assert_eq!(log.connections, CLIENTS as u64);
    assert_eq!(counts(&log, "/status/503/e"), (total / 5, total / 5));
    assert_eq!(counts(&log, "/a"), (total * 2 / 5, total * 2 / 5));
    assert_eq!(counts(&log, "/b"), (total * 2 / 5, total * 2 / 5));
    assert_eq!(log.time.count, total);
}

#[test]
fn understands_methods_bodies_and_closing() {
    let server = spawn(Config { body: 10, ..Config::default() }).unwrap();
    let mut client = Client::connect(server.addr());
    client.send("HEAD /h HTTP/1.1\r\n\r\n");
    let reply = client.reply(false);
    assert!(reply.head.contains("Content-Length: 10"), "{}", reply.head);

    client.send("POST /p HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc");
    let log = server.log().unwrap();
    assert_eq!(counts(&log, "/p").1, 0, "answered before the body was there");
    client.send("def");
    assert_eq!(client.reply(true).body.len(), 10);

    assert_eq!(client.get("/body/100000/big").body.len(), 100_000);
    assert!(client.get("/status/204/none").head.starts_with("HTTP/1.1 204 "));
    assert!(client.get("/close/c").head.contains("Connection: close"));
    assert!(client.is_closed());

    let mut asks = Client::connect(server.addr());
    asks.send("GET /p HTTP/1.1\r\nConnection: close\r\n\r\n");
    asks.reply(true);
    assert!(asks.is_closed());

    let mut wrong = Client::connect(server.addr());
    wrong.send("what?\r\n\r\n");
    assert!(wrong.reply(true).head.starts_with("HTTP/1.1 400 "));
    assert!(wrong.is_closed());

    let log = server.stop().unwrap();
    assert_eq!((log.received, log.answered, log.malformed, log.connections), (6, 6, 1, 3));
    assert_eq!(counts(&log, "/p"), (2, 2));
}

#[test]
fn requests_in_pieces_and_back_to_back_are_counted_once_each() {
    let server = spawn(Config::default()).unwrap();
    let mut client = Client::connect(server.addr());
    let request = "GET /x HTTP/1.1\r\nHost: bench\r\n\r\n";
    for byte in request.chars() {
        client.send(byte.encode_utf8(&mut [0; 4]));
    }
    client.reply(true);
    client.send(&format!("{request}{request}GET /delay/1ms/y HTTP/1.1\r\n\r\n{request}"));
    (0..4).for_each(|_| drop(client.reply(true)));
    let log = server.stop().unwrap();
    assert_eq!((counts(&log, "/x"), counts(&log, "/delay/1ms/y")), ((4, 4), (1, 1)));
}

#[test]
fn a_request_left_unanswered_is_received_and_not_answered() {
    let server = spawn(Config::default()).unwrap();
    let mut client = Client::connect(server.addr());
    client.send("GET /delay/3600s/x HTTP/1.1\r\n\r\n");
    while server.log().unwrap().received == 0 {
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(client);
    while server.log().unwrap().open != 0 {
        std::thread::sleep(Duration::from_millis(2));
    }
    let log = server.stop().unwrap();
    assert_eq!(counts(&log, "/delay/3600s/x"), (1, 0));
}

#[test]
fn times_lie_between_the_clients_instants() {
    let server = spawn(Config { samples: true, ..Config::default() }).unwrap();
    let mut client = Client::connect(server.addr());
    let mut instants = Vec::new();
    for _ in 0..20 {
        let before = monotonic_ns();
        client.get("/delay/5ms/x");
        instants.push((before, monotonic_ns()));
    }
    let log = server.stop().unwrap();
    assert_eq!(log.samples.len(), 20);
    for (sample, (before, after)) in log.samples.iter().zip(instants) {
        assert!(sample.read_ns >= before && sample.took_ns >= 5_000_000, "{sample:?}");
        // The client may have the answer before the server's write has returned; it cannot have it before the delay's end.
        assert!(after >= sample.read_ns + 5_000_000, "{sample:?} {after}");
    }
    assert!(log.time.min_ns >= 4_990_000, "{:?}", log.time);
}

#[test]
fn the_log_can_be_asked_for_and_is_not_counted() {
    let server = spawn(Config::default()).unwrap();
    let mut client = Client::connect(server.addr());
    client.get("/a");
    let log: Log = serde_json::from_slice(&client.get("/__log").body).unwrap();
    assert_eq!((log.received, log.answered, log.open), (1, 1, 1));
    let csv = String::from_utf8(client.get("/__log.csv").body).unwrap();
    assert!(csv.starts_with("path,received,answered,") && csv.contains("\n\"/a\",1,1,"), "{csv}");
    assert_eq!(server.stop().unwrap().received, 1);
}

#[test]
fn thousands_of_connections_are_held_open() {
    let server = spawn(Config { body: 1, ..Config::default() }).unwrap();
    let mut clients: Vec<_> = (0..3000).map(|_| Client::connect(server.addr())).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.reply(true).body, b"x");
    }
    let log = server.log().unwrap();
    assert_eq!((log.open, log.most_open, log.answered), (3000, 3000, 3000));
}
