//! Stories: lists, one by its slug, and what authors do with theirs.
//!
//! A draft exists for its author only: to everybody else it is not found. Only public stories are cached, so no
//! answer made for an author can reach anybody else.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::Family;
use crate::App;
use crate::auth::User;
use crate::cache::{Document, STORY_TTL};
use crate::conditional::{mark, respond};
use crate::extract::{Fields, Guest, Key, Login, Params};
use crate::reply::{self, ApiError, Problems, Reply};
use crate::storage::{Story, StoryDetail, StoryFilter, StoryPatch, Time};
use crate::validate::{Checker, query_problems};

const TITLE: usize = 200;
const BLURB: usize = 1000;
const COVER_KEY: usize = 255;
const NOT_FOUND: ApiError = ApiError::NotFound("Story not found");

pub(super) async fn list(State(app): State<App>, guest: Guest, params: Params, headers: HeaderMap) -> Reply {
    list_for(&app, Family::V1, guest.0.as_ref(), &params, &headers).await
}

pub(super) async fn older_list(
    State(app): State<App>,
    guest: Guest,
    params: Params,
    headers: HeaderMap,
) -> Reply {
    list_for(&app, Family::Older, guest.0.as_ref(), &params, &headers).await
}

/// What the caller has written, drafts too.
pub(super) async fn older_mine(
    State(app): State<App>,
    login: Login,
    params: Params,
    headers: HeaderMap,
) -> Reply {
    let mut problems = Problems::new();
    let mut filter = paging(&params, &mut problems);
    query_problems(problems)?;
    filter.author_id = Some(login.0.id.clone());
    page(&app, Family::Older, filter, &headers).await
}

async fn list_for(
    app: &App,
    family: Family,
    caller: Option<&Arc<User>>,
    params: &Params,
    headers: &HeaderMap,
) -> Reply {
    let mut problems = Problems::new();
    let mut filter = paging(params, &mut problems);
    filter.author_id = params.short("author_id", 100, &mut problems);
    filter.published = match params.text("published") {
        None => None,
        Some("true" | "True" | "1") => Some(true),
        Some("false" | "False" | "0") => Some(false),
        Some(_) => {
            problems.entry("published").or_default().push("Must be true or false.".to_owned());
            None
        }
    };
    query_problems(problems)?;
    let own =
        filter.author_id.is_some() && filter.author_id.as_deref() == caller.map(|user| user.id.as_str());
    match (own, filter.published) {
        (true, _) => {}
        (false, Some(false)) => {
            // The drafts one can see are one's own; nobody sees all of them.
            let mine = caller.filter(|_| filter.author_id.is_none()).map(|user| user.id.clone());
            let Some(mine) = mine else {
                return Ok(respond(headers, Document::new(&family.page(&[] as &[Story], None), 0)));
            };
            filter.author_id = Some(mine);
        }
        (false, _) => filter.published = Some(true),
    }
    page(app, family, filter, headers).await
}

fn paging(params: &Params, problems: &mut Problems) -> StoryFilter {
    StoryFilter {
        cursor: params.short("cursor", 100, problems),
        limit: params.number("page_size", 1..=100, 20, problems),
        ..StoryFilter::default()
    }
}

async fn page(app: &App, family: Family, filter: StoryFilter, headers: &HeaderMap) -> Reply {
    let limit = filter.limit;
    let now = Time::now().unix_seconds();
    let mut stories = app.storage().stories(StoryFilter { limit: limit + 1, ..filter }).await?;
    let more = stories.len() > limit;
    stories.truncate(limit);
    let next = stories.last().filter(|_| more).map(|story| story.id.as_str());
    Ok(respond(headers, Document::new(&family.page(&stories, next), now)))
}

pub(super) async fn by_slug(
    State(app): State<App>,
    guest: Guest,
    Key(slug): Key<String>,
    headers: HeaderMap,
) -> Reply {
    one(&app, Family::V1, guest.0.as_ref(), &slug, &headers).await
}

pub(super) async fn older_by_slug(
    State(app): State<App>,
    guest: Guest,
    Key(slug): Key<String>,
    headers: HeaderMap,
) -> Reply {
    one(&app, Family::Older, guest.0.as_ref(), &slug, &headers).await
}

