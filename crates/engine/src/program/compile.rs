//! From plan to program.

use std::sync::Arc;

use regex::Regex;
use serde_json_path::JsonPath;
use squall_core::{TaskId, UserClassId};
use squall_plan::{self as plan, FeedOrder, Part, Plan, Template};
use squall_stats::Sites;

use super::target::{Targets, absolute};
use super::{
    Capture, CaptureSource, Check, Class, CompileError, Program, Request, Secrets, Step, Task, Text,
};
use crate::identity::Signer;

/// Sent unless the suite sets them.
const DEFAULT_HEADERS: [(&str, &str); 3] = [
    ("User-Agent", concat!("squall/", env!("CARGO_PKG_VERSION"))),
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
];

impl Program {
    /// Compile `plan` for the calling thread.
    pub(crate) fn compile(plan: Arc<Plan>, targets: &Targets) -> Result<Self, CompileError> {
        let mut compiler = Compiler { plan: &plan, targets, sites: Sites::default() };
        let mut first_task = 0;
        let mut classes = Vec::with_capacity(plan.classes.len());
        for (index, class) in plan.classes.iter().enumerate() {
            classes.push(compiler.class(UserClassId::from(index), class, first_task)?);
            first_task += class.tasks.len();
        }
        let sites = compiler.sites;
        let signers = plan.auths.iter().map(Signer::new).collect();
        Ok(Self { origin: targets.host()?, classes, signers, sites, secrets: Secrets::of(&plan), plan })
    }
}

struct Compiler<'a> {
    plan: &'a Plan,
    targets: &'a Targets,
    sites: Sites,
}

impl Compiler<'_> {
    fn class(
        &mut self,
        id: UserClassId,
        class: &plan::UserClass,
        first_task: usize,
    ) -> Result<Class, CompileError> {
        let mut weights = Vec::with_capacity(class.tasks.len());
        let mut tasks = Vec::with_capacity(class.tasks.len());
        let mut sum = 0u32;
        for (index, task) in class.tasks.iter().enumerate() {
            sum = sum.saturating_add(task.weight);
            weights.push(sum);
            tasks.push(Task {
                id: TaskId::from(first_task + index),
                needs: task.needs.clone(),
                steps: self.steps(id, class, &task.steps)?,
            });
        }
        Ok(Class {
            wait: class.wait,
            auth: class.auth,
            on_start: self.steps(id, class, &class.on_start)?,
            tasks,
            on_stop: self.steps(id, class, &class.on_stop)?,
            weights,
            vars: class.vars.len(),
            feed_strides: self.feed_strides(id),
        })
    }

    fn feed_strides(&self, id: UserClassId) -> Vec<(u32, u32)> {
        let strides = (0..self.plan.feeds.len()).map(|feed| {
            if self.plan.feeds[feed].order != FeedOrder::Unique {
                return (1, 0);
            }
            let users: Vec<_> =
                (0..self.plan.classes.len()).filter(|&class| uses_feed(self.plan, class, feed)).collect();
            let turn = users.iter().position(|&class| class == id.index());
            // A class that does not read the feed needs no row of it.
            turn.map_or((0, 0), |turn| (users.len() as u32, turn as u32))
        });
        strides.collect()
    }

    fn steps(
        &mut self,
        id: UserClassId,
        class: &plan::UserClass,
        steps: &[plan::Step],
    ) -> Result<Vec<Step>, CompileError> {
        let compiled = steps.iter().map(|step| match step {
            plan::Step::Wait(wait) => Ok(Step::Wait(*wait)),
            plan::Step::Request(request) => Ok(Step::Request(Box::new(self.request(id, class, request)?))),
        });
        compiled.collect()
    }

    fn request(
        &mut self,
        id: UserClassId,
        class: &plan::UserClass,
        step: &plan::RequestStep,
    ) -> Result<Request, CompileError> {
        let url = absolute(&step.url)?;
        let origin = url.as_ref().map(|url| self.targets.origin_of(url)).transpose()?;
        let target = if url.is_some() { text(&without_authority(&step.url)) } else { text(&step.url) };
        let headers = self.headers(class, step);
        let host = headers.host.clone();
        Ok(Request {
            site: self.sites.intern(id, step.endpoint),
            class: id,
            endpoint: step.endpoint,
            method: self.plan.endpoints[step.endpoint.index()].method.clone(),
            origin,
            target,
            host,
            headers: headers.fixed,
            dynamic_headers: headers.dynamic,
            body: step.body.as_ref().map(|body| text(&body.template)),
            follow: step.follow,
            timeout: step.timeout.unwrap_or(self.plan.http.timeout),
            captures: step.captures.iter().map(capture).collect::<Result<_, _>>()?,
            status: step.expect.status.clone(),
            explicit_status: step.expect.explicit_status,
            rate_limited: self.plan.http.rate_limited.clone(),
            checks: step.expect.checks.iter().map(check).collect::<Result<_, _>>()?,
        })
    }

    /// All headers of a request: a later source replaces an earlier one's header of the same name.
    fn headers(&self, class: &plan::UserClass, step: &plan::RequestStep) -> Headers {
        let mut all: Vec<(&str, Template)> = Vec::new();
        let mut set = |name, template| {
            all.retain(|(known, _): &(&str, Template)| !known.eq_ignore_ascii_case(name));
            all.push((name, template));
        };
        for (name, value) in DEFAULT_HEADERS {
            set(name, Template::literal(value));
        }
        for (name, value) in &self.plan.http.headers {
            set(name, Template::literal(value));
        }
        if let Some(body) = &step.body {
            set("Content-Type", Template::literal(&body.content_type));
        }
        for (name, template) in class.headers.iter().chain(&step.headers) {
            set(name, template.clone());
        }
        let mut headers = Headers::default();
        for (name, template) in all {
            match template.as_literal() {
                Some(value) if name.eq_ignore_ascii_case("host") => headers.host = Some(value.to_owned()),
                Some(value) => {
                    headers.fixed.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
                }
                None => headers.dynamic.push((name.to_owned(), template)),
            }
        }
        headers
    }
}

