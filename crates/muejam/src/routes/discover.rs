//! The discovery feed and the list of what is new.

use axum::extract::State;
use axum::http::HeaderMap;

use super::{Family, library_tag};
use crate::App;
use crate::cache::{DISCOVERY_TTL, Document};
use crate::conditional::{Place, cached, respond};
use crate::extract::{Guest, Params};
use crate::reply::{ApiError, Problems, Reply};
use crate::storage::{FeedFilter, FeedOrder, Time};
use crate::validate::query_problems;

const DAY_MS: i64 = 24 * 3_600_000;
/// Nobody reads further, and a database that skips more rows than this works for nothing.
const DEEPEST: usize = 10_000;

pub(super) async fn feed(State(app): State<App>, guest: Guest, params: Params, headers: HeaderMap) -> Reply {
    let mut problems = Problems::new();
    let order = match params.text("tab").unwrap_or("trending") {
        "trending" => FeedOrder::Trending,
        "new" => FeedOrder::New,
        "for-you" => FeedOrder::ForYou(String::new()),
        _ => {
            let problem = "Tab must be one of: trending, new, for-you".to_owned();
            problems.entry("tab").or_default().push(problem);
            FeedOrder::Trending
        }
    };
    let mut filter = filter(order, &params, &mut problems);
    filter.tag = params.short("tag", 100, &mut problems);
    filter.text = params.short("q", 200, &mut problems);
    query_problems(problems)?;
    if matches!(filter.order, FeedOrder::ForYou(_)) {
        let user = guest.0.ok_or(ApiError::FeedLoginNeeded)?;
        filter.order = FeedOrder::ForYou(user.id.clone());
    }
    page(&app, &headers, Family::V1, filter).await
}

pub(super) async fn older_trending(State(app): State<App>, params: Params, headers: HeaderMap) -> Reply {
    let mut problems = Problems::new();
    let filter = filter(FeedOrder::Trending, &params, &mut problems);
    query_problems(problems)?;
    page(&app, &headers, Family::Older, filter).await
}

/// A bare array, newest first, of what was published in the last days.
pub(super) async fn trending_list(State(app): State<App>, params: Params, headers: HeaderMap) -> Reply {
    let mut problems = Problems::new();
    let limit = params.number("limit", 1..=100, 20, &mut problems);
    let days = params.number("days", 1..=365, 7, &mut problems);
    query_problems(problems)?;
    let now = Time::now();
    let since = Time(now.0 - i64::try_from(days).unwrap_or(7) * DAY_MS);
    let stories = app.storage().published_since(since, limit).await?;
    Ok(respond(&headers, Document::new(&stories, now.unix_seconds())))
}

fn filter(order: FeedOrder, params: &Params, problems: &mut Problems) -> FeedFilter {
    FeedFilter {
        order,
        tag: None,
        text: None,
        offset: params.number("cursor", 0..=DEEPEST, 0, problems),
        limit: params.number("page_size", 1..=100, 20, problems),
    }
}

async fn page(app: &App, headers: &HeaderMap, family: Family, filter: FeedFilter) -> Reply {
    // Everything that shapes the answer is in the key. The debug form quotes texts, so no two filters share one.
    let mut tags = vec!["stories".to_owned()];
    if let FeedOrder::ForYou(user_id) = &filter.order {
        tags.push(library_tag(user_id));
    }
    let key = format!("discover_feed:{}:{filter:?}", family.word());
    let place = Place { key, ttl: DISCOVERY_TTL, tags };
    let load = async {
        let now = Time::now().unix_seconds();
        let (offset, limit) = (filter.offset, filter.limit);
        // One more than asked for tells whether there is a next page.
        let mut stories = app.storage().feed(FeedFilter { limit: limit + 1, ..filter.clone() }).await?;
        let more = stories.len() > limit && offset + limit <= DEEPEST;
        stories.truncate(limit);
        let next = more.then(|| (offset + limit).to_string());
        Ok(Document::new(&family.page(&stories, next.as_deref()), now))
    };
    cached(app, headers, place, load).await
}
