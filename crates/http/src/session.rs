//! A virtual user's side of the wire: its connections, cookies and source address, and the course of one request.

use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::client::ClientConfig as RustlsConfig;
use squall_core::{ErrorClass, Nanos};

use crate::captured::Captured;
use crate::client::Client;
use crate::connect::{Connector, TcpConnector, Transport};
use crate::cookies::Jar;
use crate::driver::{Flight, Next};
use crate::exchange::{Exchange, InFlight};
use crate::failure::{Error, Failure};
use crate::origin::Origin;
use crate::redirect;
use crate::request::Request;
use crate::time::Deadline;

/// Connections a user keeps, one per origin; the oldest gives way.
const MAX_CONNECTIONS: usize = 6;

/// One virtual user. Idle, it holds its connections and cookies, and no buffer.
pub struct Session<C: Connector = TcpConnector> {
    pub(crate) connections: Vec<Connection<C::Stream>>,
    pub(crate) jar: Option<Box<Jar>>,
    tls: Option<Arc<RustlsConfig>>,
    source: Option<IpAddr>,
    pub(crate) flight: Flight,
}

pub(crate) struct Connection<S> {
    pub(crate) origin: Origin,
    pub(crate) transport: Transport<S>,
    /// It has served a request before.
    pub(crate) used: bool,
}

impl<C: Connector> Default for Session<C> {
    fn default() -> Self {
        Self::new(None)
    }
}

impl<C: Connector> Session<C> {
    /// A user without connections and cookies, who connects from `source` if given.
    pub fn new(source: Option<IpAddr>) -> Self {
        Self { connections: Vec::new(), jar: None, tls: None, source, flight: Flight::default() }
    }

    /// Sends a request and reads its response, following redirects if asked to.
    ///
    /// With `out`, head and decoded body of the last response are there afterwards. `deadline` is armed here, to
    /// the request's deadline or an earlier connect timeout, and left armed. A plain response over a kept
    /// connection costs one poll of `deadline`, one write and one read. The future may be dropped at any moment:
    /// [`Session::in_flight`] then says how far it came, and the next `send` closes the connection it was using.
    pub async fn send(
        &mut self,
        client: &Client<C>,
        request: &Request<'_>,
        deadline: &dyn Deadline,
        mut out: Option<&mut Captured>,
    ) -> Result<Exchange, Failure> {
        self.begin(client);
        if let Some(out) = &mut out {
            out.clear();
        }
        deadline.arm(request.deadline);
        let mut result = self.attempt(client, request, deadline, out.as_deref_mut()).await;
        if !matches!(result, Ok(Next::Done) | Err(_)) {
            result = Box::pin(self.go_on(client, request, deadline, out.as_deref_mut(), result)).await;
        }
        if let (Ok(Next::Done), Some(out)) = (&result, out) {
            result = decode(&self.flight, client, out);
        }
        match result {
            Ok(_) => {
                self.flight.active = false;
                Ok(self.flight.exchange)
            }
            Err(error) => Err(self.fail(client, error)),
        }
    }

    /// What an unfinished `send` was doing: `Some` after its future was dropped, until the next `send`.
    pub fn in_flight(&self) -> Option<InFlight> {
        self.flight.in_flight()
    }

    /// Closes all connections and forgets what was in flight; cookies stay.
    pub fn close(&mut self) {
        self.connections.clear();
        self.flight = Flight::default();
    }

    /// The value of a cookie of this name that has not expired at `now`; with several, one of the longest path.
    pub fn cookie(&self, name: &str, now: Nanos) -> Option<&[u8]> {
        self.jar.as_ref()?.find(name.as_bytes(), now)
    }

    /// Forgets all cookies.
    pub fn clear_cookies(&mut self) {
        self.jar = None;
    }

    /// Connections held, idle ones included.
    pub fn connection_count(&self) -> usize {
        self.connections.len()
    }

    fn begin(&mut self, client: &Client<C>) {
        if self.flight.active {
            // The last future was dropped: what its connection says next belongs to nobody.
            self.drop_connection(client);
        }
        self.flight.exchange = Exchange::default();
        self.flight.active = true;
    }

