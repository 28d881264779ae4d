//! Whispers.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::storage::model::{Scope, Time, Whisper};
use crate::storage::{NewWhisper, Result, StorageError, WhisperFilter};

const SELECT: &str = r#"SELECT w.id, w.user_id, w.content, w.media_key, w.scope, w.story_id, w.highlight_id,
    w.parent_id, w.created_at,
    (SELECT COUNT(*) FROM "Whisper" r WHERE r.parent_id = w.id AND r.deleted_at IS NULL),
    (SELECT COUNT(*) FROM "WhisperLike" l WHERE l.whisper_id = w.id)
    FROM "Whisper" w WHERE w.deleted_at IS NULL"#;

pub(super) fn list(db: &Connection, filter: &WhisperFilter) -> Result<Vec<Whisper>> {
    let mut sql = SELECT.to_owned();
    let mut values: Vec<&dyn rusqlite::ToSql> = Vec::new();
    let scope = filter.scope.map(Scope::as_str);
    if let Some(scope) = &scope {
        values.push(scope);
        sql.push_str(&format!(" AND w.scope = ?{}", values.len()));
    }
    if let Some(story_id) = &filter.story_id {
        values.push(story_id);
        sql.push_str(&format!(" AND w.story_id = ?{}", values.len()));
    }
    let after;
    if let Some(cursor) = &filter.cursor {
        let at = r#"SELECT created_at FROM "Whisper" WHERE id = ?1"#;
        let created: Option<i64> = db.prepare_cached(at)?.query_row([cursor], |row| row.get(0)).optional()?;
        after = created.ok_or(StorageError::BadCursor)?;
        values.push(&after);
        values.push(cursor);
        sql.push_str(&format!(" AND (w.created_at, w.id) < (?{}, ?{})", values.len() - 1, values.len()));
    }
    let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
    values.push(&limit);
    sql.push_str(&format!(" ORDER BY w.created_at DESC, w.id DESC LIMIT ?{}", values.len()));
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(&*values, whisper)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn by_id(db: &Connection, id: &str) -> Result<Option<Whisper>> {
    Ok(db.prepare_cached(&format!("{SELECT} AND w.id = ?1"))?.query_row([id], whisper).optional()?)
}

pub(super) fn create(db: &Connection, new: NewWhisper) -> Result<Whisper> {
    let id = Uuid::new_v4().to_string();
    let now = Time::now();
    db.prepare_cached(
        r#"INSERT INTO "Whisper" (id, user_id, content, media_key, scope, story_id, highlight_id, created_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"#,
    )?
    .execute(params![
        id,
        new.user_id,
        new.content,
        new.media_key,
        new.scope.as_str(),
        new.story_id,
        new.highlight_id,
        now.0
    ])?;
    Ok(Whisper {
        id,
        user_id: new.user_id,
        content: new.content,
        media_key: new.media_key,
        scope: new.scope,
        story_id: new.story_id,
        highlight_id: new.highlight_id,
        parent_id: None,
        deleted_at: None,
        created_at: now,
        reply_count: 0,
        like_count: 0,
    })
}

pub(super) fn update(db: &Connection, id: &str, content: &str) -> Result<Option<Whisper>> {
    let sql = r#"UPDATE "Whisper" SET content = ?2 WHERE id = ?1 AND deleted_at IS NULL"#;
    db.prepare_cached(sql)?.execute([id, content])?;
    by_id(db, id)
}

pub(super) fn delete(db: &Connection, id: &str) -> Result<bool> {
    let sql = r#"UPDATE "Whisper" SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL"#;
    Ok(db.prepare_cached(sql)?.execute(params![id, Time::now().0])? > 0)
}

fn whisper(row: &Row<'_>) -> rusqlite::Result<Whisper> {
    let scope: String = row.get(4)?;
    Ok(Whisper {
        id: row.get(0)?,
        user_id: row.get(1)?,
        content: row.get(2)?,
        media_key: row.get(3)?,
        scope: Scope::parse(&scope).unwrap_or(Scope::Global),
        story_id: row.get(5)?,
        highlight_id: row.get(6)?,
        parent_id: row.get(7)?,
        deleted_at: None,
        created_at: Time(row.get(8)?),
        reply_count: row.get(9)?,
        like_count: row.get(10)?,
    })
}
