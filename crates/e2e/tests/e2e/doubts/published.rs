//! The published load tests of the MueJam API with their mistakes, as they were run: every one is found in a single run.

use squall_muejam::LimitMode;
use squall_verdict::{DoubtKind, Severity};

use super::run_fresh;
use crate::support::{MueJam, Place};

/// Four kinds of users without weights, tokens that are invalid, captures of keys that are not there, one address for
/// all, a target that the waits forbid; ten times as busy and for seconds instead of minutes.
const SUITE: &str = r#"
schema = 1
[auth.fake]
jwt = { secret = "env:TEST_JWT_SECRET?made_up", claims = { sub = "loadtest{user.index}" } }

[users.AuthenticatedUser]
wait = "1s..5s"
auth = "fake"
[users.AuthenticatedUser.tasks]
browse_discovery = { weight = 10, get = "/api/discovery/trending", capture = { slugs = "$.hits[*].slug" } }
view_story = { weight = 8, needs = ["slugs"], get = "/api/stories/{pick(slugs)}", name = "/api/stories/[slug]" }
view_profile = { weight = 5, get = "/api/users/me" }
search_stories = { weight = 2, get = "/api/search/stories?q=fantasy" }

[users.UnauthenticatedUser]
wait = "2s..8s"
[users.UnauthenticatedUser.tasks]
browse_public = { weight = 10, get = "/api/discovery/trending", name = "/api/discovery/trending [public]" }
search_public = { weight = 2, get = "/api/search/stories?q=fantasy", name = "/api/search/stories [public]" }

[users.WriterUser]
wait = "5s..15s"
auth = "fake"
[users.WriterUser.tasks]
create_story = { weight = 5, post = "/api/stories", json = { title = "A story", blurb = "Of it." }, expect = [201], capture = { story = "$.id" } }
update_story = { weight = 3, needs = ["story"], put = "/api/stories/{story}", name = "/api/stories/[id]", json = { blurb = "Of it." } }

[users.HealthCheckUser]
wait = "1s..2s"
tasks.health = { get = "/health" }

[profiles.published]
users = 20
spawn_rate = 20
run_time = "8s"
wait_factor = 0.1

[profiles.published.criteria]
p95 = "< 500ms"
p99 = "< 1s"
throughput = { target = "> 100/s", acceptable = "> 50/s" }
"#;

#[test]
fn every_published_mistake_is_found_in_one_run() {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    // As served, each request counts twice and by its address.
    let api = || MueJam::start_with("test_secret", |config| config.limits.mode = LimitMode::AsIs);
    let told = run_fresh(&place, api, "--profile published");
    told.assert(
        3,
        &[
            (DoubtKind::NobodyLoggedIn, Severity::Invalid, &["AuthenticatedUser", "401"]),
            (
                DoubtKind::TaskNeverRan,
                Severity::Invalid,
                &["AuthenticatedUser.view_story", "WriterUser.update_story"],
            ),
            (DoubtKind::MaskedByRateLimit, Severity::Invalid, &["requests were refused"]),
            (DoubtKind::OneIdentity, Severity::Suspect, &["UnauthenticatedUser come from one address"]),
            (DoubtKind::MixOff, Severity::Suspect, &["No class has a weight", "view_story was skipped"]),
            (DoubtKind::TargetImpossible, Severity::Suspect, &["throughput"]),
            (DoubtKind::TooFewSamples, Severity::Suspect, &["p99 rests on "]),
        ],
    );
}
