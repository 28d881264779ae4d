//! A service for one test, and a client of a few lines that shares no code with it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use squall_muejam::{AuthConfig, Config, LimitMode, Limits, Running, SeedConfig, spawn};

/// What most tests want: test tokens, no limits, few rows.
pub(crate) fn config() -> Config {
    Config {
        auth: AuthConfig {
            test_auth: true,
            test_jwt_secret: Some("test_secret".into()),
            ..AuthConfig::default()
        },
        limits: Limits { mode: LimitMode::Off, ..Limits::default() },
        seed: SeedConfig { users: 6, stories: 40, ..SeedConfig::default() },
        ..Config::default()
    }
}

/// A running service, gone when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    // Dropped in this order: asked to stop, then the runtime it stops on.
    running: Running,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    pub(crate) fn start(config: Config) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let running = runtime.block_on(spawn(config, "127.0.0.1:0".parse().unwrap())).unwrap();
        Self { address: running.address(), running, runtime }
    }

    /// Ends it as a user would; its log is complete then.
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.running.stop()).unwrap();
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// A request of the test user `who`, with a JSON body unless it is empty.
    pub(crate) fn call(&self, who: &str, method: &str, path: &str, body: &str) -> Answer {
        let authorization = format!("Bearer test_{who}");
        self.send(
            method,
            path,
            &[("Authorization", &authorization), ("Content-Type", "application/json")],
            body,
        )
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        send(self.address, method, path, headers, body)
    }
}

pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    raw(address, text.as_bytes())
}

/// Sends bytes as they are and reads to the end.
pub(crate) fn raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server that refuses early may close before all is written; its answer is still there to read.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut block = [0; 16 * 1024];
    loop {
        match stream.read(&mut block) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&block[..n]),
            Err(error) if answer.is_empty() => panic!("no answer: {error}"),
            Err(_) => break,
        }
    }
    Answer::parse(&answer)
}

/// An answer taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an end of headers");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pair = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Self { status, headers: lines.map(pair).collect(), body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The JSON body; fails the test unless the status is `status`.
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of an error envelope with this status.
    pub(crate) fn code(&self, status: u16) -> String {
        self.json(status)["error"]["code"].as_str().unwrap_or_else(|| panic!("{}", self.text())).to_owned()
    }
}

/// The names of an object's fields, sorted.
pub(crate) fn fields(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
