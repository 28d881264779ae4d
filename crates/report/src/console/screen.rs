//! One place through which everything reaches the terminal, so that a progress bar and lines of text do not
//! write over each other.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;

/// A text sink that may have a progress bar at its foot. Clones write to the same sink: give one to the log and
/// one to [`Live`](super::Live).
#[derive(Clone)]
pub struct Screen(Arc<Mutex<Inner>>);

struct Inner {
    sink: Box<dyn Write + Send>,
    bar: Option<ProgressBar>,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

impl Screen {
    /// Write to `sink`, usually standard error.
    pub fn new(sink: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Inner { sink: Box::new(sink), bar: None })))
    }

    /// Write whole lines above the bar.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn print(&self, text: &str) -> io::Result<()> {
        self.lock().write(text.as_bytes())
    }

    /// Put a bar at the foot, or remove it.
    pub(super) fn set_bar(&self, bar: Option<ProgressBar>) {
        let mut inner = self.lock();
        if let Some(old) = std::mem::replace(&mut inner.bar, bar) {
            old.finish_and_clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Self { sink, bar } = self;
        let mut write = || sink.write_all(bytes).and_then(|()| sink.flush());
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
