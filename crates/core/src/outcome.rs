//! What became of a request.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The four ways a request can end. `RateLimited` is neither success nor failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered as the step expects.
    Ok,
    /// Answered otherwise, or not at all.
    Failed(ErrorClass),
    /// Refused by a rate limiter: status 429 unless the suite says otherwise.
    RateLimited,
    /// Written in full, unanswered when the run ended.
    Cut,
}

/// An [`Outcome`] as statistics group it: the error class is kept apart, except for timeouts, whose duration
/// is only a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// [`Outcome::Ok`].
    Ok,
    /// [`Outcome::Failed`] with a known duration.
    Failed,
    /// [`Outcome::Failed`] with a timeout.
    TimedOut,
    /// [`Outcome::RateLimited`].
    RateLimited,
    /// [`Outcome::Cut`].
    Cut,
}

impl OutcomeKind {
    /// Every kind; the position is [`OutcomeKind::index`].
    pub const ALL: [Self; 5] = [Self::Ok, Self::Failed, Self::TimedOut, Self::RateLimited, Self::Cut];

    /// Position in [`OutcomeKind::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The stable name, as stored in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::RateLimited => "rate_limited",
            Self::Cut => "cut",
        }
    }

    /// The kind with this stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Outcome {
    /// How statistics group it.
    pub fn kind(self) -> OutcomeKind {
        match self {
            Self::Ok => OutcomeKind::Ok,
            Self::Failed(class) if class.is_timeout() => OutcomeKind::TimedOut,
            Self::Failed(_) => OutcomeKind::Failed,
            Self::RateLimited => OutcomeKind::RateLimited,
            Self::Cut => OutcomeKind::Cut,
        }
    }
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The name of the target does not resolve.
    Dns,
    /// Nobody listens there.
    ConnectRefused,
    /// No connection within the connect timeout.
    ConnectTimeout,
    /// Any other failure to connect (unreachable network, reset while connecting).
    ConnectFailed,
    /// The TLS handshake failed or the certificate was not accepted.
    Tls,
    /// The peer reset an established connection.
    Reset,
    /// The peer closed the connection before the response was complete.
    ClosedEarly,
    /// No complete response within the request timeout.
    Timeout,
    /// Bytes that are not HTTP, or break its rules.
    Protocol,
    /// The response head exceeds its bound.
    HeadTooLarge,
    /// The response body exceeds its bound.
    BodyTooLarge,
    /// More redirects in a row than allowed, or one that cannot be followed.
    Redirect,
    /// A compressed body that does not decode.
    Decode,
    /// A status the step does not expect.
    Status,
    /// A complete response that fails a check of the step.
    Check,
    /// A value the step wanted to capture is not in the response.
    Capture,
    /// The generator itself could not send: no descriptors or ports left.
    Generator,
}

/// Whose fault an error is, as far as the generator can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The system under test.
    Target,
    /// What lies between.
    Network,
    /// This machine.
    Generator,
}

impl ErrorClass {
    /// Every class, in a stable order.
    pub const ALL: [Self; 17] = [
        Self::Dns,
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::ConnectFailed,
        Self::Tls,
        Self::Reset,
        Self::ClosedEarly,
        Self::Timeout,
        Self::Protocol,
        Self::HeadTooLarge,
        Self::BodyTooLarge,
        Self::Redirect,
        Self::Decode,
        Self::Status,
        Self::Check,
        Self::Capture,
        Self::Generator,
    ];

    /// True when the request's true duration is unknown and at least the measured one.
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::Timeout | Self::ConnectTimeout)
    }

    /// Whose fault it is.
    pub fn fault(self) -> Fault {
        match self {
            Self::Dns | Self::ConnectTimeout | Self::ConnectFailed => Fault::Network,
            Self::Generator => Fault::Generator,
            _ => Fault::Target,
        }
    }

    /// The stable name, as stored in records and written in machine-readable output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectFailed => "connect_failed",
            Self::Tls => "tls",
            Self::Reset => "reset",
            Self::ClosedEarly => "closed_early",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::HeadTooLarge => "head_too_large",
            Self::BodyTooLarge => "body_too_large",
            Self::Redirect => "redirect",
            Self::Decode => "decode",
            Self::Status => "status",
            Self::Check => "check",
            Self::Capture => "capture",
            Self::Generator => "generator",
        }
    }

    /// The class with this stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_class_is_found_by_its_name() {
        for class in ErrorClass::ALL {
            assert_eq!(ErrorClass::from_name(class.name()), Some(class));
        }
        assert_eq!(ErrorClass::from_name("no such class"), None);
    }
}
