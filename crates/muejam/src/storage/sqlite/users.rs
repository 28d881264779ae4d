//! Profiles.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::storage::model::{Profile, Time};
use crate::storage::{Result, StorageError, handle_base};

const COLUMNS: &str = "id, clerk_user_id, handle, display_name, bio, avatar_key, created_at, updated_at, banner_key, \
     theme_color, twitter_url, instagram_url, website_url, pinned_story_1, pinned_story_2, pinned_story_3";

pub(super) fn by_subject(db: &Connection, subject: &str) -> Result<Option<Profile>> {
    one(db, "clerk_user_id", subject)
}

pub(super) fn by_id(db: &Connection, id: &str) -> Result<Option<Profile>> {
    one(db, "id", id)
}

pub(super) fn by_handle(db: &Connection, handle: &str) -> Result<Option<Profile>> {
    one(db, "handle", handle)
}

/// Creates the profile of a subject, or finds the one that a request beside this one has just created.
pub(super) fn create(db: &Connection, subject: &str) -> Result<Profile> {
    let base = handle_base(subject);
    // Two tries at most, however many subjects share their first letters: the second handle carries a digest of the
    // whole subject, 64 bits of it.
    let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, subject.as_bytes()).simple().to_string();
    for handle in [format!("user_{base}"), format!("user_{base}_{}", &digest[..16])] {
        let now = Time::now().0;
        let inserted = db
            .prepare_cached(
                r#"INSERT INTO "UserProfile" (id, clerk_user_id, handle, display_name, created_at, updated_at)
                   VALUES (?1, ?2, ?3, ?3, ?4, ?4) ON CONFLICT (clerk_user_id) DO NOTHING"#,
            )?
            .execute(params![Uuid::new_v4().to_string(), subject, handle, now]);
        match inserted.map_err(StorageError::from) {
            Ok(_) => break,
            Err(StorageError::Conflict) => {}
            Err(other) => return Err(other),
        }
    }
    by_subject(db, subject)?.ok_or_else(|| StorageError::Failed("no free handle for a new profile".into()))
}

fn one(db: &Connection, column: &str, value: &str) -> Result<Option<Profile>> {
    let sql = format!(r#"SELECT {COLUMNS} FROM "UserProfile" WHERE {column} = ?1"#);
    Ok(db.prepare_cached(&sql)?.query_row([value], profile).optional()?)
}

fn profile(row: &Row<'_>) -> rusqlite::Result<Profile> {
    Ok(Profile {
        id: row.get(0)?,
        clerk_user_id: row.get(1)?,
        handle: row.get(2)?,
        display_name: row.get(3)?,
        bio: row.get(4)?,
        avatar_key: row.get(5)?,
        created_at: Time(row.get(6)?),
        updated_at: Time(row.get(7)?),
        banner_key: row.get(8)?,
        theme_color: row.get(9)?,
        twitter_url: row.get(10)?,
        instagram_url: row.get(11)?,
        website_url: row.get(12)?,
        pinned_story_1: row.get(13)?,
        pinned_story_2: row.get(14)?,
        pinned_story_3: row.get(15)?,
    })
}
