//! One request of a user: render, send, judge, count.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use squall_core::{ErrorClass, Nanos, Outcome, OutcomeKind};
use squall_http::{Captured, Connector, Exchange, Failure, Method, Request as HttpRequest};
use squall_plan::AuthKind;
use squall_stats::{ErrorCode, ErrorKey, Sample};

use super::render::Scope;
use super::{Leave, User};
use crate::identity::Token;
use crate::outcome::{describe, judge_content, judge_status};
use crate::program::{Request, Text};
use crate::thread::{Life, Scratch};
use crate::timers::UserDeadline;

/// Bytes of a body kept in a sample of an error.
const SAMPLE_BODY: usize = 300;

impl<C: Connector + 'static> User<C> {
    /// Send a request of the plan and count what becomes of it.
    pub(super) async fn request(&mut self, request: &Request) -> Result<(), Leave> {
        if let Err(error) = self.renew_token() {
            self.thread.warn_once(&error.to_string());
            return Err(Leave::Stopping);
        }
        let due = std::mem::take(&mut self.due);
        let phase = self.thread.phase();
        let mut scratch = self.thread.take_scratch();
        self.render(request, &mut scratch);

        let begun = self.thread.clock.now();
        let intended = due.intended.unwrap_or(begun);
        {
            let mut recorder = self.thread.recorder.borrow_mut();
            recorder.started();
            if let Some(ready) = due.ready {
                recorder.send_lag(begun.since(ready));
            }
        }
        let wanted = request.reads_response() || self.thread.wants_sample(request.site);
        let mut captured = wanted.then(|| self.thread.client.lend_captured());
        let result = self.send(request, &scratch, intended + request.timeout, captured.as_mut()).await;

        let counted = match &result {
            Some(Ok(exchange)) => self.answered(request, exchange, intended, captured.as_ref()),
            Some(Err(failure)) => Counted::failed(failure),
            None => self.cut(),
        };
        if let Some(counted) = counted.filter(|counted| counted.outcome != Outcome::Cut || counted.sent) {
            let sample = counted.sample(intended, begun, due.intended.is_some() || self.is_paced());
            let kind = counted.outcome.kind();
            self.thread.recorder.borrow_mut().record(phase, request.site, kind, &sample);
            if let Outcome::Failed(class) = counted.outcome {
                let failure = result.as_ref().and_then(|result| result.as_ref().err());
                self.count_error(request, &counted, class, &scratch, failure, captured.as_ref());
            }
        }
        if let Some(captured) = captured {
            self.thread.client.give_back(captured);
        }
        self.thread.put_scratch(scratch);
        if result.is_none() { Err(Leave::Cut) } else { Ok(()) }
    }

    /// `None` when the user was cut before the answer came.
    async fn send(
        &mut self,
        request: &Request,
        scratch: &Scratch,
        deadline: Nanos,
        captured: Option<&mut Captured>,
    ) -> Option<Result<Exchange, Failure>> {
        let thread = &self.thread;
        let key = self.key;
        let http = HttpRequest {
            method: Method::new(&request.method),
            origin: request.origin.as_ref().unwrap_or(&thread.program.origin),
            target: fixed_or(&request.target, &scratch.target),
            headers: if scratch.headers.is_empty() { &request.headers } else { &scratch.headers },
            host: request.host.as_deref(),
            body: request.body.as_ref().map(|body| fixed_or(body, &scratch.body)),
            follow: request.follow,
            deadline,
        };
        let timer = UserDeadline { timers: &thread.timers, clock: &thread.clock, key };
        let mut sending = pin!(self.session.send(&thread.client, &http, &timer, captured));
        poll_fn(|cx| {
            if thread.life(key) == Life::Cut {
                return Poll::Ready(None);
            }
            sending.as_mut().poll(cx).map(Some)
        })
        .await
    }

    fn answered(
        &mut self,
        request: &Request,
        exchange: &Exchange,
        intended: Nanos,
        captured: Option<&Captured>,
    ) -> Option<Counted> {
        let mut judgement = judge_status(request, exchange.status);
        if judgement.outcome == Outcome::Ok
            && request.reads_response()
            && let Some(captured) = captured
        {
            let response_time = exchange.done.since(intended);
            judgement = judge_content(request, exchange.status, response_time, captured, &mut self.vars);
        }
        Some(Counted {
            outcome: judgement.outcome,
            code: judgement.code,
            done: exchange.done,
            exchange: *exchange,
            sent: true,
        })
    }

    /// What was under way when the run ended; `None` when nothing had been sent.
    fn cut(&self) -> Option<Counted> {
        let flight = self.session.in_flight()?;
        let exchange = Exchange {
            sent: flight.sent,
            attempts: flight.attempts,
            bytes_out: flight.bytes_out,
            bytes_in: flight.bytes_in,
            ..Exchange::default()
        };
        Some(Counted {
            outcome: Outcome::Cut,
            code: ErrorCode(0),
            done: self.thread.clock.now(),
            exchange,
            sent: flight.fully_written || flight.attempts > 0,
        })
    }

    fn render(&mut self, request: &Request, scratch: &mut Scratch) {
        scratch.clear();
        let class = &self.thread.program.classes[self.slot.class.index()];
        let mut scope = Scope {
            program: &self.thread.program,
            slot: self.slot,
            vars: &self.vars,
            rows: &self.rows,
            rng: &mut self.rng,
            now: self.thread.wall_now(),
        };
        if let Text::Dynamic(template) = &request.target {
            scope.render(template, &mut scratch.target);
        }
        if let Some(Text::Dynamic(template)) = &request.body {
            scope.render(template, &mut scratch.body);
        }
        if class.auth.is_some() || !request.dynamic_headers.is_empty() {
            scratch.headers.extend_from_slice(&request.headers);
            for (name, template) in &request.dynamic_headers {
                scratch.headers.extend_from_slice(name.as_bytes());
                scratch.headers.extend_from_slice(b": ");
                scope.render(template, &mut scratch.headers);
                scratch.headers.extend_from_slice(b"\r\n");
            }
            if class.auth.is_some() {
                scratch.headers.extend_from_slice(b"Authorization: Bearer ");
                scratch.headers.extend_from_slice(self.token.value().as_bytes());
                scratch.headers.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Have a token that is good for the next request, if the class logs in.
    fn renew_token(&mut self) -> Result<(), crate::IdentityError> {
        let program = &self.thread.program;
        let Some(auth) = program.classes[self.slot.class.index()].auth else { return Ok(()) };
        let now = self.thread.wall_now();
        if !self.token.is_due(now) {
            return Ok(());
        }
        let mut scope =
            Scope { program, slot: self.slot, vars: &self.vars, rows: &self.rows, rng: &mut self.rng, now };
        let mut text = |template| {
            let mut out = Vec::new();
            scope.render(template, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        self.token = match (&program.plan.auths[auth].kind, &program.signers[auth]) {
            (AuthKind::Jwt { claims, .. }, Some(signer)) => {
                let claims = claims.iter().map(|(name, claim)| (name.clone(), text(claim).into()));
                signer.sign(claims.collect(), now)?
            }
            (AuthKind::Bearer(template), _) => Token::bearer(text(template)),
            (AuthKind::Jwt { .. }, None) => Token::default(),
        };
        Ok(())
    }

    #[cold]
    fn count_error(
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
        let words = || {
            failure
                .map_or_else(|| describe(request, class, counted.code), |failure| failure.detail.to_string())
        };
        let wants_sample = self.thread.takes_sample(key, request.site);
        let sample = || {
            let target = fixed_or(&request.target, &scratch.target);
            let mut text = format!("{} {}", request.method, String::from_utf8_lossy(target));
            text.push_str(": ");
            text.push_str(&words());
            let body = captured.map(Captured::body).filter(|body| !body.is_empty() && failure.is_none());
            if let Some(body) = body {
                text.push_str(": ");
                text.push_str(String::from_utf8_lossy(&body[..body.len().min(SAMPLE_BODY)]).trim());
            }
            text
        };
        let mut recorder = self.thread.recorder.borrow_mut();
        recorder.errors().record(key, counted.done, words, || wants_sample.then(sample));
    }

    fn is_paced(&self) -> bool {
        matches!(self.thread.program.classes[self.slot.class.index()].wait, squall_plan::Wait::Pacing(_))
    }
}

/// A request that came to an end, one way or another.
struct Counted {
    outcome: Outcome,
    code: ErrorCode,
    done: Nanos,
    exchange: Exchange,
    /// Something reached the wire.
    sent: bool,
}

impl Counted {
    fn failed(failure: &Failure) -> Option<Self> {
        Some(Self {
            outcome: Outcome::Failed(failure.class),
            code: failure_code(failure),
            done: failure.exchange.done,
            exchange: failure.exchange,
            sent: true,
        })
    }

    fn sample(&self, intended: Nanos, begun: Nanos, scheduled: bool) -> Sample {
        let exchange = &self.exchange;
        let answered = exchange.first_byte > Nanos::ZERO && self.outcome.kind() != OutcomeKind::Cut;
        Sample {
            response: self.done.since(intended),
            service: scheduled.then(|| self.done.since(begun)),
            first_byte: if answered { exchange.first_byte.since(exchange.sent) } else { Nanos::ZERO },
            connect: exchange.connect,
            tls: exchange.tls,
            attempts: exchange.attempts,
            connects: exchange.connects,
            retries: u32::from(exchange.retries),
            bytes_out: exchange.bytes_out,
            bytes_in: exchange.bytes_in,
        }
    }
}

/// Errors of the operating system are told apart by their number, all others by their class alone.
fn failure_code(failure: &Failure) -> ErrorCode {
    match &failure.detail {
        squall_http::FailureDetail::Io(error) => ErrorCode(error.raw_os_error().map_or(0, i32::unsigned_abs)),
        _ => ErrorCode(0),
    }
}

fn fixed_or<'a>(text: &'a Text, rendered: &'a [u8]) -> &'a [u8] {
    match text {
        Text::Static(bytes) => bytes,
        Text::Dynamic(_) => rendered,
    }
}
