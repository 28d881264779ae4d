//! Rate limiters that answer instead of the server.

use squall_bench::server::{Config, spawn};
use squall_muejam::LimitMode;
use squall_verdict::{DoubtKind, Severity};

use super::{Expected, Told, run, run_fresh};
use crate::support::{MueJam, Place};

/// Everybody asks far more often than the hundred times a minute that one may.
const SUITE: &str = r#"
schema = 1
[auth.own]
jwt = { secret = "env:TEST_JWT_SECRET?test_secret", claims = { sub = "h{user.index}-hasty" } }
[auth.everybody]
jwt = { secret = "env:TEST_JWT_SECRET?test_secret", claims = { sub = "everybody" } }
[users.Own]
weight = 1
wait = "10ms"
auth = "own"
tasks.hurry = { get = "/v1/discover/?tab=trending" }
[users.OneToken]
weight = 0
wait = "100ms"
auth = "everybody"
tasks.hurry = { get = "/v1/discover/?tab=trending" }
[users.OneAddress]
weight = 0
wait = "100ms"
tasks.hurry = { get = "/v1/discover/?tab=trending" }
[profiles.own]
users = 3
spawn_rate = 100
run_time = "5s"
mix = { Own = 1 }
[profiles.own-wanted]
users = 3
spawn_rate = 100
run_time = "5s"
mix = { Own = 1 }
criteria = { rate_limited = "> 0%" }
[profiles.one-token]
users = 10
spawn_rate = 100
run_time = "4s"
mix = { OneToken = 1 }
criteria = { p50 = "< 5s" }
[profiles.one-token-wanted]
users = 10
spawn_rate = 100
run_time = "4s"
mix = { OneToken = 1 }
criteria = { rate_limited = "> 0%" }
[profiles.one-address]
users = 10
spawn_rate = 100
run_time = "4s"
mix = { OneAddress = 1 }
criteria = { p50 = "< 5s" }
"#;

const MASKED: Expected<'_> = (
    DoubtKind::MaskedByRateLimit,
    Severity::Invalid,
    &["requests were refused (", "% of GET /v1/discover/?tab=trending"],
);

fn against(mode: LimitMode, profile: &str) -> Told {
    let place = Place::shared();
    place.write("suite.toml", SUITE);
    let api = || MueJam::start_with("test_secret", |config| config.limits.mode = mode);
    run_fresh(&place, api, &format!("--profile {profile}"))
}

#[test]
fn refusals_do_not_pass_for_a_fast_server() {
    let told = against(LimitMode::Intent, "own");
    told.assert(3, &[MASKED]);
    assert_eq!(MASKED.0, DoubtKind::MaskedByRateLimit);
    let total = &told.summary.0["total"];
    assert!(told.summary.total("rate_limited") > 50 && told.summary.total("failed") == 0, "{total:#}");
    assert!(told.summary.total("ok") <= 3 * 100 + 3, "what passed is what one may: {total:#}");
    // Counted by address, the limit is met all the more.
    against(LimitMode::AsIs, "own").assert(3, &[MASKED]);
}

#[test]
fn limits_that_are_what_is_tested_mask_nothing() {
    against(LimitMode::Intent, "own-wanted").assert(0, &[]);
}

#[test]
fn one_token_for_all_is_one_identity() {
    let evidence =
        ["10 users of OneToken send the same token (auth everybody) from one address", "were refused"];
    let one = (DoubtKind::OneIdentity, Severity::Suspect, &evidence[..]);
    against(LimitMode::Intent, "one-token").assert(3, &[MASKED, one]);
    against(LimitMode::Intent, "one-token-wanted").assert(0, &[one]);
}

#[test]
fn one_address_for_all_is_one_identity() {
    let evidence = ["10 users of OneAddress come from one address without a token", "were refused"];
    let one = (DoubtKind::OneIdentity, Severity::Suspect, &evidence[..]);
    against(LimitMode::Intent, "one-address").assert(3, &[MASKED, one]);
    against(LimitMode::Off, "one-address").assert(0, &[]);
}

/// One user who needs 100 ms for each of fifty arrivals a second.
const TOO_FEW: &str = r#"
schema = 1
[users.Only]
tasks.t = { get = "/delay/100ms" }
[profiles.unasked]
rate = "50/s"
users = 1
run_time = "4s"
criteria = { error_rate = "< 1%" }
[profiles.asked]
rate = "50/s"
users = 1
run_time = "4s"
criteria = { error_rate = "< 1%", dropped = "> 0%" }
"#;

#[test]
fn arrivals_that_nobody_served_do_not_pass_unseen() {
    let place = Place::shared();
    place.write("suite.toml", TOO_FEW);
    let server = spawn(Config::default()).unwrap();
    let evidence = ["arrivals (", "found no free user in time and were given up."];
    let unasked = run(&place, &server.url(), "--profile unasked --stop-timeout 1");
    unasked.assert(3, &[(DoubtKind::ArrivalsDropped, Severity::Invalid, &evidence)]);

    std::fs::remove_file(place.path("a.squall")).unwrap();
    run(&place, &server.url(), "--profile asked --stop-timeout 1").assert(0, &[]);
}
