//! One running instance: its settings and everything its handlers share.

use std::sync::Arc;

use crate::auth::Authenticator;
use crate::cache::{Cache, MemoryCache};
use crate::config::Config;
use crate::error::Error;
use crate::flaws::Flaws;
use crate::limit::RateLimiter;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::storage::{SqliteStorage, Storage};

/// One instance of the service. Clones are the same instance; two instances share nothing.
#[derive(Debug, Clone)]
pub struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    storage: Box<dyn Storage>,
    cache: Box<dyn Cache>,
    auth: Authenticator,
    limiter: RateLimiter,
    flaws: Flaws,
    metrics: Metrics,
    log: Log,
}

impl App {
    /// Opens the database (creating and seeding it when empty), the key set and the log. Blocks for a moment.
    ///
    /// # Errors
    /// [`Error`] when any of these cannot be had.
    pub fn new(config: Config) -> Result<Self, Error> {
        let storage = Box::new(SqliteStorage::open(&config)?);
        let auth = Authenticator::new(&config.auth)?;
        let limiter = RateLimiter::new(config.limits.clone());
        let log = Log::open(config.log.as_ref())?;
        let metrics = Metrics::new();
        // Last: their times count from when the service can be used.
        let flaws = Flaws::new(&config.flaws)?;
        let cache = Box::new(MemoryCache::new(config.cache_entries, flaws.no_cache));
        Ok(Self { inner: Arc::new(Inner { config, storage, cache, auth, limiter, flaws, metrics, log }) })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.inner.storage
    }

    pub(crate) fn cache(&self) -> &dyn Cache {
        &*self.inner.cache
    }

    pub(crate) fn auth(&self) -> &Authenticator {
        &self.inner.auth
    }

    pub(crate) fn limiter(&self) -> &RateLimiter {
        &self.inner.limiter
    }

    pub(crate) fn flaws(&self) -> &Flaws {
        &self.inner.flaws
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    pub(crate) fn log(&self) -> &Log {
        &self.inner.log
    }
}
