//! A minimal HTTP/1.1 server on one thread: epoll, ready-made answers, an exact account of what it did.
//!
//! It exists to cost less than any client of it, so that a benchmark measures the client, and to be believed, so that a
//! test can hold Squall's numbers against it. It serves the paths of [`route`] and nothing else: no TLS, no chunked
//! requests, no HTTP/2. `GET /__log` answers with its [`Log`] as JSON, `GET /__log.csv` as CSV; these two are not counted.
//!
//! Invariants: everything happens on one thread in the order the kernel reports it; a request is counted once, when its
//! head is complete, and answered once, when the last byte is in the kernel's hands; connections are limited by
//! descriptors only.

mod clock;
mod config;
mod connection;
mod event_loop;
mod log;
mod request;
mod route;
mod timer;

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rustix::process::{Resource, getrlimit, setrlimit};

pub use clock::monotonic_ns;
pub use config::{Config, Stall};
pub use log::{Log, PathLog, Sample, Times};

use event_loop::{Command, EventLoop};

/// Starts a server on a thread of its own.
///
/// # Errors
/// If the address cannot be bound or the core cannot be had.
pub fn spawn(config: Config) -> io::Result<Handle> {
    raise_descriptor_limit();
    let (commands, receiver) = mpsc::channel();
    let (server, waker) = EventLoop::new(config, receiver)?;
    let addr = server.addr();
    let (report, started) = mpsc::channel();
    let thread = std::thread::Builder::new().name("bench-server".to_owned()).spawn(move || {
        let pinned = server.pin();
        let ready = pinned.is_ok();
        // The receiver waits for this one message.
        let _ = report.send(pinned);
        if ready { server.run() } else { Ok(server.into_log()) }
    })?;
    started.recv().map_err(|_| io::Error::other("the server's thread ended before it began"))??;
    Ok(Handle { addr, commands, waker, thread: Some(thread) })
}

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct Handle {
    addr: SocketAddr,
    commands: mpsc::Sender<Command>,
    waker: mio::Waker,
    thread: Option<JoinHandle<io::Result<Log>>>,
}

impl Handle {
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

    /// What it has done so far.
    ///
    /// # Errors
    /// If the server's thread has ended.
    pub fn log(&self) -> io::Result<Log> {
        let (reply, answer) = mpsc::channel();
        self.tell(Command::Log(reply))?;
        answer.recv().map_err(|_| ended())
    }

    /// Stops it, closes every connection, and says what it did.
    ///
    /// # Errors
    /// If its event loop failed.
    pub fn stop(mut self) -> io::Result<Log> {
        self.halt().unwrap_or_else(|| Err(ended()))
    }

    fn tell(&self, command: Command) -> io::Result<()> {
        self.commands.send(command).map_err(|_| ended())?;
        self.waker.wake()
    }

    fn halt(&mut self) -> Option<io::Result<Log>> {
        let thread = self.thread.take()?;
        // If it has ended already, joining it says why.
        let _ = self.tell(Command::Stop);
        Some(thread.join().unwrap_or_else(|_| Err(io::Error::other("the server's thread panicked"))))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Whoever wants the log or the error calls `stop`.
        let _ = self.halt();
    }
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the server has ended")
}

/// Allows as many connections as the system lets this process have; a lower limit shows up as refused connections.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limit.maximum, ..limit });
}
