//! Two runs against each other: what became worse, what became better, what stayed the same, and what nobody can tell.
//!
//! Compared is the measured part of both, phase by phase of the same name, over the endpoints that both requested. The
//! method stands where it is done: blocks of time ([`blocks`]), a figure and its error ([`estimate`]), differences and
//! what they are called ([`change`]), what else differs ([`differences`]). It knows one run of each: what changes from
//! one run of the same thing to the next (caches, neighbours, where a process landed) is not in any interval here.
//!
//! Everything is a pure function of the records: no random numbers, so the same records give the same answer.

mod blocks;
mod change;
mod differences;
mod estimate;
mod model;
mod pairing;
mod sentence;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use squall_core::EndpointId;
use squall_record::Run;

use self::blocks::{Block, Observed, Sample, requested};
use self::change::{Pair, conclude};
use self::estimate::{Curve, Estimate, MIN_BLOCKS};
use crate::{Doubt, Severity, judge};

pub use self::model::{
    Change, CompareError, Comparison, Difference, Finding, Margins, Metric, PairedStretch, Side, Subject,
};

/// Shorter than this nothing is found, in seconds: caches that fill and neighbours that wake take longer.
const MIN_SECS: f64 = 30.0;

/// Hold `b` against `a`.
///
/// # Errors
/// [`CompareError`]: a run is not valid, has no measured part, or shares no endpoint with the other.
pub fn compare(a: &Run, b: &Run, margins: &Margins) -> Result<Comparison, CompareError> {
    let mut warnings = Vec::new();
    for (name, run) in [('A', a), ('B', b)] {
        warnings.extend(believable(name, run)?);
    }
    let paired = pairing::pair(a, b);
    for (run, parts) in [('A', &paired.a), ('B', &paired.b)] {
        if parts.is_empty() {
            return Err(CompareError::NothingMeasured { run });
        }
    }
    let names = (named(a, &requested(a, &paired.a)), named(b, &requested(b, &paired.b)));
    let common: BTreeMap<&String, (EndpointId, EndpointId)> =
        names.0.iter().filter_map(|(name, id)| Some((name, (*id, *names.1.get(name)?)))).collect();
    if common.is_empty() {
        return Err(CompareError::NothingInCommon);
    }
    let sample_a = Sample::new(a, &paired.a, &common.values().map(|(id, _)| *id).collect());
    let sample_b = Sample::new(b, &paired.b, &common.values().map(|(_, id)| *id).collect());
    let seconds = sample_a.span.min(sample_b.span);
    // One endpoint alone is the total.
    let single = common.len() == 1;
    let subject = |label: &str, a: &Observed, b: &Observed, tests: usize| Subject {
        label: label.to_owned(),
        a_requests: a.sum(Block::completed),
        b_requests: b.sum(Block::completed),
        finding: Finding::Inconclusive,
        changes: changes(a, b, margins, seconds, tests),
    };
    let tests = Metric::ALL.len() * if single { 1 } else { 2 };
    let mut total = subject("all requests", &sample_a.total, &sample_b.total, tests);
    let pairs = common.iter().filter(|_| !single).filter_map(|(name, (in_a, in_b))| {
        Some((name, sample_a.endpoints.get(in_a)?, sample_b.endpoints.get(in_b)?))
    });
    let mut endpoints: Vec<Subject> =
        pairs.map(|(name, a, b)| subject(name, a, b, tests * common.len())).collect();
    let share = if single { 1.0 } else { 0.5 };
    conclude(&mut total.changes.iter_mut().collect::<Vec<_>>(), share);
    conclude(&mut endpoints.iter_mut().flat_map(|subject| &mut subject.changes).collect::<Vec<_>>(), share);
    total.finding = Finding::of(&findings(&total), deciding(&total.changes));
    for subject in &mut endpoints {
        // How often an endpoint is requested is chance, as long as all together are requested as often.
        let decides = |change: &&Change| change.metric != Metric::Throughput;
        subject.finding = Finding::of(&findings(subject), deciding(&subject.changes).filter(decides));
    }
    if seconds < MIN_SECS {
        [&mut total].into_iter().chain(&mut endpoints).for_each(unsettle);
    }
    let everything: Vec<Finding> = [&total].into_iter().chain(&endpoints).flat_map(findings).collect();
    let finding = Finding::of(&everything, deciding(&total.changes));
    let plan = differences::plan(a, b, &names.0, &names.1);
    warnings.extend(paired.warnings);
    warnings.extend(differences::warnings(a, b, &plan));
    warnings.extend(short(seconds, &total));
    warnings.extend(mix(&total, &endpoints));
    let mut comparison = Comparison {
        finding,
        sentence: String::new(),
        more_minutes: more_minutes(finding, &total.changes),
        margin: margins.margin,
        a: side(a, &sample_a),
        b: side(b, &sample_b),
        environment: differences::environment(&a.environment, &b.environment),
        plan,
        warnings,
        excluded: paired.excluded,
        stretches: paired.stretches,
        common: common.keys().map(|name| (*name).clone()).collect(),
        total,
        endpoints,
    };
    comparison.sentence = sentence::sentence(&comparison);
    Ok(comparison)
}

