//! The embedded backend: SQLite, in memory or a file, on a fixed set of connections.
//!
//! A statement waits for a connection without blocking a thread, then runs on tokio's blocking pool. Invariants: a
//! connection is returned even when the request that used it is gone; writers exclude each other here rather than in
//! SQLite, so no request ever sees `SQLITE_BUSY` from this process. A database in memory has no write-ahead log, so
//! there a writer excludes readers too.

mod feed;
mod library;
mod schema;
mod stories;
mod users;
mod whispers;

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::model::{FullShelf, Profile, Shelf, ShelfItem, Story, Time, Whisper};
use super::pool::{PoolCounters, PoolStatus, Statements};
use super::{
    BoxFuture, FeedFilter, NewWhisper, Result, SearchQuery, Storage, StorageError, StoryFilter, StoryPatch,
    WhisperFilter, seed,
};
use crate::config::{Config, DatabaseLocation};
use crate::{Error, clock};

/// How long a statement waits for another process that holds the same database file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub(crate) struct SqliteStorage {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    idle: Mutex<Vec<Connection>>,
    free: Arc<Semaphore>,
    size: usize,
    /// Taken for writing by writers, and for reading by readers when `readers_wait`.
    gate: RwLock<()>,
    readers_wait: bool,
    counters: PoolCounters,
    statements: Statements,
}

impl SqliteStorage {
    /// Opens, migrates and, when empty, seeds the database. Blocks: it runs once, before anything is served.
    ///
    /// # Errors
    /// [`Error::Database`] when SQLite refuses any of that.
    pub(crate) fn open(config: &Config) -> std::result::Result<Self, Error> {
        Self::prepare(config).map_err(|error| Error::Database(error.to_string()))
    }

