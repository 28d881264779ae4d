//! The hot path: one wire request over an open connection, as a poll function.
//!
//! Its state lives in the session, not in a future: a dropped `send` leaves it readable. Buffers are the thread's;
//! a session owns one only while a write is stuck or a head is incomplete.

use std::io;
use std::task::{Context, Poll};

use squall_core::{ErrorClass, Nanos};

use crate::captured::Captured;
use crate::client::Client;
use crate::connect::Connector;
use crate::cookies::{self, Jar};
use crate::exchange::{Exchange, InFlight};
use crate::failure::Error;
use crate::origin::Origin;
use crate::request::{self, Request};
use crate::response::{HeadInfo, Progress, ResponseReader, Sink};
use crate::session::{Connection, Session};
use crate::time::Deadline;

/// What follows a wire request.
#[derive(Debug)]
pub(crate) enum Next {
    /// The response is the answer.
    Done,
    /// The kept connection was closed before it answered: send the same again.
    Retry,
    /// Go to this location.
    Redirect(Box<[u8]>),
}

/// How far the writing of a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    Fresh,
    /// Bytes of `pending` are left, from this index on.
    Pending(usize),
    /// Head and the first part of the body are written.
    Body,
    Flush,
    Done,
}

/// The request under way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) exchange: Exchange,
    pub(crate) reader: ResponseReader,
    pending: Vec<u8>,
    location: Option<Box<[u8]>>,
    /// Bytes of the body written.
    body_at: usize,
    writing: Writing,
    /// Index of its connection.
    pub(crate) slot: Option<u8>,
    /// A `send` has begun and not returned.
    pub(crate) active: bool,
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            exchange: Exchange::default(),
            reader: ResponseReader::new(0),
            pending: Vec::new(),
            location: None,
            body_at: 0,
            writing: Writing::Fresh,
            slot: None,
            active: false,
        }
    }
}

impl Flight {
    /// Prepares for the next wire request.
    pub(crate) fn restart(&mut self, answers_head: bool, max_body: u64) {
        self.reader.restart(answers_head, max_body);
        self.location = None;
        self.body_at = 0;
        self.writing = Writing::Fresh;
        self.slot = None;
    }

    pub(crate) fn fully_written(&self) -> bool {
        self.writing == Writing::Done
    }

    pub(crate) fn in_flight(&self) -> Option<InFlight> {
        let exchange = &self.exchange;
        self.active.then(|| InFlight {
            sent: exchange.sent,
            // Once answered, the connection is let go: nothing is outstanding between two hops.
            fully_written: self.fully_written() && self.slot.is_some(),
            attempts: exchange.attempts,
            bytes_out: exchange.bytes_out,
            bytes_in: exchange.bytes_in,
        })
    }

    /// Gives the buffers back to the thread.
    pub(crate) fn release<C: Connector>(&mut self, client: &Client<C>) {
        client.put_spare(std::mem::take(&mut self.pending));
        client.put_spare(self.reader.take_buffer());
    }
}

impl<C: Connector> Session<C> {
    /// Drives the current wire request over the current connection.
    pub(crate) fn poll_attempt(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client<C>,
        request: &Request<'_>,
        deadline: &dyn Deadline,
        mut out: Option<&mut Captured>,
    ) -> Poll<Result<Next, Error>> {
        let mut write_error = None;
        if !self.flight.fully_written() {
            match self.poll_write(cx, client, request) {
                Poll::Ready(Ok(())) => {
                    self.flight.writing = Writing::Done;
                    self.flight.exchange.attempts += 1;
                }
                // A server that has heard enough may have answered already: its answer is worth more.
                Poll::Ready(Err(error)) => write_error = Some(error),
                Poll::Pending => {}
            }
        }
        loop {
            match self.poll_read(cx, client, request, out.as_deref_mut()) {
                Poll::Ready(Ok(None)) => {}
                Poll::Ready(Ok(Some(next))) => return Poll::Ready(Ok(next)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => break,
            }
        }
        if let Some(error) = write_error {
            return Poll::Ready(self.broken(client, request, Error::transport(error)));
        }
        deadline
            .poll_expired(cx)
            .map(|()| Err(Error::fixed(ErrorClass::Timeout, "no complete response in time")))
    }

    /// Ready when all of the request is with the kernel.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client<C>,
        request: &Request<'_>,
    ) -> Poll<io::Result<()>> {
        let (flight, connection) = current(&mut self.flight, &mut self.connections);
        let transport = &mut connection.transport;
        loop {
            match flight.writing {
                Writing::Fresh => {
                    let mut buffer = client.write.borrow_mut();
                    buffer.clear();
                    let keep_alive = client.config.keep_alive;
                    let now = client.now();
                    flight.body_at = request::encode(request, keep_alive, &mut buffer, |out| {
                        if let Some(jar) = &self.jar {
                            jar.write(request.origin, request.target, now, out);
                        }
                    });
                    flight.exchange.reused = connection.used;
                    connection.used = true;
                    if flight.exchange.sent == Nanos::ZERO {
                        flight.exchange.sent = now;
                        if flight.exchange.connects == 0 {
                            flight.exchange.started = now;
                        }
                    }
                    let written = match transport.poll_write(cx, &buffer) {
                        Poll::Ready(written) => written?,
                        Poll::Pending => 0,
                    };
                    flight.exchange.bytes_out += written as u64;
                    flight.writing = if written == buffer.len() {
                        Writing::Body
                    } else {
                        flight.pending = client.take_spare();
                        flight.pending.extend_from_slice(&buffer[written..]);
                        Writing::Pending(0)
                    };
                }
                Writing::Pending(at) if at == flight.pending.len() => {
                    client.put_spare(std::mem::take(&mut flight.pending));
                    flight.writing = Writing::Body;
                }
                Writing::Pending(at) => {
                    let written = std::task::ready!(transport.poll_write(cx, &flight.pending[at..]))?;
                    flight.exchange.bytes_out += nonzero(written)? as u64;
                    flight.writing = Writing::Pending(at + written);
                }
                Writing::Body => {
                    let rest = request.body.and_then(|body| body.get(flight.body_at..)).unwrap_or(&[]);
                    if rest.is_empty() {
                        flight.writing = Writing::Flush;
                    } else {
                        let written = std::task::ready!(transport.poll_write(cx, rest))?;
                        flight.exchange.bytes_out += nonzero(written)? as u64;
                        flight.body_at += written;
                    }
                }
                Writing::Flush => return transport.poll_flush(cx),
                Writing::Done => return Poll::Ready(Ok(())),
            }
        }
    }

