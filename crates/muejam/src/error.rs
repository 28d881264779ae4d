//! Why the service could not start or had to stop. Errors answered to clients live in `reply`.

use std::path::PathBuf;

/// A failure of the service itself, as opposed to a refusal it answers to one client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be opened, migrated or seeded.
    #[error("failed to prepare the database: {0}")]
    Database(String),
    /// The log file could not be created.
    #[error("failed to open the log file {}: {source}", path.display())]
    Log {
        /// Where the log should have been written.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The key set could not be read or understood at start.
    #[error("failed to load the key set: {0}")]
    Jwks(String),
    /// A setting contradicts another or cannot be honoured.
    #[error("{0}")]
    Setting(String),
    /// The listener, the runtime or standard output failed.
    #[error("failed to {doing}: {source}")]
    Io {
        /// What was being done, reading after "failed to".
        doing: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}
