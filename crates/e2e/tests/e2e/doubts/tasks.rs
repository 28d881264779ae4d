//! Tasks that never run because what they need is never there.

use squall_verdict::{DoubtKind, Severity};

use super::run;
use crate::support::{MueJam, Place};

/// The published tests look for stories under a key that the answer does not have, and for the id of a new one outside
/// of `data`.
const SUITE: &str = r#"
schema = 1
[auth.writer]
jwt = { secret = "env:TEST_JWT_SECRET?test_secret", claims = { sub = "w{user.index}-writer" } }
[users.Writer]
wait = "30ms..50ms"
auth = "writer"
headers = { X-Forwarded-For = "2001:db8::{user.index}" }
[users.Writer.tasks]
browse = { weight = 10, get = "/v1/discover/?tab=trending", capture = { slugs = "$.results[*].slug" } }
view_story = { weight = 8, needs = ["slugs"], get = "/v1/stories/{pick(slugs)}", name = "/v1/stories/[slug]" }
create_story = { weight = 5, post = "/v1/stories/", json = { title = "A {word()}", blurb = "Of {word()}." }, expect = [201], capture = { story = "$.id" } }
update_story = { weight = 5, needs = ["story"], put = "/v1/stories/{story}/update", name = "/v1/stories/[id]/update", json = { blurb = "Of {word()}." } }
"#;

#[test]
fn tasks_whose_needs_are_never_met_are_named() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let api = MueJam::start_with("test_secret", |config| config.limits.per_user = 10_000);
    let told = run(&place, api.url(), "-u 8 -r 100 -t 4s");
    let never = [
        "Writer.view_story was skipped ",
        "it needs slugs, to be captured by browse (GET /v1/discover/?tab=trending)",
        "Writer.update_story was skipped ",
        "it needs story, to be captured by create_story (POST /v1/stories/)",
    ];
    // What was skipped is missing in the mix, too.
    let missing = ["view_story 0% instead of 28.57%", "update_story 0% instead of 17.86%"];
    told.assert(
        3,
        &[
            (DoubtKind::TaskNeverRan, Severity::Invalid, &never),
            (DoubtKind::MixOff, Severity::Suspect, &missing),
        ],
    );
    assert_eq!(told.summary.total("failed"), 0, "nothing else would have told: {}", told.answer);

    std::fs::remove_file(place.path("a.squall")).unwrap();
    place.write("suite.toml", &SUITE.replace("$.results[", "$.data[").replace("$.id", "$.data.id"));
    run(&place, api.url(), "-u 8 -r 100 -t 4s").assert(0, &[]);
}