/// What a few seconds show may be gone in the next few.
fn unsettle(subject: &mut Subject) {
    subject.finding = Finding::Inconclusive;
    for change in &mut subject.changes {
        if change.finding != Finding::Inconclusive && !change.nothing_failed() {
            change.more_minutes = Some(1.0);
        }
        change.finding = Finding::Inconclusive;
    }
}

fn findings(subject: &Subject) -> Vec<Finding> {
    subject.changes.iter().map(|change| change.finding).collect()
}

/// Where nothing failed in either run there is no difference to settle: the interval says what may have been missed.
fn deciding(changes: &[Change]) -> impl Iterator<Item = &Change> {
    changes.iter().filter(|change| change.metric.decides() && !change.nothing_failed())
}

/// What is to be said about a run that may be compared.
fn believable(name: char, run: &Run) -> Result<Vec<String>, CompareError> {
    let (invalid, suspect): (Vec<Doubt>, Vec<Doubt>) =
        judge(run).doubts.into_iter().partition(|doubt| doubt.severity == Severity::Invalid);
    if !invalid.is_empty() {
        return Err(CompareError::NotValid { run: name, doubts: invalid });
    }
    let mut lines: Vec<String> = suspect
        .iter()
        .map(|doubt| {
            format!("run {name} is to be read with care: {}", model::said(doubt).trim_end_matches('.'))
        })
        .collect();
    if !run.reached_its_end() {
        lines.push(format!("run {name} did not reach its end: what there is of it is compared"));
    }
    Ok(lines)
}

/// The labels of endpoints.
fn named(run: &Run, ids: &BTreeSet<EndpointId>) -> BTreeMap<String, EndpointId> {
    let label = |id: &EndpointId| {
        let endpoint = run.plan.endpoints.get(id.index())?;
        Some((format!("{} {}", endpoint.method, endpoint.name), *id))
    };
    ids.iter().filter_map(label).collect()
}

fn side(run: &Run, sample: &Sample) -> Side {
    Side {
        suite: run.plan.name.clone(),
        profile: run.plan.profile.clone(),
        started: run.started.to_string(),
        compared_s: sample.span,
    }
}

fn changes(a: &Observed, b: &Observed, margins: &Margins, seconds: f64, tests: usize) -> Vec<Change> {
    let curves = (Rc::new(Curve::of(a)), Rc::new(Curve::of(b)));
    let pair = |metric: Metric| {
        let of = |observed: &Observed, curve: &Rc<Curve>| match metric {
            Metric::P50 => Estimate::percentile(observed, curve, 0.5),
            Metric::P95 => Estimate::percentile(observed, curve, 0.95),
            Metric::P99 => Estimate::percentile(observed, curve, 0.99),
            Metric::Mean => Estimate::mean(observed),
            Metric::ErrorRate => Estimate::error_rate(observed),
            Metric::Throughput => Estimate::throughput(observed),
        };
        let pair = Pair { metric, a: of(a, &curves.0)?, b: of(b, &curves.1)? };
        // Nothing in either is the same, whatever a logarithm makes of it.
        (metric != Metric::Throughput || pair.a.value + pair.b.value > 0.0).then_some(pair)
    };
    let pairs = Metric::ALL.into_iter().filter_map(pair);
    pairs.map(|pair| pair.change(margins, seconds, tests)).collect()
}

/// The longest of what the deciding changes need; `None` when one of them needs more than can be said.
fn more_minutes(finding: Finding, total: &[Change]) -> Option<f64> {
    let open = deciding(total).filter(|change| change.finding == Finding::Inconclusive);
    let longest =
        open.map(|change| change.more_minutes).try_fold(0.0, |most, minutes| Some(minutes?.max(most)));
    longest.filter(|minutes: &f64| finding == Finding::Inconclusive && *minutes > 0.0)
}

fn short(seconds: f64, total: &Subject) -> Option<String> {
    let needed = Metric::ALL.into_iter().filter(|metric| metric.decides());
    let missing: Vec<&str> = needed
        .filter(|metric| total.changes.iter().all(|change| change.metric != *metric))
        .map(Metric::name)
        .collect();
    if seconds < MIN_SECS {
        // The sentence says so.
        None
    } else if total.changes.is_empty() {
        Some(format!(
            "{seconds:.0} s are too short to compare: it takes {MIN_BLOCKS} windows of a second at least, better minutes"
        ))
    } else if missing.is_empty() {
        None
    } else {
        Some(format!("there are too few requests to compare {}", missing.join(", ")))
    }
}

/// A total of other shares is another total.
fn mix(total: &Subject, endpoints: &[Subject]) -> Option<String> {
    /// Points that change a total visibly.
    const SHIFT: f64 = 0.03;
    let share = |part: u64, whole: u64| if whole > 0 { part as f64 / whole as f64 } else { 0.0 };
    let shares = endpoints.iter().map(|endpoint| {
        let shares =
            (share(endpoint.a_requests, total.a_requests), share(endpoint.b_requests, total.b_requests));
        (endpoint, shares)
    });
    let shift = |(a, b): (f64, f64)| (a - b).abs();
    let (endpoint, (a, b)) = shares.max_by(|x, y| shift(x.1).total_cmp(&shift(y.1)))?;
    (shift((a, b)) > SHIFT).then(|| {
        format!(
            "the mix of requests differs: {} is {:.0}% of A and {:.0}% of B; compare endpoints, not totals",
            endpoint.label,
            a * 100.0,
            b * 100.0
        )
    })
}
