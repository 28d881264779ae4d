//! How often the comparison is wrong, over pairs of which the truth is known.

use squall_verdict::compare::{Finding, Margins};
use squall_verdict::{Comparison, compare};

use super::simulation::{Dice, LogNormal, System, twins};

const SECONDS: u64 = 600;

/// What was found in pairs of runs: of the same system, and of one that is 10 % slower in B.
struct Found {
    same: Vec<Comparison>,
    slower: Vec<Comparison>,
}

fn pairs(pairs: u64, rho: (f64, f64), wander: f64, first_seed: u64) -> Found {
    let times = LogNormal::new(0.5);
    let mut found = Found { same: Vec::new(), slower: Vec::new() };
    for pair in 0..pairs {
        let seed = first_seed + pair * 3;
        let mut dice = Dice::new(seed);
        let system = System {
            rate: dice.within(30.0, 60.0),
            median_ms: dice.within(20.0, 200.0),
            wander,
            rho: dice.within(rho.0, rho.1),
        };
        let a = &twins(system, &times, SECONDS, seed + 1, &[1.0])[0];
        let b = twins(system, &times, SECONDS, seed + 2, &[1.0, 1.1]);
        found.same.push(compare(a, &b[0], &Margins::default()).unwrap());
        found.slower.push(compare(a, &b[1], &Margins::default()).unwrap());
    }
    found
}

fn count(comparisons: &[Comparison], finding: Finding) -> usize {
    comparisons.iter().filter(|comparison| comparison.finding == finding).count()
}

/// How many of the 95 % intervals of all figures hold the truth.
fn coverage(comparisons: &[Comparison], truth: impl Fn(bool) -> f64) -> f64 {
    let changes = comparisons.iter().flat_map(|comparison| &comparison.total.changes);
    let held: Vec<bool> = changes
        .map(|change| {
            let truth = truth(change.metric.unit() == squall_plan::Unit::Seconds);
            change.interval.0 <= truth && truth <= change.interval.1
        })
        .collect();
    held.iter().filter(|held| **held).count() as f64 / held.len() as f64
}

fn report(name: &str, found: &Found) -> String {
    let counts = |list: &[Comparison]| {
        [Finding::Regressed, Finding::Improved, Finding::Equivalent, Finding::Inconclusive]
            .map(|finding| count(list, finding))
    };
    format!(
        "{name}: same {:?} (intervals hold {:.3}), slower {:?} (intervals hold {:.3})",
        counts(&found.same),
        coverage(&found.same, |_| 0.0),
        counts(&found.slower),
        coverage(&found.slower, |time| if time { 0.1 } else { 0.0 }),
    )
}

#[test]
fn equals_are_equal_and_a_tenth_is_seen() {
    let found = pairs(200, (0.7, 0.9), 0.05, 1_000);
    let text = report("usual noise", &found);
    println!("{text}");
    assert!(count(&found.same, Finding::Regressed) <= 10, "at most 5 %: {text}");
    assert!(count(&found.same, Finding::Improved) <= 10, "at most 5 %: {text}");
    assert!(count(&found.same, Finding::Equivalent) >= 160, "at least 80 %: {text}");
    assert!(count(&found.slower, Finding::Regressed) >= 190, "at least 95 %: {text}");
    for list in [&found.same, &found.slower] {
        let held = coverage(list, |time| if time && std::ptr::eq(list, &found.slower) { 0.1 } else { 0.0 });
        assert!((0.93..=0.985).contains(&held), "95 % intervals: {text}");
    }
}

#[test]
fn strong_noise_makes_the_answer_open_not_wrong() {
    let found = pairs(40, (0.9, 0.9), 0.2, 9_000);
    let text = report("strong noise", &found);
    println!("{text}");
    assert!(count(&found.same, Finding::Regressed) <= 2, "at most 5 %: {text}");
    assert!(count(&found.same, Finding::Improved) <= 2, "at most 5 %: {text}");
    assert!(count(&found.same, Finding::Inconclusive) >= 34, "nobody can tell: {text}");
    assert!(coverage(&found.same, |_| 0.0) >= 0.92, "95 % intervals: {text}");
}
