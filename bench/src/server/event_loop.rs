//! The server's one thread: accepts, drives connections, keeps what is due later, freezes when told to.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::thread::{CpuSet, sched_setaffinity};
use socket2::{Domain, Socket, Type};

use super::clock::monotonic_ns;
use super::config::{Config, Stall};
use super::connection::{Connection, Next, Shared};
use super::log::{Ledger, Log};
use super::route::Answers;
use super::timer::Timer;

/// What a [`super::Handle`] asks of the thread.
#[derive(Debug)]
pub(super) enum Command {
    Log(mpsc::Sender<Log>),
    Stop,
}

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
const TIMER: Token = Token(2);
/// Connection in slot n has token `FIRST + n`.
const FIRST: usize = 3;

/// As many connections may wait to be accepted as the kernel's default upper limit allows.
const BACKLOG: i32 = 4096;
const READ_BUFFER: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct EventLoop {
    poll: Poll,
    listener: TcpListener,
    addr: SocketAddr,
    timer: Timer,
    cpu: Option<usize>,
    commands: mpsc::Receiver<Command>,
    slots: Vec<Option<Connection>>,
    free: Vec<usize>,
    next_id: u64,
    /// Delayed answers: instant, slot, connection id.
    due: BinaryHeap<Reverse<(u64, usize, u64)>>,
    /// The next freeze begins at this instant.
    stall: Option<(Stall, u64)>,
    /// Accepting failed, most likely for want of descriptors; to be tried again when a connection closes.
    accept_failed: bool,
    shared: Shared,
}

impl EventLoop {
    pub(super) fn new(config: Config, commands: mpsc::Receiver<Command>) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let mut listener = listen(config.bind)?;
        let addr = listener.local_addr()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let timer = Timer::new(poll.registry(), TIMER)?;
        let now = monotonic_ns();
        let server = Self {
            poll,
            listener,
            addr,
            timer,
            cpu: config.cpu,
            commands,
            slots: Vec::new(),
            free: Vec::new(),
            next_id: 0,
            due: BinaryHeap::new(),
            stall: config.stall.map(|stall| (stall, now + ns(stall.period))),
            accept_failed: false,
            shared: Shared {
                ledger: Ledger::new(now, config.samples),
                answers: Answers::default(),
                default_body: config.body,
                buffer: vec![0; READ_BUFFER],
                clock: monotonic_ns,
            },
        };
        Ok((server, waker))
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Pins the calling thread to the core asked for, if one was.
    pub(super) fn pin(&self) -> io::Result<()> {
        let Some(cpu) = self.cpu else { return Ok(()) };
        if cpu >= CpuSet::MAX_CPU {
            return Err(io::Error::new(ErrorKind::InvalidInput, "there is no such core"));
        }
        let mut set = CpuSet::new();
        set.set(cpu);
        Ok(sched_setaffinity(None, &set)?)
    }

    pub(super) fn into_log(self) -> Log {
        self.shared.ledger.log(monotonic_ns())
    }

    /// Serves until told to stop.
    pub(super) fn run(mut self) -> io::Result<Log> {
        let mut events = Events::with_capacity(1024);
        loop {
            self.arm_timer()?;
            match self.poll.poll(&mut events, None) {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            self.stall_if_due();
            for event in &events {
                match event.token() {
                    LISTENER => self.accept_all(),
                    WAKER => {
                        if self.obey() {
                            return Ok(self.into_log());
                        }
                    }
                    TIMER => {
                        self.timer.fired();
                        self.release_due();
                    }
                    Token(token) => {
                        let slot = token - FIRST;
                        if let Some(Some(connection)) = self.slots.get_mut(slot) {
                            connection.readable |= event.is_readable();
                            let deserted = event.is_read_closed() && connection.is_waiting();
                            if deserted { self.close(slot) } else { self.drive(slot) }
                        }
                    }
                }
            }
        }
    }

    fn arm_timer(&mut self) -> io::Result<()> {
        let due = self.due.peek().map(|Reverse((at, _, _))| *at);
        let stall = self.stall.map(|(_, at)| at);
        due.into_iter().chain(stall).min().map_or(Ok(()), |at| self.timer.arm(at))
    }

    fn stall_if_due(&mut self) {
        let Some((stall, begin)) = self.stall else { return };
        let now = monotonic_ns();
        if now < begin {
            return;
        }
        let end = begin + ns(stall.length);
        std::thread::sleep(Duration::from_nanos(end.saturating_sub(now)));
        self.shared.ledger.stalls.push((now, monotonic_ns()));
        self.stall = Some((stall, begin + ns(stall.period)));
    }

    /// True if it was told to stop.
    fn obey(&mut self) -> bool {
        for command in self.commands.try_iter() {
            match command {
                Command::Stop => return true,
                Command::Log(reply) => {
                    // Whoever asked may have gone.
                    let _ = reply.send(self.shared.ledger.log(monotonic_ns()));
                }
            }
        }
        false
    }

    fn accept_all(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.accept(stream),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => {
                    self.accept_failed = e.kind() != ErrorKind::WouldBlock;
                    return;
                }
            }
        }
    }

    fn accept(&mut self, mut stream: mio::net::TcpStream) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = self.poll.registry().register(&mut stream, Token(FIRST + slot), interest);
        if stream.set_nodelay(true).is_err() || registered.is_err() {
            self.free.push(slot);
            return;
        }
        self.next_id += 1;
        self.slots[slot] = Some(Connection::new(stream, self.next_id));
        let ledger = &mut self.shared.ledger;
        ledger.connections += 1;
        ledger.open += 1;
        ledger.most_open = ledger.most_open.max(ledger.open);
        // Its request comes with an event of its own.
    }

    fn drive(&mut self, slot: usize) {
        let Some(connection) = &mut self.slots[slot] else { return };
        match connection.drive(&mut self.shared) {
            Next::Event => {}
            Next::At(at) => self.due.push(Reverse((at, slot, connection.id))),
            Next::Close => self.close(slot),
        }
    }

    fn close(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.free.push(slot);
        self.shared.ledger.open -= 1;
        if self.accept_failed {
            self.accept_all();
        }
    }

    fn release_due(&mut self) {
        let now = monotonic_ns();
        while let Some(&Reverse((at, slot, id))) = self.due.peek()
            && at <= now
        {
            self.due.pop();
            // The connection may be gone, and another in its slot.
            if let Some(connection) = self.slots[slot].as_mut().filter(|c| c.id == id) {
                connection.due();
                self.drive(slot);
            }
        }
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Nanoseconds of a duration of at most hours.
fn ns(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
