//! Locust's options that this version knows and does not follow: understood, so that they can be answered.

use clap::Args;

use crate::settings::Layer;

/// Options of the web interface. Without it a run goes on headless, so these are noted, not refused.
#[derive(Debug, Args)]
pub(crate) struct WebArgs {
    #[arg(long, hide = true)]
    pub(crate) web_host: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) web_host_display_name: Option<String>,
    #[arg(short = 'P', long, hide = true)]
    pub(crate) web_port: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) autostart: bool,
    #[arg(long, hide = true, allow_negative_numbers = true)]
    pub(crate) autoquit: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) headful: bool,
    #[arg(long, hide = true)]
    pub(crate) web_login: bool,
    #[arg(long, hide = true)]
    pub(crate) tls_cert: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) tls_key: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) class_picker: bool,
    #[arg(long, hide = true)]
    pub(crate) build_path: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) web_base_path: Option<String>,
}

/// Options whose absence would change what a run means: these are refused.
#[derive(Debug, Args)]
pub(crate) struct LaterArgs {
    #[arg(long, hide = true)]
    pub(crate) master: bool,
    #[arg(long, hide = true)]
    pub(crate) master_bind_host: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) master_bind_port: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) expect_workers: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) expect_workers_max_wait: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) enable_rebalancing: bool,
    #[arg(long, hide = true)]
    pub(crate) worker: bool,
    #[arg(long, hide = true, allow_negative_numbers = true)]
    pub(crate) processes: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) master_host: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) master_port: Option<String>,
    #[arg(long, hide = true, num_args = 0..)]
    pub(crate) config_users: Option<Vec<String>>,
    #[arg(long, hide = true)]
    pub(crate) otel: bool,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    pub(crate) web_auth: Option<String>,
    #[arg(long, hide = true)]
    pub(crate) legacy_ui: bool,
    #[arg(long, hide = true)]
    pub(crate) expect_slaves: bool,
    #[arg(long, hide = true)]
    pub(crate) slave: bool,
}

impl WebArgs {
    /// Put what was written into `layer`.
    pub(crate) fn fill(&self, layer: &mut Layer) {
        layer.text("web-host", self.web_host.as_deref());
        layer.text("web-host-display-name", self.web_host_display_name.as_deref());
        layer.text("web-port", self.web_port.as_deref());
        layer.flag("autostart", self.autostart);
        layer.text("autoquit", self.autoquit.as_deref());
        layer.flag("headful", self.headful);
        layer.flag("web-login", self.web_login);
        layer.text("tls-cert", self.tls_cert.as_deref());
        layer.text("tls-key", self.tls_key.as_deref());
        layer.flag("class-picker", self.class_picker);
        layer.text("build-path", self.build_path.as_deref());
        layer.text("web-base-path", self.web_base_path.as_deref());
    }
}

impl LaterArgs {
    /// Put what was written into `layer`.
    pub(crate) fn fill(&self, layer: &mut Layer) {
        layer.flag("master", self.master);
        layer.text("master-bind-host", self.master_bind_host.as_deref());
        layer.text("master-bind-port", self.master_bind_port.as_deref());
        layer.text("expect-workers", self.expect_workers.as_deref());
        layer.text("expect-workers-max-wait", self.expect_workers_max_wait.as_deref());
        layer.flag("enable-rebalancing", self.enable_rebalancing);
        layer.flag("worker", self.worker);
        layer.text("processes", self.processes.as_deref());
        layer.text("master-host", self.master_host.as_deref());
        layer.text("master-port", self.master_port.as_deref());
        layer.list("config-users", self.config_users.as_deref());
        layer.flag("otel", self.otel);
        layer.text("web-auth", self.web_auth.as_deref());
        layer.flag("legacy-ui", self.legacy_ui);
        layer.flag("expect-slaves", self.expect_slaves);
        layer.flag("slave", self.slave);
    }
}