    /// One wire request, connecting first if need be.
    async fn attempt(
        &mut self,
        client: &Client<C>,
        request: &Request<'_>,
        deadline: &dyn Deadline,
        mut out: Option<&mut Captured>,
    ) -> Result<Next, Error> {
        self.flight.restart(request.method.is_head(), client.config.max_body);
        if !poll_fn(|cx| Poll::Ready(self.choose_connection(cx, client, request.origin))).await {
            Box::pin(self.open(client, request.origin, deadline, request.deadline)).await?;
        }
        poll_fn(|cx| self.poll_attempt(cx, client, request, deadline, out.as_deref_mut())).await
    }

    /// Retries and redirects: rare, so the future of a plain request does not carry their state.
    async fn go_on(
        &mut self,
        client: &Client<C>,
        request: &Request<'_>,
        deadline: &dyn Deadline,
        mut out: Option<&mut Captured>,
        mut result: Result<Next, Error>,
    ) -> Result<Next, Error> {
        let mut hop: Option<redirect::Hop> = None;
        loop {
            match result? {
                Next::Done => return Ok(Next::Done),
                Next::Retry => self.flight.exchange.retries += 1,
                Next::Redirect(location) => {
                    if self.flight.exchange.redirects >= client.config.max_redirects {
                        return Err(Error::fixed(ErrorClass::Redirect, "too many redirects"));
                    }
                    let current = hop.as_ref().map_or(*request, |hop| hop.request(request));
                    let status = self.flight.exchange.status;
                    let next = redirect::next(&current, status, &location)?;
                    let origin = self.origin_of(client, &current, &next, deadline).await?;
                    hop = Some(next.into_hop(&origin).after(hop.as_ref()));
                    self.flight.exchange.redirects += 1;
                }
            }
            let current = hop.as_ref().map_or(*request, |hop| hop.request(request));
            result = self.attempt(client, &current, deadline, out.as_deref_mut()).await;
        }
    }

    /// The origin of a redirect's target: the same one, or another, resolved once per thread.
    async fn origin_of(
        &mut self,
        client: &Client<C>,
        current: &Request<'_>,
        next: &redirect::Target,
        deadline: &dyn Deadline,
    ) -> Result<Origin, Error> {
        if !next.crosses_origin {
            return Ok(current.origin.clone());
        }
        let key = next.key();
        if let Some(origin) = client.resolved.borrow().get(&key) {
            return Ok(origin.clone());
        }
        let parts = next.parts()?;
        let resolving = client.connector.resolve(&parts.resolvable, parts.port);
        let timeout = || Error::fixed(ErrorClass::Timeout, "no answer from the resolver in time");
        let addresses = within(deadline, resolving).await.ok_or_else(timeout)?;
        let addresses = addresses.map_err(|error| Error::text(ErrorClass::Dns, &error))?;
        let origin = parts.into_origin(addresses).map_err(|error| Error::text(ErrorClass::Dns, &error))?;
        client.remember(key, origin.clone());
        Ok(origin)
    }

    /// Makes a kept connection to `origin` the current one, if there is one that still stands.
    fn choose_connection(&mut self, cx: &mut Context<'_>, client: &Client<C>, origin: &Origin) -> bool {
        let Some(slot) = self.connections.iter().position(|connection| connection.origin == *origin) else {
            return false;
        };
        // Readiness the reactor already knows of costs no system call to look at. A server that closed while we
        // were idle, or says something unasked, is left before the request goes out: not even a POST is at risk.
        let transport = &mut self.connections[slot].transport;
        if client.with_read_buffer(|buffer| transport.poll_read(cx, buffer)).is_ready() {
            self.connections.swap_remove(slot);
            return false;
        }
        self.flight.slot = Some(slot as u8);
        true
    }

