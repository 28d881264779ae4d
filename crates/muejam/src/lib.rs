//! The reference MueJam API: the system under test in the load-testing guide, as a compact real service.
//!
//! It serves the documented intent of the public backend — the same paths, shapes, codes, limits, logs and metrics —
//! from an embedded database and an in-process cache, and can be started with defects that are real: a server that
//! freezes really holds every response back, one that burns CPU really burns it.
//!
//! What it deliberately does not do: depend on any other crate of this workspace (a fault shared by the generator and
//! its target would cancel itself out), terminate TLS, or keep secrets — its data are generated.
//!
//! Three ways in: [`app`] for a router inside a test, [`spawn`] for a real listener inside a process, and
//! [`args::run`] for a process of its own.

mod app;
pub mod args;
mod auth;
mod cache;
mod clock;
mod conditional;
mod config;
mod error;
mod extract;
mod flaws;
mod limit;
mod log;
mod metrics;
mod pipeline;
mod reply;
mod routes;
mod server;
mod storage;
mod validate;

pub use app::App;
pub use config::{
    AuthConfig, Config, DatabaseLocation, JwksSource, LimitMode, Limits, LogConfig, SeedConfig,
};
pub use error::Error;
pub use flaws::{Flaw, FlawError, Span};
pub use limit::Cidr;
pub use server::{Running, app, serve, spawn};
