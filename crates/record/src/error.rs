//! What can go wrong with a record.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a record cannot be written or read.
#[derive(Debug, Error)]
pub enum Error {
    /// A record is never overwritten.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The file cannot be opened or created.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else, or the record was never begun.
    #[error("{} is not a record of squall", .0.display())]
    NotARecord(PathBuf),
    /// A later version of squall wrote the file.
    #[error(
        "{} was written by a newer squall (format {found}, this one reads up to {supported}): update squall to read it",
        path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Format of the file.
        found: i64,
        /// Newest format this version reads.
        supported: i64,
    },
    /// The file is a record, but something in it makes no sense.
    #[error("the record is damaged: {0}")]
    Damaged(String),
    /// SQLite refuses, e.g. because the disk is full.
    #[error("cannot access the record: {0}")]
    Database(#[from] rusqlite::Error),
    /// The writing thread is gone.
    #[error("the thread that writes the record has died")]
    WriterDied,
}
