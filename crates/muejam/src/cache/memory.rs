//! The cache inside the process: bounded, least recently used out first.
//!
//! Tags are hashed onto a fixed table of "last invalidated at" numbers, so that invalidation costs the same however
//! many answers carry a tag, and memory stays bounded. Two tags on one slot cost a needless miss, never a stale answer.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{Cache, CacheStats, Document, Stamp};
use crate::clock;
use crate::storage::BoxFuture;

/// Enough that a few thousand live tags seldom share a slot.
const TAG_SLOTS: usize = 8192;

#[derive(Debug)]
pub(crate) struct MemoryCache {
    capacity: usize,
    /// The `no-cache` flaw: every look-up misses and nothing is kept.
    disabled: bool,
    hasher: RandomState,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    entries: HashMap<String, Entry>,
    /// Keys by when they were last used; the first is the next to go.
    by_use: BTreeMap<u64, String>,
    uses: u64,
    invalidations: u64,
    invalidated: Vec<u64>,
    stats: CacheStats,
}

#[derive(Debug)]
struct Entry {
    document: Document,
    expires: Instant,
    slots: Vec<usize>,
    stamp: Stamp,
    used: u64,
}

impl MemoryCache {
    pub(crate) fn new(capacity: usize, disabled: bool) -> Self {
        let inner = Inner {
            entries: HashMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
            invalidations: 0,
            invalidated: vec![0; TAG_SLOTS],
            stats: CacheStats::default(),
        };
        Self { capacity: capacity.max(1), disabled, hasher: RandomState::new(), inner: Mutex::new(inner) }
    }

    fn slot(&self, tag: &str) -> usize {
        usize::try_from(self.hasher.hash_one(tag) % TAG_SLOTS as u64).unwrap_or(0)
    }

    fn with<T>(&self, run: impl FnOnce(&mut Inner) -> T) -> T {
        run(&mut self.inner.lock().expect("nothing panics while it holds this lock"))
    }

    fn get_at(&self, key: &str, now: Instant) -> Option<Document> {
        self.with(|inner| {
            let found = inner.find(key, now);
            if found.is_some() {
                inner.stats.hits += 1;
            } else {
                inner.stats.misses += 1;
            }
            found
        })
    }

    fn put_at(&self, key: &str, entry: (Document, Instant), tags: &[String], stamp: Stamp) {
        if self.disabled {
            return;
        }
        let slots: Vec<usize> = tags.iter().map(|tag| self.slot(tag)).collect();
        self.with(|inner| {
            if inner.overtaken(&slots, stamp) {
                return;
            }
            inner.remove(key);
            while inner.entries.len() >= self.capacity {
                let Some((_, oldest)) = inner.by_use.pop_first() else { break };
                inner.entries.remove(&oldest);
                inner.stats.evictions += 1;
            }
            inner.uses += 1;
            let (document, expires) = entry;
            let entry = Entry { document, expires, slots, stamp, used: inner.uses };
            inner.by_use.insert(entry.used, key.to_owned());
            inner.entries.insert(key.to_owned(), entry);
            inner.stats.sets += 1;
        });
    }
}

impl Inner {
    fn overtaken(&self, slots: &[usize], stamp: Stamp) -> bool {
        slots.iter().any(|slot| self.invalidated[*slot] > stamp.0)
    }

    fn find(&mut self, key: &str, now: Instant) -> Option<Document> {
        let entry = self.entries.get(key)?;
        if entry.expires <= now || self.overtaken(&entry.slots, entry.stamp) {
            self.remove(key);
            return None;
        }
        self.uses += 1;
        let uses = self.uses;
        let entry = self.entries.get_mut(key)?;
        let key = self.by_use.remove(&entry.used)?;
        entry.used = uses;
        self.by_use.insert(uses, key);
        Some(entry.document.clone())
    }

    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_use.remove(&entry.used);
        }
    }
}

impl Cache for MemoryCache {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Document>> {
        Box::pin(async move { self.get_at(key, clock::now()) })
    }

    fn stamp(&self) -> BoxFuture<'_, Stamp> {
        Box::pin(async move { self.with(|inner| Stamp(inner.invalidations)) })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        document: Document,
        ttl: Duration,
        tags: &'a [String],
        stamp: Stamp,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.put_at(key, (document, clock::now() + ttl), tags, stamp) })
    }

    fn invalidate<'a>(&'a self, tags: &'a [String]) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let slots: Vec<usize> = tags.iter().map(|tag| self.slot(tag)).collect();
            self.with(|inner| {
                inner.invalidations += 1;
                inner.stats.invalidations += 1;
                let now = inner.invalidations;
                for slot in slots {
                    inner.invalidated[slot] = now;
                }
            });
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.inner.lock().map(drop).map_err(|_| "the cache is broken".to_owned()) })
    }

    fn stats(&self) -> CacheStats {
        self.with(|inner| CacheStats { entries: inner.entries.len() as u64, ..inner.stats })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::new(&text, 0)
    }

    fn put(cache: &MemoryCache, key: &str, tags: &[String], stamp: Stamp) {
        cache.put_at(key, (document(key), clock::now() + Duration::from_secs(60)), tags, stamp);
    }

    #[tokio::test]
    async fn an_answer_computed_before_a_write_is_not_kept_after_it() {
        let cache = MemoryCache::new(10, false);
        let tags = ["story:1".to_owned()];
        let stamp = cache.stamp().await;
        cache.invalidate(&tags).await;
        put(&cache, "story", &tags, stamp);
        assert!(cache.get("story").await.is_none(), "the write came between the read and the put");
        put(&cache, "story", &tags, cache.stamp().await);
        assert!(cache.get("story").await.is_some());
        cache.invalidate(&tags).await;
        assert!(cache.get("story").await.is_none());
        assert_eq!(cache.stats().entries, 0);
    }

    #[tokio::test]
    async fn the_least_recently_used_goes_first_and_answers_expire() {
        let cache = MemoryCache::new(2, false);
        let stamp = cache.stamp().await;
        put(&cache, "a", &[], stamp);
        put(&cache, "b", &[], stamp);
        assert!(cache.get("a").await.is_some());
        put(&cache, "c", &[], stamp);
        assert!(cache.get("b").await.is_none(), "b was used longest ago");
        assert!(cache.get("a").await.is_some());
        assert_eq!(cache.stats().evictions, 1);
        assert!(cache.get_at("a", clock::now() + Duration::from_secs(61)).is_none(), "past its time to live");
    }

    #[tokio::test]
    async fn a_disabled_cache_always_misses() {
        let cache = MemoryCache::new(2, true);
        put(&cache, "a", &[], cache.stamp().await);
        assert!(cache.get("a").await.is_none());
        assert_eq!((cache.stats().hits, cache.stats().misses), (0, 1));
    }
}