    /// One read, and what its bytes mean; `None` when more are needed.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client<C>,
        request: &Request<'_>,
        out: Option<&mut Captured>,
    ) -> Poll<Result<Option<Next>, Error>> {
        let (flight, connection) = current(&mut self.flight, &mut self.connections);
        let jar = &mut self.jar;
        let outcome = client.with_read_buffer(|buffer| {
            match std::task::ready!(connection.transport.poll_read(cx, buffer)) {
                Ok(()) => {}
                // TLS without a farewell: the end of the stream all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => buffer.clear(),
                Err(error) => return Poll::Ready(Err(Error::transport(error))),
            }
            let now = client.now();
            let bytes = buffer.filled();
            let untouched = flight.reader.is_untouched();
            if untouched && !bytes.is_empty() {
                flight.exchange.first_byte = now;
                flight.reader.give_buffer(client.take_spare());
            }
            flight.exchange.bytes_in += bytes.len() as u64;
            let mut feed = Feed { jar, request, client, out, location: &mut flight.location, now };
            let progress = if bytes.is_empty() {
                flight.reader.eof(&mut feed).map(|()| Progress::Done(usize::MAX))
            } else {
                flight.reader.feed(bytes, &mut feed)
            };
            if untouched && !flight.reader.holds_bytes() {
                client.put_spare(flight.reader.take_buffer());
            }
            Poll::Ready(match progress {
                Ok(Progress::More) => Ok(None),
                Ok(Progress::Done(used)) => {
                    flight.exchange.done = now;
                    Ok(Some(used == bytes.len()))
                }
                Err(error) => Err(error.into()),
            })
        });
        Poll::Ready(match std::task::ready!(outcome) {
            Ok(None) => Ok(None),
            Ok(Some(clean)) => Ok(Some(self.complete(client, request, clean))),
            Err(error) => self.broken(client, request, error).map(Some),
        })
    }

    /// The response is complete; `clean`: nothing came after it.
    fn complete(&mut self, client: &Client<C>, request: &Request<'_>, clean: bool) -> Next {
        let flight = &mut self.flight;
        let info = *flight.reader.info();
        flight.exchange.status = info.status;
        flight.exchange.body_in = flight.reader.body_bytes();
        let reusable = clean && flight.fully_written() && info.keep_alive && client.config.keep_alive;
        if !flight.fully_written() {
            // Answered early: the server has counted it.
            flight.exchange.attempts += 1;
        }
        let location = flight.location.take();
        if reusable {
            flight.slot = None;
            flight.release(client);
        } else {
            self.drop_connection(client);
        }
        match location {
            Some(location) if request.follow && matches!(info.status, 301 | 302 | 303 | 307 | 308) => {
                Next::Redirect(location)
            }
            _ => Next::Done,
        }
    }

    /// The connection broke: a kept one that never answered is worth one more try, when that does no harm. The next
    /// connection is a fresh one, so one more try it stays.
    fn broken(&mut self, client: &Client<C>, request: &Request<'_>, error: Error) -> Result<Next, Error> {
        let flight = &self.flight;
        let stale = flight.exchange.reused
            && flight.reader.is_untouched()
            && matches!(error.class, ErrorClass::Reset | ErrorClass::ClosedEarly)
            && request.method.is_idempotent();
        if !stale {
            return Err(error);
        }
        self.drop_connection(client);
        Ok(Next::Retry)
    }
}

/// The flight and its connection.
fn current<'a, S>(
    flight: &'a mut Flight,
    connections: &'a mut [Connection<S>],
) -> (&'a mut Flight, &'a mut Connection<S>) {
    let slot = flight.slot.expect("a connection was chosen or opened before the attempt began");
    (flight, &mut connections[usize::from(slot)])
}

/// A transport that takes nothing would be asked for ever.
fn nonzero(written: usize) -> io::Result<usize> {
    if written == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(written) }
}

/// Where the parts of a response go.
struct Feed<'a, 'r, C: Connector> {
    jar: &'a mut Option<Box<Jar>>,
    request: &'a Request<'r>,
    client: &'a Client<C>,
    out: Option<&'a mut Captured>,
    location: &'a mut Option<Box<[u8]>>,
    now: Nanos,
}

impl<C: Connector> Sink for Feed<'_, '_, C> {
    fn head(&mut self, _info: &HeadInfo, raw: &[u8]) {
        if let Some(out) = &mut self.out {
            out.set_head(raw);
        }
    }

    fn set_cookie(&mut self, value: &[u8]) {
        let origin: &Origin = self.request.origin;
        let wall = self.client.epoch_secs + self.now.whole_secs() as i64;
        cookies::store(self.jar, origin, self.request.target, value, self.now, wall);
    }

    fn location(&mut self, value: &[u8]) {
        if self.request.follow {
            *self.location = Some(value.into());
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        if let Some(out) = &mut self.out {
            out.push(bytes, self.client.config.max_captured);
        }
    }
}
