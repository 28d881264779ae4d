//! A request that came to an end, one way or another, as it is counted.

use squall_core::{ErrorClass, Nanos, Outcome};
use squall_http::{Captured, Connector, Exchange, Failure, FailureDetail, InFlight};
use squall_stats::{ErrorCode, ErrorKey, Sample};

use super::User;
use super::request::fixed_or;
use crate::outcome::{Judgement, describe};
use crate::program::Request;
use crate::thread::Scratch;

/// Bytes of a body kept in a sample of an error.
const SAMPLE_BODY: usize = 300;

/// The end of a request.
pub(super) struct Counted {
    pub(super) outcome: Outcome,
    code: ErrorCode,
    done: Nanos,
    exchange: Exchange,
}

impl Counted {
    /// It was answered.
    pub(super) fn answered(judgement: Judgement, exchange: &Exchange) -> Self {
        Self { outcome: judgement.outcome, code: judgement.code, done: exchange.done, exchange: *exchange }
    }

    /// It failed without a usable answer.
    pub(super) fn failed(failure: &Failure) -> Self {
        // Errors of the operating system are told apart by their number, all others by their class alone.
        let code = match &failure.detail {
            FailureDetail::Io(error) => error.raw_os_error().map_or(0, i32::unsigned_abs),
            _ => 0,
        };
        Self {
            outcome: Outcome::Failed(failure.class),
            code: ErrorCode(code),
            done: failure.exchange.done,
            exchange: failure.exchange,
        }
    }

    /// The run ended before the answer came. `None` when nothing of it had reached the wire in full.
    pub(super) fn cut(flight: &InFlight, now: Nanos) -> Option<Self> {
        let exchange = Exchange {
            sent: flight.sent,
            attempts: flight.attempts,
            bytes_out: flight.bytes_out,
            bytes_in: flight.bytes_in,
            ..Exchange::default()
        };
        let sent = flight.fully_written || flight.attempts > 0;
        sent.then_some(Self { outcome: Outcome::Cut, code: ErrorCode(0), done: now, exchange })
    }

    /// As the statistics take it. `begun` is when the client began to send; `scheduled` tells service time apart.
    pub(super) fn sample(&self, intended: Nanos, begun: Nanos, scheduled: bool) -> Sample {
        let exchange = &self.exchange;
        Sample {
            response: self.done.since(intended),
            service: scheduled.then(|| self.done.since(begun)),
            first_byte: if exchange.first_byte > Nanos::ZERO {
                exchange.first_byte.since(exchange.sent)
            } else {
                Nanos::ZERO
            },
            connect: exchange.connect,
            tls: exchange.tls,
            attempts: exchange.attempts,
            connects: exchange.connects,
            retries: u32::from(exchange.retries),
            bytes_out: exchange.bytes_out,
            bytes_in: exchange.bytes_in,
            body_in: exchange.body_in,
        }
    }
}

impl<C: Connector + 'static> User<C> {
    /// Count a failure in the table of errors, with a sample while they are few.
    #[cold]
    pub(super) fn count_error(
        &self,
        request: &Request,
        counted: &Counted,
        class: ErrorClass,
        scratch: &Scratch,
        failure: Option<&Failure>,
        captured: Option<&Captured>,
    ) {
        let key =
            ErrorKey { class: request.class, endpoint: request.endpoint, error: class, code: counted.code };
        let raw_words = || {
            failure
                .map_or_else(|| describe(request, class, counted.code), |failure| failure.detail.to_string())
        };
        let mask = |text| self.thread.program.secrets.mask(text, self.token.value());
        let words = || mask(raw_words());
        let wants_sample = self.thread.takes_sample(key, request.site);
        let sample = || {
            let target = fixed_or(&request.target, &scratch.target);
            let mut text = format!("{} {}: {}", request.method, String::from_utf8_lossy(target), raw_words());
            // A failure may leave a part of a body behind; only a whole one explains anything.
            let body = captured.map(Captured::body).filter(|body| !body.is_empty() && failure.is_none());
            if let Some(body) = body {
                text.push_str(": ");
                text.push_str(String::from_utf8_lossy(&body[..body.len().min(SAMPLE_BODY)]).trim());
            }
            mask(text)
        };
        let mut recorder = self.thread.recorder.borrow_mut();
        recorder.errors().record(key, counted.done, words, || wants_sample.then(sample));
    }
}