    fn prepare(config: &Config) -> rusqlite::Result<Self> {
        let size = config.pool_size.max(1);
        // A name of its own for each instance: databases in memory are shared by name within a process.
        let memory_name = format!("file:/muejam-{}?vfs=memdb", Uuid::new_v4());
        let open = || match &config.database {
            DatabaseLocation::Memory => open_memory(&memory_name),
            DatabaseLocation::File(path) => open_file(path),
        };
        let mut first = open()?;
        schema::migrate(&first)?;
        seed::fill(&mut first, config.seed)?;
        let mut idle = vec![first];
        for _ in 1..size {
            idle.push(open()?);
        }
        Ok(Self {
            shared: Arc::new(Shared {
                idle: Mutex::new(idle),
                free: Arc::new(Semaphore::new(size)),
                size,
                gate: RwLock::new(()),
                readers_wait: config.database == DatabaseLocation::Memory,
                counters: PoolCounters::default(),
                statements: Statements::default(),
            }),
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        run: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(name, false, move |connection| run(connection)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        run: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(name, true, run).await
    }

    async fn run<T: Send + 'static>(
        &self,
        name: &'static str,
        writes: bool,
        run: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let asked = clock::now();
        let permit = Arc::clone(&self.shared.free).acquire_owned().await;
        let permit = permit.map_err(|_| StorageError::Failed("the pool is closed".into()))?;
        let lease = Lease::take(Arc::clone(&self.shared), permit, clock::now() - asked)?;
        let task = tokio::task::spawn_blocking(move || lease.run(name, writes, run));
        // The task outlives a request that is dropped: the connection comes back either way.
        task.await.unwrap_or_else(|_| Err(StorageError::Failed("the statement did not finish".into())))
    }
}

/// One connection out of the pool, put back on drop.
struct Lease {
    shared: Arc<Shared>,
    connection: Option<Connection>,
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl Lease {
    fn take(
        shared: Arc<Shared>,
        permit: tokio::sync::OwnedSemaphorePermit,
        waited: Duration,
    ) -> Result<Self> {
        let connection = shared.idle.lock().expect("nothing panics while it holds this lock").pop();
        shared.counters.acquired(waited);
        let lease = Self { shared, connection, _permit: permit };
        if lease.connection.is_none() {
            return Err(StorageError::Failed("the pool lost a connection".into()));
        }
        Ok(lease)
    }

    fn run<T>(
        mut self,
        name: &'static str,
        writes: bool,
        run: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        // A lock left by a panic guards no data of its own, so its guard is as good as any.
        let _writer = writes.then(|| shared.gate.write().unwrap_or_else(std::sync::PoisonError::into_inner));
        let _reader = (!writes && shared.readers_wait)
            .then(|| shared.gate.read().unwrap_or_else(std::sync::PoisonError::into_inner));
        let connection = self.connection.as_mut().expect("a lease holds its connection until it is dropped");
        let started = clock::now();
        let result = run(connection);
        let failed = matches!(result, Err(StorageError::Failed(_)));
        shared.statements.record(name, clock::now() - started, failed);
        result
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.counters.released();
        if let Some(connection) = self.connection.take()
            && let Ok(mut idle) = self.shared.idle.lock()
        {
            idle.push(connection);
        }
    }
}

fn open_memory(name: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    settle(Connection::open_with_flags(name, flags)?)
}

fn open_file(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    settle(connection)
}

fn settle(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Conflict,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl Storage for SqliteStorage {
    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.read("ping", |db| {
            db.prepare_cached("SELECT 1")?.query_row([], |_| Ok(()))?;
            Ok(())
        }))
    }

    fn pool(&self) -> PoolStatus {
        self.shared.counters.status(self.shared.size)
    }

    fn statements(&self) -> &Statements {
        &self.shared.statements
    }

    fn profile_for_subject<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Profile>> {
        Box::pin(async move {
            let wanted = subject.to_owned();
            let found = self.read("profile_by_subject", move |db| users::by_subject(db, &wanted)).await?;
            if let Some(profile) = found {
                return Ok(profile);
            }
            let subject = subject.to_owned();
            self.write("create_profile", move |db| users::create(db, &subject)).await
        })
    }

    fn profile(&self, id: &str) -> BoxFuture<'_, Result<Option<Profile>>> {
        let id = id.to_owned();
        Box::pin(self.read("profile_by_id", move |db| users::by_id(db, &id)))
    }

    fn profile_by_handle(&self, handle: &str) -> BoxFuture<'_, Result<Option<Profile>>> {
        let handle = handle.to_owned();
        Box::pin(self.read("profile_by_handle", move |db| users::by_handle(db, &handle)))
    }

