//! Configuration files: which are read, and what they set.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use squall_suite::nearest;

use super::conf;
use super::environment::Environment;
use super::layer::{Layer, Source};
use super::options::{self, OPTIONS};
use crate::errors::Problem;

/// The layers of all files there are, lowest first. Keys nobody knows go to `warnings`.
pub(super) fn layers(
    environment: &Environment,
    config: Option<&Path>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Layer>, Problem> {
    let mut layers = Vec::new();
    for path in usual_places(environment) {
        match std::fs::read_to_string(&path) {
            Ok(text) => layers.push(layer(&path, &text, warnings)?),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(unreadable(&path, error)),
        }
    }
    if let Some(path) = config {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        layers.push(layer(path, &text, warnings)?);
    }
    Ok(layers)
}

fn usual_places(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.home.iter().map(|home| home.join(".locust.conf"));
    let here = ["locust.conf", "pyproject.toml"].map(|name| environment.directory.join(name));
    home.chain(here).collect()
}

fn unreadable(path: &Path, error: std::io::Error) -> Problem {
    Problem::new(format!("the configuration file {} cannot be read", path.display())).cause(error)
}

fn layer(path: &Path, text: &str, warnings: &mut Vec<String>) -> Result<Layer, Problem> {
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    let entries = if is_toml { toml_entries(path, text)? } else { conf_entries(path, text)? };
    let mut layer = Layer::new(Source::File(path.to_owned()));
    for (key, value) in entries {
        match options::find(&key) {
            Some(spec) => {
                layer.values.insert(spec.key, value);
            }
            None => warnings.push(unknown_key(path, &key)),
        }
    }
    Ok(layer)
}

fn unknown_key(path: &Path, key: &str) -> String {
    let known: Vec<&str> = OPTIONS.iter().map(|spec| spec.key).collect();
    let hint = nearest(key, &known);
    let hint = hint.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default();
    format!("unknown setting `{key}` in {}{hint}", path.display())
}

fn conf_entries(path: &Path, text: &str) -> Result<Vec<(String, Vec<String>)>, Problem> {
    conf::parse(text).map_err(|line| {
        Problem::new(format!("line {} of {} is not a setting: {}", line.number, path.display(), line.text))
            .help("write `key = value`, or the bare name of a flag")
    })
}

/// `[tool.locust]`; a file without that table sets nothing.
fn toml_entries(path: &Path, text: &str) -> Result<Vec<(String, Vec<String>)>, Problem> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        Problem::new(format!("{} is not TOML", path.display())).cause(error)
    })?;
    let section = table.get("tool").and_then(|tool| tool.get("locust")).and_then(toml::Value::as_table);
    Ok(section.into_iter().flatten().map(|(key, value)| (key.clone(), texts(value))).collect())
}

fn texts(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::Array(items) => items.iter().flat_map(texts).collect(),
        toml::Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}
