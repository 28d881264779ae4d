//! Requests with credentials are refused as if there were none.

use std::collections::{BTreeMap, BTreeSet};

use squall_core::{EndpointId, ErrorClass, UserClassId};
use squall_plan::{RequestStep, UserClass};
use squall_record::Run;

use super::tested::is_answer;
use super::{Doubt, DoubtKind, Facts, Findings, percent, requests};

/// Share of a class's answers that may be refusals.
const MOST: f64 = 0.5;
/// Answers of an endpoint from which on it is looked at alone …
const ENOUGH: u64 = 5;
/// … and share of them that may be "not logged in".
const NEARLY_ALL: f64 = 0.9;

/// Answers of one endpoint to one class.
#[derive(Clone, Copy, Default)]
struct Answers {
    all: u64,
    unauthorized: u64,
    forbidden: u64,
}

pub(super) fn nobody(facts: &Facts<'_>) -> Option<Doubt> {
    let run = facts.run;
    let mut findings = Findings::default();
    let answers = answers(run);
    for (index, class) in run.plan.classes.iter().enumerate() {
        let known = known_endpoints(run, class);
        let of_class: Vec<_> = answers
            .iter()
            .filter(|((of, endpoint), _)| of.index() == index && known.contains(endpoint))
            .map(|((_, endpoint), answers)| (*endpoint, *answers))
            .collect();
        let sum = |of: fn(&Answers) -> u64| of_class.iter().map(|(_, answers)| of(answers)).sum::<u64>();
        let (all, unauthorized, forbidden) = (sum(|a| a.all), sum(|a| a.unauthorized), sum(|a| a.forbidden));
        let refused = unauthorized + forbidden;
        if all > 0 && refused as f64 >= MOST * all as f64 {
            findings.invalid(format!(
                "{} of {all} answers to {}, which sends credentials, were refusals ({}): {unauthorized} × 401, \
                 {forbidden} × 403.",
                refused,
                class.name,
                percent(refused as f64, all as f64),
            ));
            continue;
        }
        for (endpoint, answers) in of_class {
            let enough = answers.all >= ENOUGH;
            if enough && answers.unauthorized as f64 >= NEARLY_ALL * answers.all as f64 {
                let name = run.plan.endpoints.get(endpoint.index());
                findings.invalid(format!(
                    "{} of {} answers of {} to {}, which sends credentials, were 401.",
                    answers.unauthorized,
                    answers.all,
                    name.map(|name| format!("{} {}", name.method, name.name)).unwrap_or_default(),
                    class.name,
                ));
            }
        }
    }
    findings.doubt(DoubtKind::NobodyLoggedIn)
}

/// Endpoints to which a class sends credentials.
fn known_endpoints(run: &Run, class: &UserClass) -> BTreeSet<EndpointId> {
    let everywhere = class.auth.is_some()
        || class.headers.iter().any(|(name, _)| is_authorization(name))
        || run.plan.http.headers.iter().any(|(name, _)| is_authorization(name));
    let sends =
        |request: &&RequestStep| everywhere || request.headers.iter().any(|(name, _)| is_authorization(name));
    requests(class).filter(sends).map(|request| request.endpoint).collect()
}

fn is_authorization(name: &str) -> bool {
    name.eq_ignore_ascii_case("authorization")
}

fn answers(run: &Run) -> BTreeMap<(UserClassId, EndpointId), Answers> {
    let mut answers: BTreeMap<_, Answers> = BTreeMap::new();
    for (site, summary) in run.summaries(|key| Some((key.class, key.endpoint))) {
        // What a rate limiter refused, nobody looked at for its credentials.
        answers.entry(site).or_default().all += summary.ok();
    }
    for entry in run.errors().entries().iter().filter(|entry| is_answer(entry.key.error)) {
        let answers = answers.entry((entry.key.class, entry.key.endpoint)).or_default();
        answers.all += entry.count;
        match (entry.key.error, entry.key.code.0) {
            (ErrorClass::Status, 401) => answers.unauthorized += entry.count,
            (ErrorClass::Status, 403) => answers.forbidden += entry.count,
            _ => {}
        }
    }
    answers
}
