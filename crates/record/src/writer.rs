//! Stores a run while it happens.
//!
//! [`Writer`] hands everything to a thread of its own and never waits for it: a slow disk never slows the load.
//! What the thread cannot write stays queued (windows merged, never dropped) and is tried again.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use serde_json::Value;
use squall_core::{EndReason, Nanos};
use squall_plan::Plan;
use squall_stats::Window;

use crate::queue::Queue;
use crate::{End, Environment, Error, FaultMark, LogLine, Mark, PhaseMark, Point, schema, store};

/// What is known before a run begins.
#[derive(Clone, Debug)]
pub struct Header {
    /// What is run.
    pub plan: Plan,
    /// The resolved settings; stored as they are, so the caller masks what is secret in them.
    pub settings: Value,
    /// The machine.
    pub environment: Environment,
    /// Wall time at run time zero, as well as it is known: [`Writer::started`] makes it exact.
    pub started: jiff::Timestamp,
}

/// Writes one record. Dropped without [`Writer::finish`], it leaves a record without an end: a run cut off.
#[derive(Debug)]
pub struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Writer {
    /// Begin a record at `path`: the header is on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is a file already; otherwise what the disk or SQLite says.
    pub fn create(path: &Path, header: &Header) -> Result<Self, Error> {
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::Exists(path.to_owned()));
            }
            Err(source) => return Err(Error::Open { path: path.to_owned(), source }),
        }
        let begun = schema::create(path, header).and_then(|connection| {
            let queue = Arc::new(Queue::default());
            let theirs = Arc::clone(&queue);
            let thread = thread::Builder::new()
                .name("squall-record".to_owned())
                .spawn(move || write_all(connection, &theirs))
                .map_err(|source| Error::Open { path: path.to_owned(), source })?;
            Ok(Self { queue, thread: Some(thread) })
        });
        if begun.is_err() {
            // They are ours alone. What made the beginning fail is worth more than a failure to tidy up.
            for suffix in ["", "-wal", "-shm", "-journal"] {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                let _ = fs::remove_file(name);
            }
        }
        begun
    }

    /// Store the wall time at run time zero, now that the clock of the run has started.
    pub fn started(&self, at: jiff::Timestamp) {
        self.queue.set_started(at);
    }

    /// Store a window. Never blocks on the disk.
    pub fn window(&self, window: Arc<Window>) {
        self.queue.push_window(window);
    }

    /// Store a phase, or what is new about one stored before (the same id replaces).
    pub fn phase(&self, phase: PhaseMark) {
        self.queue.push_phase(phase);
    }

    /// Store a mark, e.g. a statistics reset.
    pub fn mark(&self, mark: Mark) {
        self.queue.push_mark(mark);
    }

    /// Store a sample of the series at position `series` of `Plan::series`. Never blocks on the disk.
    pub fn sample(&self, series: u32, point: Point) {
        self.queue.push_sample(series, point);
    }

    /// Store a fault, or what is new about one stored before (the same id replaces).
    pub fn fault(&self, fault: FaultMark) {
        self.queue.push_fault(fault);
    }

    /// Store a line of the log.
    pub fn log(&self, line: LogLine) {
        self.queue.push_log(line);
    }

    /// The first error of writing, e.g. a full disk: a reason to stop the run. It stays even if a later attempt
    /// succeeds.
    pub fn failed(&self) -> Option<String> {
        self.queue.failed()
    }

    /// Store the end at run time `at`, wait for everything to be written, and leave a single file.
    ///
    /// # Errors
    /// When something could not be written even at the last attempt; what was written before is readable.
    pub fn finish(mut self, reason: EndReason, at: Nanos) -> Result<(), Error> {
        self.queue.close(Some(End { reason, at }));
        self.join()
    }

    fn join(&mut self) -> Result<(), Error> {
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or(Err(Error::WriterDied)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.queue.close(None);
            // There is nobody to tell; the record says it all by having no end.
            let _ = self.join();
        }
    }
}

/// The thread: one transaction for each window, with the marks and lines that were waiting.
fn write_all(mut connection: Connection, queue: &Queue) -> Result<(), Error> {
    while let Some(batch) = queue.next() {
        let written = store::write(&mut connection, &batch);
        let last = batch.last_attempt;
        match written {
            Ok(()) => queue.written(&batch),
            Err(error) => {
                queue.not_written(batch, &error);
                if last {
                    return Err(error);
                }
            }
        }
    }
    schema::close(connection)
}
