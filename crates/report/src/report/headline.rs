//! What a reader has to know first, in the same words on every form of the report. Its order is that of the exit
//! codes: what was interrupted or is not valid is neither passed nor failed.

use squall_verdict::{Overall, Severity, Standing};

use super::{FaultReport, Report, Validity};

/// What a reader has to know first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headline {
    /// A signal ended the run before its time.
    Interrupted,
    /// The result is not valid.
    NotValid,
    /// The run stopped itself, for another reason than a criterion that failed.
    Aborted,
    /// A fault that was to be made was not, or not taken back: the run did not show what it was made for.
    FaultFailed,
    /// What its criteria say.
    Judged(Overall),
}

/// Whether that is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warning,
    Bad,
    Neutral,
}

impl Headline {
    /// In one or two words.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Interrupted => "Interrupted",
            Self::NotValid => "Not valid",
            Self::Aborted => "Aborted",
            Self::Judged(Overall::Passed) => "Passed",
            Self::Judged(Overall::Degraded) => "Degraded",
            Self::FaultFailed | Self::Judged(Overall::Failed) => "Failed",
            Self::Judged(Overall::NoCriteria) => "No criteria",
        }
    }

    /// A sign for those who do not see colours; empty where there is neither good nor bad news.
    pub(crate) fn sign(self) -> &'static str {
        match self.tone() {
            Tone::Good => "✓ ",
            Tone::Warning => "≈ ",
            Tone::Bad => "✗ ",
            Tone::Neutral => "",
        }
    }

    /// Whether it is good news.
    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::NotValid | Self::Aborted | Self::FaultFailed | Self::Judged(Overall::Failed) => Tone::Bad,
            Self::Interrupted | Self::Judged(Overall::Degraded) => Tone::Warning,
            Self::Judged(Overall::Passed) => Tone::Good,
            Self::Judged(Overall::NoCriteria) => Tone::Neutral,
        }
    }
}

impl Report {
    /// What a reader has to know first.
    pub(crate) fn headline(&self) -> Headline {
        match (self.verdict.validity, self.verdict.overall) {
            _ if self.run.interrupted => Headline::Interrupted,
            (Validity::NotValid, _) => Headline::NotValid,
            (_, overall) if self.run.aborted && overall != Overall::Failed => Headline::Aborted,
            (_, Overall::Failed) => Headline::Judged(Overall::Failed),
            _ if self.failed_faults().next().is_some() => Headline::FaultFailed,
            (_, overall) => Headline::Judged(overall),
        }
    }

    /// Sentences that say why.
    pub(crate) fn why(&self) -> String {
        match self.headline() {
            Headline::Judged(_) => self.verdict.sentence(),
            Headline::FaultFailed => {
                let names: Vec<&str> = self.failed_faults().map(|fault| fault.name.as_str()).collect();
                let names = names.join(", ");
                format!(
                    "A fault failed, so the run did not show what it was made for: {names}. {}",
                    self.verdict.sentence()
                )
            }
            Headline::Aborted if self.nothing_judged() => {
                "the run stopped itself before anything was judged.".to_owned()
            }
            Headline::Aborted => {
                format!("the run stopped itself: not a verdict on the whole run. {}", self.so_far())
            }
            Headline::NotValid => {
                let doubts = self.verdict.doubts(Severity::Invalid);
                doubts.map(|doubt| doubt.sentence).collect::<Vec<_>>().join(" ")
            }
            // The headline says the rest.
            Headline::Interrupted if self.nothing_judged() => "before anything was judged.".to_owned(),
            Headline::Interrupted => format!("not a verdict on the whole run. {}", self.so_far()),
        }
    }

    /// Faults whose commands did not do what they should.
    pub(crate) fn failed_faults(&self) -> impl Iterator<Item = &FaultReport> {
        self.faults.iter().filter(|fault| fault.failed)
    }

    /// Are there criteria, and none of them got a value?
    fn nothing_judged(&self) -> bool {
        let criteria = &self.verdict.criteria;
        !criteria.is_empty() && criteria.iter().all(|row| row.standing == Standing::NoData)
    }

    fn so_far(&self) -> String {
        format!("Up to then: {}. {}", self.verdict.overall, self.verdict.sentence())
    }
}
