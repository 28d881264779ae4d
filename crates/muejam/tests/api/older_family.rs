//! The paths the published load test calls, with the fields it reads and the bodies it sends.

use serde_json::{Value, json};

use crate::client::{Server, config};

#[test]
fn a_reader_walks_from_trending_to_a_story() {
    let server = Server::start(config());
    let trending = server.get("/api/discovery/trending?page_size=50").json(200);
    let slug = trending["results"][0]["slug"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/stories/{slug}")).json(200)["slug"], slug);
    let sample = (0..10).map(|n| format!("sample-story-{n}"));
    let named = sample.chain((1..=10).map(|n| format!("test-story-{n}"))).chain(["sample-story".to_owned()]);
    for slug in named {
        assert_eq!(server.get(&format!("/api/stories/{slug}")).status, 200, "{slug}");
    }
    let found = server.get("/api/search/stories?q=romance").json(200);
    let slug = found["results"][0]["slug"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/stories/{slug}/")).status, 200);
    assert_eq!(server.get("/api/users/user5").json(200)["handle"], "user5");
    assert_eq!(server.call("r", "GET", "/api/users/me", "").json(200)["clerk_user_id"], "test_r");
    assert_eq!(server.call("r", "GET", "/api/library/shelves", "").json(200), json!({"shelves": []}));
    for path in ["/api/users/me", "/api/library/shelves", "/api/stories/mine"] {
        assert_eq!(server.get(path).code(401), "UNAUTHORIZED", "{path}");
    }
}

#[test]
fn a_writer_creates_updates_and_lists() {
    let server = Server::start(config());
    let body = r#"{"title":"Test Story 1795440059.2","blurb":"b","genre":"fantasy","visibility":"public"}"#;
    let story = server.call("writer", "POST", "/api/stories", body).json(201);
    let id = story["id"].as_str().expect("the id is at the top");
    assert_eq!(story["published"], true, "public means that everybody may read it");
    let slug = story["slug"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/stories/{slug}")).status, 200);
    let path = format!("/api/stories/{id}");
    assert_eq!(server.call("writer", "PATCH", &path, r#"{"title":"New"}"#).json(200)["title"], "New");
    assert_eq!(server.call("other", "PATCH", &path, r#"{"title":"New"}"#).code(403), "FORBIDDEN");
    let mine = server.call("writer", "GET", "/api/stories/mine", "").json(200);
    assert_eq!(mine["results"].as_array().unwrap().len(), 1);
    assert_eq!(server.call("other", "GET", "/api/stories/mine", "").json(200)["results"], json!([]));
    let private = server.call("writer", "POST", "/api/stories", r#"{"title":"Mine","blurb":"b"}"#).json(201);
    assert_eq!(private["published"], false);
    assert_eq!(
        server.call("writer", "GET", "/api/stories/mine", "").json(200)["results"][0]["id"],
        private["id"]
    );
    assert!(server.get("/api/stories").json(200)["results"].is_array());
}

#[test]
fn a_whisper_is_public_here() {
    let server = Server::start(config());
    let body = r#"{"content":"Test whisper at 1795440059.2","scope":"public"}"#;
    let whisper = server.call("w", "POST", "/api/whispers", body).json(201);
    let path = format!("/api/whispers/{}", whisper["id"].as_str().unwrap());
    let changed = server.call("w", "PATCH", &path, r#"{"content":"changed"}"#).json(200);
    assert_eq!((&changed["content"], &changed["id"]), (&json!("changed"), &whisper["id"]));
    assert_eq!(server.get("/api/whispers?scope=public").json(200)["results"][0]["content"], "changed");
    assert_eq!(server.call("w", "PATCH", "/api/whispers/none", r#"{"content":"x"}"#).code(404), "NOT_FOUND");
    assert_eq!(server.call("o", "PATCH", &path, r#"{"content":"x"}"#).code(403), "FORBIDDEN");
    let strict = server.call("w", "POST", "/v1/whispers/", body).json(400);
    let problem = &strict["error"]["details"]["scope"][0];
    assert_eq!(
        problem,
        &Value::from("\"public\" is not a valid choice."),
        "the newer family knows no such scope"
    );
}
