//! Where the requests of a plan go, resolved once before the run.

use std::net::SocketAddr;

use squall_http::Origin;
use squall_plan::{Part, Plan, Step, Template};
use url::Url;

use super::CompileError;

/// Every authority of a plan with its addresses. The first is the host of the run.
#[derive(Clone, Debug)]
pub(crate) struct Targets(Vec<(Url, Vec<SocketAddr>)>);

impl Targets {
    /// Resolve the host and every absolute URL of a plan. Blocks on the system's resolver.
    pub(crate) fn resolve(plan: &Plan) -> Result<Self, CompileError> {
        let mut targets = Self(Vec::new());
        targets.add(parse(&plan.host)?)?;
        for class in &plan.classes {
            let tasks = class.tasks.iter().flat_map(|task| &task.steps);
            for step in class.on_start.iter().chain(tasks).chain(&class.on_stop) {
                if let Step::Request(request) = step
                    && let Some(url) = absolute(&request.url)?
                {
                    targets.add(url)?;
                }
            }
        }
        Ok(targets)
    }

    /// Addresses known beforehand, for targets that need no resolver.
    #[cfg(test)]
    pub(crate) fn fixed(host: &str, address: SocketAddr) -> Self {
        Self(vec![(Url::parse(host).unwrap(), vec![address])])
    }

    fn add(&mut self, url: Url) -> Result<(), CompileError> {
        if self.find(&url).is_none() {
            let origin = Origin::resolve(&url).map_err(|error| host_error(&url, &error))?;
            let addresses = origin.addresses().to_vec();
            self.0.push((url, addresses));
        }
        Ok(())
    }

    fn find(&self, url: &Url) -> Option<&(Url, Vec<SocketAddr>)> {
        self.0.iter().find(|(known, _)| known.origin() == url.origin())
    }

    /// The host of the run, as an origin of the calling thread's own.
    pub(crate) fn host(&self) -> Result<Origin, CompileError> {
        let (url, addresses) = &self.0[0];
        Origin::with_addresses(url, addresses.clone()).map_err(|error| host_error(url, &error))
    }

    /// The origin of an absolute URL, without a path prefix.
    pub(super) fn origin_of(&self, url: &Url) -> Result<Origin, CompileError> {
        let addresses = self.find(url).map(|(_, addresses)| addresses.clone()).unwrap_or_default();
        let mut bare = url.clone();
        bare.set_path("");
        bare.set_query(None);
        Origin::with_addresses(&bare, addresses).map_err(|error| host_error(url, &error))
    }

    /// Are all addresses of the host on this machine's loopback?
    pub(crate) fn is_loopback(&self) -> bool {
        self.0[0].1.iter().all(|address| address.ip().is_loopback())
    }
}

/// The scheme and authority an absolute URL template begins with, or `None` for a path.
pub(super) fn absolute(template: &Template) -> Result<Option<Url>, CompileError> {
    let Some(Part::Text(start)) = template.parts.first() else { return Ok(None) };
    let Some((scheme, rest)) = start.split_once("://") else { return Ok(None) };
    if !matches!(scheme, "http" | "https") {
        return Ok(None);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    parse(&format!("{scheme}://{authority}")).map(Some)
}

fn parse(host: &str) -> Result<Url, CompileError> {
    Url::parse(host).map_err(|error| CompileError::Host { host: host.to_owned(), reason: error.to_string() })
}

fn host_error(url: &Url, error: &squall_http::OriginError) -> CompileError {
    CompileError::Host { host: url.to_string(), reason: error.to_string() }
}
