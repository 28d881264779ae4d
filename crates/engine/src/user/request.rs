//! One request of a user: render, send, judge, count.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use squall_core::{Nanos, Outcome};
use squall_http::{Captured, Connector, Exchange, Failure, Method, Request as HttpRequest};
use squall_plan::AuthKind;

use super::counted::Counted;
use super::render::Scope;
use super::{Leave, User};
use crate::identity::Token;
use crate::outcome::{judge_content, judge_status};
use crate::program::{Request, Text};
use crate::thread::{Life, Scratch};
use crate::timers::UserDeadline;

impl<C: Connector + 'static> User<C> {
    /// Send a request of the plan and count what becomes of it.
    pub(super) async fn request(&mut self, request: &Request) -> Result<(), Leave> {
        if let Err(error) = self.renew_token() {
            self.thread.warn_once(&error);
            return Err(Leave::Stopping);
        }
        let due = std::mem::take(&mut self.due);
        let phase = self.thread.phase();
        let scheduled = self.is_scheduled();
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
        let client = &self.thread.client;
        let mut captured = if request.reads_response() {
            Some(client.lend_captured())
        } else {
            self.thread.wants_sample(request.site).then(|| client.lend_for_a_look())
        };
        let result = self.send(request, &scratch, begun + request.timeout, captured.as_mut()).await;

        let counted = match &result {
            Some(Ok(exchange)) => Some(self.answered(request, exchange, intended, captured.as_ref())),
            Some(Err(failure)) => Some(Counted::failed(failure)),
            None => {
                self.session.in_flight().and_then(|flight| Counted::cut(&flight, self.thread.clock.now()))
            }
        };
        if let Some(counted) = counted {
            let sample = counted.sample(intended, begun, scheduled);
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
        match result {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) => {
                // A failure can come without ever having waited, and the next one too: let the others run.
                tokio::task::yield_now().await;
                Ok(())
            }
            None => Err(Leave::Cut),
        }
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
        let timer = UserDeadline { timers: &thread.timers, key };
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
    ) -> Counted {
        let mut judgement = judge_status(request, exchange.status);
        if judgement.outcome == Outcome::Ok
            && request.reads_response()
            && let Some(captured) = captured
        {
            let response_time = exchange.done.since(intended);
            let cookie = |name: &str| {
                let value = self.session.cookie(name, exchange.done)?;
                Some(String::from_utf8_lossy(value).into_owned())
            };
            let vars = &mut self.vars;
            judgement = judge_content(request, exchange.status, response_time, captured, cookie, vars);
        }
        Counted::answered(judgement, exchange)
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
            clock: &self.thread.clock,
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
        let mut scope = Scope {
            program,
            slot: self.slot,
            vars: &self.vars,
            rows: &self.rows,
            rng: &mut self.rng,
            clock: &self.thread.clock,
        };
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

    /// Does something else than this user set the pace now, so that response time and service time differ?
    fn is_scheduled(&self) -> bool {
        self.thread.is_open()
            || matches!(
                self.thread.program.classes[self.slot.class.index()].wait,
                squall_plan::Wait::Pacing(_)
            )
    }
}

/// The bytes of a text: its own, or those rendered for this request.
pub(super) fn fixed_or<'a>(text: &'a Text, rendered: &'a [u8]) -> &'a [u8] {
    match text {
        Text::Static(bytes) => bytes,
        Text::Dynamic(_) => rendered,
    }
}
