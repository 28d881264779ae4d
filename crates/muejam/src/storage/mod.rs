//! The rows of the service behind one trait, so that handlers do not know which database answers.
//!
//! Methods return boxed futures: the trait is used as `dyn Storage`, and next to a query the box costs nothing.
//! Invariants: every statement is counted under its name; soft-deleted rows are never returned.

mod model;
mod pool;
mod seed;
mod sqlite;
#[cfg(test)]
mod suite;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

pub(crate) use model::{
    FullShelf, OwnProfile, Profile, Scope, Shelf, ShelfItem, Story, StoryDetail, Time, Whisper,
};
pub(crate) use pool::{PoolStatus, StatementStats, Statements};
pub(crate) use seed::handle_base;
pub(crate) use sqlite::SqliteStorage;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
pub(crate) type Result<T> = std::result::Result<T, StorageError>;

/// Why a statement gave no rows.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StorageError {
    /// A unique value is taken.
    #[error("already exists")]
    Conflict,
    /// The cursor names no row.
    #[error("unknown cursor")]
    BadCursor,
    /// The database refused, failed or is away.
    #[error("{0}")]
    Failed(String),
}

/// Which stories a list holds: newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoryFilter {
    pub(crate) published: Option<bool>,
    pub(crate) author_id: Option<String>,
    /// Id of the last story of the page before.
    pub(crate) cursor: Option<String>,
    pub(crate) limit: usize,
}

/// What the discovery feed shows.
#[derive(Debug, Clone)]
pub(crate) struct FeedFilter {
    pub(crate) order: FeedOrder,
    pub(crate) tag: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

/// How the discovery feed is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FeedOrder {
    /// By the latest trending score.
    Trending,
    /// By publication.
    New,
    /// Authors on this user's shelves first, then by trending score.
    ForYou(String),
}

/// What a search asks for.
#[derive(Debug, Clone)]
pub(crate) struct SearchQuery {
    pub(crate) text: String,
    pub(crate) genre: Option<String>,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

/// The changes of an update; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoryPatch {
    pub(crate) title: Option<String>,
    pub(crate) blurb: Option<String>,
    /// `Some(None)` takes the cover away.
    pub(crate) cover_key: Option<Option<String>>,
}

/// Which whispers a list holds: newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct WhisperFilter {
    pub(crate) scope: Option<Scope>,
    pub(crate) story_id: Option<String>,
    /// Id of the last whisper of the page before.
    pub(crate) cursor: Option<String>,
    pub(crate) limit: usize,
}

/// A whisper about to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewWhisper {
    pub(crate) user_id: String,
    pub(crate) content: String,
    pub(crate) media_key: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) story_id: Option<String>,
    pub(crate) highlight_id: Option<String>,
}

/// The rows of the service.
pub(crate) trait Storage: Send + Sync + Debug {
    /// One trivial statement: is the database there?
    fn ping(&self) -> BoxFuture<'_, Result<()>>;
    /// How busy the connections are.
    fn pool(&self) -> PoolStatus;
    /// Counts and times by statement name.
    fn statements(&self) -> &Statements;

    /// The profile of a token's subject, created on first sight with a handle nobody has.
    fn profile_for_subject<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Profile>>;
    /// A profile by its id.
    fn profile(&self, id: &str) -> BoxFuture<'_, Result<Option<Profile>>>;
    /// A profile by its handle.
    fn profile_by_handle(&self, handle: &str) -> BoxFuture<'_, Result<Option<Profile>>>;

    /// A story by slug, draft or not.
    fn story_by_slug(&self, slug: &str) -> BoxFuture<'_, Result<Option<Story>>>;
    /// A story by id, draft or not.
    fn story(&self, id: &str) -> BoxFuture<'_, Result<Option<Story>>>;
    /// A page of stories.
    fn stories(&self, filter: StoryFilter) -> BoxFuture<'_, Result<Vec<Story>>>;
    /// A page of the discovery feed.
    fn feed(&self, filter: FeedFilter) -> BoxFuture<'_, Result<Vec<Story>>>;
    /// Stories published since `since`, newest first.
    fn published_since(&self, since: Time, limit: usize) -> BoxFuture<'_, Result<Vec<Story>>>;
    /// A page of search results and how many there are in all.
    fn search(&self, query: SearchQuery) -> BoxFuture<'_, Result<(Vec<Story>, usize)>>;
    /// Stores a story under a slug nobody has; `publish` makes it public at once.
    fn create_story(
        &self,
        author_id: &str,
        title: &str,
        blurb: &str,
        cover_key: Option<&str>,
        publish: bool,
    ) -> BoxFuture<'_, Result<Story>>;
    /// Changes a story; a new title gives a new slug.
    fn update_story(&self, id: &str, patch: StoryPatch) -> BoxFuture<'_, Result<Option<Story>>>;
    /// Hides a story for good; false if there was none.
    fn delete_story(&self, id: &str) -> BoxFuture<'_, Result<bool>>;
    /// Makes a story public; a second time changes nothing.
    fn publish_story(&self, id: &str) -> BoxFuture<'_, Result<Option<Story>>>;

    /// A user's shelves, newest first.
    fn shelves(&self, user_id: &str) -> BoxFuture<'_, Result<Vec<Shelf>>>;
    /// A user's shelves with their stories.
    fn library(&self, user_id: &str) -> BoxFuture<'_, Result<Vec<FullShelf>>>;
    /// A shelf by id.
    fn shelf(&self, id: &str) -> BoxFuture<'_, Result<Option<Shelf>>>;
    /// Stores a shelf.
    fn create_shelf(&self, user_id: &str, name: &str) -> BoxFuture<'_, Result<Shelf>>;
    /// Puts a story on a shelf; [`StorageError::Conflict`] if it stands there.
    fn add_to_shelf(&self, shelf_id: &str, story_id: &str) -> BoxFuture<'_, Result<ShelfItem>>;
    /// Takes a story off a shelf; false if it was not there.
    fn remove_from_shelf(&self, shelf_id: &str, story_id: &str) -> BoxFuture<'_, Result<bool>>;

    /// A page of whispers.
    fn whispers(&self, filter: WhisperFilter) -> BoxFuture<'_, Result<Vec<Whisper>>>;
    /// A whisper by id.
    fn whisper(&self, id: &str) -> BoxFuture<'_, Result<Option<Whisper>>>;
    /// Stores a whisper.
    fn create_whisper(&self, whisper: NewWhisper) -> BoxFuture<'_, Result<Whisper>>;
    /// Replaces a whisper's text.
    fn update_whisper(&self, id: &str, content: &str) -> BoxFuture<'_, Result<Option<Whisper>>>;
    /// Hides a whisper for good; false if there was none.
    fn delete_whisper(&self, id: &str) -> BoxFuture<'_, Result<bool>>;
}
