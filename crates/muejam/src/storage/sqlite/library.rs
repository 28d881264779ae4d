//! Shelves and what stands on them.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::storage::Result;
use crate::storage::model::{FullShelf, Shelf, ShelfItem, ShelvedStory, Time};

const COLUMNS: &str = "id, user_id, name, created_at, updated_at";

pub(super) fn shelves(db: &Connection, user_id: &str) -> Result<Vec<Shelf>> {
    let sql = format!(r#"SELECT {COLUMNS} FROM "Shelf" WHERE user_id = ?1 ORDER BY created_at DESC, id"#);
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([user_id], row_shelf)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Two statements, however many shelves and stories there are.
pub(super) fn full(db: &Connection, user_id: &str) -> Result<Vec<FullShelf>> {
    let mut on_shelf: HashMap<String, Vec<ShelvedStory>> = HashMap::new();
    let mut statement = db.prepare_cached(
        r#"SELECT i.shelf_id, s.id, s.slug, s.title, s.blurb, s.cover_key, s.author_id, s.published, i.added_at
           FROM "Shelf" sh JOIN "ShelfItem" i ON i.shelf_id = sh.id JOIN "Story" s ON s.id = i.story_id
           WHERE sh.user_id = ?1 AND s.deleted_at IS NULL ORDER BY i.added_at DESC, i.id"#,
    )?;
    let mut rows = statement.query([user_id])?;
    while let Some(row) = rows.next()? {
        on_shelf.entry(row.get(0)?).or_default().push(ShelvedStory {
            id: row.get(1)?,
            slug: row.get(2)?,
            title: row.get(3)?,
            blurb: row.get(4)?,
            cover_key: row.get(5)?,
            author_id: row.get(6)?,
            published: row.get(7)?,
            added_at: Time(row.get(8)?),
        });
    }
    let fill = |shelf: Shelf| {
        let stories = on_shelf.remove(&shelf.id).unwrap_or_default();
        FullShelf { shelf, story_count: stories.len(), stories }
    };
    Ok(shelves(db, user_id)?.into_iter().map(fill).collect())
}

pub(super) fn shelf(db: &Connection, id: &str) -> Result<Option<Shelf>> {
    let sql = format!(r#"SELECT {COLUMNS} FROM "Shelf" WHERE id = ?1"#);
    Ok(db.prepare_cached(&sql)?.query_row([id], row_shelf).optional()?)
}

pub(super) fn create_shelf(db: &Connection, user_id: String, name: String) -> Result<Shelf> {
    let now = Time::now();
    let shelf = Shelf { id: Uuid::new_v4().to_string(), user_id, name, created_at: now, updated_at: now };
    db.prepare_cached(
        r#"INSERT INTO "Shelf" (id, user_id, name, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)"#,
    )?
    .execute(params![shelf.id, shelf.user_id, shelf.name, now.0])?;
    Ok(shelf)
}

pub(super) fn add(db: &Connection, shelf_id: String, story_id: String) -> Result<ShelfItem> {
    let item = ShelfItem { id: Uuid::new_v4().to_string(), shelf_id, story_id, added_at: Time::now() };
    db.prepare_cached(
        r#"INSERT INTO "ShelfItem" (id, shelf_id, story_id, added_at) VALUES (?1, ?2, ?3, ?4)"#,
    )?
    .execute(params![item.id, item.shelf_id, item.story_id, item.added_at.0])?;
    Ok(item)
}

pub(super) fn remove(db: &Connection, shelf_id: &str, story_id: &str) -> Result<bool> {
    let sql = r#"DELETE FROM "ShelfItem" WHERE shelf_id = ?1 AND story_id = ?2"#;
    Ok(db.prepare_cached(sql)?.execute([shelf_id, story_id])? > 0)
}

fn row_shelf(row: &Row<'_>) -> rusqlite::Result<Shelf> {
    Ok(Shelf {
        id: row.get(0)?,
        user_id: row.get(1)?,
        name: row.get(2)?,
        created_at: Time(row.get(3)?),
        updated_at: Time(row.get(4)?),
    })
}
