//! One connection: from bytes read to an answer written, one request after another.
//!
//! A client repeats itself: the last head is kept, and an equal one skips parsing and routing. Bytes that arrive while an
//! answer is due wait in `unread`.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;

use super::log::{Ledger, PathId};
use super::request::{Head, Parsed, parse};
use super::route::{Answer, Answers, Directives};

#[derive(Debug)]
pub(super) struct Connection {
    pub stream: TcpStream,
    /// Never used twice, unlike the slot the connection is in.
    pub id: u64,
    /// The kernel may have more bytes for us.
    pub readable: bool,
    unread: Vec<u8>,
    last: Option<Known>,
    exchange: Option<Exchange>,
}

/// A request head seen before, and what it asks for.
#[derive(Debug)]
struct Known {
    bytes: Vec<u8>,
    body: u64,
    delay_ns: u64,
    target: Target,
    answer: Answer,
    length: usize,
    close: bool,
}

/// Whose account a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Path(PathId),
    /// A request for the log, or one that was not understood.
    Uncounted,
}

/// The request being answered.
#[derive(Debug)]
struct Exchange {
    target: Target,
    read_ns: u64,
    answer: Answer,
    /// How much of the answer to send: without the body for `HEAD`.
    length: usize,
    written: usize,
    close: bool,
    body_left: u64,
    wait: Wait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    None,
    /// Until this instant; the event loop has not been told.
    Wanted(u64),
    /// The event loop will call [`Connection::due`].
    Set,
}

/// What a connection needs next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// To be driven when the kernel reports something.
    Event,
    /// To be driven after [`Connection::due`], at this instant.
    At(u64),
    /// To be closed.
    Close,
}

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub ledger: Ledger,
    pub answers: Answers,
    pub default_body: usize,
    pub buffer: Vec<u8>,
    pub clock: fn() -> u64,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, id: u64) -> Self {
        Self { stream, id, readable: true, unread: Vec::new(), last: None, exchange: None }
    }

    /// The delayed answer may go out now.
    pub(super) fn due(&mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.wait = Wait::None;
        }
    }

    /// An answer is delayed: nothing is read meanwhile, so nobody but the event loop notices that the client left.
    pub(super) fn is_waiting(&self) -> bool {
        self.exchange.as_ref().is_some_and(|e| e.wait == Wait::Set)
    }

    /// Reads, answers and reads on until the kernel has nothing more for us, or the answer must wait.
    pub(super) fn drive(&mut self, shared: &mut Shared) -> Next {
        loop {
            match self.answer_if_ready(shared) {
                Ok(Some(next)) => return next,
                Ok(None) => {}
                Err(_) => return Next::Close,
            }
            if !self.unread.is_empty() {
                let bytes = std::mem::take(&mut self.unread);
                // Without progress more bytes are needed: fall through to reading.
                if self.accept_bytes(&bytes, shared) > 0 {
                    continue;
                }
            }
            if !self.readable {
                return Next::Event;
            }
            let mut buffer = std::mem::take(&mut shared.buffer);
            let read = self.stream.read(&mut buffer);
            if let Ok(n @ 1..) = read {
                shared.ledger.bytes_in += n as u64;
                // Fewer bytes than asked for: the kernel has no more, and reports an event when it has.
                self.readable = n == buffer.len();
                if self.unread.is_empty() {
                    self.accept_bytes(&buffer[..n], shared);
                } else {
                    self.unread.extend_from_slice(&buffer[..n]);
                }
            }
            shared.buffer = buffer;
            match read {
                Ok(0) => return Next::Close,
                Ok(_) => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Next::Event;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Next::Close,
            }
        }
    }

    /// `None`: there is no answer to give yet, or it has been given and another request may be read.
    fn answer_if_ready(&mut self, shared: &mut Shared) -> io::Result<Option<Next>> {
        let Some(exchange) = &mut self.exchange else { return Ok(None) };
        if exchange.body_left > 0 {
            return Ok(None);
        }
        match exchange.wait {
            Wait::None => {}
            Wait::Wanted(at) => {
                exchange.wait = Wait::Set;
                return Ok(Some(Next::At(at)));
            }
            Wait::Set => return Ok(Some(Next::Event)),
        }
        while exchange.written < exchange.length {
            match self.stream.write(&exchange.answer.bytes[exchange.written..exchange.length]) {
                Ok(n) => {
                    exchange.written += n;
                    shared.ledger.bytes_out += n as u64;
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(Some(Next::Event)),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        if let Target::Path(path) = exchange.target {
            shared.ledger.answer_written(path, exchange.read_ns, (shared.clock)());
        }
        let close = exchange.close;
        self.exchange = None;
        Ok(close.then_some(Next::Close))
    }

    /// Takes what it can of `bytes`, keeps the rest in `unread` (which must be empty), and says how much it took.
    fn accept_bytes(&mut self, bytes: &[u8], shared: &mut Shared) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            let rest = &bytes[taken..];
            let step = match &mut self.exchange {
                Some(exchange) => {
                    let part = exchange.body_left.min(rest.len() as u64);
                    exchange.body_left -= part;
                    part as usize
                }
                None => self.begin(rest, shared),
            };
            if step == 0 {
                break;
            }
            taken += step;
        }
        self.unread.extend_from_slice(&bytes[taken..]);
        taken
    }

    /// Begins an exchange if `bytes` start with a complete head, and says how long that is.
    fn begin(&mut self, bytes: &[u8], shared: &mut Shared) -> usize {
        if !self.last.as_ref().is_some_and(|known| bytes.starts_with(&known.bytes)) {
            match parse(bytes) {
                Parsed::Incomplete => return 0,
                Parsed::Malformed => {
                    shared.ledger.malformed += 1;
                    let answer = Answer::new(400, "text/plain", b"", true);
                    self.exchange = Some(Exchange::uncounted(answer, false, true));
                    return bytes.len();
                }
                Parsed::Complete(head) => {
                    if let Some(answer) = log_answer(&head, shared) {
                        self.exchange = Some(Exchange::uncounted(answer, head.is_head, head.close));
                        return head.length;
                    }
                    self.last = Some(Known::new(&bytes[..head.length], &head, shared));
                }
            }
        }
        let Some(known) = &self.last else { return 0 };
        let read_ns = (shared.clock)();
        if let Target::Path(path) = known.target {
            shared.ledger.request_read(path, read_ns);
        }
        let wait = if known.delay_ns == 0 { Wait::None } else { Wait::Wanted(read_ns + known.delay_ns) };
        self.exchange = Some(Exchange {
            target: known.target,
            read_ns,
            answer: known.answer.clone(),
            length: known.length,
            written: 0,
            close: known.close,
            body_left: known.body,
            wait,
        });
        known.bytes.len()
    }
}

