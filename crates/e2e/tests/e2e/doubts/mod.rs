//! Every reason not to believe a run, provoked with the real binary: it is named on top of what the run says, it has
//! its evidence and its remedy in the summary, it decides the exit code where it should, and no other is named with it.

mod clean;
mod generator;
mod limits;
mod login;
mod losses;
mod mix;
mod published;
mod samples;
mod steady;
mod tasks;
mod tested;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;
use squall_verdict::{DoubtKind, Severity};

use crate::support::{Answer, MueJam, Place, Summary};

/// A doubt that is expected, and texts of its evidence.
type Expected<'a> = (DoubtKind, Severity, &'a [&'a str]);

/// What a run says of itself.
struct Told {
    answer: Answer,
    summary: Summary,
    report: Answer,
    verdict: Answer,
}

impl Told {
    /// By the run that has ended with `answer`, and by everything that reads its record.
    fn by(place: &Place, answer: Answer, record: &str) -> Self {
        Self {
            summary: place.summary(record),
            report: place.squall(&format!("report {record}")),
            verdict: place.squall(&format!("verdict {record}")),
            answer,
        }
    }

    fn doubts(&self) -> BTreeMap<&str, &Value> {
        let doubts = self.summary.0["verdict"]["doubts"].as_array().unwrap();
        doubts.iter().map(|doubt| (doubt["doubt"].as_str().unwrap(), doubt)).collect()
    }

    /// These doubts and no others, wherever they are told; and the exit code.
    #[track_caller]
    fn assert(&self, code: i32, expected: &[Expected<'_>]) {
        let doubts = self.doubts();
        let names: Vec<&str> = doubts.keys().copied().collect();
        let mut wanted: Vec<&str> = expected.iter().map(|(kind, ..)| kind.name()).collect();
        wanted.sort_unstable();
        assert_eq!(names, wanted, "{doubts:#?}\n{}", self.answer);
        for (kind, severity, texts) in expected {
            self.assert_told(*kind, *severity, texts);
        }
        assert_eq!(self.answer.code, Some(code), "{}", self.answer);
        assert_eq!(self.verdict.code, Some(code), "judged again: {}", self.verdict);
        let worst = expected.iter().map(|(_, severity, _)| *severity).max();
        let validity = match worst {
            None => "valid",
            Some(Severity::Suspect) => "suspect",
            Some(Severity::Invalid) => "not_valid",
        };
        assert_eq!(self.summary.0["verdict"]["validity"], validity);
        for text in [&self.answer.stderr, &self.report.stdout] {
            let spoken = |lead: &str| text.lines().any(|line| line.starts_with(lead));
            let said = (spoken(lead(Severity::Invalid)), spoken(lead(Severity::Suspect)));
            let of = |wanted| expected.iter().any(|(_, severity, _)| *severity == wanted);
            assert_eq!(said, (of(Severity::Invalid), of(Severity::Suspect)), "{text}");
        }
    }

    /// One doubt: in the summary with its evidence, and on top of both texts.
    #[track_caller]
    fn assert_told(&self, kind: DoubtKind, severity: Severity, texts: &[&str]) {
        let doubts = self.doubts();
        let doubt = doubts.get(kind.name()).unwrap_or_else(|| panic!("no {kind:?}: {doubts:#?}"));
        let evidence = doubt["evidence"].as_str().unwrap();
        for text in texts {
            assert!(evidence.contains(text), "{kind:?}: no `{text}` in `{evidence}`");
        }
        assert_eq!(doubt["severity"], serde_json::to_value(severity).unwrap(), "{kind:?}: {evidence}");
        assert_eq!((&doubt["sentence"], &doubt["remedy"]), (&kind.sentence().into(), &kind.remedy().into()));
        for text in [&self.answer.stderr, &self.report.stdout] {
            let table = text.find("Type ").unwrap_or_else(|| panic!("no table: {text}"));
            let mut top = text[..table].lines();
            let on_top = top.any(|line| line.starts_with(lead(severity)) && line.contains(kind.sentence()));
            assert!(on_top, "{kind:?} is not on top of:\n{text}");
            assert!(text[table..].contains(evidence), "no `{evidence}` in:\n{text}");
        }
    }
}

fn lead(severity: Severity) -> &'static str {
    match severity {
        Severity::Invalid => "Not valid:",
        Severity::Suspect => "Read with care:",
    }
}

/// A run of `suite.toml` against `host`, on a machine that had time for it.
fn run(place: &Place, host: &str, options: &str) -> Told {
    let line = format!("run suite.toml {options} --only-summary -H {host} --record a.squall");
    Told::by(place, place.calm(&line), "a.squall")
}

/// The same against an API of its own for each try: one that was asked before remembers whom to refuse.
fn run_fresh(place: &Place, api: impl Fn() -> MueJam, options: &str) -> Told {
    patiently(place, "a.squall", || {
        let api = api();
        place.squall(&format!("run suite.toml {options} --only-summary -H {} --record a.squall", api.url()))
    })
}

/// The same for a run to which something happens on the way: it is made three times at most, while the machine has no time
/// for it.
fn patiently(place: &Place, record: &str, mut make: impl FnMut() -> Answer) -> Told {
    for _ in 0..2 {
        let told = Told::by(place, make(), record);
        if !told.doubts().contains_key(DoubtKind::GeneratorSaturated.name()) {
            return told;
        }
        std::fs::remove_file(place.path(record)).unwrap();
    }
    Told::by(place, make(), record)
}

/// The test's own clock.
#[expect(clippy::disallowed_methods, reason = "tests time what they do, no load")]
fn now() -> Instant {
    Instant::now()
}

/// Where a doubt is provoked: the file and the test. A new kind does not compile without a place here.
fn provoked(kind: DoubtKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        DoubtKind::NothingTested => (include_str!("tested.rs"), "a_run_without_an_answer_tested_nothing"),
        DoubtKind::CutOff => (include_str!("tested.rs"), "a_run_that_was_killed_is_a_part_of_one"),
        DoubtKind::ArrivalsDropped => {
            (include_str!("limits.rs"), "arrivals_that_nobody_served_do_not_pass_unseen")
        }
        DoubtKind::GeneratorSaturated => {
            (include_str!("generator.rs"), "a_generator_that_gets_no_time_says_so")
        }
        DoubtKind::TargetImpossible => {
            (include_str!("tested.rs"), "a_throughput_beyond_arithmetic_is_impossible")
        }
        DoubtKind::TaskNeverRan => (include_str!("tasks.rs"), "tasks_whose_needs_are_never_met_are_named"),
        DoubtKind::MixOff => (include_str!("mix.rs"), "weights_that_were_forgotten_are_missed"),
        DoubtKind::NobodyLoggedIn => (include_str!("login.rs"), "tokens_that_are_all_invalid_are_seen"),
        DoubtKind::MaskedByRateLimit => (include_str!("limits.rs"), "refusals_do_not_pass_for_a_fast_server"),
        DoubtKind::OneIdentity => (include_str!("limits.rs"), "one_token_for_all_is_one_identity"),
        DoubtKind::TooFewSamples => {
            (include_str!("samples.rs"), "a_percentile_of_too_few_requests_is_suspect")
        }
        DoubtKind::MonitorBlind => (include_str!("losses.rs"), "a_monitor_whose_process_ends_is_blind"),
        DoubtKind::Overflowed => (include_str!("losses.rs"), "more_kinds_of_errors_than_are_kept_are_told"),
        DoubtKind::WriterFellBehind => (include_str!("losses.rs"), "seconds_that_had_to_be_joined_are_told"),
        DoubtKind::NotSteady => {
            (include_str!("steady.rs"), "a_server_that_gets_slower_all_the_time_is_not_steady")
        }
        // A thread that dies cannot be had from outside: tests of `control` and of the command line's session see to it.
        DoubtKind::WorkerLost => return None,
    })
}

#[test]
fn every_doubt_is_provoked() {
    for kind in DoubtKind::ALL {
        let Some((file, test)) = provoked(kind) else { continue };
        let (_, body) =
            file.split_once(&format!("#[test]\nfn {test}()")).unwrap_or_else(|| panic!("no {test}"));
        let body = body.split("\n}\n").next().unwrap();
        assert!(body.contains(&format!("DoubtKind::{kind:?}")), "{test} expects no {kind:?}");
    }
    let left_out: Vec<_> = DoubtKind::ALL.into_iter().filter(|kind| provoked(*kind).is_none()).collect();
    assert_eq!(left_out, [DoubtKind::WorkerLost]);
}
