//! Whispers: short messages to everybody, about a story or about a passage.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::Family;
use crate::App;
use crate::cache::Document;
use crate::conditional::respond;
use crate::extract::{Fields, Key, Login, Params};
use crate::reply::{self, ApiError, Problems, Reply};
use crate::storage::{NewWhisper, Scope, Time, Whisper, WhisperFilter};
use crate::validate::{Checker, query_problems};

const CONTENT: usize = 280;
const KEY: usize = 255;
const NOT_FOUND: ApiError = ApiError::NotFound("Whisper not found");

pub(super) async fn list(State(app): State<App>, params: Params, headers: HeaderMap) -> Reply {
    list_for(&app, Family::V1, &params, &headers).await
}

pub(super) async fn older_list(State(app): State<App>, params: Params, headers: HeaderMap) -> Reply {
    list_for(&app, Family::Older, &params, &headers).await
}

async fn list_for(app: &App, family: Family, params: &Params, headers: &HeaderMap) -> Reply {
    let mut problems = Problems::new();
    let limit = params.number("page_size", 1..=100, 20, &mut problems);
    let scope = params.text("scope").and_then(|text| {
        let scope = scope(family, text);
        if scope.is_none() {
            problems.entry("scope").or_default().push(not_a_choice(text));
        }
        scope
    });
    let filter = WhisperFilter {
        scope,
        story_id: params.short("story_id", 100, &mut problems),
        cursor: params.short("cursor", 100, &mut problems),
        limit: limit + 1,
    };
    query_problems(problems)?;
    let now = Time::now().unix_seconds();
    let mut whispers = app.storage().whispers(filter).await?;
    let more = whispers.len() > limit;
    whispers.truncate(limit);
    let next = whispers.last().filter(|_| more).map(|whisper| whisper.id.as_str());
    Ok(respond(headers, Document::new(&family.page(&whispers, next), now)))
}

pub(super) async fn create(State(app): State<App>, login: Login, Fields(fields): Fields) -> Reply {
    create_for(&app, Family::V1, &login, &fields).await
}

pub(super) async fn older_create(State(app): State<App>, login: Login, Fields(fields): Fields) -> Reply {
    create_for(&app, Family::Older, &login, &fields).await
}

async fn create_for(app: &App, family: Family, login: &Login, fields: &Map<String, Value>) -> Reply {
    let mut checker = Checker::new(fields);
    let content = checker.required("content", CONTENT);
    let text = checker.required("scope", KEY);
    let scope = scope(family, &text);
    if scope.is_none() && !text.is_empty() {
        checker.problem("scope", not_a_choice(&text));
    }
    let media_key = checker.nullable("media_key", KEY).flatten();
    let story_id = checker.nullable("story_id", KEY).flatten();
    let highlight_id = checker.nullable("highlight_id", KEY).flatten();
    if scope == Some(Scope::Story) && story_id.is_none() {
        checker.problem("story_id", "This field is required for the scope STORY.");
    }
    if scope == Some(Scope::Highlight) && highlight_id.is_none() {
        checker.problem("highlight_id", "This field is required for the scope HIGHLIGHT.");
    }
    checker.finish()?;
    if let Some(story_id) = &story_id {
        app.storage().story(story_id).await?.ok_or(ApiError::NotFound("Story not found"))?;
    }
    app.limiter().whisper(&login.0.id).map_err(|count| ApiError::ActionLimited(count, 60))?;
    let scope = scope.unwrap_or(Scope::Global);
    let whisper =
        NewWhisper { user_id: login.0.id.clone(), content, media_key, scope, story_id, highlight_id };
    let whisper = app.storage().create_whisper(whisper).await?;
    Ok(reply::json(StatusCode::CREATED, &family.one(&whisper)))
}

pub(super) async fn older_update(
    State(app): State<App>,
    login: Login,
    Key(id): Key<String>,
    Fields(fields): Fields,
) -> Reply {
    let mut checker = Checker::new(&fields);
    let content = checker.required("content", CONTENT);
    checker.finish()?;
    own(&app, &login, &id).await?;
    let whisper = app.storage().update_whisper(&id, &content).await?.ok_or(NOT_FOUND)?;
    Ok(reply::json(StatusCode::OK, &Family::Older.one(&whisper)))
}

pub(super) async fn remove(State(app): State<App>, login: Login, Key(id): Key<String>) -> Reply {
    own(&app, &login, &id).await?;
    app.storage().delete_whisper(&id).await?;
    Ok(reply::no_content())
}

async fn own(app: &App, login: &Login, id: &str) -> Result<Whisper, ApiError> {
    let whisper = app.storage().whisper(id).await?.ok_or(NOT_FOUND)?;
    if whisper.user_id == login.0.id {
        Ok(whisper)
    } else {
        Err(ApiError::Forbidden("You can only change your own whispers"))
    }
}

/// The scopes, and in the older family its one word for the widest.
fn scope(family: Family, text: &str) -> Option<Scope> {
    match (family, text) {
        (Family::Older, "public") => Some(Scope::Global),
        _ => Scope::parse(text),
    }
}

fn not_a_choice(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("\"{shown}\" is not a valid choice.")
}
