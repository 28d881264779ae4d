//! The command line, for a process of its own or a subcommand of another program.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::{
    AuthConfig, Config, DatabaseLocation, JwksSource, LimitMode, Limits, LogConfig, SeedConfig,
};
use crate::error::Error;
use crate::flaws::Flaw;
use crate::limit::Cidr;
use crate::metrics::process::raise_descriptor_limit;
use crate::{App, server};

/// The reference MueJam API: the system under test, embedded database and cache, with switchable flaws.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub bind: SocketAddr,
    /// Keep the data in this SQLite file instead of in memory
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
    /// Connections in the database pool
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub pool_size: u16,
    /// Threads that serve requests; all cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Seed of the generated data
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Users in the generated data
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub seed_users: u32,
    /// Stories in the generated data
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub seed_stories: u32,

    /// Accept test tokens: `test_*` as one user each, HS256 with the test secret. Never where real users are
    #[arg(long)]
    pub test_auth: bool,
    /// Secret of HS256 test tokens; needs --test-auth
    #[arg(
        long,
        value_name = "SECRET",
        env = "TEST_JWT_SECRET",
        hide_env_values = true,
        requires = "test_auth"
    )]
    pub test_jwt_secret: Option<String>,
    /// Key set of RS256 tokens; http:// only, for an issuer nearby
    #[arg(long, value_name = "URL", conflicts_with = "jwks_file")]
    pub jwks_url: Option<String>,
    /// Key set of RS256 tokens, a file
    #[arg(long, value_name = "FILE")]
    pub jwks_file: Option<PathBuf>,
    /// Required issuer of RS256 tokens
    #[arg(long, value_name = "ISS")]
    pub jwt_issuer: Option<String>,
    /// Required audience of RS256 tokens
    #[arg(long, value_name = "AUD")]
    pub jwt_audience: Option<String>,

    /// Which rate limits apply: what is documented, what the public backend serves, or none
    #[arg(long, value_name = "MODE", value_enum, default_value_t = RateLimits::Intent)]
    pub rate_limits: RateLimits,
    /// Requests per user (per address when anonymous) and minute
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub rate_limit_per_user: u32,
    /// The same for mobile clients
    #[arg(long, value_name = "N", default_value_t = 150)]
    pub rate_limit_mobile: u32,
    /// Requests of everybody per minute
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub rate_limit_global: u32,
    /// Whispers created per user and minute
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub rate_limit_whispers: u32,
    /// Stories published per user and hour
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub rate_limit_publish: u32,
    /// Believe X-Forwarded-For of peers in this network; may be given several times
    #[arg(long, value_name = "CIDR")]
    pub trust_forwarded_for: Vec<Cidr>,

    /// Switch on a defect: latency=MS, errors=SHARE, cpu=MS (each also for a time: latency=MS@FROM..TO), stall=MS@EVERY,
    /// no-cache, leak=SIZE/TIME, crash-at=TIME; may be given several times
    #[arg(long = "flaw", value_name = "NAME[=VALUE]")]
    pub flaws: Vec<Flaw>,
    /// Write a JSON log here, rotated at 10 MiB, ten older files kept
    #[arg(long, value_name = "FILE", conflicts_with = "no_log_file")]
    pub log_file: Option<PathBuf>,
    /// Write no log
    #[arg(long)]
    pub no_log_file: bool,
    /// Seconds after which a request is answered 504
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub request_timeout: u64,
    /// Percentage of the disk in use from which /health answers 503
    #[arg(long, value_name = "PERCENT", default_value_t = 98.0, value_parser = percentage)]
    pub disk_unhealthy_percent: f64,
    /// Stop when standard input ends, as it does when the program that started this one is gone
    #[arg(long)]
    pub exit_with_parent: bool,
}

/// A number from 0 to 100.
fn percentage(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

/// Which rate limits apply, as words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RateLimits {
    /// What is documented: per user, each request counted once
    Intent,
    /// What the public backend serves: per address, each request counted twice
    AsIs,
    /// None
    Off,
}

impl Args {
    /// The settings these arguments mean.
    #[must_use]
    pub fn config(&self) -> Config {
        let jwks_file = self.jwks_file.clone().map(JwksSource::File);
        Config {
            database: self.database.clone().map_or(DatabaseLocation::Memory, DatabaseLocation::File),
            pool_size: usize::from(self.pool_size),
            seed: SeedConfig { seed: self.seed, users: self.seed_users, stories: self.seed_stories },
            auth: AuthConfig {
                test_auth: self.test_auth,
                test_jwt_secret: self.test_jwt_secret.clone(),
                jwks: self.jwks_url.clone().map(JwksSource::Url).or(jwks_file),
                issuer: self.jwt_issuer.clone(),
                audience: self.jwt_audience.clone(),
            },
            limits: Limits {
                mode: match self.rate_limits {
                    RateLimits::Intent => LimitMode::Intent,
                    RateLimits::AsIs => LimitMode::AsIs,
                    RateLimits::Off => LimitMode::Off,
                },
                per_user: self.rate_limit_per_user,
                mobile: self.rate_limit_mobile,
                global: self.rate_limit_global,
                whispers_per_minute: self.rate_limit_whispers,
                publishes_per_hour: self.rate_limit_publish,
                trust_forwarded_for: self.trust_forwarded_for.clone(),
            },
            flaws: self.flaws.clone(),
            log: self.log_file.as_ref().filter(|_| !self.no_log_file).map(LogConfig::at),
            request_timeout: Duration::from_secs(self.request_timeout),
            disk_unhealthy_percent: self.disk_unhealthy_percent,
            ..Config::default()
        }
    }
}

/// Serves until SIGTERM, SIGINT or, with `exit_with_parent`, the end of standard input. Prints one line,
/// `listening on http://ADDRESS:PORT`, once requests are taken. Makes its own runtime: call it outside of one.
///
/// # Errors
/// [`Error`] when the service cannot be set up, cannot listen or fails while serving.
pub fn run(args: &Args) -> Result<(), Error> {
    raise_descriptor_limit();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = args.threads {
        builder.worker_threads(usize::from(threads));
    }
    let runtime = builder.enable_all().build().map_err(Error::io("start the runtime"))?;
    let state = App::new(args.config())?;
    let result = runtime.block_on(async {
        let shutdown = shutdown(args.exit_with_parent)?;
        let listener = server::bind(args.bind)?;
        let address = listener.local_addr().map_err(Error::io("read the address"))?;
        announce(address).map_err(Error::io("write to standard output"))?;
        server::serve_app(state, listener, shutdown).await
    });
    // A statement that never ends must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// The listener takes connections from here on: they wait in its queue until they are served.
fn announce(address: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on http://{address}")?;
    out.flush()
}

/// Completes when the service shall end.
fn shutdown(with_parent: bool) -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("listen for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::io("listen for SIGINT"))?;
    // Without a watcher the sender is dropped, and a branch that fails to match is out of the race below.
    let (orphaned, mut parent_gone) = oneshot::channel::<()>();
    if with_parent {
        let watch = move || {
            // An input that cannot be read is as gone as one that ended.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = orphaned.send(());
        };
        std::thread::Builder::new().spawn(watch).map_err(Error::io("watch standard input"))?;
    }
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            Ok(()) = &mut parent_gone => {}
        }
    })
}
