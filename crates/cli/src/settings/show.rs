//! `--show-settings`: every setting, its value and where it comes from, in the syntax of `locust.conf`.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::DEFAULT_SUITE;
use super::layer::Source;
use super::options::{Kind, OPTIONS, Support};
use super::resolve::{Resolved, origin};

impl Resolved {
    /// One line per option this version follows. What nobody set is shown as a comment.
    pub(crate) fn listing(&self) -> String {
        let mut out = String::new();
        for spec in OPTIONS.iter().filter(|spec| spec.support == Support::Now && spec.key != "show-settings")
        {
            // Writing to a string cannot fail.
            let _ = match self.given.get(spec.key) {
                Some(given) => {
                    let from = origin(spec.key, &given.source);
                    let shown = without_password(&shown(spec.kind, &given.value));
                    writeln!(out, "{:<40} # {from}", format!("{} = {shown}", spec.key))
                }
                None => writeln!(
                    out,
                    "{:<40} # {}",
                    format!("# {} = {}", spec.key, unset(spec.key)),
                    Source::Default
                ),
            };
        }
        out
    }

    /// What was set, with its source, as a record keeps it.
    pub(crate) fn to_json(&self) -> Value {
        let entries = self.given.iter().map(|(key, given)| {
            let value: Vec<String> = given.value.iter().map(|value| without_password(value)).collect();
            ((*key).to_owned(), json!({ "value": value, "from": origin(key, &given.source) }))
        });
        Value::Object(entries.collect::<Map<_, _>>())
    }
}

fn shown(kind: Kind, value: &[String]) -> String {
    match kind {
        Kind::List => format!("[{}]", value.join(", ")),
        Kind::Flag | Kind::Value => value.first().cloned().unwrap_or_default(),
    }
}

fn unset(key: &str) -> &'static str {
    match key {
        "locustfile" => DEFAULT_SUITE,
        "loglevel" => "INFO",
        "threads" => "one per core",
        "record" => "named after suite and time",
        "host" | "users" | "spawn-rate" | "rate" | "run-time" | "stop-timeout" | "profile" | "seed" => {
            "as the suite says"
        }
        "tags" | "exclude-tags" | "user-classes" => "[]",
        "html" | "csv" | "json-file" | "junit" | "markdown" | "logfile" => "none",
        "exit-code-on-error" => "1",
        _ => "false",
    }
}

/// `value`, and if it is a URL with a password, without that: it is nobody's business.
fn without_password(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once('@') {
        Some((user, _)) => {
            let name = user.split(':').next().unwrap_or(user);
            format!("{scheme}://{name}:***{}", &rest[user.len()..])
        }
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, Layer, resolve};

    #[test]
    fn a_listing_names_sources_and_hides_passwords() {
        let mut layer = Layer::command_line();
        layer.text("host", Some("https://bob:hunter2@example.com/api"));
        let variables = [("LOCUST_USERS".to_owned(), "7".to_owned())].into();
        let environment = Environment { variables, ..Environment::default() };
        let listing = resolve(layer, None, &environment).unwrap().listing();
        let line = |key: &str| {
            let line = listing.lines().find(|line| line.trim_start_matches("# ").starts_with(key)).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("host"), "host = https://bob:***@example.com/api # command line");
        assert_eq!(line("users"), "users = 7 # environment variable LOCUST_USERS");
        assert_eq!(line("loglevel"), "# loglevel = INFO # default");
        assert!(!listing.contains("hunter2"));
    }
}
