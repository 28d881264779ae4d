//! Answers kept for a while, behind one trait so that handlers do not know where.
//!
//! What is kept is the finished body with its validators. Invariant: an answer computed from rows read before a write
//! is never kept past that write — a load takes a [`Stamp`] first, and [`Cache::put`] drops what a later invalidation
//! of any of its tags has overtaken.

mod memory;

use std::fmt::Debug;
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;
use uuid::Uuid;

pub(crate) use memory::MemoryCache;

use crate::storage::BoxFuture;

pub(crate) const STORY_TTL: Duration = Duration::from_secs(600);
pub(crate) const PROFILE_TTL: Duration = Duration::from_secs(300);
pub(crate) const DISCOVERY_TTL: Duration = Duration::from_secs(180);
pub(crate) const SEARCH_TTL: Duration = Duration::from_secs(300);

/// A finished JSON body and what identifies its state.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) body: Bytes,
    /// Quoted, as the header wants it.
    pub(crate) etag: String,
    /// Seconds since the Unix epoch.
    pub(crate) modified: i64,
}

impl Document {
    pub(crate) fn new(value: &impl Serialize, modified: i64) -> Self {
        let body = serde_json::to_vec(value).expect("rows serialise: their maps have text keys");
        let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, &body);
        Self { body: body.into(), etag: format!("\"{}\"", digest.simple()), modified }
    }
}

/// A moment between invalidations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(u64);

/// What the cache did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CacheStats {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) evictions: u64,
    pub(crate) sets: u64,
    pub(crate) invalidations: u64,
    pub(crate) entries: u64,
}

impl CacheStats {
    /// Percent of look-ups that found something; 0 before the first.
    pub(crate) fn hit_rate_percent(&self) -> f64 {
        percent(self.hits, self.hits + self.misses)
    }

    pub(crate) fn miss_rate_percent(&self) -> f64 {
        percent(self.misses, self.hits + self.misses)
    }

    /// Percent of stored answers that were pushed out by newer ones.
    pub(crate) fn eviction_rate_percent(&self) -> f64 {
        percent(self.evictions, self.sets)
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// Answers kept for a while.
pub(crate) trait Cache: Send + Sync + Debug {
    /// The answer under `key` if it is there, has not expired and was not invalidated.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Document>>;
    /// Taken before the rows are read that an answer is computed from.
    fn stamp(&self) -> BoxFuture<'_, Stamp>;
    /// Keeps an answer for `ttl`, unless one of its tags was invalidated after `stamp`.
    fn put<'a>(
        &'a self,
        key: &'a str,
        document: Document,
        ttl: Duration,
        tags: &'a [String],
        stamp: Stamp,
    ) -> BoxFuture<'a, ()>;
    /// Forgets every answer with one of these tags.
    fn invalidate<'a>(&'a self, tags: &'a [String]) -> BoxFuture<'a, ()>;
    /// Writes, reads and deletes a key: is the cache there? The error says why not.
    fn ping(&self) -> BoxFuture<'_, Result<(), String>>;
    /// What the cache did so far.
    fn stats(&self) -> CacheStats;
}
