//! What every storage backend must do, written once for all of them.

use super::*;
use crate::Config;
use crate::config::{DatabaseLocation, SeedConfig};

/// Runs the whole suite against one freshly seeded backend.
async fn behaves(db: &dyn Storage) {
    db.ping().await.unwrap();
    profiles(db).await;
    stories(db).await;
    feeds(db).await;
    shelves(db).await;
    whispers(db).await;
    assert_eq!(db.pool().in_use, 0, "every connection came back");
    assert!(db.statements().snapshot()["ping"].count >= 1);
}

async fn profiles(db: &dyn Storage) {
    for n in 0..6 {
        let handle = format!("user{n}");
        assert_eq!(db.profile_by_handle(&handle).await.unwrap().unwrap().handle, handle);
    }
    assert!(db.profile_by_handle("nobody").await.unwrap().is_none());
    let first = db.profile_for_subject("loadtest-1").await.unwrap();
    let second = db.profile_for_subject("loadtest-2").await.unwrap();
    assert_ne!(first.handle, second.handle, "subjects that begin alike get handles of their own");
    assert_eq!(db.profile_for_subject("loadtest-1").await.unwrap(), first, "a second sight creates nothing");
    assert_eq!(db.profile(&first.id).await.unwrap().unwrap(), first);
}

async fn stories(db: &dyn Storage) {
    let author = db.profile_for_subject("author").await.unwrap().id;
    let draft = db.create_story(&author, "A Tale!", "About it.", None, false).await.unwrap();
    assert_eq!((draft.slug.as_str(), draft.published), ("a-tale", false));
    let twin = db.create_story(&author, "A Tale!", "About it.", Some("cover"), true).await.unwrap();
    assert!(twin.slug.starts_with("a-tale-"), "{}", twin.slug);
    assert_eq!(db.story_by_slug(&twin.slug).await.unwrap().unwrap(), twin);
    let listed = |filter: StoryFilter| async move {
        let rows = db.stories(filter).await.unwrap();
        rows.into_iter().map(|story| story.id).collect::<Vec<_>>()
    };
    let own = StoryFilter { author_id: Some(author.clone()), limit: 10, ..StoryFilter::default() };
    assert_eq!(listed(own.clone()).await.len(), 2);
    assert_eq!(listed(StoryFilter { published: Some(false), ..own.clone() }).await, vec![draft.id.clone()]);
    let patch = StoryPatch { title: Some("Renamed".into()), cover_key: Some(None), ..StoryPatch::default() };
    let renamed = db.update_story(&twin.id, patch).await.unwrap().unwrap();
    assert_eq!((renamed.slug.as_str(), &renamed.cover_key, &*renamed.blurb), ("renamed", &None, "About it."));
    assert!(db.story_by_slug(&twin.slug).await.unwrap().is_none(), "the old slug is gone");
    let published = db.publish_story(&draft.id).await.unwrap().unwrap();
    assert!(published.published && published.published_at.is_some());
    assert!(db.delete_story(&draft.id).await.unwrap());
    assert!(!db.delete_story(&draft.id).await.unwrap(), "there is nothing left to delete");
    assert!(db.story(&draft.id).await.unwrap().is_none());
    assert!(db.update_story("none", StoryPatch::default()).await.unwrap().is_none());
}

async fn feeds(db: &dyn Storage) {
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let filter = StoryFilter { published: Some(true), cursor, limit: 7, ..StoryFilter::default() };
        let page = db.stories(filter).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = Some(last.id.clone());
        seen.extend(page.into_iter().map(|story| (story.created_at, story.id)));
    }
    assert!(seen.len() >= 21);
    assert!(seen.is_sorted_by(|a, b| a > b), "pages go on where the one before ended, newest first");
    let bad = StoryFilter { cursor: Some("none".into()), limit: 1, ..StoryFilter::default() };
    assert_eq!(db.stories(bad).await, Err(StorageError::BadCursor));

    let feed = |order, tag: Option<&str>| {
        db.feed(FeedFilter { order, tag: tag.map(str::to_owned), text: None, offset: 0, limit: 100 })
    };
    let trending = feed(FeedOrder::Trending, None).await.unwrap();
    assert!(trending.iter().all(|story| story.published));
    let new = feed(FeedOrder::New, None).await.unwrap();
    assert!(new.is_sorted_by(|a, b| a.published_at >= b.published_at));
    let fantasy = feed(FeedOrder::New, Some("fantasy")).await.unwrap();
    assert!(!fantasy.is_empty() && fantasy.len() < new.len());
    assert!(feed(FeedOrder::New, Some("none")).await.unwrap().is_empty());
    let reader = db.profile_by_handle("user1").await.unwrap().unwrap().id;
    let liked = db.library(&reader).await.unwrap().swap_remove(0).stories.swap_remove(0).author_id;
    let mine = feed(FeedOrder::ForYou(reader), None).await.unwrap();
    assert_eq!(mine.len(), trending.len(), "the order is personal, the set is not");
    let authors: Vec<_> = mine.iter().map(|story| story.author_id == liked).collect();
    assert!(authors.iter().any(|is_liked| *is_liked));

    for term in ["fantasy", "romance", "adventure", "mystery", "scifi"] {
        let query = SearchQuery { text: term.into(), genre: None, offset: 0, limit: 2 };
        let (found, total) = db.search(query).await.unwrap();
        assert!(!found.is_empty() && total >= found.len(), "{term}");
    }
    let query = SearchQuery { text: "%".into(), genre: None, offset: 0, limit: 2 };
    assert_eq!(db.search(query).await.unwrap().1, 0, "a wildcard is a letter");
    for slug in ["sample-story", "sample-story-0", "sample-story-9", "test-story-1", "test-story-10"] {
        assert!(db.story_by_slug(slug).await.unwrap().unwrap().published, "{slug}");
    }
}

