//! The JSON log: one object a line, written by a thread of its own, rotated by size.
//!
//! A request hands its line over and goes on; when the writer falls behind by [`WAITING`] lines the newest are dropped
//! and counted, because a log must not slow down what it describes.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use serde::Serializer as _;
use serde::ser::SerializeMap as _;
use serde_json::Value;
use serde_json::ser::Formatter;

use crate::config::LogConfig;
use crate::{Error, clock};

const WAITING: usize = 16_384;

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Warning,
    Error,
}

/// One line to be.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) at_ms: i64,
    pub(crate) level: Level,
    pub(crate) logger: &'static str,
    pub(crate) message: Cow<'static, str>,
    pub(crate) fields: Vec<(&'static str, Value)>,
}

#[derive(Debug)]
enum Message {
    Line(Box<Line>),
    Flush(SyncSender<()>),
}

/// Takes lines from any thread; a log that is off takes them for nothing.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    sender: Option<SyncSender<Message>>,
    dropped: Arc<AtomicU64>,
}

impl Log {
    /// Opens the file, creating its folder, and starts the writer.
    ///
    /// # Errors
    /// [`Error::Log`] when the file cannot be opened.
    pub(crate) fn open(config: Option<&LogConfig>) -> Result<Self, Error> {
        let dropped = Arc::default();
        let Some(config) = config else { return Ok(Self { sender: None, dropped }) };
        let failed = |source| Error::Log { path: config.path.clone(), source };
        let file = Rotating::open(config).map_err(failed)?;
        let (sender, receiver) = sync_channel(WAITING);
        let writer = std::thread::Builder::new().name("muejam-log".into());
        writer.spawn(move || write_lines(file, &receiver)).map_err(Error::io("start the log writer"))?;
        Ok(Self { sender: Some(sender), dropped })
    }

    pub(crate) fn is_on(&self) -> bool {
        self.sender.is_some()
    }

    pub(crate) fn write(&self, line: Line) {
        if let Some(sender) = &self.sender
            && sender.try_send(Message::Line(Box::new(line))).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines were lost.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits, for a second at most, until what was handed over is in the file.
    pub(crate) fn flush(&self) {
        let Some(sender) = &self.sender else { return };
        let (done, wait) = sync_channel(1);
        if sender.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(Duration::from_secs(1));
        }
    }
}

/// Runs until every [`Log`] is gone. A line that cannot be written is lost: there is nowhere to say so.
fn write_lines(mut file: Rotating, receiver: &Receiver<Message>) {
    loop {
        let message = match receiver.try_recv() {
            Ok(message) => message,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                let _ = file.out.flush();
                match receiver.recv() {
                    Ok(message) => message,
                    Err(_) => break,
                }
            }
        };
        match message {
            Message::Line(line) => {
                let _ = file.write(&render(&line));
            }
            Message::Flush(done) => {
                let _ = file.out.flush();
                let _ = done.try_send(());
            }
        }
    }
    let _ = file.out.flush();
}

/// One line, with the spaces after `:` and `,` that the documented log has, so that the same `grep` finds it.
fn render(line: &Line) -> Vec<u8> {
    let level = match line.level {
        Level::Info => "INFO",
        Level::Warning => "WARNING",
        Level::Error => "ERROR",
    };
    let mut text = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Spaced);
    let timestamp = clock::iso(line.at_ms);
    let mut object = || {
        // Written field by field, so that a line opens with its time and its level.
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &timestamp)?;
        map.serialize_entry("level", level)?;
        map.serialize_entry("service", "muejam-backend")?;
        map.serialize_entry("message", &line.message)?;
        map.serialize_entry("logger", line.logger)?;
        for (key, value) in &line.fields {
            map.serialize_entry(key, value)?;
        }
        map.end()
    };
    object().expect("JSON values go into memory");
    text.push(b'\n');
    text
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

struct Rotating {
    path: PathBuf,
    max_bytes: u64,
    backups: u32,
    out: BufWriter<File>,
    written: u64,
}

impl Rotating {
    fn open(config: &LogConfig) -> io::Result<Self> {
        if let Some(folder) = config.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = append(&config.path)?;
        let written = file.metadata()?.len();
        let out = BufWriter::with_capacity(64 * 1024, file);
        Ok(Self {
            path: config.path.clone(),
            max_bytes: config.max_bytes,
            backups: config.backups,
            out,
            written,
        })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.written > 0 && self.written + line.len() as u64 > self.max_bytes {
            self.rotate()?;
        }
        self.out.write_all(line)?;
        self.written += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.out.flush()?;
        for n in (1..self.backups).rev() {
            // A gap in the row of older files is no reason to stop.
            let _ = std::fs::rename(self.older(n), self.older(n + 1));
        }
        if self.backups == 0 {
            std::fs::remove_file(&self.path)?;
        } else {
            std::fs::rename(&self.path, self.older(1))?;
        }
        self.out = BufWriter::with_capacity(64 * 1024, append(&self.path)?);
        self.written = 0;
        Ok(())
    }

    fn older(&self, n: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{n}"));
        name.into()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_rotated_by_size_and_old_ones_are_kept_up_to_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/muejam.log");
        let config = LogConfig { path: path.clone(), max_bytes: 300, backups: 2 };
        let log = Log::open(Some(&config)).unwrap();
        for n in 0..20 {
            let fields = vec![("n", Value::from(n))];
            log.write(Line { at_ms: 0, level: Level::Info, logger: "test", message: "hello".into(), fields });
        }
        log.flush();
        let last = std::fs::read_to_string(&path).unwrap();
        assert!(last.ends_with("\"n\": 19}\n"), "{last}");
        assert!(
            last.starts_with("{\"timestamp\": \"1970-01-01T00:00:00.000000Z\", \"level\": \"INFO\", "),
            "{last}"
        );
        for name in ["muejam.log.1", "muejam.log.2"] {
            let older = std::fs::read_to_string(path.with_file_name(name)).unwrap();
            assert!(older.len() <= 300 && older.ends_with('\n'), "{name}: {older}");
        }
        assert!(!path.with_file_name("muejam.log.3").exists());
        assert_eq!(log.dropped(), 0);
    }
}