    /// Connects, shakes hands, and makes the connection the current one.
    async fn open(
        &mut self,
        client: &Client<C>,
        origin: &Origin,
        deadline: &dyn Deadline,
        until: Nanos,
    ) -> Result<(), Error> {
        let begun = client.now();
        let exchange = &mut self.flight.exchange;
        if exchange.attempts == 0 && exchange.connects == 0 {
            exchange.started = begun;
        }
        let limit = begun + client.config.connect_timeout;
        let (at, class) =
            if until <= limit { (until, ErrorClass::Timeout) } else { (limit, ErrorClass::ConnectTimeout) };
        deadline.arm(at);
        let connecting = connect_any(client, origin.addresses(), self.source);
        let connected = within(deadline, connecting).await;
        let after_tcp = client.now();
        self.flight.exchange.connect += after_tcp - begun;
        let stream = connected
            .ok_or_else(|| Error::fixed(class, "no connection in time"))?
            .map_err(Error::connecting)?;
        let transport = if origin.is_secure() {
            let shaken = within(deadline, self.handshake(client, origin, stream)).await;
            self.flight.exchange.tls += client.now() - after_tcp;
            shaken.ok_or_else(|| Error::fixed(class, "no TLS handshake in time"))??
        } else {
            Transport::Plain(stream)
        };
        deadline.arm(until);
        self.flight.exchange.connects += 1;
        if self.connections.len() >= MAX_CONNECTIONS {
            self.connections.remove(0);
        }
        self.flight.slot = Some(self.connections.len() as u8);
        if self.connections.capacity() == 0 {
            // One is what nearly every user needs; the default growth would reserve four.
            self.connections.reserve_exact(1);
        }
        self.connections.push(Connection { origin: origin.clone(), transport, used: false });
        Ok(())
    }

    fn handshake(
        &mut self,
        client: &Client<C>,
        origin: &Origin,
        stream: C::Stream,
    ) -> impl Future<Output = Result<Transport<C::Stream>, Error>> + use<C> {
        if self.tls.is_none() {
            self.tls = client.tls.for_user();
        }
        let config = self.tls.clone();
        let name = origin.server_name().cloned();
        async move {
            let (Some(config), Some(name)) = (config, name) else {
                return Err(Error::fixed(ErrorClass::Tls, "https without TLS settings"));
            };
            match tokio_rustls::TlsConnector::from(config).connect(name, stream).await {
                Ok(stream) => Ok(Transport::Tls(Box::new(stream))),
                Err(error) => Err(Error::text(ErrorClass::Tls, &error)),
            }
        }
    }

    /// Closes the current connection, if any, and returns the buffers of its exchange.
    pub(crate) fn drop_connection(&mut self, client: &Client<C>) {
        if let Some(slot) = self.flight.slot.take() {
            self.connections.remove(usize::from(slot));
        }
        self.flight.release(client);
    }

    fn fail(&mut self, client: &Client<C>, error: Error) -> Failure {
        let fully_written = self.flight.fully_written();
        self.drop_connection(client);
        self.flight.active = false;
        self.flight.exchange.done = client.now();
        Failure { class: error.class, detail: error.detail, exchange: self.flight.exchange, fully_written }
    }
}

fn decode<C: Connector>(flight: &Flight, client: &Client<C>, out: &mut Captured) -> Result<Next, Error> {
    out.finish(flight.reader.info(), client.config.max_captured)
        .map(|()| Next::Done)
        .map_err(|error| Error::text(ErrorClass::Decode, &error))
}

/// Tries the addresses in turn: those of the first one's family from a different start each time, then the others.
async fn connect_any<C: Connector>(
    client: &Client<C>,
    addresses: &[SocketAddr],
    source: Option<IpAddr>,
) -> std::io::Result<C::Stream> {
    let usable = |address: &&SocketAddr| source.is_none_or(|source| source.is_ipv4() == address.is_ipv4());
    let v4 = addresses.iter().find(usable).is_some_and(SocketAddr::is_ipv4);
    let first = || addresses.iter().filter(usable).filter(|address| address.is_ipv4() == v4);
    let others = addresses.iter().filter(usable).filter(|address| address.is_ipv4() != v4);
    let count = first().count();
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    let turn = client.next_turn();
    for &address in first().cycle().skip(turn % count.max(1)).take(count).chain(others) {
        match client.connector.connect(address, source).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The future's output, or `None` when the deadline came first.
async fn within<F: Future>(deadline: &dyn Deadline, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match Pin::as_mut(&mut future).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => deadline.poll_expired(cx).map(|()| None),
    })
    .await
}