impl Known {
    fn new(bytes: &[u8], head: &Head, shared: &mut Shared) -> Self {
        let directives = Directives::of(&head.path, shared.default_body);
        let close = head.close || directives.close;
        let answer = shared.answers.get(directives.status, directives.body, close);
        Self {
            bytes: bytes.to_vec(),
            body: head.body,
            // At most an hour.
            delay_ns: directives.delay.as_nanos() as u64,
            target: Target::Path(shared.ledger.path_id(&head.path)),
            length: if head.is_head { answer.head } else { answer.bytes.len() },
            answer,
            close,
        }
    }
}

impl Exchange {
    fn uncounted(answer: Answer, is_head: bool, close: bool) -> Self {
        Self {
            target: Target::Uncounted,
            read_ns: 0,
            length: if is_head { answer.head } else { answer.bytes.len() },
            answer,
            written: 0,
            close,
            body_left: 0,
            wait: Wait::None,
        }
    }
}

/// The answer to a request for the log; `None` if the request is for something else.
fn log_answer(head: &Head, shared: &Shared) -> Option<Answer> {
    let log = || shared.ledger.log((shared.clock)());
    match head.path.as_str() {
        "/__log" => {
            let json = serde_json::to_vec(&log()).expect("a log has no maps with odd keys");
            Some(Answer::new(200, "application/json", &json, head.close))
        }
        "/__log.csv" => Some(Answer::new(200, "text/csv", log().to_csv().as_bytes(), head.close)),
        _ => None,
    }
}
