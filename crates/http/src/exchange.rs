//! What is known of a request's course: moments, byte counts, attempts.

use squall_core::Nanos;

/// A request as it went, its redirects and retries included. No heap.
///
/// `started`, `sent`, `first_byte`, `done` are moments of the run; `connect` and `tls` are spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// When `send` began; before connecting, if it had to.
    pub started: Nanos,
    /// Just before the first write of the first request; zero if it never came to that.
    pub sent: Nanos,
    /// Time spent on establishing TCP connections.
    pub connect: Nanos,
    /// Time spent on TLS handshakes.
    pub tls: Nanos,
    /// When the first byte of the last response was read; zero if none was.
    pub first_byte: Nanos,
    /// When the last byte of the last response was read, or the failure was seen.
    pub done: Nanos,
    /// Bytes handed to the transport: heads and bodies of requests, before TLS.
    pub bytes_out: u64,
    /// Bytes read from the transport: heads, framing and bodies of responses, after TLS.
    pub bytes_in: u64,
    /// Bytes of the last response's body, without framing, as sent (before decoding).
    pub body_in: u64,
    /// Requests written in full, or answered early: redirects and retries included.
    pub attempts: u32,
    /// Connections established.
    pub connects: u32,
    /// Status of the last response; zero without one.
    pub status: u16,
    /// Redirects followed.
    pub redirects: u8,
    /// Requests sent again because the kept connection turned out to be closed.
    pub retries: u8,
    /// The last wire request went over a connection that had served before.
    pub reused: bool,
}

/// How far a `send` had come when its future was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// Just before the first write; zero if nothing was written.
    pub sent: Nanos,
    /// The current wire request was handed to the kernel in full and its answer had not come in full.
    pub fully_written: bool,
    /// Requests written in full (the current one included), redirects and retries among them.
    pub attempts: u32,
    /// Bytes handed to the transport.
    pub bytes_out: u64,
    /// Bytes read from the transport.
    pub bytes_in: u64,
}
