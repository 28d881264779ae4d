//! Search over titles and blurbs.

use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::App;
use crate::cache::{Document, SEARCH_TTL};
use crate::conditional::{Place, cached};
use crate::extract::Params;
use crate::reply::{ApiError, Problems, Reply};
use crate::storage::{SearchQuery, Story, Time};
use crate::validate::query_problems;

const PER_PAGE: usize = 20;
const LAST_PAGE: usize = 500;
const SNIPPET: usize = 200;

/// Both families answer alike; `slug` is there so that a reader can go on to the story.
pub(super) async fn stories(State(app): State<App>, params: Params, headers: HeaderMap) -> Reply {
    let mut problems = Problems::new();
    let text = params.short("q", 200, &mut problems).map(|text| text.trim().to_lowercase());
    let genre = params.short("genre", 100, &mut problems);
    query_problems(problems)?;
    let text = text.filter(|text| !text.is_empty()).ok_or(ApiError::SearchText)?;
    // A page that is none is the first, as documented.
    let page = params.text("page").and_then(|page| page.parse::<usize>().ok());
    let page = page.filter(|page| (1..=LAST_PAGE).contains(page)).unwrap_or(1);
    let place = Place {
        key: format!("search::stories:{text:?}:{page}:genre:{genre:?}"),
        ttl: SEARCH_TTL,
        tags: vec!["stories".to_owned()],
    };
    let load = async {
        let now = Time::now().unix_seconds();
        let query = SearchQuery { text, genre, offset: (page - 1) * PER_PAGE, limit: PER_PAGE };
        let (found, total) = app.storage().search(query).await?;
        Ok(Document::new(&results(&found, total, page), now))
    };
    cached(&app, &headers, place, load).await
}

fn results(found: &[Story], total: usize, page: usize) -> Value {
    let pages = total.div_ceil(PER_PAGE);
    let results: Vec<Value> = found.iter().map(result).collect();
    json!({
        "results": results,
        "total": total,
        "page": page,
        "per_page": PER_PAGE,
        "total_pages": pages,
        "has_next": page < pages,
        "has_prev": page > 1,
    })
}

fn result(story: &Story) -> Value {
    let snippet: String = story.blurb.chars().take(SNIPPET).collect();
    json!({
        "id": story.id,
        "type": "story",
        "slug": story.slug,
        "title": story.title,
        "description": story.blurb,
        "snippet": snippet,
        "rank": 1.0,
        "metadata": {"updated_at": story.updated_at, "author_id": story.author_id},
    })
}
