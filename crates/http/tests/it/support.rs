//! A clock and a deadline on tokio's time, in-memory and scripted servers.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use squall_core::Nanos;
use squall_http::{Captured, Client, ClientConfig, Connector, Deadline, Exchange, Failure, Method, Origin};
use squall_http::{Request, Session, TcpConnector, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;
use url::Url;

/// Run time on tokio's clock, which a test may pause.
pub(crate) fn clock() -> Rc<dyn squall_http::Clock> {
    // Starts at 1 s, so that a zero in a result stands out as "never".
    let start = tokio_now();
    Rc::new(move || Nanos::SECOND + Nanos::from(tokio_now() - start))
}

#[expect(clippy::disallowed_methods, reason = "the test's clock, which tokio may pause")]
fn tokio_now() -> Instant {
    Instant::now()
}

/// One re-armable sleep.
pub(crate) struct Timer {
    clock: Rc<dyn squall_http::Clock>,
    at: Cell<Nanos>,
    sleep: RefCell<Option<Pin<Box<tokio::time::Sleep>>>>,
}

impl Timer {
    pub(crate) fn new(clock: Rc<dyn squall_http::Clock>) -> Self {
        Self { clock, at: Cell::new(Nanos::MAX), sleep: RefCell::new(None) }
    }
}

impl Deadline for Timer {
    fn arm(&self, at: Nanos) {
        self.at.set(at);
        *self.sleep.borrow_mut() = None;
    }

    fn poll_expired(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.at.get() == Nanos::MAX {
            return Poll::Pending;
        }
        let left = self.at.get() - self.clock.now();
        let mut sleep = self.sleep.borrow_mut();
        sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(left.into()))).as_mut().poll(cx)
    }
}

/// A user with all it needs.
pub(crate) struct User<C: Connector = TcpConnector> {
    pub(crate) clock: Rc<dyn squall_http::Clock>,
    pub(crate) client: Client<C>,
    pub(crate) session: Session<C>,
    pub(crate) timer: Timer,
    pub(crate) captured: Captured,
}

impl User {
    pub(crate) fn tcp(config: ClientConfig) -> Self {
        Self::new(config, Tls::disabled(), TcpConnector)
    }
}

impl<C: Connector> User<C> {
    pub(crate) fn new(config: ClientConfig, tls: Tls, connector: C) -> Self {
        let clock = clock();
        Self {
            client: Client::new(config, tls, connector, Rc::clone(&clock), std::time::SystemTime::now()),
            session: Session::default(),
            timer: Timer::new(Rc::clone(&clock)),
            captured: Captured::default(),
            clock,
        }
    }

    pub(crate) async fn send(&mut self, request: Request<'_>) -> Result<Exchange, Failure> {
        self.session.send(&self.client, &request, &self.timer, Some(&mut self.captured)).await
    }

    pub(crate) async fn get(&mut self, origin: &Origin, target: &str) -> Result<Exchange, Failure> {
        let request = Request { target: target.as_bytes(), deadline: self.in_secs(5), ..get(origin) };
        self.send(request).await
    }

    pub(crate) fn in_secs(&self, secs: u64) -> Nanos {
        self.clock.now() + Nanos::from_secs(secs)
    }
}

/// A user whose connections are in memory: the nth one plays the nth script, further ones are never established.
pub(crate) fn in_memory(scripts: Vec<Vec<Act>>) -> User<Memory> {
    in_memory_with(ClientConfig::default(), scripts)
}

pub(crate) fn in_memory_with(config: ClientConfig, scripts: Vec<Vec<Act>>) -> User<Memory> {
    User::new(config, Tls::disabled(), Memory::new(scripts))
}

impl User<Memory> {
    pub(crate) fn client_connector(&self) -> &Memory {
        self.client.connector()
    }

    pub(crate) fn client_log(&self) -> Log {
        Rc::clone(&self.client.connector().log)
    }

    pub(crate) fn connector_mut(&mut self, change: impl FnOnce(&mut Memory)) {
        change(self.client.connector_mut());
    }
}

/// An address nobody is asked about.
pub(crate) fn anywhere() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 80))
}

/// `GET /`, following redirects, without end.
pub(crate) fn get(origin: &Origin) -> Request<'_> {
    Request {
        method: Method::GET,
        origin,
        target: b"/",
        headers: b"",
        host: None,
        body: None,
        follow: true,
        deadline: Nanos::MAX,
    }
}

pub(crate) fn origin(url: &str, address: SocketAddr) -> Origin {
    Origin::with_addresses(&Url::parse(url).unwrap(), vec![address]).unwrap()
}

/// What a scripted server does on one connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Read one request: its head, and a body as `Content-Length` says.
    Read,
    /// Read the head of a request, leave its body.
    ReadHead,
    /// Send these bytes.
    Say(Vec<u8>),
    /// Wait, then go on.
    Wait(u64),
    /// Close in an orderly way.
    Close,
    /// Close so that the peer sees a reset.
    Reset,
    /// Drop this many bytes, those already read included.
    Swallow(usize),
    /// Keep the connection open and silent.
    Hang,
}

