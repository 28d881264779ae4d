//! Flaws that need no request: memory that is never given back, and a sudden end.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};

use crate::clock;

/// How often memory is taken and the time looked at.
const BEAT: Duration = Duration::from_millis(20);
/// Memory is taken in pieces of 64 KiB: whole pages, and the list of them is small beside them, so that the process
/// grows by what the flaw says.
const PIECE: usize = 64 << 10;
/// The allocator's own share of each.
const HEADER: usize = 16;
/// A leak ends here: it must be seen, not bring the machine down. 2 GiB.
const MOST: usize = 2 << 30;

/// A thread that spoils the process it is in, until this is dropped; leaked memory comes back then.
#[derive(Debug)]
pub(crate) struct Decay {
    /// Never sent to: its end is the message.
    _alive: Sender<()>,
}

impl Decay {
    /// Leak at `rate` bytes a second and kill the process at `crash_at`, both counted from `started`.
    pub(crate) fn start(rate: f64, crash_at: Option<Duration>, started: Instant) -> std::io::Result<Self> {
        let (alive, ended) = channel::<()>();
        let thread = std::thread::Builder::new().name("muejam-decay".into());
        thread.spawn(move || {
            let mut leaked = Vec::new();
            loop {
                let age = clock::now() - started;
                grow(&mut leaked, due(rate, age));
                let beat = crash_at.map_or(BEAT, |at| BEAT.min(at.saturating_sub(age)));
                if beat.is_zero() {
                    crash();
                }
                match ended.recv_timeout(beat) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { _alive: alive })
    }
}

/// Pieces that shall have leaked at this age.
fn due(rate: f64, age: Duration) -> usize {
    // A cast of a float saturates.
    ((rate * age.as_secs_f64()) as usize).min(MOST) / PIECE
}

/// Take pieces up to `pieces` in all. They are written to, or the kernel would only promise them.
fn grow(leaked: &mut Vec<Box<[u8]>>, pieces: usize) {
    while leaked.len() < pieces {
        leaked.push(vec![0xA5; PIECE - HEADER].into_boxed_slice());
    }
}

/// No farewell: connections, buffers and the log are left as they are, as when the kernel runs out of memory.
fn crash() {
    // It does not return; if it were refused, the next beat would try again.
    let _ = kill_process(getpid(), Signal::KILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_follows_the_time_and_has_an_end() {
        let s = Duration::from_secs;
        assert_eq!(due(655_360.0, s(1)), 10);
        assert_eq!(due(65_536.0, s(3600)), 3_600);
        assert_eq!(due(1e12, s(86_400)) * PIECE, MOST);
        assert_eq!(due(0.0, s(86_400)), 0);
    }
}
