//! Configuration files: which are read, and what they set.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use squall_suite::nearest;

use super::conf;
use super::environment::Environment;
use super::layer::{Layer, Source};
use super::options::{self, Kind, OPTIONS};
use crate::errors::Problem;

/// Larger configuration files are refused.
const MAX_FILE: u64 = 1 << 20;

/// The layers of all files there are, lowest first. Keys nobody knows go to `warnings`.
pub(super) fn layers(
    environment: &Environment,
    config: Option<&Path>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Layer>, Problem> {
    let mut layers = Vec::new();
    for path in usual_places(environment) {
        match read(&path) {
            Ok(text) => layers.push(layer(&path, &text, warnings)?),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(unreadable(&path, error)),
        }
    }
    if let Some(path) = config {
        let text = read(path).map_err(|error| unreadable(path, error))?;
        layers.push(layer(path, &text, warnings)?);
    }
    Ok(layers)
}

/// A pipe would be waited for and a device read without end, so neither is a configuration.
fn read(path: &Path) -> io::Result<String> {
    let refused = |why: String| Err(io::Error::new(ErrorKind::InvalidInput, why));
    if !std::fs::metadata(path)?.is_file() {
        return refused("it is not a regular file".to_owned());
    }
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return refused(format!("it is larger than {} MiB", MAX_FILE >> 20));
    }
    Ok(text)
}

fn usual_places(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.home.iter().map(|home| home.join(".locust.conf"));
    let here = ["locust.conf", "pyproject.toml"].map(|name| environment.directory.join(name));
    home.chain(here).collect()
}

fn unreadable(path: &Path, error: io::Error) -> Problem {
    Problem::new(format!("the configuration file {} cannot be read", path.display())).cause(error)
}

fn layer(path: &Path, text: &str, warnings: &mut Vec<String>) -> Result<Layer, Problem> {
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    let entries = if is_toml { toml_entries(path, text)? } else { conf_entries(path, text)? };
    let mut layer = Layer::new(Source::File(path.to_owned()));
    for (key, value) in entries {
        match options::find(&key) {
            Some(spec) if spec.kind != Kind::List && value.len() != 1 => {
                return Err(Problem::new(format!(
                    "`{key}` in {} takes one value, and {} are given",
                    path.display(),
                    value.len()
                ))
                .help("write `key = value` without brackets"));
            }
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
    let wrong = |name: &str| {
        Problem::new(format!("`{name}` in {} is not a table", path.display()))
            .help("put the settings below a line `[tool.locust]`")
    };
    let Some(tool) = table.get("tool") else { return Ok(Vec::new()) };
    let Some(section) = tool.as_table().ok_or_else(|| wrong("tool"))?.get("locust") else {
        return Ok(Vec::new());
    };
    let section = section.as_table().ok_or_else(|| wrong("tool.locust"))?;
    Ok(section.iter().map(|(key, value)| (key.clone(), texts(value))).collect())
}

fn texts(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::Array(items) => items.iter().flat_map(texts).collect(),
        toml::Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}
