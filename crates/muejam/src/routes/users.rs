//! Profiles: one's own, and anybody's by handle.

use axum::extract::State;
use axum::http::HeaderMap;

use crate::App;
use crate::cache::{Document, PROFILE_TTL};
use crate::conditional::{Place, cached, respond};
use crate::extract::{Key, Login};
use crate::reply::{ApiError, Reply};
use crate::storage::OwnProfile;

const NOT_FOUND: ApiError = ApiError::NotFound("User not found");

pub(super) async fn me(State(app): State<App>, login: Login, headers: HeaderMap) -> Reply {
    let profile = app.storage().profile(&login.0.id).await?.ok_or(NOT_FOUND)?;
    let own = OwnProfile {
        clerk_user_id: &profile.clerk_user_id,
        age_verified: false,
        age_verified_at: None,
        profile: &profile,
    };
    Ok(respond(&headers, Document::new(&own, profile.updated_at.unix_seconds())))
}

pub(super) async fn by_handle(State(app): State<App>, Key(handle): Key<String>, headers: HeaderMap) -> Reply {
    // Nothing changes a profile once it is there, so it needs no tag.
    let key = format!("user_profile_by_handle:{handle}");
    let place = Place { key, ttl: PROFILE_TTL, tags: Vec::new() };
    let load = async {
        let profile = app.storage().profile_by_handle(&handle).await?.ok_or(NOT_FOUND)?;
        Ok(Document::new(&profile, profile.updated_at.unix_seconds()))
    };
    cached(&app, &headers, place, load).await
}