async fn shelves(db: &dyn Storage) {
    let user = db.profile_for_subject("reader").await.unwrap().id;
    let shelf = db.create_shelf(&user, "Later").await.unwrap();
    assert_eq!(db.shelf(&shelf.id).await.unwrap().unwrap(), shelf);
    assert_eq!(db.shelves(&user).await.unwrap(), vec![shelf.clone()]);
    let story = db.story_by_slug("sample-story").await.unwrap().unwrap();
    db.add_to_shelf(&shelf.id, &story.id).await.unwrap();
    assert_eq!(db.add_to_shelf(&shelf.id, &story.id).await.unwrap_err(), StorageError::Conflict);
    let full = db.library(&user).await.unwrap();
    assert_eq!((full[0].story_count, full[0].stories[0].slug.as_str()), (1, "sample-story"));
    assert!(db.remove_from_shelf(&shelf.id, &story.id).await.unwrap());
    assert!(!db.remove_from_shelf(&shelf.id, &story.id).await.unwrap());
}

async fn whispers(db: &dyn Storage) {
    let user_id = db.profile_for_subject("whisperer").await.unwrap().id;
    let whisper = NewWhisper {
        user_id,
        content: "hush".into(),
        media_key: None,
        scope: Scope::Global,
        story_id: None,
        highlight_id: None,
    };
    let whisper = db.create_whisper(whisper).await.unwrap();
    assert_eq!(db.whisper(&whisper.id).await.unwrap().unwrap(), whisper);
    let filter = WhisperFilter { scope: Some(Scope::Global), limit: 5, ..WhisperFilter::default() };
    let page = db.whispers(filter.clone()).await.unwrap();
    assert_eq!(page[0], whisper, "the newest comes first");
    let next = db.whispers(WhisperFilter { cursor: Some(page[0].id.clone()), ..filter }).await.unwrap();
    assert_eq!(next[0], page[1]);
    let changed = db.update_whisper(&whisper.id, "louder").await.unwrap().unwrap();
    assert_eq!(changed.content, "louder");
    assert!(db.delete_whisper(&whisper.id).await.unwrap());
    assert!(db.whisper(&whisper.id).await.unwrap().is_none());
}

fn config(database: DatabaseLocation) -> Config {
    Config {
        database,
        seed: SeedConfig { users: 8, stories: 40, ..SeedConfig::default() },
        ..Config::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_in_memory_behaves() {
    behaves(&SqliteStorage::open(&config(DatabaseLocation::Memory)).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_in_a_file_behaves_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(DatabaseLocation::File(folder.path().join("muejam.db")));
    behaves(&SqliteStorage::open(&config).unwrap()).await;
    let again = SqliteStorage::open(&config).unwrap();
    assert!(
        again.story_by_slug("renamed").await.unwrap().is_some(),
        "what was written is there after a restart"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_and_writers_at_once_never_see_a_busy_database() {
    let db = SqliteStorage::open(&config(DatabaseLocation::Memory)).unwrap();
    let author = db.profile_for_subject("author").await.unwrap().id;
    let mut tasks = Vec::new();
    for n in 0..16 {
        let (db, author) = (db.clone(), author.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..20 {
                if n % 2 == 0 {
                    db.create_story(&author, "Same Title", "b", None, true).await.unwrap();
                } else {
                    db.story_by_slug("sample-story").await.unwrap().unwrap();
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(db.statements().snapshot()["create_story"].errors, 0);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_stories_and_another_gives_others() {
    async fn titles(seed: u64) -> Vec<String> {
        let mut config = config(DatabaseLocation::Memory);
        config.seed.seed = seed;
        let db = SqliteStorage::open(&config).unwrap();
        let filter = StoryFilter { limit: 100, ..StoryFilter::default() };
        db.stories(filter).await.unwrap().into_iter().map(|story| story.id + &story.title).collect()
    }
    assert_eq!(titles(1).await, titles(1).await);
    assert_ne!(titles(1).await, titles(2).await);
}