async fn one(
    app: &App,
    family: Family,
    caller: Option<&Arc<User>>,
    slug: &str,
    headers: &HeaderMap,
) -> Reply {
    let key = format!("story_metadata:{}:{slug}", family.word());
    if let Some(document) = app.cache().get(&key).await {
        return Ok(mark(respond(headers, document), true));
    }
    let stamp = app.cache().stamp().await;
    let story = app.storage().story_by_slug(slug).await?.ok_or(NOT_FOUND)?;
    if !story.published && caller.is_none_or(|user| user.id != story.author_id) {
        return Err(NOT_FOUND);
    }
    let (public, tag, modified) = (story.published, tag(&story.id), story.updated_at.unix_seconds());
    let document = Document::new(&family.one(&StoryDetail::from(story)), modified);
    if public {
        app.cache().put(&key, document.clone(), STORY_TTL, &[tag], stamp).await;
    }
    Ok(mark(respond(headers, document), false))
}

pub(super) async fn create(State(app): State<App>, login: Login, Fields(fields): Fields) -> Reply {
    create_for(&app, Family::V1, &login, &fields, false).await
}

/// The older family says with the story who may see it.
pub(super) async fn older_create(State(app): State<App>, login: Login, Fields(fields): Fields) -> Reply {
    let public = fields.get("visibility").and_then(Value::as_str) == Some("public");
    create_for(&app, Family::Older, &login, &fields, public).await
}

async fn create_for(
    app: &App,
    family: Family,
    login: &Login,
    fields: &Map<String, Value>,
    publish: bool,
) -> Reply {
    let mut checker = Checker::new(fields);
    let title = checker.required("title", TITLE);
    let blurb = checker.required("blurb", BLURB);
    let cover_key = checker.nullable("cover_key", COVER_KEY).flatten();
    checker.finish()?;
    let story =
        app.storage().create_story(&login.0.id, &title, &blurb, cover_key.as_deref(), publish).await?;
    if story.published {
        app.cache().invalidate(&["stories".to_owned()]).await;
    }
    Ok(reply::json(StatusCode::CREATED, &family.one(&StoryDetail::from(story))))
}

pub(super) async fn update(
    State(app): State<App>,
    login: Login,
    Key(id): Key<String>,
    Fields(fields): Fields,
) -> Reply {
    update_for(&app, Family::V1, &login, &id, &fields).await
}

pub(super) async fn older_update(
    State(app): State<App>,
    login: Login,
    Key(id): Key<String>,
    Fields(fields): Fields,
) -> Reply {
    update_for(&app, Family::Older, &login, &id, &fields).await
}

async fn update_for(
    app: &App,
    family: Family,
    login: &Login,
    id: &str,
    fields: &Map<String, Value>,
) -> Reply {
    let mut checker = Checker::new(fields);
    let patch = StoryPatch {
        title: checker.optional("title", TITLE),
        blurb: checker.optional("blurb", BLURB),
        cover_key: checker.nullable("cover_key", COVER_KEY),
    };
    checker.finish()?;
    own(app, login, id).await?;
    let story = app.storage().update_story(id, patch).await?.ok_or(NOT_FOUND)?;
    forget(app, id).await;
    Ok(reply::json(StatusCode::OK, &family.one(&StoryDetail::from(story))))
}

pub(super) async fn remove(State(app): State<App>, login: Login, Key(id): Key<String>) -> Reply {
    own(&app, &login, &id).await?;
    app.storage().delete_story(&id).await?;
    forget(&app, &id).await;
    Ok(reply::no_content())
}

pub(super) async fn publish(State(app): State<App>, login: Login, Key(id): Key<String>) -> Reply {
    own(&app, &login, &id).await?;
    app.limiter().publish(&login.0.id).map_err(|count| ApiError::ActionLimited(count, 3600))?;
    let story = app.storage().publish_story(&id).await?.ok_or(NOT_FOUND)?;
    forget(&app, &id).await;
    Ok(reply::json(StatusCode::OK, &Family::V1.one(&StoryDetail::from(story))))
}

/// The story, if it is the caller's; somebody else's draft is not admitted to exist.
async fn own(app: &App, login: &Login, id: &str) -> Result<Story, ApiError> {
    let story = app.storage().story(id).await?.ok_or(NOT_FOUND)?;
    match (story.author_id == login.0.id, story.published) {
        (true, _) => Ok(story),
        (false, true) => Err(ApiError::Forbidden("You can only change your own stories")),
        (false, false) => Err(NOT_FOUND),
    }
}

async fn forget(app: &App, id: &str) {
    app.cache().invalidate(&[tag(id), "stories".to_owned()]).await;
}

fn tag(id: &str) -> String {
    format!("story:{id}")
}
