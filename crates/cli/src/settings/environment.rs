//! What the process was given beside its arguments: variables, home, working directory. Taken once, so that
//! nothing else reads it and tests can make their own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::layer::{Layer, Source};
use super::options::{Kind, OPTIONS};

/// Variables and directories.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) home: Option<PathBuf>,
    pub(crate) directory: PathBuf,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        // Relative paths mean the working directory, so an empty one stands for it.
        Self { variables, home: std::env::home_dir(), directory: PathBuf::new() }
    }

    /// The options it sets. An empty variable sets nothing: CI systems define what they have no value for.
    pub(super) fn layer(&self) -> Layer {
        let mut layer = Layer::new(Source::Environment);
        for spec in OPTIONS {
            let Some(value) = spec.env.and_then(|name| self.variables.get(name)) else { continue };
            if value.trim().is_empty() {
                continue;
            }
            let values = match spec.kind {
                Kind::List if spec.key == "user-classes" => words(value),
                Kind::List => super::conf::list(value).unwrap_or_else(|| vec![value.clone()]),
                Kind::Flag | Kind::Value => vec![value.clone()],
            };
            layer.values.insert(spec.key, values);
        }
        layer
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::Environment;

    fn layer(name: &str, value: &str) -> std::collections::BTreeMap<&'static str, Vec<String>> {
        let variables = [(name.to_owned(), value.to_owned())].into();
        Environment { variables, ..Environment::default() }.layer().values
    }

    #[test]
    fn lists_are_written_in_brackets_and_plain_text_is_one_tag() {
        assert_eq!(layer("LOCUST_TAGS", "[a, b]")["tags"], ["a", "b"]);
        assert_eq!(layer("LOCUST_TAGS", "a b")["tags"], ["a b"]);
        assert_eq!(layer("LOCUST_USER_CLASSES", "A  B")["user-classes"], ["A", "B"]);
    }

    #[test]
    fn an_empty_variable_sets_nothing() {
        assert!(layer("LOCUST_HOST", "").is_empty());
        assert!(layer("LOCUST_NO_SUCH_OPTION", "1").is_empty());
    }
}
