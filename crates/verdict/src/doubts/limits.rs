//! A rate limiter refuses a good part of the requests, perhaps because many users are one to it.

use std::cmp::Reverse;

use squall_core::UserClassId;
use squall_plan::{AuthKind, Measure, Part, Slot, Template, UserClass};
use squall_record::Run;
use squall_stats::CellKey;

use super::{Doubt, DoubtKind, Facts, Findings, covers, percent, requests};

/// Share of requests that may be refused before the rest says little about the server.
const MASKED: f64 = 0.05;
/// Share of a class's requests from which on a limit is met at all.
const MET: f64 = 0.01;

pub(super) fn masked(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    // Where a criterion asks for them, refusals are a result and hide nothing.
    let asked_for = facts.asked_for(&Measure::RateLimited);
    let is_asked_for = |key: &CellKey| {
        asked_for.iter().any(|scope| {
            scope.endpoint.is_none_or(|endpoint| endpoint == key.endpoint)
                && covers(scope, key.phase, key.class)
        })
    };
    let all = facts.summary(|key| !is_asked_for(key));
    let (refused, completed) = (all.rate_limited(), all.completed());
    if refused as f64 > MASKED * completed as f64 {
        let endpoints = facts.run.plan.endpoints.iter().enumerate();
        let mut by_endpoint: Vec<_> = endpoints
            .map(|(index, endpoint)| {
                let summary = facts.summary(|key| key.endpoint.index() == index && !is_asked_for(key));
                let share = percent(summary.rate_limited() as f64, summary.completed() as f64);
                (summary.rate_limited(), format!("{share} of {} {}", endpoint.method, endpoint.name))
            })
            .filter(|(refused, _)| *refused > 0)
            .collect();
        by_endpoint.sort_by_key(|(refused, _)| Reverse(*refused));
        let named: Vec<_> = by_endpoint.into_iter().take(3).map(|(_, text)| text).collect();
        findings.invalid(format!(
            "{refused} of {completed} requests were refused ({}), most of them at: {}.",
            percent(refused as f64, completed as f64),
            named.join(", ")
        ));
    }
    findings.doubt(DoubtKind::MaskedByRateLimit)
}

pub(super) fn one_identity(facts: &Facts<'_>) -> Option<Doubt> {
    let run = facts.run;
    let mut findings = Findings::default();
    for (index, class) in run.plan.classes.iter().enumerate() {
        let users =
            run.windows.iter().filter_map(|window| window.users.get(index)).max().copied().unwrap_or(0);
        let Some(identity) = shared_identity(run, class).filter(|_| users >= 2) else { continue };
        let all = run.summary(|key| key.class == UserClassId::from(index));
        let (refused, completed) = (all.rate_limited(), all.completed());
        if refused > 0 && refused as f64 >= MET * completed as f64 {
            findings.suspect(format!(
                "{users} users of {} {identity}; {refused} of {completed} of their requests were refused ({}).",
                class.name,
                percent(refused as f64, completed as f64)
            ));
        }
    }
    findings.doubt(DoubtKind::OneIdentity)
}

/// By what the users of a class look like one; `None` when something tells them apart.
fn shared_identity(run: &Run, class: &UserClass) -> Option<String> {
    if class.source.is_some_and(|source| source.count >= 2) {
        return None;
    }
    let mut headers = class.headers.iter().chain(requests(class).flat_map(|request| &request.headers));
    if headers.any(|(name, value)| tells_apart(name, value)) {
        return None;
    }
    let Some(auth) = class.auth.and_then(|index| run.plan.auths.get(index)) else {
        return Some("come from one address without a token".to_owned());
    };
    let own = match &auth.kind {
        AuthKind::Bearer(template) => has(template, is_own),
        AuthKind::Jwt { claims, .. } => claims.iter().any(|(_, claim)| has(claim, is_own)),
    };
    (!own).then(|| format!("send the same token (auth {}) from one address", auth.name))
}

/// Does this header differ from user to user in a way that stays with the user? Credentials may also be captured.
fn tells_apart(name: &str, value: &Template) -> bool {
    if name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("cookie") {
        return has(value, is_own);
    }
    has(value, |slot| matches!(slot, Slot::UserId | Slot::UserIndex | Slot::Field { .. }))
}

/// Not the same for everybody.
fn is_own(slot: &Slot) -> bool {
    !matches!(slot, Slot::Env(_) | Slot::Now)
}

fn has(template: &Template, wanted: impl Fn(&Slot) -> bool) -> bool {
    template.parts.iter().any(|part| matches!(part, Part::Slot { slot, .. } if wanted(slot)))
}