pub(crate) fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

pub(crate) fn ok(body: &str) -> Act {
    say(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// Everything the scripted server read, one entry per request.
pub(crate) type Log = Rc<RefCell<Vec<String>>>;

/// Serves one script per connection, in order; listens on the loopback.
pub(crate) async fn serve(scripts: Vec<Vec<Act>>) -> (SocketAddr, Log) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log = Log::default();
    let seen = Rc::clone(&log);
    tokio::task::spawn_local(async move {
        for script in scripts {
            let (stream, _) = listener.accept().await.unwrap();
            let seen = Rc::clone(&seen);
            tokio::task::spawn_local(async move {
                let resets = script.iter().any(|act| matches!(act, Act::Reset));
                let mut stream = stream;
                play(&mut stream, script, &seen).await;
                if resets {
                    stream.set_zero_linger().unwrap();
                }
            });
        }
    });
    (address, log)
}

pub(crate) async fn play<S>(stream: &mut S, script: Vec<Act>, log: &Log)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut held = Vec::new();
    for act in script {
        match act {
            Act::Read | Act::ReadHead => {
                let Some(text) = read_request(stream, &mut held, matches!(act, Act::Read)).await else {
                    return;
                };
                log.borrow_mut().push(text);
            }
            // The client may have gone: that is a finding of the test, not of the server.
            Act::Say(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
            }
            Act::Wait(ms) => tokio::time::sleep(std::time::Duration::from_millis(ms)).await,
            Act::Swallow(count) => {
                let mut bytes = vec![0; count - held.len()];
                held.clear();
                stream.read_exact(&mut bytes).await.unwrap();
            }
            Act::Close | Act::Reset => return,
            Act::Hang => std::future::pending().await,
        }
    }
}

async fn read_request<S>(stream: &mut S, held: &mut Vec<u8>, with_body: bool) -> Option<String>
where
    S: tokio::io::AsyncRead + Unpin,
{
    loop {
        let text = String::from_utf8_lossy(held).into_owned();
        if let Some(end) = text.find("\r\n\r\n").map(|at| at + 4) {
            let length = text[..end].lines().find_map(|line| line.strip_prefix("Content-Length: "));
            let length: usize = length.filter(|_| with_body).map_or(0, |digits| digits.parse().unwrap());
            if held.len() >= end + length {
                held.drain(..end + length);
                return Some(text[..end + length].to_owned());
            }
        }
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => held.extend_from_slice(&bytes[..n]),
        }
    }
}

/// Connections in memory: the nth one plays the nth script.
pub(crate) struct Memory {
    pub(crate) scripts: RefCell<std::vec::IntoIter<Vec<Act>>>,
    pub(crate) log: Log,
    pub(crate) connected_to: RefCell<Vec<(SocketAddr, Option<IpAddr>)>>,
    /// Answers to `resolve`, by name.
    pub(crate) names: Vec<(&'static str, SocketAddr)>,
    pub(crate) resolved: Cell<u32>,
    /// Errors of `connect`, by address.
    pub(crate) refuse: Vec<SocketAddr>,
    /// Bytes in flight per direction.
    pub(crate) capacity: usize,
}

impl Memory {
    pub(crate) fn new(scripts: Vec<Vec<Act>>) -> Self {
        Self {
            scripts: RefCell::new(scripts.into_iter()),
            log: Log::default(),
            connected_to: RefCell::default(),
            names: Vec::new(),
            resolved: Cell::new(0),
            refuse: Vec::new(),
            capacity: 64 << 10,
        }
    }
}

impl Connector for Memory {
    type Stream = DuplexStream;

    async fn connect(&self, address: SocketAddr, source: Option<IpAddr>) -> io::Result<DuplexStream> {
        self.connected_to.borrow_mut().push((address, source));
        if self.refuse.contains(&address) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let Some(script) = self.scripts.borrow_mut().next() else { return std::future::pending().await };
        let (client, mut server) = tokio::io::duplex(self.capacity);
        let log = Rc::clone(&self.log);
        tokio::task::spawn_local(async move { play(&mut server, script, &log).await });
        Ok(client)
    }

    async fn resolve(&self, host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
        self.resolved.set(self.resolved.get() + 1);
        if host == "slow.test" {
            std::future::pending::<()>().await;
        }
        let found = self.names.iter().find(|(name, _)| *name == host);
        found.map(|(_, address)| vec![*address]).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Runs a test body with local tasks, on real time.
pub(crate) fn run<F: Future>(body: F) -> F::Output {
    runtime(false, body)
}

/// Runs a test body with local tasks, on paused time: for in-memory servers only.
pub(crate) fn run_paused<F: Future>(body: F) -> F::Output {
    runtime(true, body)
}

fn runtime<F: Future>(paused: bool, body: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, body)
}