    fn story_by_slug(&self, slug: &str) -> BoxFuture<'_, Result<Option<Story>>> {
        let slug = slug.to_owned();
        Box::pin(self.read("story_by_slug", move |db| stories::by_slug(db, &slug)))
    }

    fn story(&self, id: &str) -> BoxFuture<'_, Result<Option<Story>>> {
        let id = id.to_owned();
        Box::pin(self.read("story_by_id", move |db| stories::by_id(db, &id)))
    }

    fn stories(&self, filter: StoryFilter) -> BoxFuture<'_, Result<Vec<Story>>> {
        Box::pin(self.read("stories", move |db| stories::list(db, &filter)))
    }

    fn feed(&self, filter: FeedFilter) -> BoxFuture<'_, Result<Vec<Story>>> {
        let name = match filter.order {
            super::FeedOrder::Trending => "feed_trending",
            super::FeedOrder::New => "feed_new",
            super::FeedOrder::ForYou(_) => "feed_for_you",
        };
        Box::pin(self.read(name, move |db| feed::page(db, &filter)))
    }

    fn published_since(&self, since: Time, limit: usize) -> BoxFuture<'_, Result<Vec<Story>>> {
        Box::pin(self.read("published_since", move |db| feed::published_since(db, since, limit)))
    }

    fn search(&self, query: SearchQuery) -> BoxFuture<'_, Result<(Vec<Story>, usize)>> {
        Box::pin(self.read("search_stories", move |db| feed::search(db, &query)))
    }

    fn create_story(
        &self,
        author_id: &str,
        title: &str,
        blurb: &str,
        cover_key: Option<&str>,
        publish: bool,
    ) -> BoxFuture<'_, Result<Story>> {
        let draft = stories::Draft {
            author_id: author_id.to_owned(),
            title: title.to_owned(),
            blurb: blurb.to_owned(),
            cover_key: cover_key.map(str::to_owned),
            publish,
        };
        Box::pin(self.write("create_story", move |db| stories::create(db, draft)))
    }

    fn update_story(&self, id: &str, patch: StoryPatch) -> BoxFuture<'_, Result<Option<Story>>> {
        let id = id.to_owned();
        Box::pin(self.write("update_story", move |db| stories::update(db, &id, patch)))
    }

    fn delete_story(&self, id: &str) -> BoxFuture<'_, Result<bool>> {
        let id = id.to_owned();
        Box::pin(self.write("delete_story", move |db| stories::delete(db, &id)))
    }

    fn publish_story(&self, id: &str) -> BoxFuture<'_, Result<Option<Story>>> {
        let id = id.to_owned();
        Box::pin(self.write("publish_story", move |db| stories::publish(db, &id)))
    }

    fn shelves(&self, user_id: &str) -> BoxFuture<'_, Result<Vec<Shelf>>> {
        let user_id = user_id.to_owned();
        Box::pin(self.read("shelves", move |db| library::shelves(db, &user_id)))
    }

    fn library(&self, user_id: &str) -> BoxFuture<'_, Result<Vec<FullShelf>>> {
        let user_id = user_id.to_owned();
        Box::pin(self.read("library", move |db| library::full(db, &user_id)))
    }

    fn shelf(&self, id: &str) -> BoxFuture<'_, Result<Option<Shelf>>> {
        let id = id.to_owned();
        Box::pin(self.read("shelf_by_id", move |db| library::shelf(db, &id)))
    }

    fn create_shelf(&self, user_id: &str, name: &str) -> BoxFuture<'_, Result<Shelf>> {
        let (user_id, name) = (user_id.to_owned(), name.to_owned());
        Box::pin(self.write("create_shelf", move |db| library::create_shelf(db, user_id, name)))
    }

    fn add_to_shelf(&self, shelf_id: &str, story_id: &str) -> BoxFuture<'_, Result<ShelfItem>> {
        let (shelf_id, story_id) = (shelf_id.to_owned(), story_id.to_owned());
        Box::pin(self.write("add_to_shelf", move |db| library::add(db, shelf_id, story_id)))
    }

    fn remove_from_shelf(&self, shelf_id: &str, story_id: &str) -> BoxFuture<'_, Result<bool>> {
        let (shelf_id, story_id) = (shelf_id.to_owned(), story_id.to_owned());
        Box::pin(self.write("remove_from_shelf", move |db| library::remove(db, &shelf_id, &story_id)))
    }

    fn whispers(&self, filter: WhisperFilter) -> BoxFuture<'_, Result<Vec<Whisper>>> {
        Box::pin(self.read("whispers", move |db| whispers::list(db, &filter)))
    }

    fn whisper(&self, id: &str) -> BoxFuture<'_, Result<Option<Whisper>>> {
        let id = id.to_owned();
        Box::pin(self.read("whisper_by_id", move |db| whispers::by_id(db, &id)))
    }

    fn create_whisper(&self, whisper: NewWhisper) -> BoxFuture<'_, Result<Whisper>> {
        Box::pin(self.write("create_whisper", move |db| whispers::create(db, whisper)))
    }

    fn update_whisper(&self, id: &str, content: &str) -> BoxFuture<'_, Result<Option<Whisper>>> {
        let (id, content) = (id.to_owned(), content.to_owned());
        Box::pin(self.write("update_whisper", move |db| whispers::update(db, &id, &content)))
    }

    fn delete_whisper(&self, id: &str) -> BoxFuture<'_, Result<bool>> {
        let id = id.to_owned();
        Box::pin(self.write("delete_whisper", move |db| whispers::delete(db, &id)))
    }
}
