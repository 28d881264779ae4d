//! The paths: the `/v1` family with its alias `/api/v1`, the older `/api` family that the published load test calls,
//! health and metrics. Every path answers with and without its last slash.
//!
//! The families share their handlers' work and differ in the shape of some answers; [`Family`] says which is asked.

mod discover;
mod health;
mod library;
mod metrics;
mod search;
mod stories;
mod users;
mod whispers;

use axum::Router;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use serde::Serialize;
use serde_json::{Value, json};

use crate::App;
use crate::reply::ApiError;

/// Which family of paths a request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// `/v1`: answers are wrapped in `data`.
    V1,
    /// `/api`: objects stand alone, lists are `results`.
    Older,
}

impl Family {
    /// One object as this family shows it.
    fn one(self, object: &impl Serialize) -> Value {
        match self {
            Self::V1 => json!({ "data": object }),
            Self::Older => json!(object),
        }
    }

    /// A page as this family shows it.
    fn page(self, rows: &[impl Serialize], next_cursor: Option<&str>) -> Value {
        match self {
            Self::V1 => json!({ "data": rows, "next_cursor": next_cursor }),
            Self::Older => json!({ "results": rows, "next_cursor": next_cursor }),
        }
    }

    /// A word that tells this family's cached answers from the other's.
    fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::Older => "older",
        }
    }
}

/// Tag of what was computed from a user's shelves.
fn library_tag(user_id: &str) -> String {
    format!("library:{user_id}")
}

/// All routes, the layer around them apart.
pub(crate) fn router() -> Router<App> {
    let mut router = Router::new();
    for prefix in ["/v1", "/api/v1"] {
        router = family(router, prefix, &v1());
    }
    router = family(router, "/api", &older());
    router = family(router, "", &operational());
    router
        .fallback(async || ApiError::NotFound("Not found"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
}

type Routes = Vec<(&'static str, MethodRouter<App>)>;

fn family(mut router: Router<App>, prefix: &str, routes: &Routes) -> Router<App> {
    for (path, methods) in routes {
        let path = format!("{prefix}{path}");
        router = router.route(&format!("{path}/"), methods.clone()).route(&path, methods.clone());
    }
    router
}

fn v1() -> Routes {
    vec![
        ("/discover", get(discover::feed)),
        ("/discover/trending", get(discover::trending_list)),
        ("/stories", get(stories::list).post(stories::create)),
        ("/stories/{key}", get(stories::by_slug)),
        ("/stories/{key}/update", put(stories::update)),
        ("/stories/{key}/delete", delete(stories::remove)),
        ("/stories/{key}/publish", post(stories::publish)),
        ("/users/me", get(users::me)),
        ("/users/{handle}", get(users::by_handle)),
        ("/library", get(library::full)),
        ("/library/shelves", get(library::shelves).post(library::create_shelf)),
        ("/library/shelves/{shelf_id}/items", post(library::add_item)),
        ("/library/shelves/{shelf_id}/items/{story_id}", delete(library::remove_item)),
        ("/search/stories", get(search::stories)),
        ("/whispers", get(whispers::list).post(whispers::create)),
        ("/whispers/{id}", delete(whispers::remove)),
        ("/health", get(health::overall)),
        ("/health/ready", get(health::ready)),
        ("/health/live", get(health::live)),
    ]
}

fn older() -> Routes {
    vec![
        ("/discovery/trending", get(discover::older_trending)),
        ("/stories", get(stories::older_list).post(stories::older_create)),
        ("/stories/mine", get(stories::older_mine)),
        ("/stories/{key}", get(stories::older_by_slug).patch(stories::older_update)),
        ("/users/me", get(users::me)),
        ("/users/{handle}", get(users::by_handle)),
        ("/library/shelves", get(library::older_shelves)),
        ("/search/stories", get(search::stories)),
        ("/whispers", get(whispers::older_list).post(whispers::older_create)),
        ("/whispers/{id}", patch(whispers::older_update).delete(whispers::remove)),
    ]
}

fn operational() -> Routes {
    vec![
        ("/health", get(health::overall)),
        ("/health/ready", get(health::ready)),
        ("/health/live", get(health::live)),
        ("/metrics", get(metrics::text)),
        ("/metrics/json", get(metrics::json)),
    ]
}
