//! What the users of a worker thread share.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use squall_core::Nanos;
use tokio::io::ReadBuf;

use crate::captured::Captured;
use crate::config::ClientConfig;
use crate::connect::{Connector, TcpConnector};
use crate::origin::Origin;
use crate::time::Clock;
use crate::tls::Tls;

/// Size of the thread's read buffer: the largest response read in one system call.
const READ_BYTES: usize = 64 << 10;
/// Buffers kept for reuse, and the size up to which they are. More in use at once than this are simply freed.
const SPARES: usize = 64;
const SPARE_BYTES: usize = 1 << 20;
/// Origins met in redirects and remembered.
const MAX_RESOLVED: usize = 256;

/// One per worker thread, shared by its users: settings, buffers, clock, connector, TLS, resolved names.
pub struct Client<C: Connector = TcpConnector> {
    pub(crate) config: ClientConfig,
    pub(crate) connector: C,
    pub(crate) clock: Rc<dyn Clock>,
    pub(crate) tls: Tls,
    /// Seconds from 1970 to the run's start: cookies expire by the wall.
    pub(crate) epoch_secs: i64,
    /// Where requests are rendered. Never borrowed across an await, nor is `read`.
    pub(crate) write: RefCell<Vec<u8>>,
    read: RefCell<Box<[u8]>>,
    spares: RefCell<Vec<Vec<u8>>>,
    captures: RefCell<Vec<Captured>>,
    /// Which address of a target the next connection goes to.
    turn: Cell<usize>,
    pub(crate) resolved: RefCell<HashMap<String, Origin>>,
}

impl<C: Connector> Client<C> {
    /// A client for the users of one thread. `tls` is loaded once per process and cloned per thread; cookies expire
    /// by the wall time of the clock's zero, `wall_origin`.
    pub fn new(
        config: ClientConfig,
        tls: Tls,
        connector: C,
        clock: Rc<dyn Clock>,
        wall_origin: SystemTime,
    ) -> Self {
        let epoch_secs = wall_origin.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        Self {
            config,
            connector,
            clock,
            tls,
            epoch_secs,
            write: RefCell::new(Vec::with_capacity(READ_BYTES)),
            read: RefCell::new(vec![0; READ_BYTES].into()),
            spares: RefCell::default(),
            captures: RefCell::default(),
            turn: Cell::new(0),
            resolved: RefCell::default(),
        }
    }

    /// The settings.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// The connector.
    pub fn connector(&self) -> &C {
        &self.connector
    }

    /// The connector, to change it.
    pub fn connector_mut(&mut self) -> &mut C {
        &mut self.connector
    }

    /// An empty [`Captured`], with the memory of an earlier one if there is any. Give it back when done with it.
    pub fn lend_captured(&self) -> Captured {
        let mut captured = self.captures.borrow_mut().pop().unwrap_or_default();
        captured.set_lenient(false);
        captured
    }

    /// The same for a mere look at what came: a body that does not decode is not a failure then.
    pub fn lend_for_a_look(&self) -> Captured {
        let mut captured = self.lend_captured();
        captured.set_lenient(true);
        captured
    }

    /// Takes a [`Captured`] back for reuse.
    pub fn give_back(&self, mut captured: Captured) {
        let mut captures = self.captures.borrow_mut();
        if captures.len() < SPARES && captured.capacity() <= SPARE_BYTES {
            captured.clear();
            captures.push(captured);
        }
    }

    pub(crate) fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Runs `f` with the thread's read buffer. `f` must not come back here.
    pub(crate) fn with_read_buffer<R>(&self, f: impl FnOnce(&mut ReadBuf<'_>) -> R) -> R {
        let mut bytes = self.read.borrow_mut();
        f(&mut ReadBuf::new(&mut bytes))
    }

    pub(crate) fn take_spare(&self) -> Vec<u8> {
        self.spares.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn put_spare(&self, mut spare: Vec<u8>) {
        if spare.capacity() == 0 || spare.capacity() > SPARE_BYTES {
            return;
        }
        let mut spares = self.spares.borrow_mut();
        if spares.len() < SPARES {
            spare.clear();
            spares.push(spare);
        }
    }

    /// A number that grows by one with each connection: users spread over a target's addresses.
    pub(crate) fn next_turn(&self) -> usize {
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        turn
    }

    pub(crate) fn remember(&self, key: String, origin: Origin) {
        let mut resolved = self.resolved.borrow_mut();
        if resolved.len() < MAX_RESOLVED {
            resolved.insert(key, origin);
        }
    }
}
