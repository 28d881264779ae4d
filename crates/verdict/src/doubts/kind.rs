//! Every reason not to believe a run: what is wrong, and what to do about it.

use serde::{Deserialize, Serialize};

/// Every reason there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtKind {
    /// Not one request of the run was answered.
    NothingTested,
    /// The record has no end: what is in it is a part of a run.
    CutOff,
    /// The generator itself was too slow, or out of ports or descriptors.
    GeneratorSaturated,
    /// More throughput is asked for than the users can make.
    TargetImpossible,
    /// A task of the plan was never run.
    TaskNeverRan,
    /// Users or tasks were not mixed as the weights ask, or nobody said how.
    MixOff,
    /// Requests with credentials are refused as if there were none.
    NobodyLoggedIn,
    /// A good part of the requests was refused by a rate limiter.
    MaskedByRateLimit,
    /// A good part of what arrived was given up, and no criterion looks at it.
    ArrivalsDropped,
    /// Many users are one to a server that limits each.
    OneIdentity,
    /// A percentile rests on too few requests.
    TooFewSamples,
    /// A part of the generator was lost during the run.
    WorkerLost,
    /// A monitor had no data for a part of the run.
    MonitorBlind,
    /// More kinds of errors or names than are kept apart.
    Overflowed,
    /// The record was written too slowly: seconds were joined.
    WriterFellBehind,
    /// What was measured still drifted.
    NotSteady,
}

impl DoubtKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::NothingTested,
        Self::CutOff,
        Self::GeneratorSaturated,
        Self::TargetImpossible,
        Self::TaskNeverRan,
        Self::MixOff,
        Self::NobodyLoggedIn,
        Self::MaskedByRateLimit,
        Self::ArrivalsDropped,
        Self::OneIdentity,
        Self::TooFewSamples,
        Self::WorkerLost,
        Self::MonitorBlind,
        Self::Overflowed,
        Self::WriterFellBehind,
        Self::NotSteady,
    ];

    /// The stable name, as written in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            Self::NothingTested => "nothing_tested",
            Self::CutOff => "cut_off",
            Self::GeneratorSaturated => "generator_saturated",
            Self::TargetImpossible => "target_impossible",
            Self::TaskNeverRan => "task_never_ran",
            Self::MixOff => "mix_off",
            Self::NobodyLoggedIn => "nobody_logged_in",
            Self::MaskedByRateLimit => "masked_by_rate_limit",
            Self::ArrivalsDropped => "arrivals_dropped",
            Self::OneIdentity => "one_identity",
            Self::TooFewSamples => "too_few_samples",
            Self::WorkerLost => "worker_lost",
            Self::MonitorBlind => "monitor_blind",
            Self::Overflowed => "overflowed",
            Self::WriterFellBehind => "writer_fell_behind",
            Self::NotSteady => "not_steady",
        }
    }

    /// What is wrong, as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NothingTested => "No request was answered.",
            Self::CutOff => "The record has no end.",
            Self::GeneratorSaturated => "The generator was too busy to measure.",
            Self::TargetImpossible => "The throughput asked for cannot be reached with this load.",
            Self::TaskNeverRan => "A task never ran.",
            Self::MixOff => "The load was not mixed as it should be.",
            Self::NobodyLoggedIn => "Nobody was logged in.",
            Self::MaskedByRateLimit => "A rate limiter hides what the server can do.",
            Self::ArrivalsDropped => "Much of the load was never served.",
            Self::OneIdentity => "Many users look like one to the server.",
            Self::TooFewSamples => "A percentile rests on too few requests.",
            Self::WorkerLost => "A part of the generator was lost.",
            Self::MonitorBlind => "A monitor saw nothing for a part of the run.",
            Self::Overflowed => "More kinds of errors came than are kept apart.",
            Self::WriterFellBehind => "The disk was too slow for the record.",
            Self::NotSteady => "What was measured still drifted.",
        }
    }

    /// What is wrong and what was seen. Evidence that begins with the name of what it is about continues the sentence: names
    /// are written as they are.
    pub fn told(self, evidence: &str) -> String {
        let sentence = self.sentence();
        match evidence.chars().next() {
            Some(first) if first.is_lowercase() => format!("{}: {evidence}", sentence.trim_end_matches('.')),
            _ => format!("{sentence} {evidence}"),
        }
    }

    /// What to do about it, as a sentence.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NothingTested => {
                "See that the target is up and its address right, and that the run is long enough for users to send \
                 something."
            }
            Self::CutOff => {
                "If the run still goes on, look again when it has ended; if it was killed or the power failed, run it again."
            }
            Self::GeneratorSaturated => {
                "See what else keeps this machine busy, give the generator more cores or a machine of its own, or ask for \
                 less load; response times of this run are partly its own."
            }
            Self::TargetImpossible => {
                "Ask for more users, shorter waits or an arrival rate, or lower the target; `squall check` does the \
                 arithmetic beforehand."
            }
            Self::TaskNeverRan => {
                "See what the task needs and which answer should have given it, or run long enough for its weight."
            }
            Self::MixOff => "Give each class of users its weight, and see why tasks were skipped.",
            Self::NobodyLoggedIn => {
                "Check the tokens: issuer, key, expiry, audience; one request by hand with such a token tells most."
            }
            Self::MaskedByRateLimit => {
                "Give each user an identity of its own, or lift the limit for the test; where the limit is what you \
                 test, set a criterion on `rate_limited`."
            }
            Self::ArrivalsDropped => {
                "Give the arrivals more users, if it is those that were missing and not a slow server; where drops are what \
                 you test, set a criterion on `dropped`."
            }
            Self::OneIdentity => {
                "Give each user a token (`auth`) or an address (`source`, a forwarded header) of its own."
            }
            Self::TooFewSamples => "Run longer, or judge a lower percentile.",
            Self::WorkerLost => "See the log for why it ended, and run again.",
            Self::MonitorBlind => {
                "See the log for why it failed; what it should have seen is unknown, not good."
            }
            Self::Overflowed => {
                "Give requests a `name`, so that values in their paths and texts do not make new kinds."
            }
            Self::WriterFellBehind => {
                "Write the record to a faster disk; totals are exact, single seconds are not."
            }
            Self::NotSteady => "Run longer, or put a warm-up phase before what is judged.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_begins_a_sentence_or_continues_one() {
        for (evidence, told) in [
            ("p99 rests on 7 requests.", "A percentile rests on too few requests: p99 rests on 7 requests."),
            ("7 requests.", "A percentile rests on too few requests. 7 requests."),
            ("It stops.", "A percentile rests on too few requests. It stops."),
            ("", "A percentile rests on too few requests. "),
        ] {
            assert_eq!(DoubtKind::TooFewSamples.told(evidence), told);
        }
    }
}
