//! What an empty database is filled with: deterministic from a seed, and holding every slug, handle and search term
//! that the load-testing guide's users ask for.
//!
//! Only times are not of the seed alone: they count back from the start of the current day, so that "last week"
//! always has stories.

use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::clock;
use crate::config::SeedConfig;
use crate::flaws::mix;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// `user0`…`user5`, whom the guide's users look up.
const FEWEST_USERS: u32 = 6;
const GENRES: [&str; 6] = ["fantasy", "scifi", "romance", "mystery", "thriller", "adventure"];
const ADJECTIVES: [&str; 12] = [
    "Silent", "Hidden", "Crimson", "Last", "Broken", "Distant", "Gilded", "Winter", "Restless", "Paper",
    "Hollow", "Northern",
];
const NOUNS: [&str; 12] = [
    "Harbour", "Lantern", "Orchard", "Kingdom", "Letter", "Engine", "Garden", "Signal", "Bridge", "Mirror",
    "Comet", "Archive",
];

/// The letters of a subject that open its handle: at most eight, of those a handle may hold.
pub(crate) fn handle_base(subject: &str) -> String {
    let base: String = subject.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(8).collect();
    if base.is_empty() { "member".to_owned() } else { base }
}

/// Fills `db` unless it already has users.
pub(super) fn fill(db: &mut Connection, config: SeedConfig) -> rusqlite::Result<()> {
    let used: bool = db.query_row(r#"SELECT EXISTS (SELECT 1 FROM "UserProfile")"#, [], |row| row.get(0))?;
    if used || (config.users == 0 && config.stories == 0) {
        return Ok(());
    }
    let today = clock::unix_ms().div_euclid(DAY_MS) * DAY_MS;
    let mut seeder = Seeder { seed: config.seed, drawn: 0, today };
    let transaction = db.transaction()?;
    let users = seeder.users(&transaction, config.users.max(FEWEST_USERS))?;
    let stories = seeder.stories(&transaction, &users, config.stories)?;
    seeder.shelves(&transaction, &users, &stories)?;
    seeder.whispers(&transaction, &users, &stories)?;
    transaction.commit()
}

/// The slugs the guide's users ask for, then as many generated ones as are wanted.
fn slugs(wanted: u32) -> Vec<Option<String>> {
    if wanted == 0 {
        return Vec::new();
    }
    let mut slugs = vec![Some("sample-story".to_owned())];
    slugs.extend((0..10).map(|n| Some(format!("sample-story-{n}"))));
    slugs.extend((1..=10).map(|n| Some(format!("test-story-{n}"))));
    slugs.resize(slugs.len().max(wanted as usize), None);
    slugs
}

struct Seeder {
    seed: u64,
    drawn: u64,
    today: i64,
}

impl Seeder {
    fn draw(&mut self, below: usize) -> usize {
        self.drawn += 1;
        let value = mix(self.seed.wrapping_add(self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        usize::try_from(value % (below.max(1) as u64)).unwrap_or(0)
    }

    fn id(&self, kind: &str, n: usize) -> String {
        let name = format!("{}/{kind}/{n}", self.seed);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    fn hours_ago(&self, hours: usize) -> i64 {
        self.today - i64::try_from(hours).unwrap_or(0) * HOUR_MS
    }

    fn users(&mut self, db: &Connection, wanted: u32) -> rusqlite::Result<Vec<String>> {
        let mut insert = db.prepare(
            r#"INSERT INTO "UserProfile" (id, clerk_user_id, handle, display_name, bio, created_at, updated_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)"#,
        )?;
        let mut ids = Vec::new();
        for n in 0..wanted as usize {
            let id = self.id("user", n);
            let genre = GENRES[self.draw(GENRES.len())];
            let days = 30 + self.draw(300);
            let created = self.hours_ago(24 * days);
            let bio = format!("Reads and writes {genre}.");
            let names = (format!("clerk_user_{n}"), format!("user{n}"), format!("User {n}"));
            insert.execute(params![id, names.0, names.1, names.2, bio, created])?;
            ids.push(id);
        }
        Ok(ids)
    }

    fn stories(&mut self, db: &Connection, users: &[String], wanted: u32) -> rusqlite::Result<Vec<String>> {
        for (n, genre) in GENRES.iter().enumerate() {
            let sql = r#"INSERT INTO "Tag" (id, name, slug) VALUES (?1, ?2, ?2)"#;
            db.execute(sql, params![self.id("tag", n), genre])?;
        }
        let mut insert = db.prepare(
            r#"INSERT INTO "Story"
               (id, slug, title, blurb, author_id, published, published_at, created_at, updated_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"#,
        )?;
        let mut tag = db.prepare(r#"INSERT INTO "StoryTag" (story_id, tag_id) VALUES (?1, ?2)"#)?;
        let mut score = db.prepare(
            r#"INSERT INTO "StoryStatsDaily" (story_id, date, trending_score) VALUES (?1, date(?2, 'unixepoch'), ?3)"#,
        )?;
        let mut ids = Vec::new();
        for (n, named) in slugs(wanted).into_iter().enumerate() {
            let id = self.id("story", n);
            let genre = n % GENRES.len();
            let (slug, title) = match named {
                Some(slug) => (slug.clone(), words(&slug)),
                None => self.title(n),
            };
            let blurb = format!("A {} story about what {} left behind.", GENRES[genre], title.to_lowercase());
            let author = &users[self.draw(users.len())];
            // Every tenth of the generated ones is a draft; the named ones can always be read.
            let published = n < 21 || self.draw(10) > 0;
            let hours = 1 + self.draw(24 * 60);
            let created = self.hours_ago(hours);
            let published_at = published.then_some(created + HOUR_MS / 2);
            insert.execute(params![
                id,
                slug,
                title,
                blurb,
                author,
                published,
                published_at,
                created,
                published_at.unwrap_or(created)
            ])?;
            tag.execute(params![id, self.id("tag", genre)])?;
            // The documented formula, for today: (3 saves + reads + 2 likes + 2.5 whispers) * 0.98^12.
            let acts = [3.0, 1.0, 2.0, 2.5].map(|weight: f64| weight * self.draw(200) as f64);
            score.execute(params![id, self.today / 1000, acts.iter().sum::<f64>() * 0.98_f64.powi(12)])?;
            ids.push(id);
        }
        Ok(ids)
    }

    /// A slug that holds the number of the story is one no other story has.
    fn title(&mut self, n: usize) -> (String, String) {
        let (adjective, noun) = (ADJECTIVES[self.draw(12)], NOUNS[self.draw(12)]);
        let slug = format!("{}-{}-{n}", adjective.to_lowercase(), noun.to_lowercase());
        (slug, format!("{adjective} {noun} {n}"))
    }

    fn shelves(&mut self, db: &Connection, users: &[String], stories: &[String]) -> rusqlite::Result<()> {
        let mut shelf = db.prepare(
            r#"INSERT INTO "Shelf" (id, user_id, name, created_at, updated_at) VALUES (?1, ?2, 'Favourites', ?3, ?3)"#,
        )?;
        let mut item = db.prepare(
            r#"INSERT INTO "ShelfItem" (id, shelf_id, story_id, added_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO NOTHING"#,
        )?;
        for (n, user) in users.iter().enumerate() {
            let id = self.id("shelf", n);
            let at = self.hours_ago(24);
            shelf.execute(params![id, user, at])?;
            for place in 0..3.min(stories.len()) {
                let story = &stories[self.draw(stories.len())];
                item.execute(params![self.id("item", n * 3 + place), id, story, at])?;
            }
        }
        Ok(())
    }

    fn whispers(&mut self, db: &Connection, users: &[String], stories: &[String]) -> rusqlite::Result<()> {
        let mut whisper = db.prepare(
            r#"INSERT INTO "Whisper" (id, user_id, content, scope, story_id, created_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)"#,
        )?;
        let mut like = db.prepare(
            r#"INSERT INTO "WhisperLike" (user_id, whisper_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING"#,
        )?;
        for n in 0..users.len() * 2 {
            let id = self.id("whisper", n);
            let about = (n % 4 == 3 && !stories.is_empty()).then(|| &stories[self.draw(stories.len())]);
            let scope = if about.is_some() { "STORY" } else { "GLOBAL" };
            let text = format!("Reading {} tonight.", GENRES[self.draw(GENRES.len())]);
            let hours = 1 + self.draw(24 * 14);
            let at = self.hours_ago(hours);
            whisper.execute(params![id, users[n / 2], text, scope, about, at])?;
            for _ in 0..self.draw(4) {
                like.execute(params![users[self.draw(users.len())], id])?;
            }
        }
        Ok(())
    }
}

/// `sample-story-3` as a title: `Sample Story 3`.
fn words(slug: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
            .unwrap_or_default()
    };
    slug.split('-').map(capital).collect::<Vec<_>>().join(" ")
}
