//! Every endpoint of `/v1`: shape, codes, paging, and the alias.

use serde_json::{Value, json};

use crate::client::{Server, config, fields};

const LIST_ITEM: [&str; 10] = [
    "author_id",
    "blurb",
    "cover_key",
    "created_at",
    "id",
    "published",
    "published_at",
    "slug",
    "title",
    "updated_at",
];

fn create_story(server: &Server, who: &str, title: &str) -> Value {
    let body = json!({"title": title, "blurb": "About it.", "unknown": 1}).to_string();
    server.call(who, "POST", "/v1/stories/", &body).json(201)["data"].clone()
}

#[test]
fn discovery_pages_sorts_and_filters() {
    let server = Server::start(config());
    let first = server.get("/v1/discover/?page_size=5").json(200);
    assert_eq!(fields(&first), ["data", "next_cursor"]);
    assert_eq!(fields(&first["data"][0]), LIST_ITEM);
    assert_eq!(first["data"].as_array().unwrap().len(), 5);
    let second =
        server.get(&format!("/v1/discover?page_size=5&cursor={}", first["next_cursor"].as_str().unwrap()));
    assert_ne!(second.json(200)["data"][0]["id"], first["data"][0]["id"]);
    let all = server.get("/v1/discover/?page_size=100").json(200);
    assert_eq!(all["next_cursor"], Value::Null, "there is no page after the last");
    assert_eq!(all["data"][0], first["data"][0], "page_size is part of what is cached");
    let new = server.get("/v1/discover/?tab=new&page_size=100").json(200);
    let times: Vec<&str> =
        new["data"].as_array().unwrap().iter().map(|s| s["published_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b));
    let tagged = server.get("/v1/discover/?tag=fantasy&q=sample&page_size=100").json(200);
    let tagged = tagged["data"].as_array().unwrap();
    assert!(!tagged.is_empty() && tagged.iter().all(|s| s["slug"].as_str().unwrap().starts_with("sample")));
    assert_eq!(
        server.get("/v1/discover/?tab=for-you").json(401),
        json!({"error": "Authentication required for For You feed"})
    );
    let mine = server.call("reader", "GET", "/v1/discover/?tab=for-you", "").json(200);
    assert_eq!(mine["data"].as_array().unwrap().len(), 20);
}

#[test]
fn the_trending_list_is_a_bare_array_of_recent_stories() {
    let server = Server::start(config());
    let year = server.get("/v1/discover/trending/?days=365&limit=3").json(200);
    assert_eq!(year.as_array().unwrap().len(), 3);
    assert_eq!(fields(&year[0]), LIST_ITEM);
    let all = server.get("/v1/discover/trending/?days=365&limit=100").json(200).as_array().unwrap().len();
    let week = server.get("/v1/discover/trending/?limit=100").json(200).as_array().unwrap().len();
    assert!(week < all, "a week holds fewer stories than a year");
    assert_eq!(server.get("/v1/discover/trending/?limit=many").status, 400);
}

#[test]
fn a_story_lives_from_draft_to_deletion() {
    let server = Server::start(config());
    let draft = create_story(&server, "writer", "The Long Night!");
    assert_eq!((&draft["slug"], &draft["published"]), (&json!("the-long-night"), &json!(false)));
    let mut detail = LIST_ITEM.to_vec();
    detail.push("deleted_at");
    detail.sort_unstable();
    assert_eq!(fields(&draft), detail);
    assert_eq!(
        server.get("/v1/stories/the-long-night").code(404),
        "NOT_FOUND",
        "a draft is its author's only"
    );
    assert_eq!(server.call("writer", "GET", "/v1/stories/the-long-night", "").json(200)["data"], draft);

    let id = draft["id"].as_str().unwrap();
    let publish = format!("/v1/stories/{id}/publish");
    assert_eq!(server.call("other", "POST", &publish, "").code(404), "NOT_FOUND");
    assert_eq!(server.call("writer", "POST", &publish, "").json(200)["data"]["published"], true);
    assert_eq!(server.get("/v1/stories/the-long-night").json(200)["data"]["id"], id);

    let update = format!("/v1/stories/{id}/update");
    assert_eq!(server.call("other", "PUT", &update, r#"{"title":"Mine"}"#).code(403), "FORBIDDEN");
    let changed = server.call("writer", "PUT", &update, r#"{"title":"Dawn"}"#).json(200);
    assert_eq!((&changed["data"]["slug"], &changed["data"]["blurb"]), (&json!("dawn"), &json!("About it.")));
    assert_eq!(server.get("/v1/stories/dawn").json(200)["data"]["title"], "Dawn");
    assert_eq!(
        server.get("/v1/stories/the-long-night").status,
        404,
        "the old slug is not served from the cache"
    );

    let delete = format!("/v1/stories/{id}/delete");
    assert_eq!(server.call("other", "DELETE", &delete, "").code(403), "FORBIDDEN");
    assert_eq!(server.call("writer", "DELETE", &delete, "").status, 204);
    assert_eq!(server.get("/v1/stories/dawn").status, 404);
    assert_eq!(server.call("writer", "DELETE", &delete, "").code(404), "NOT_FOUND");
    assert_eq!(server.send("POST", "/v1/stories/", &[], "{}").code(401), "UNAUTHORIZED");
}

#[test]
fn story_lists_page_by_cursor_and_hide_drafts() {
    let server = Server::start(config());
    let draft = create_story(&server, "writer", "Unseen");
    let mut seen = Vec::new();
    let mut path = "/v1/stories/?page_size=9".to_owned();
    loop {
        let page = server.get(&path).json(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/stories/?page_size=9&cursor={cursor}");
    }
    let whole = server.get("/v1/stories/?page_size=100").json(200);
    assert_eq!(seen.len(), whole["data"].as_array().unwrap().len(), "pages hold each story once");
    assert!(!seen.contains(&draft["id"].as_str().unwrap().to_owned()));
    let drafts = server.call("writer", "GET", "/v1/stories/?published=false", "").json(200);
    assert_eq!(drafts["data"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/v1/stories/?published=false").json(200)["data"], json!([]));
    let by_author = format!("/v1/stories/?author_id={}", draft["author_id"].as_str().unwrap());
    assert_eq!(server.get(&by_author).json(200)["data"], json!([]));
    assert_eq!(server.call("writer", "GET", &by_author, "").json(200)["data"].as_array().unwrap().len(), 1);
    assert!(server.get("/v1/stories/?cursor=none").json(400)["details"]["cursor"].is_array());
}

#[test]
fn profiles_are_private_or_public() {
    let server = Server::start(config());
    let me = server.call("reader", "GET", "/v1/users/me/", "").json(200);
    assert_eq!(me["clerk_user_id"], "test_reader");
    let handle = me["handle"].as_str().unwrap();
    let public = server.get(&format!("/v1/users/{handle}/")).json(200);
    assert_eq!(public["id"], me["id"]);
    let hidden = ["clerk_user_id", "age_verified", "age_verified_at"];
    assert!(hidden.iter().all(|name| me.get(name).is_some() && public.get(name).is_none()), "{public}");
    assert_eq!(fields(&public).len(), 14);
    for n in 0..6 {
        assert_eq!(server.get(&format!("/v1/users/user{n}")).json(200)["handle"], format!("user{n}"));
    }
    assert_eq!(server.get("/v1/users/me/").code(401), "UNAUTHORIZED");
    assert_eq!(server.get("/v1/users/nobody").code(404), "NOT_FOUND");
}

#[test]
fn shelves_hold_stories_of_their_owner() {
    let server = Server::start(config());
    assert_eq!(server.get("/v1/library/shelves").code(401), "UNAUTHORIZED");
    assert_eq!(server.get("/v1/library/").code(401), "UNAUTHORIZED");
    let shelf = server.call("reader", "POST", "/v1/library/shelves", r#"{"name":"Later"}"#).json(201);
    assert_eq!(fields(&shelf["data"]), ["created_at", "id", "name", "updated_at", "user_id"]);
    assert_eq!(
        server.call("reader", "GET", "/v1/library/shelves/", "").json(200)["data"],
        json!([shelf["data"]])
    );
    let items = format!("/v1/library/shelves/{}/items", shelf["data"]["id"].as_str().unwrap());
    let story = server.get("/v1/stories/sample-story").json(200)["data"].clone();
    let body = json!({"story_id": story["id"]}).to_string();
    assert_eq!(server.call("other", "POST", &items, &body).code(403), "FORBIDDEN");
    let item = server.call("reader", "POST", &items, &body).json(201);
    assert_eq!(fields(&item["data"]), ["added_at", "id", "shelf_id", "story_id"]);
    assert_eq!(server.call("reader", "POST", &items, &body).code(409), "CONFLICT");
    assert_eq!(server.call("reader", "POST", &items, r#"{"story_id":"none"}"#).code(404), "NOT_FOUND");
    let library = server.call("reader", "GET", "/v1/library/", "").json(200);
    assert_eq!(library["data"][0]["story_count"], 1);
    assert_eq!(library["data"][0]["stories"][0]["slug"], "sample-story");
    let one = format!("{items}/{}", story["id"].as_str().unwrap());
    assert_eq!(server.call("other", "DELETE", &one, "").code(403), "FORBIDDEN");
    assert_eq!(server.call("reader", "DELETE", &one, "").status, 204);
    assert_eq!(server.call("reader", "DELETE", &one, "").code(404), "NOT_FOUND");
}

#[test]
fn search_pages_and_needs_a_text() {
    let server = Server::start(config());
    let names = ["has_next", "has_prev", "page", "per_page", "results", "total", "total_pages"];
    for term in ["fantasy", "romance", "adventure", "mystery", "scifi"] {
        let found = server.get(&format!("/v1/search/stories?q={term}")).json(200);
        assert_eq!(fields(&found), names);
        assert!(found["total"].as_u64().unwrap() > 0, "{term} finds nothing");
        let first = &found["results"][0];
        assert_eq!((&first["type"], &first["rank"]), (&json!("story"), &json!(1.0)));
        assert!(first["metadata"]["author_id"].is_string() && first["snippet"].is_string());
    }
    let second = server.get("/v1/search/stories?q=story&page=2").json(200);
    assert_eq!((&second["page"], &second["has_prev"]), (&json!(2), &json!(true)));
    assert_eq!(server.get("/v1/search/stories?q=story&page=x").json(200)["page"], 1);
    assert_eq!(server.get("/v1/search/stories").json(400)["error"], "Query parameter \"q\" is required");
}

#[test]
fn whispers_are_made_listed_and_taken_back() {
    let server = Server::start(config());
    let made =
        server.call("w", "POST", "/v1/whispers/", r#"{"content":" hush ","scope":"GLOBAL"}"#).json(201);
    let whisper = &made["data"];
    assert_eq!((&whisper["content"], &whisper["scope"]), (&json!("hush"), &json!("GLOBAL")));
    assert_eq!((&whisper["reply_count"], &whisper["like_count"]), (&json!(0), &json!(0)));
    let page = server.get("/v1/whispers/?scope=GLOBAL&page_size=1").json(200);
    assert_eq!(page["data"], json!([whisper]));
    let next = format!("/v1/whispers/?scope=GLOBAL&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_ne!(server.get(&next).json(200)["data"][0]["id"], whisper["id"]);
    let story = server.get("/v1/stories/sample-story").json(200)["data"]["id"].clone();
    let about = json!({"content": "x", "scope": "STORY", "story_id": story}).to_string();
    assert_eq!(server.call("w", "POST", "/v1/whispers/", &about).json(201)["data"]["story_id"], story);
    let nowhere = r#"{"content":"x","scope":"STORY","story_id":"none"}"#;
    assert_eq!(server.call("w", "POST", "/v1/whispers/", nowhere).code(404), "NOT_FOUND");
    let one = format!("/v1/whispers/{}", whisper["id"].as_str().unwrap());
    assert_eq!(server.call("other", "DELETE", &one, "").code(403), "FORBIDDEN");
    assert_eq!(server.call("w", "DELETE", &one, "").status, 204);
    assert_eq!(server.call("w", "DELETE", &one, "").code(404), "NOT_FOUND");
}

#[test]
fn each_path_answers_under_its_alias_and_with_or_without_the_last_slash() {
    let server = Server::start(config());
    for path in
        ["/discover", "/stories", "/stories/sample-story", "/users/user1", "/search/stories", "/whispers"]
    {
        let query = if path == "/search/stories" { "?q=story" } else { "" };
        let forms = ["/v1", "/api/v1"].map(|prefix| [format!("{prefix}{path}"), format!("{prefix}{path}/")]);
        for form in forms.iter().flatten() {
            let answer = server.get(&format!("{form}{query}"));
            assert_eq!((answer.status, answer.header("x-api-version")), (200, Some("v1")), "{form}");
        }
    }
}
