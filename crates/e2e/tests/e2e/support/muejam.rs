//! The reference API in this process.

use squall_muejam::{AuthConfig, Config, Running, spawn};
use tokio::runtime::{Builder, Runtime};

/// A running API; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct MueJam {
    running: Option<Running>,
    runtime: Option<Runtime>,
    url: String,
}

impl MueJam {
    /// With tokens of tests signed by `secret`, and forwarded addresses believed.
    pub(crate) fn start(secret: &str) -> Self {
        Self::start_with(secret, |_| {})
    }

    /// The same, and what is different otherwise.
    pub(crate) fn start_with(secret: &str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            auth: AuthConfig {
                test_auth: true,
                test_jwt_secret: Some(secret.to_owned()),
                ..AuthConfig::default()
            },
            ..Config::default()
        };
        config.limits.trust_forwarded_for = vec!["127.0.0.0/8".parse().unwrap()];
        change(&mut config);
        Self::with(config)
    }

    /// As `config` says.
    pub(crate) fn with(config: Config) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let running = runtime.block_on(spawn(config, ([127, 0, 0, 1], 0).into())).unwrap();
        Self { url: running.url(), running: Some(running), runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for MueJam {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
