//! Every option there is: its name in files and on the command line, its environment variable, what it takes, and
//! whether this version follows it.

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: it is there or not.
    Flag,
    /// One value.
    Value,
    /// Any number of values.
    List,
}

/// Whether an option is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    /// Yes.
    Now,
    /// No, and the run goes on without a web interface.
    Web,
    /// No, and the run would mean something else without it: refused, with the reason.
    Refused(&'static str),
}

/// An option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OptionSpec {
    pub(crate) key: &'static str,
    pub(crate) env: Option<&'static str>,
    pub(crate) kind: Kind,
    pub(crate) support: Support,
}

const CLUSTER: Support = Support::Refused("distributed runs come with a later version");
const CONFIG_USERS: Support =
    Support::Refused("configuring user classes from outside comes with a later version");
const OTEL: Support = Support::Refused("OpenTelemetry export comes with a later version");
const WEB_AUTH: Support =
    Support::Refused("--web-auth was replaced by --web-login, which comes with a later version");
const LEGACY_UI: Support = Support::Refused("the legacy user interface is gone");
const SLAVES: Support =
    Support::Refused("the option was renamed to --expect-workers, which comes with a later version");
const SLAVE: Support =
    Support::Refused("the option was renamed to --worker, which comes with a later version");

const fn option(key: &'static str, kind: Kind, env: &'static str, support: Support) -> OptionSpec {
    let env = if env.is_empty() { None } else { Some(env) };
    OptionSpec { key, env, kind, support }
}

/// All options, Locust's and Squall's own.
pub(crate) const OPTIONS: &[OptionSpec] = {
    use Kind::{Flag, List, Value};
    use Support::{Now, Web};
    &[
        option("locustfile", Value, "LOCUST_LOCUSTFILE", Now),
        option("host", Value, "LOCUST_HOST", Now),
        option("users", Value, "LOCUST_USERS", Now),
        option("spawn-rate", Value, "LOCUST_SPAWN_RATE", Now),
        option("rate", Value, "SQUALL_RATE", Now),
        option("run-time", Value, "LOCUST_RUN_TIME", Now),
        option("stop-timeout", Value, "LOCUST_STOP_TIMEOUT", Now),
        option("profile", Value, "", Now),
        option("tags", List, "LOCUST_TAGS", Now),
        option("exclude-tags", List, "LOCUST_EXCLUDE_TAGS", Now),
        option("user-classes", List, "LOCUST_USER_CLASSES", Now),
        option("equal-weights", Flag, "", Now),
        option("insecure", Flag, "", Now),
        option("headless", Flag, "LOCUST_HEADLESS", Now),
        option("html", Value, "LOCUST_HTML", Now),
        option("csv", Value, "LOCUST_CSV", Now),
        option("csv-full-history", Flag, "LOCUST_CSV_FULL_HISTORY", Now),
        option("json", Flag, "", Now),
        option("json-file", Value, "", Now),
        option("junit", Value, "SQUALL_JUNIT", Now),
        option("markdown", Value, "SQUALL_MARKDOWN", Now),
        option("only-summary", Flag, "LOCUST_ONLY_SUMMARY", Now),
        option("print-stats", Flag, "LOCUST_PRINT_STATS", Now),
        option("reset-stats", Flag, "LOCUST_RESET_STATS", Now),
        option("exit-code-on-error", Value, "LOCUST_EXIT_CODE_ON_ERROR", Now),
        option("list", Flag, "", Now),
        option("show-task-ratio", Flag, "", Now),
        option("show-task-ratio-json", Flag, "", Now),
        option("show-settings", Flag, "", Now),
        option("loglevel", Value, "LOCUST_LOGLEVEL", Now),
        option("logfile", Value, "LOCUST_LOGFILE", Now),
        option("skip-log-setup", Flag, "LOCUST_SKIP_LOG_SETUP", Now),
        option("record", Value, "", Now),
        option("seed", Value, "", Now),
        option("threads", Value, "", Now),
        option("strict", Flag, "SQUALL_STRICT", Now),
        option("allow-faults", Flag, "SQUALL_ALLOW_FAULTS", Now),
        option("web-host", Value, "LOCUST_WEB_HOST", Web),
        option("web-host-display-name", Value, "LOCUST_WEB_HOST_DISPLAY_NAME", Web),
        option("web-port", Value, "LOCUST_WEB_PORT", Web),
        option("autostart", Flag, "LOCUST_AUTOSTART", Web),
        option("autoquit", Value, "LOCUST_AUTOQUIT", Web),
        option("headful", Flag, "LOCUST_HEADFUL", Web),
        option("web-login", Flag, "LOCUST_WEB_LOGIN", Web),
        option("tls-cert", Value, "LOCUST_TLS_CERT", Web),
        option("tls-key", Value, "LOCUST_TLS_KEY", Web),
        option("class-picker", Flag, "LOCUST_USERCLASS_PICKER", Web),
        option("build-path", Value, "LOCUST_BUILD_PATH", Web),
        option("web-base-path", Value, "LOCUST_WEB_BASE_PATH", Web),
        option("web-auth", Value, "LOCUST_WEB_AUTH", WEB_AUTH),
        option("legacy-ui", Flag, "LOCUST_LEGACY_UI", LEGACY_UI),
        option("master", Flag, "LOCUST_MODE_MASTER", CLUSTER),
        option("master-bind-host", Value, "LOCUST_MASTER_BIND_HOST", CLUSTER),
        option("master-bind-port", Value, "LOCUST_MASTER_BIND_PORT", CLUSTER),
        option("expect-workers", Value, "LOCUST_EXPECT_WORKERS", CLUSTER),
        option("expect-workers-max-wait", Value, "LOCUST_EXPECT_WORKERS_MAX_WAIT", CLUSTER),
        option("enable-rebalancing", Flag, "", CLUSTER),
        option("worker", Flag, "LOCUST_MODE_WORKER", CLUSTER),
        option("processes", Value, "LOCUST_PROCESSES", CLUSTER),
        option("master-host", Value, "LOCUST_MASTER_NODE_HOST", CLUSTER),
        option("master-port", Value, "LOCUST_MASTER_NODE_PORT", CLUSTER),
        option("config-users", List, "LOCUST_CONFIG_USERS", CONFIG_USERS),
        option("otel", Flag, "LOCUST_ENABLE_OPENTELEMETRY", OTEL),
        option("expect-slaves", Flag, "", SLAVES),
        option("slave", Flag, "", SLAVE),
    ]
};

