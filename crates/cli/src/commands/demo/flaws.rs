//! The flaws the demo can show: what is broken, on which side, and what of it a run says.

use squall_suite::nearest;
use squall_verdict::{DoubtKind, Verdict};

use crate::errors::Problem;

/// Loads and classes of users that only flaws need; appended to the suite.
pub(super) const SUITE: &str = include_str!("flaws.toml");

/// One way to break the API or the test.
#[derive(Debug)]
pub(super) struct Flaw {
    /// What `--flaw` takes.
    pub(super) name: &'static str,
    /// What is broken, in a line.
    explained: &'static str,
    /// More arguments of the API.
    pub(super) api: &'static [&'static str],
    /// The load that meets it.
    pub(super) profile: &'static str,
    /// Users sign their tokens with a key the API does not know.
    pub(super) wrong_secret: bool,
    /// Where it shows.
    sign: Sign,
    /// What it means, once it shows.
    meaning: &'static str,
}

/// How a flaw shows.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// The criterion on this measure fails.
    Fails(&'static str),
    /// The run doubts itself.
    Doubted(DoubtKind),
}

const FLAWS: [Flaw; 9] = [
    Flaw {
        name: "latency",
        explained: "the API takes 1.2 s longer for every request",
        api: &["--flaw", "latency=1200ms"],
        profile: "flaw-slow",
        wrong_secret: false,
        sign: Sign::Fails("p95"),
        meaning: "every request took 1.2 s longer; p95 says so, and since when, and the run fails",
    },
    Flaw {
        name: "errors",
        explained: "the API answers one request in ten with 500",
        api: &["--flaw", "errors=0.1"],
        profile: "flaw-slow",
        wrong_secret: false,
        sign: Sign::Fails("error_rate"),
        meaning: "one request in ten was answered with 500; response times are fine all the same, and the run fails by its error rate",
    },
    Flaw {
        name: "stall",
        explained: "the API freezes for 0.7 s every 3 s, and users do not wait for it",
        api: &["--flaw", "stall=700ms@3s"],
        profile: "flaw-stall",
        wrong_secret: false,
        sign: Sign::Fails("p95"),
        meaning: "a freeze keeps all requests waiting that were due meanwhile; Squall counts from the moment each was due, so p95 \
                  shows it, where a tool that counts from the moment of sending would have sent fewer requests and praised the server",
    },
    Flaw {
        name: "leak",
        explained: "the API keeps ten megabytes more every second",
        api: &["--flaw", "leak=10MB/s"],
        profile: "flaw-leak",
        wrong_secret: false,
        sign: Sign::Fails("max(process.rss)"),
        meaning: "the memory of the API grew all the time while every request was answered well; only the watched process tells; \
                  in a test of some minutes, `slope(process.rss)` finds leaks a thousand times smaller",
    },
    Flaw {
        name: "rate-limit",
        explained: "users ask far more often than the API allows, and no criterion looks at 429",
        api: &[],
        profile: "flaw-limited",
        wrong_secret: false,
        sign: Sign::Doubted(DoubtKind::MaskedByRateLimit),
        meaning: "every criterion passes, because requests that a limiter refuses are quick and no errors; the run is not valid all \
                  the same, because it measured the limiter",
    },
    Flaw {
        name: "no-login",
        explained: "users sign their tokens with the wrong key",
        api: &[],
        profile: "flaw-slow",
        wrong_secret: true,
        sign: Sign::Doubted(DoubtKind::NobodyLoggedIn),
        meaning: "not one token was accepted, so the server never did the work of the test; such a run is neither good nor bad, but \
                  not valid",
    },
    Flaw {
        name: "one-identity",
        explained: "all users log in as one person, and the API limits each person",
        api: &[],
        profile: "flaw-one-identity",
        wrong_secret: false,
        sign: Sign::Doubted(DoubtKind::OneIdentity),
        meaning: "twenty users shared one token, and what the API allows one person; give each user a token of its own",
    },
    Flaw {
        name: "never-runs",
        explained: "a task needs what no answer ever gives it",
        api: &[],
        profile: "flaw-never-runs",
        wrong_secret: false,
        sign: Sign::Doubted(DoubtKind::TaskNeverRan),
        meaning: "stories were looked for where the answer has none, so none was ever read: three quarters of the test never \
                  happened, and what is left looks perfect",
    },
    Flaw {
        name: "impossible",
        explained: "more throughput is asked for than the users could make of the fastest server",
        api: &[],
        profile: "flaw-impossible",
        wrong_secret: false,
        sign: Sign::Doubted(DoubtKind::TargetImpossible),
        meaning: "the target for throughput is out of reach of these users, however fast the server is; it was said before the load, \
                  and `--strict` would have refused to run",
    },
];

/// The flaw called `name`.
pub(super) fn find(name: &str) -> Result<&'static Flaw, Problem> {
    FLAWS.iter().find(|flaw| flaw.name == name).ok_or_else(|| {
        let names = FLAWS.map(|flaw| flaw.name);
        let meant =
            nearest(name, &names).map(|meant| format!("did you mean `{meant}`?\n")).unwrap_or_default();
        let all = FLAWS.map(|flaw| format!("{:<14}{}", flaw.name, flaw.explained)).join("\n");
        Problem::new(format!("the demo has no flaw called `{name}`")).help(format!("{meant}There are\n{all}"))
    })
}

impl Flaw {
    /// Before the run.
    pub(super) fn announced(&self) -> String {
        format!("The flaw: {}", self.explained)
    }

    /// After the run: one sentence, which is true of this run.
    pub(super) fn seen(&self, verdict: &Verdict) -> String {
        let meaning = self.meaning;
        if self.shows(verdict) {
            format!("What you saw: {meaning}.\n")
        } else {
            format!(
                "What you should have seen, and this run did not show: {meaning}. Try again when the machine is idle.\n"
            )
        }
    }

    fn shows(&self, verdict: &Verdict) -> bool {
        match self.sign {
            Sign::Fails(measure) => {
                let mut rows = verdict.rows.iter().filter(|row| row.criterion.measure.to_string() == measure);
                rows.any(|row| row.value.is_some() && row.standing.fails())
            }
            Sign::Doubted(kind) => verdict.doubts.iter().any(|doubt| doubt.kind == kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_is_found_by_its_name_and_others_list_them_all() {
        for flaw in &FLAWS {
            assert_eq!(find(flaw.name).unwrap().name, flaw.name);
        }
        let problem = find("latncy").unwrap_err();
        let help = miette::Diagnostic::help(&problem).unwrap().to_string();
        assert!(help.starts_with("did you mean `latency`?"), "{help}");
        for flaw in &FLAWS {
            assert!(help.contains(flaw.explained), "{help}");
        }
    }

    #[test]
    fn every_flaw_has_its_load_and_no_sentence_ends_twice() {
        for flaw in &FLAWS {
            let plan = super::super::plan("http://127.0.0.1:1", "secret", flaw.profile).unwrap().plan;
            assert_eq!(plan.profile.as_deref(), Some(flaw.profile));
            let time = plan.load.run_time().unwrap();
            assert!(time <= squall_core::Nanos::from_secs(30), "{} takes {time}", flaw.name);
            assert!(!flaw.meaning.ends_with('.') && !flaw.explained.ends_with('.'), "{}", flaw.name);
            if let Sign::Fails(measure) = flaw.sign {
                assert!(plan.criteria.iter().any(|criterion| criterion.measure.to_string() == measure));
            }
        }
    }
}
