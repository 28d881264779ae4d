//! The tables, named and shaped as in the documented data model; times are milliseconds since the Unix epoch.

use rusqlite::Connection;

/// Creates what is missing; running it again changes nothing.
pub(super) fn migrate(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(TABLES)
}

const TABLES: &str = r#"
CREATE TABLE IF NOT EXISTS "UserProfile" (
    id TEXT PRIMARY KEY, clerk_user_id TEXT NOT NULL UNIQUE, handle TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL, bio TEXT, avatar_key TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    banner_key TEXT, theme_color TEXT DEFAULT '#6366f1', twitter_url TEXT, instagram_url TEXT, website_url TEXT,
    pinned_story_1 TEXT, pinned_story_2 TEXT, pinned_story_3 TEXT
);
CREATE TABLE IF NOT EXISTS "Story" (
    id TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, title TEXT NOT NULL, blurb TEXT NOT NULL, cover_key TEXT,
    author_id TEXT NOT NULL REFERENCES "UserProfile"(id) ON DELETE RESTRICT,
    published INTEGER NOT NULL DEFAULT 0, published_at INTEGER, deleted_at INTEGER,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS "Story_author_id" ON "Story"(author_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS "Story_created_at" ON "Story"(created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS "Story_published" ON "Story"(published, deleted_at, published_at DESC);
CREATE TABLE IF NOT EXISTS "Tag" (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, slug TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS "StoryTag" (
    story_id TEXT NOT NULL REFERENCES "Story"(id) ON DELETE CASCADE,
    tag_id TEXT NOT NULL REFERENCES "Tag"(id) ON DELETE CASCADE,
    PRIMARY KEY (story_id, tag_id)
);
CREATE INDEX IF NOT EXISTS "StoryTag_tag_id" ON "StoryTag"(tag_id);
CREATE TABLE IF NOT EXISTS "StoryStatsDaily" (
    story_id TEXT NOT NULL REFERENCES "Story"(id), date TEXT NOT NULL, trending_score REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (story_id, date)
);
CREATE INDEX IF NOT EXISTS "StoryStatsDaily_date" ON "StoryStatsDaily"(date, trending_score);
CREATE TABLE IF NOT EXISTS "Shelf" (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES "UserProfile"(id), name TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS "Shelf_user_id" ON "Shelf"(user_id);
CREATE TABLE IF NOT EXISTS "ShelfItem" (
    id TEXT PRIMARY KEY, shelf_id TEXT NOT NULL REFERENCES "Shelf"(id) ON DELETE CASCADE,
    story_id TEXT NOT NULL REFERENCES "Story"(id), added_at INTEGER NOT NULL,
    UNIQUE (shelf_id, story_id)
);
CREATE TABLE IF NOT EXISTS "Whisper" (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES "UserProfile"(id), content TEXT NOT NULL, media_key TEXT,
    scope TEXT NOT NULL CHECK (scope IN ('GLOBAL', 'STORY', 'HIGHLIGHT')),
    story_id TEXT REFERENCES "Story"(id), highlight_id TEXT, parent_id TEXT REFERENCES "Whisper"(id),
    deleted_at INTEGER, created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS "Whisper_created_at" ON "Whisper"(created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS "Whisper_scope" ON "Whisper"(scope, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS "Whisper_story_id" ON "Whisper"(story_id, created_at DESC);
CREATE INDEX IF NOT EXISTS "Whisper_parent_id" ON "Whisper"(parent_id);
CREATE TABLE IF NOT EXISTS "WhisperLike" (
    user_id TEXT NOT NULL REFERENCES "UserProfile"(id),
    whisper_id TEXT NOT NULL REFERENCES "Whisper"(id) ON DELETE CASCADE,
    PRIMARY KEY (whisper_id, user_id)
);
"#;
