//! Reads the machine's monotonic clock: the same one for every process on this host, so that a client's and the server's
//! instants can be subtracted.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // The monotonic clock starts at or after zero.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
