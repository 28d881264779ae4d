//! Credentials that the server does not believe.

use squall_muejam::LimitMode;
use squall_verdict::{DoubtKind, Severity};

use super::{Told, run};
use crate::support::{MueJam, Place};

fn suite(tasks: &str) -> String {
    format!(
        r#"
schema = 1
[auth.reader]
jwt = {{ secret = "env:TEST_JWT_SECRET?test_secret", claims = {{ sub = "r{{user.index}}-reader" }} }}
[users.Reader]
wait = "30ms..50ms"
auth = "reader"
[users.Reader.tasks]
{tasks}
"#
    )
}

/// What anybody may read, and what one has to be somebody for.
const PUBLIC: &str = r#"browse = { weight = 10, get = "/v1/discover/?tab=trending" }"#;
const OWN: &str = r#"view_profile = { weight = 2, get = "/v1/users/me/" }"#;

fn against(secret: &str, tasks: &str) -> Told {
    let place = Place::shared();
    place.write("suite.toml", &suite(tasks));
    let api = MueJam::start_with(secret, |config| config.limits.mode = LimitMode::Off);
    run(&place, api.url(), "-u 5 -r 100 -t 4s")
}

#[test]
fn tokens_that_are_all_invalid_are_seen() {
    let evidence = ["answers to Reader, which sends credentials, were refusals (100%)", "× 401"];
    against("another", OWN).assert(3, &[(DoubtKind::NobodyLoggedIn, Severity::Invalid, &evidence)]);
}

#[test]
fn a_crowd_of_public_answers_does_not_hide_that_nobody_is_logged_in() {
    let both = format!("{PUBLIC}\n{OWN}");
    let evidence = ["answers of GET /v1/users/me/ to Reader, which sends credentials, were 401."];
    against("another", &both).assert(3, &[(DoubtKind::NobodyLoggedIn, Severity::Invalid, &evidence)]);
}

#[test]
fn users_who_are_logged_in_are_not_doubted() {
    against("test_secret", &format!("{PUBLIC}\n{OWN}")).assert(0, &[]);
}
