//! Lists for readers: the discovery feed, what is new, and search.

use rusqlite::{Connection, ToSql};

use super::stories::{COLUMNS, collect};
use crate::storage::model::{Story, Time};
use crate::storage::{FeedFilter, FeedOrder, Result, SearchQuery};

const PUBLIC: &str = "s.published = 1 AND s.deleted_at IS NULL";
const HAS_TAG: &str = r#"EXISTS (SELECT 1 FROM "StoryTag" st JOIN "Tag" t ON t.id = st.tag_id WHERE st.story_id = s.id AND t.slug ="#;
const LATEST_SCORE: &str = r#"LEFT JOIN "StoryStatsDaily" d ON d.story_id = s.id
     AND d.date = (SELECT MAX(date) FROM "StoryStatsDaily")"#;
const BY_SCORE: &str = "COALESCE(d.trending_score, 0) DESC, s.published_at DESC, s.id";

/// A `WHERE` clause and its values, numbered as they are added.
struct Clause<'a> {
    sql: String,
    values: Vec<&'a dyn ToSql>,
}

impl<'a> Clause<'a> {
    fn public() -> Self {
        Self { sql: PUBLIC.to_owned(), values: Vec::new() }
    }

    fn bind(&mut self, value: &'a dyn ToSql) -> usize {
        self.values.push(value);
        self.values.len()
    }

    fn tag(&mut self, tag: &'a dyn ToSql) {
        let n = self.bind(tag);
        self.sql.push_str(&format!(" AND {HAS_TAG} ?{n})"));
    }

    fn text(&mut self, pattern: &'a dyn ToSql) {
        let n = self.bind(pattern);
        self.sql.push_str(&format!(r" AND (s.title LIKE ?{n} ESCAPE '\' OR s.blurb LIKE ?{n} ESCAPE '\')"));
    }
}

pub(super) fn page(db: &Connection, filter: &FeedFilter) -> Result<Vec<Story>> {
    let pattern = filter.text.as_deref().map(like);
    let (offset, limit) = (count(filter.offset), count(filter.limit));
    let mut clause = Clause::public();
    if let Some(tag) = &filter.tag {
        clause.tag(tag);
    }
    if let Some(pattern) = &pattern {
        clause.text(pattern);
    }
    let (join, order) = match &filter.order {
        FeedOrder::New => ("", "s.published_at DESC, s.id".to_owned()),
        FeedOrder::Trending => (LATEST_SCORE, BY_SCORE.to_owned()),
        FeedOrder::ForYou(user_id) => {
            let n = clause.bind(user_id);
            let liked = format!(
                r#"s.author_id IN (SELECT b.author_id FROM "Shelf" sh JOIN "ShelfItem" i ON i.shelf_id = sh.id
                   JOIN "Story" b ON b.id = i.story_id WHERE sh.user_id = ?{n}) DESC"#
            );
            (LATEST_SCORE, format!("{liked}, {BY_SCORE}"))
        }
    };
    let (l, o) = (clause.bind(&limit), clause.bind(&offset));
    let sql = format!(
        r#"SELECT {COLUMNS} FROM "Story" s {join} WHERE {} ORDER BY {order} LIMIT ?{l} OFFSET ?{o}"#,
        clause.sql
    );
    collect(db, &sql, &clause.values)
}

pub(super) fn published_since(db: &Connection, since: Time, limit: usize) -> Result<Vec<Story>> {
    let sql = format!(
        r#"SELECT {COLUMNS} FROM "Story" s WHERE {PUBLIC} AND s.published_at >= ?1
           ORDER BY s.published_at DESC, s.id LIMIT ?2"#
    );
    collect(db, &sql, &[&since.0, &count(limit)])
}

pub(super) fn search(db: &Connection, query: &SearchQuery) -> Result<(Vec<Story>, usize)> {
    let pattern = like(&query.text);
    let (offset, limit) = (count(query.offset), count(query.limit));
    let mut clause = Clause::public();
    clause.text(&pattern);
    if let Some(genre) = &query.genre {
        clause.tag(genre);
    }
    let sql = format!(r#"SELECT COUNT(*) FROM "Story" s WHERE {}"#, clause.sql);
    let total: i64 = db.prepare_cached(&sql)?.query_row(&*clause.values, |row| row.get(0))?;
    let (l, o) = (clause.bind(&limit), clause.bind(&offset));
    let sql = format!(
        r#"SELECT {COLUMNS} FROM "Story" s WHERE {} ORDER BY s.updated_at DESC, s.id LIMIT ?{l} OFFSET ?{o}"#,
        clause.sql
    );
    let found = collect(db, &sql, &clause.values)?;
    Ok((found, usize::try_from(total).unwrap_or(0)))
}

/// A pattern that finds `text` anywhere, its wildcards taken as letters.
fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
