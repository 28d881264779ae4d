//! Stories one by one, and lists of them by age.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::storage::model::{Story, Time};
use crate::storage::{Result, StorageError, StoryFilter, StoryPatch};

/// The columns [`story`] reads, of a table named `s`.
pub(super) const COLUMNS: &str = "s.id, s.slug, s.title, s.blurb, s.cover_key, s.author_id, s.published, \
     s.published_at, s.created_at, s.updated_at";

/// A slug is cut here; the rest of a title does not make an address better.
const LONGEST_SLUG: usize = 80;

/// A story about to be stored.
pub(super) struct Draft {
    pub(super) author_id: String,
    pub(super) title: String,
    pub(super) blurb: String,
    pub(super) cover_key: Option<String>,
    pub(super) publish: bool,
}

pub(super) fn by_slug(db: &Connection, slug: &str) -> Result<Option<Story>> {
    one(db, "slug", slug)
}

pub(super) fn by_id(db: &Connection, id: &str) -> Result<Option<Story>> {
    one(db, "id", id)
}

pub(super) fn list(db: &Connection, filter: &StoryFilter) -> Result<Vec<Story>> {
    let mut sql = format!(r#"SELECT {COLUMNS} FROM "Story" s WHERE s.deleted_at IS NULL"#);
    let mut values: Vec<&dyn rusqlite::ToSql> = Vec::new();
    if let Some(published) = &filter.published {
        values.push(published);
        sql.push_str(&format!(" AND s.published = ?{}", values.len()));
    }
    if let Some(author_id) = &filter.author_id {
        values.push(author_id);
        sql.push_str(&format!(" AND s.author_id = ?{}", values.len()));
    }
    let after;
    if let Some(cursor) = &filter.cursor {
        let at = r#"SELECT created_at FROM "Story" WHERE id = ?1"#;
        let created: Option<i64> = db.prepare_cached(at)?.query_row([cursor], |row| row.get(0)).optional()?;
        after = created.ok_or(StorageError::BadCursor)?;
        values.push(&after);
        values.push(cursor);
        sql.push_str(&format!(" AND (s.created_at, s.id) < (?{}, ?{})", values.len() - 1, values.len()));
    }
    let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
    values.push(&limit);
    sql.push_str(&format!(" ORDER BY s.created_at DESC, s.id DESC LIMIT ?{}", values.len()));
    collect(db, &sql, &values)
}

pub(super) fn create(db: &Connection, draft: Draft) -> Result<Story> {
    let now = Time::now();
    let id = Uuid::new_v4().to_string();
    let slug = free_slug(db, &draft.title, &id)?;
    let published_at = draft.publish.then_some(now);
    db.prepare_cached(
        r#"INSERT INTO "Story"
           (id, slug, title, blurb, cover_key, author_id, published, published_at, created_at, updated_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)"#,
    )?
    .execute(params![
        id,
        slug,
        draft.title,
        draft.blurb,
        draft.cover_key,
        draft.author_id,
        draft.publish,
        published_at.map(|at| at.0),
        now.0
    ])?;
    Ok(Story {
        id,
        slug,
        title: draft.title,
        blurb: draft.blurb,
        cover_key: draft.cover_key,
        author_id: draft.author_id,
        published: draft.publish,
        published_at,
        created_at: now,
        updated_at: now,
    })
}

pub(super) fn update(db: &Connection, id: &str, patch: StoryPatch) -> Result<Option<Story>> {
    let Some(mut story) = by_id(db, id)? else { return Ok(None) };
    if let Some(title) = patch.title {
        if title != story.title {
            story.slug = free_slug(db, &title, id)?;
        }
        story.title = title;
    }
    if let Some(blurb) = patch.blurb {
        story.blurb = blurb;
    }
    if let Some(cover_key) = patch.cover_key {
        story.cover_key = cover_key;
    }
    story.updated_at = Time::now();
    db.prepare_cached(
        r#"UPDATE "Story" SET slug = ?2, title = ?3, blurb = ?4, cover_key = ?5, updated_at = ?6 WHERE id = ?1"#,
    )?
    .execute(params![id, story.slug, story.title, story.blurb, story.cover_key, story.updated_at.0])?;
    Ok(Some(story))
}

pub(super) fn delete(db: &Connection, id: &str) -> Result<bool> {
    let sql = r#"UPDATE "Story" SET deleted_at = ?2, updated_at = ?2 WHERE id = ?1 AND deleted_at IS NULL"#;
    Ok(db.prepare_cached(sql)?.execute(params![id, Time::now().0])? > 0)
}

pub(super) fn publish(db: &Connection, id: &str) -> Result<Option<Story>> {
    let sql = r#"UPDATE "Story" SET published = 1, published_at = ?2, updated_at = ?2
                 WHERE id = ?1 AND deleted_at IS NULL AND published = 0"#;
    db.prepare_cached(sql)?.execute(params![id, Time::now().0])?;
    by_id(db, id)
}

/// The title's slug, or that and the head of the id when another story has it: one look-up however many share a title.
fn free_slug(db: &Connection, title: &str, id: &str) -> Result<String> {
    let slug = slug(title);
    let sql = r#"SELECT 1 FROM "Story" WHERE slug = ?1 AND id <> ?2"#;
    let taken = db.prepare_cached(sql)?.exists([slug.as_str(), id])?;
    // "mine" is an address of its own in the older family of paths.
    let reserved = slug == "mine";
    Ok(if taken || reserved { format!("{slug}-{}", id.get(..13).unwrap_or(id)) } else { slug })
}

/// Lower-case words joined by hyphens; a title without any letter or digit of ASCII is a `story`.
fn slug(title: &str) -> String {
    let mut slug = String::with_capacity(title.len().min(LONGEST_SLUG));
    for letter in title.chars() {
        if slug.len() >= LONGEST_SLUG {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "story".to_owned() } else { slug.to_owned() }
}

fn one(db: &Connection, column: &str, value: &str) -> Result<Option<Story>> {
    let sql = format!(r#"SELECT {COLUMNS} FROM "Story" s WHERE s.{column} = ?1 AND s.deleted_at IS NULL"#);
    Ok(db.prepare_cached(&sql)?.query_row([value], story).optional()?)
}

/// Runs a statement that selects [`COLUMNS`].
pub(super) fn collect(db: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Story>> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map(values, story)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn story(row: &Row<'_>) -> rusqlite::Result<Story> {
    Ok(Story {
        id: row.get(0)?,
        slug: row.get(1)?,
        title: row.get(2)?,
        blurb: row.get(3)?,
        cover_key: row.get(4)?,
        author_id: row.get(5)?,
        published: row.get(6)?,
        published_at: row.get::<_, Option<i64>>(7)?.map(Time),
        created_at: Time(row.get(8)?),
        updated_at: Time(row.get(9)?),
    })
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn slugs_are_lower_kebab_and_never_empty() {
        assert_eq!(slug("  The Dragon's  Oath! "), "the-dragon-s-oath");
        assert_eq!(slug("日本語"), "story");
        assert_eq!(slug(&"long ".repeat(100)).len(), 79);
    }
}
