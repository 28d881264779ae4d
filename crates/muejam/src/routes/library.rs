//! A user's shelves.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::library_tag;
use crate::App;
use crate::extract::{Fields, Key, Login};
use crate::reply::{self, ApiError, Reply};
use crate::storage::{Shelf, StorageError};
use crate::validate::Checker;

const NAME: usize = 100;
const ID: usize = 100;
const NO_SHELF: ApiError = ApiError::NotFound("Shelf not found");
const NO_STORY: ApiError = ApiError::NotFound("Story not found");

pub(super) async fn shelves(State(app): State<App>, login: Login) -> Reply {
    let shelves = app.storage().shelves(&login.0.id).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "data": shelves })))
}

pub(super) async fn older_shelves(State(app): State<App>, login: Login) -> Reply {
    let shelves = app.storage().shelves(&login.0.id).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "shelves": shelves })))
}

pub(super) async fn full(State(app): State<App>, login: Login) -> Reply {
    let shelves = app.storage().library(&login.0.id).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "data": shelves })))
}

pub(super) async fn create_shelf(State(app): State<App>, login: Login, Fields(fields): Fields) -> Reply {
    let mut checker = Checker::new(&fields);
    let name = checker.required("name", NAME);
    checker.finish()?;
    let shelf = app.storage().create_shelf(&login.0.id, &name).await?;
    Ok(reply::json(StatusCode::CREATED, &json!({ "data": shelf })))
}

pub(super) async fn add_item(
    State(app): State<App>,
    login: Login,
    Key(shelf_id): Key<String>,
    Fields(fields): Fields,
) -> Reply {
    let mut checker = Checker::new(&fields);
    let story_id = checker.required("story_id", ID);
    checker.finish()?;
    own(&app, &login, &shelf_id).await?;
    let story = app.storage().story(&story_id).await?.ok_or(NO_STORY)?;
    if !story.published && story.author_id != login.0.id {
        return Err(NO_STORY);
    }
    let item = app.storage().add_to_shelf(&shelf_id, &story_id).await.map_err(|error| match error {
        StorageError::Conflict => ApiError::Conflict("Story already in shelf"),
        other => other.into(),
    })?;
    app.cache().invalidate(&[library_tag(&login.0.id)]).await;
    Ok(reply::json(StatusCode::CREATED, &json!({ "data": item })))
}

pub(super) async fn remove_item(
    State(app): State<App>,
    login: Login,
    Key((shelf_id, story_id)): Key<(String, String)>,
) -> Reply {
    own(&app, &login, &shelf_id).await?;
    if app.storage().remove_from_shelf(&shelf_id, &story_id).await? {
        app.cache().invalidate(&[library_tag(&login.0.id)]).await;
        Ok(reply::no_content())
    } else {
        Err(ApiError::NotFound("Story not on this shelf"))
    }
}

async fn own(app: &App, login: &Login, shelf_id: &str) -> Result<Shelf, ApiError> {
    let shelf = app.storage().shelf(shelf_id).await?.ok_or(NO_SHELF)?;
    if shelf.user_id == login.0.id { Ok(shelf) } else { Err(ApiError::Forbidden("This is not your shelf")) }
}