#[derive(Default)]
struct Headers {
    host: Option<String>,
    fixed: Vec<u8>,
    dynamic: Vec<(String, Template)>,
}

fn text(template: &Template) -> Text {
    template
        .as_literal()
        .map_or_else(|| Text::Dynamic(template.clone()), |text| Text::Static(text.as_bytes().to_vec()))
}

/// The template of an absolute URL from its path on.
fn without_authority(template: &Template) -> Template {
    let mut parts = template.parts.clone();
    if let Some(Part::Text(start)) = parts.first_mut() {
        let rest = start.split_once("://").map_or("", |(_, rest)| rest);
        let path = rest.find(['/', '?']).map_or("/", |at| &rest[at..]);
        *start = path.to_owned();
    }
    Template { parts }
}

fn capture(capture: &plan::Capture) -> Result<Capture, CompileError> {
    let source = match &capture.source {
        plan::CaptureSource::JsonPath(path) => CaptureSource::Json(json_path(path)?),
        plan::CaptureSource::Regex(pattern) => CaptureSource::Regex(regex(pattern)?),
        plan::CaptureSource::Header(name) => CaptureSource::Header(name.clone()),
        plan::CaptureSource::Cookie(name) => CaptureSource::Cookie(name.clone()),
        plan::CaptureSource::Status => CaptureSource::Status,
    };
    Ok(Capture { var: capture.var, source, required: capture.required })
}

fn check(check: &plan::Check) -> Result<Check, CompileError> {
    Ok(match check {
        plan::Check::JsonEquals { path, value } => Check::JsonEquals {
            path: json_path(path)?,
            value: serde_json::from_str(value).map_err(|error| pattern(value, &error))?,
            text: format!("{path} = {value}"),
        },
        plan::Check::BodyContains(text) => Check::BodyContains(text.clone()),
        plan::Check::HeaderContains { name, text } => {
            Check::HeaderContains { name: name.clone(), text: text.clone() }
        }
        plan::Check::MaxTime(time) => Check::MaxTime(*time),
    })
}

fn json_path(text: &str) -> Result<JsonPath, CompileError> {
    JsonPath::parse(text).map_err(|error| pattern(text, &error))
}

fn regex(text: &str) -> Result<Regex, CompileError> {
    Regex::new(text).map_err(|error| pattern(text, &error))
}

fn pattern(text: &str, error: &dyn std::error::Error) -> CompileError {
    CompileError::Pattern { text: text.to_owned(), reason: error.to_string() }
}

/// Does any template of the class read a row of the feed?
fn uses_feed(plan: &Plan, class: usize, feed: usize) -> bool {
    let class = &plan.classes[class];
    let tasks = class.tasks.iter().flat_map(|task| &task.steps);
    let steps = class.on_start.iter().chain(tasks).chain(&class.on_stop);
    let of_steps = steps.filter_map(|step| match step {
        plan::Step::Request(request) => Some(request),
        plan::Step::Wait(_) => None,
    });
    let auth = class.auth.map(|auth| &plan.auths[auth].kind);
    let of_auth = auth.map_or_else(Vec::new, |kind| match kind {
        plan::AuthKind::Bearer(template) => vec![template],
        plan::AuthKind::Jwt { claims, .. } => claims.iter().map(|(_, claim)| claim).collect(),
    });
    of_steps
        .flat_map(|request| {
            let headers = request.headers.iter().map(|(_, template)| template);
            let body = request.body.as_ref().map(|body| &body.template);
            headers.chain(body).chain([&request.url])
        })
        .chain(class.headers.iter().map(|(_, template)| template))
        .chain(of_auth)
        .any(|template| {
            template.parts.iter().any(|part| {
                matches!(part, Part::Slot { slot: plan::Slot::Field { feed: used, .. }, .. } if *used == feed)
            })
        })
}