/// The option called `key`, with or without leading dashes.
pub(crate) fn find(key: &str) -> Option<&'static OptionSpec> {
    let key = key.trim_start_matches('-');
    OPTIONS.iter().find(|spec| spec.key == key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::{Kind, OPTIONS, Support};
    use crate::args::Cli;

    /// Options of `squall run` by their long name, and whether they take a value.
    fn command_line() -> Vec<(String, bool)> {
        let mut cli = Cli::command();
        cli.build();
        let run = cli.find_subcommand("run").unwrap();
        run.get_arguments()
            .filter_map(|arg| Some((arg.get_long()?.to_owned(), arg.get_action().takes_values())))
            .collect()
    }

    #[test]
    fn the_table_and_the_command_line_name_the_same_options() {
        let not_settings = ["help", "config", "version"];
        let on_command_line: BTreeSet<String> = command_line()
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| !not_settings.contains(&name.as_str()))
            .collect();
        let not_long_options = ["locustfile", "user-classes"];
        let in_table: BTreeSet<String> = OPTIONS
            .iter()
            .map(|spec| spec.key.to_owned())
            .filter(|key| !not_long_options.contains(&key.as_str()))
            .collect();
        assert_eq!(on_command_line, in_table);
    }

    #[test]
    fn an_option_takes_a_value_on_the_command_line_when_the_table_says_so() {
        for (name, takes_value) in command_line() {
            if let Some(spec) = super::find(&name) {
                assert_eq!(takes_value, spec.kind != Kind::Flag, "{name}");
            }
        }
    }

    #[test]
    fn no_two_options_share_an_environment_variable() {
        let names: Vec<_> = OPTIONS.iter().filter_map(|spec| spec.env).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(OPTIONS.iter().any(|spec| spec.support == Support::Web));
    }
}
