//! A TCP server that misbehaves exactly as told, one thread per connection.
//!
//! It does not understand HTTP beyond "a head ends with an empty line" and `Content-Length` of a request. What it sends is
//! the script's bytes, right or wrong.
//!
//! Invariants: it listens on a free loopback port; every wait is bounded by the server's life, so dropping it ends all
//! its threads within about 20 ms, even in the middle of a stall or an endless body.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// One thing a scripted connection does; a script ends with the connection closed.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads up to the end of a request head and of the body its `Content-Length` announces; counts one request.
    ///
    /// If the client closes instead, the script ends here.
    ReadRequest,
    /// Sends these bytes in one write.
    Send(Vec<u8>),
    /// Sends the bytes `chunk` at a time (at least one) with a pause after each.
    Trickle {
        /// What to send.
        bytes: Vec<u8>,
        /// How many bytes at a time.
        chunk: usize,
        /// How long to wait after each.
        pause: Duration,
    },
    /// Sends the same bytes over and over until the client goes away: endless headers, endless bodies.
    Endless(Vec<u8>),
    /// Does nothing for this long, reading nothing either.
    Stall(Duration),
    /// Keeps the connection open and silent until the client closes it.
    Hang,
    /// Starts the script again on the same connection, as a keep-alive server does.
    Again,
    /// Closes the sending side and the connection (FIN).
    Close,
    /// Closes with a reset (`SO_LINGER` of zero, RST).
    Reset,
}

impl Step {
    /// [`Step::Send`] of a text.
    #[must_use]
    pub fn send(text: &str) -> Self {
        Self::Send(text.as_bytes().to_vec())
    }

    /// [`Step::Send`] of a complete `200 OK` with this body and a right `Content-Length`.
    #[must_use]
    pub fn ok(body: &str) -> Self {
        Self::Send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }

    /// [`Step::Send`] of bytes that are no HTTP: a fixed sequence of all values, `length` long.
    #[must_use]
    pub fn garbage(length: usize) -> Self {
        Self::Send((0..length).map(|i| (i.wrapping_mul(167) ^ 0xa5) as u8).collect())
    }
}

/// A scripted server; it stops when dropped.
#[derive(Debug)]
pub struct ScriptedServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    /// Starts a server that plays `script` on every connection.
    ///
    /// # Panics
    /// If no loopback port can be had.
    #[must_use]
    pub fn start(script: Vec<Step>) -> Self {
        Self::start_each(vec![script])
    }

    /// Starts a server whose n-th connection plays the n-th script, and every further one the last.
    ///
    /// # Panics
    /// If `scripts` is empty or no loopback port can be had.
    #[must_use]
    pub fn start_each(scripts: Vec<Vec<Step>>) -> Self {
        assert!(!scripts.is_empty(), "a scripted server needs a script");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared::default());
        let for_acceptor = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept_all(&listener, &scripts, &for_acceptor));
        Self { addr, shared, acceptor: Some(acceptor) }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(SeqCst)
    }

    /// Requests read completely so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shared.requests().len()
    }

    /// Every request read so far, head and body, in the order of arrival.
    #[must_use]
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.shared.requests().clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        // Wakes the blocking accept.
        drop(TcpStream::connect(self.addr));
        if let Some(acceptor) = self.acceptor.take() {
            // A panicked thread has already printed why.
            let _ = acceptor.join();
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    connections: AtomicUsize,
    requests: Mutex<Vec<Vec<u8>>>,
}

impl Shared {
    fn requests(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stop.load(SeqCst)
    }

    /// Sleeps in short pieces; false if the server was stopped meanwhile.
    fn wait(&self, mut left: Duration) -> bool {
        while !left.is_zero() && !self.stopped() {
            let piece = left.min(TICK);
            std::thread::sleep(piece);
            left -= piece;
        }
        !self.stopped()
    }
}

/// How soon a waiting thread notices that the server was stopped.
const TICK: Duration = Duration::from_millis(10);

fn accept_all(listener: &TcpListener, scripts: &[Vec<Step>], shared: &Arc<Shared>) {
    let mut players = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if shared.stopped() {
            break;
        }
        let index = shared.connections.fetch_add(1, SeqCst);
        let script = scripts[index.min(scripts.len() - 1)].clone();
        let shared = Arc::clone(shared);
        players.push(std::thread::spawn(move || Player { stream, unread: Vec::new(), shared }.play(&script)));
    }
    for player in players {
        let _ = player.join();
    }
}

/// One connection: `None` from a step means that the client went away or the server was stopped.
struct Player {
    stream: TcpStream,
    unread: Vec<u8>,
    shared: Arc<Shared>,
}

impl Player {
    fn play(mut self, script: &[Step]) {
        let bounded = self.stream.set_read_timeout(Some(TICK)).and(self.stream.set_write_timeout(Some(TICK)));
        if bounded.is_err() || self.stream.set_nodelay(true).is_err() {
            return;
        }
        while let Some(true) = self.play_once(script) {}
    }

    /// True if the script asks to be played again.
    fn play_once(&mut self, script: &[Step]) -> Option<bool> {
        for step in script {
            match step {
                Step::ReadRequest => self.read_request()?,
                Step::Send(bytes) => self.send(bytes)?,
                Step::Trickle { bytes, chunk, pause } => {
                    for piece in bytes.chunks((*chunk).max(1)) {
                        self.send(piece)?;
                        self.shared.wait(*pause).then_some(())?;
                    }
                }
                Step::Endless(bytes) => loop {
                    self.send(bytes)?;
                },
                Step::Stall(time) => self.shared.wait(*time).then_some(())?,
                Step::Hang => while self.read_more().is_some() {},
                Step::Again => return Some(true),
                Step::Close => {
                    // Fails only if the client closed first, and then the aim is reached.
                    let _ = self.stream.shutdown(Shutdown::Write);
                    return None;
                }
                Step::Reset => {
                    let lingering = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
                    debug_assert!(lingering.is_ok(), "SO_LINGER can be set on a TCP socket");
                    return None;
                }
            }
        }
        None
    }

    fn read_request(&mut self) -> Option<()> {
        loop {
            if let Some(length) = request_length(&self.unread)
                && self.unread.len() >= length
            {
                let rest = self.unread.split_off(length);
                self.shared.requests().push(std::mem::replace(&mut self.unread, rest));
                return Some(());
            }
            self.read_more()?;
        }
    }

    /// Reads what has come, waiting for at least one byte.
    fn read_more(&mut self) -> Option<()> {
        let mut buffer = [0; 4096];
        while !self.shared.stopped() {
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(n) => {
                    self.unread.extend_from_slice(&buffer[..n]);
                    return Some(());
                }
                Err(e) if is_timeout(e.kind()) => {}
                Err(_) => return None,
            }
        }
        None
    }

    fn send(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() && !self.shared.stopped() {
            match self.stream.write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if is_timeout(e.kind()) => {}
                Err(_) => return None,
            }
        }
        (!self.shared.stopped()).then_some(())
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Length of the first request in `bytes`, head and body, once its head is complete.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let body = String::from_utf8_lossy(&bytes[..head])
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0);
    Some(head + body)
}
