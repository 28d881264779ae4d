//! The HTTP/1.1 client of the load path: a sans-IO core and a thin tokio driver.
//!
//! What it does: encodes requests, keeps connections, cookies and TLS sessions per virtual user, reads responses,
//! follows redirects, and reports when each part happened. What it does not: know scenarios or statistics, read a
//! clock (the caller's [`Clock`] does), own timers (the caller's [`Deadline`] does), log, lock, or spawn.
//!
//! - [`Client`]: one per worker thread, shared by its users: settings, buffers, clock, connector, TLS.
//! - [`Session`]: one per virtual user: connections, cookie jar, source address. [`Session::send`] is the hot path.
//! - [`Request`] in, [`Exchange`] or [`Failure`] out; a [`Captured`] receives head and body when they are wanted.
//!
//! Invariants: a plain request on a kept connection allocates nothing; no buffer is held by an idle user; every
//! misbehaviour of a server is an [`squall_core::ErrorClass`], never a panic; dropping a `send` future at any moment
//! is safe, and [`Session::in_flight`] then says how far it came.

mod captured;
mod client;
mod config;
mod connect;
mod cookie_date;
mod cookies;
mod decode;
mod driver;
mod exchange;
mod failure;
mod origin;
mod redirect;
mod request;
mod response;
mod session;
mod time;
mod tls;

pub use captured::Captured;
pub use client::Client;
pub use config::{ClientCertificate, ClientConfig, TlsOptions};
pub use connect::{Connector, TcpConnector};
pub use exchange::{Exchange, InFlight};
pub use failure::{Failure, FailureDetail};
pub use origin::{Origin, OriginError};
pub use request::{Method, Request};
pub use response::{FrameError, HeadInfo, MAX_HEAD_BYTES, MAX_HEADERS, Progress, ResponseReader, Sink};
pub use session::Session;
pub use time::{Clock, Deadline};
pub use tls::{Tls, TlsError};
