//! Caching, conditional requests, validation, the headers on everything.

use serde_json::json;
use squall_muejam::{Config, SeedConfig};

use crate::client::{Server, config};

const STORY: &str = "/v1/stories/sample-story";

#[test]
fn the_second_answer_comes_from_the_cache_and_a_write_ends_that() {
    let server = Server::start(config());
    for path in [
        STORY,
        "/v1/users/user1/",
        "/v1/discover/",
        "/v1/search/stories?q=fantasy",
        "/api/discovery/trending",
    ] {
        let (first, second) = (server.get(path), server.get(path));
        assert_eq!(
            (first.header("x-cache-hit"), second.header("x-cache-hit")),
            (Some("0"), Some("1")),
            "{path}"
        );
        assert_eq!(first.body, second.body, "{path}");
    }
    let body = r#"{"title":"Brand New","blurb":"fantasy","visibility":"public"}"#;
    let id = server.call("w", "POST", "/api/stories", body).json(201)["id"].clone();
    for path in ["/v1/discover/?tab=new&page_size=1", "/v1/search/stories?q=fantasy"] {
        let fresh = server.get(path);
        assert_eq!(fresh.header("x-cache-hit"), Some("0"), "{path}");
        assert!(fresh.text().contains(id.as_str().unwrap()), "{path} shows the new story at once");
    }
    assert_eq!(
        server.get("/v1/users/user1/").header("x-cache-hit"),
        Some("1"),
        "profiles are untouched by it"
    );
}

#[test]
fn the_personal_feed_follows_the_shelf() {
    let server = Server::start(config());
    let feed = "/v1/discover/?tab=for-you&page_size=100";
    let before = server.call("r", "GET", feed, "").json(200);
    let last = before["data"].as_array().unwrap().last().unwrap().clone();
    let shelf = server.call("r", "POST", "/v1/library/shelves", r#"{"name":"Mine"}"#).json(201);
    let items = format!("/v1/library/shelves/{}/items", shelf["data"]["id"].as_str().unwrap());
    server.call("r", "POST", &items, &json!({"story_id": last["id"]}).to_string()).json(201);
    let after = server.call("r", "GET", feed, "");
    assert_eq!(after.header("x-cache-hit"), Some("0"));
    assert_eq!(after.json(200)["data"][0]["author_id"], last["author_id"], "a liked author comes first");
    assert_ne!(
        server.call("s", "GET", feed, "").json(200)["data"],
        after.json(200)["data"],
        "nobody else's feed"
    );
}

#[test]
fn a_client_that_has_the_answer_gets_304() {
    let server = Server::start(config());
    let first = server.get(STORY);
    let etag = first.header("etag").unwrap();
    assert!(etag.starts_with('"') && etag.len() == 34, "{etag}");
    assert_eq!(first.header("cache-control"), Some("private, must-revalidate, max-age=300"));
    for tags in [etag, "*", &format!("\"x\", W/{etag}")] {
        let again = server.send("GET", STORY, &[("If-None-Match", tags)], "");
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(etag)), "{tags}");
    }
    let modified = first.header("last-modified").unwrap();
    assert_eq!(server.send("GET", STORY, &[("If-Modified-Since", modified)], "").status, 304);
    let old = "Mon, 01 Jan 2001 00:00:00 GMT";
    assert_eq!(server.send("GET", STORY, &[("If-Modified-Since", old)], "").status, 200);
    let both = [("If-None-Match", "\"x\""), ("If-Modified-Since", modified)];
    assert_eq!(server.send("GET", STORY, &both, "").status, 200, "the tag decides");
    assert_eq!(server.send("HEAD", STORY, &[], "").status, 200);
}

#[test]
fn every_problem_of_a_body_is_named_by_field() {
    let server = Server::start(config());
    let problems = |path: &str, body: &str| {
        let answer = server.call("w", "POST", path, body);
        assert_eq!(answer.code(400), "VALIDATION_ERROR", "{body}");
        answer.json(400)["error"]["details"].clone()
    };
    assert_eq!(
        problems("/v1/stories/", r#"{"title":"  ","cover_key":7}"#),
        json!({
            "title": ["This field may not be blank."],
            "blurb": ["This field is required."],
            "cover_key": ["Not a valid string."],
        })
    );
    let long = json!({"title": "x".repeat(201), "blurb": null}).to_string();
    assert_eq!(
        problems("/v1/stories/", &long),
        json!({
            "title": ["Ensure this field has no more than 200 characters."],
            "blurb": ["This field may not be null."],
        })
    );
    assert_eq!(
        problems("/v1/whispers/", r#"{"content":"","scope":"public"}"#),
        json!({"content": ["This field may not be blank."], "scope": ["\"public\" is not a valid choice."]})
    );
    assert!(problems("/v1/whispers/", r#"{"content":"x","scope":"STORY"}"#)["story_id"].is_array());
    assert!(problems("/v1/whispers/", r#"{"content":"x","scope":"HIGHLIGHT"}"#)["highlight_id"].is_array());
    assert!(problems("/v1/library/shelves", "{}")["name"].is_array());
    let exactly = json!({"title": "ü".repeat(200), "blurb": "b"}).to_string();
    assert_eq!(server.call("w", "POST", "/v1/stories/", &exactly).status, 201, "characters count, not bytes");
}

#[test]
fn every_problem_of_a_query_is_named_by_parameter() {
    let server = Server::start(config());
    assert_eq!(
        server.get("/v1/discover/?tab=old&page_size=0").json(400),
        json!({
            "error": "Invalid query parameters",
            "details": {
                "tab": ["Tab must be one of: trending, new, for-you"],
                "page_size": ["Ensure this value is greater than or equal to 1."],
            },
        })
    );
    for query in ["page_size=101", "page_size=x", "page_size=-1", "cursor=x", "cursor=99999999999999999999"] {
        assert!(server.get(&format!("/v1/discover/?{query}")).json(400)["details"].is_object(), "{query}");
    }
    assert!(server.get("/v1/stories/?published=maybe").json(400)["details"]["published"].is_array());
    assert!(server.get("/v1/whispers/?scope=public").json(400)["details"]["scope"].is_array());
}

#[test]
fn every_answer_carries_an_id_and_protection() {
    let server = Server::start(config());
    let mut ids = Vec::new();
    for path in ["/health", STORY, "/nowhere", "/v1/users/me/"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(answer.header("content-security-policy").is_some(), "{path}");
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each request has its own");
    assert_eq!(server.get("/nowhere").code(404), "NOT_FOUND");
    assert_eq!(server.send("PATCH", "/v1/users/me/", &[], "").code(405), "METHOD_NOT_ALLOWED");
}

#[test]
fn an_empty_database_is_served_as_such() {
    let seed = SeedConfig { users: 0, stories: 0, ..SeedConfig::default() };
    let server = Server::start(Config { seed, ..config() });
    assert_eq!(server.get("/v1/discover/").json(200), json!({"data": [], "next_cursor": null}));
    assert_eq!(server.get(STORY).status, 404);
    assert_eq!(server.get("/v1/search/stories?q=x").json(200)["total_pages"], 0);
    assert_eq!(server.call("me", "GET", "/v1/users/me/", "").status, 200);
}
