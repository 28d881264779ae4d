//! What the process was given beside its arguments: variables, home, working directory. Taken once, so that
//! nothing else reads it and tests can make their own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use squall_suite::nearest;

use super::layer::{Layer, Source};
use super::options::{Kind, OPTIONS};
use crate::errors::Problem;

/// What the names of the variables of Locust's options begin with.
const LOCUST: &str = "LOCUST_";
/// The same of options that Locust does not have.
const SQUALL: &str = "SQUALL_";

/// Variables and directories.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) variables: BTreeMap<String, String>,
    /// Variables whose values are not UTF-8.
    pub(crate) not_text: Vec<String>,
    pub(crate) home: Option<PathBuf>,
    pub(crate) directory: PathBuf,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        let mut variables = BTreeMap::new();
        let mut not_text = Vec::new();
        for (name, value) in std::env::vars_os() {
            // What has no name in letters is not looked for.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => _ = variables.insert(name, value),
                Err(_) => not_text.push(name),
            }
        }
        // Relative paths mean the working directory, so an empty one stands for it.
        Self { variables, not_text, home: std::env::home_dir(), directory: PathBuf::new() }
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

impl Environment {
    /// What is wrong with variables that would set an option.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let ours = |name: &&String| is_ours(name);
        let problem = |name: &String| {
            Problem::new(format!("the environment variable {name} is not UTF-8"))
                .help("set it to text, or unset it")
        };
        self.not_text.iter().filter(ours).map(problem).collect()
    }

    /// Variables that look like an option's and are none.
    pub(super) fn unknown(&self) -> Vec<String> {
        let known: Vec<&str> = OPTIONS.iter().filter_map(|spec| spec.env).collect();
        let unknown = self.variables.keys().filter(|name| is_ours(name) && !known.contains(&name.as_str()));
        unknown
            .filter_map(|name| {
                let meant = near(name, &known);
                // Others may well have variables that begin with the name of the program.
                let expected = name.starts_with(LOCUST) || meant.is_some();
                let hint = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
                expected.then(|| format!("the environment variable {name} sets nothing{hint}"))
            })
            .collect()
    }
}

/// The option's variable that `name` may mean. What all of them begin with makes none of them alike.
fn near<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let words: Vec<&str> = known.iter().map(|name| without_prefix(name)).collect();
    let meant = nearest(without_prefix(name), &words)?;
    known.iter().copied().find(|name| without_prefix(name) == meant)
}

fn without_prefix(name: &str) -> &str {
    [LOCUST, SQUALL].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

fn is_ours(name: &str) -> bool {
    name.starts_with(LOCUST) || name.starts_with(SQUALL)
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

    #[test]
    fn variables_nobody_reads_are_named_with_the_nearest() {
        let variables = [
            ("LOCUST_USER", "3"),
            ("LOCUST_USERS", "3"),
            ("OTHER", "x"),
            ("SQUALL_JUNI", "x"),
            ("SQUALL_OF_WIND", "x"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let said = Environment { variables, ..Environment::default() }.unknown();
        assert_eq!(
            said,
            [
                "the environment variable LOCUST_USER sets nothing; did you mean LOCUST_USERS?",
                "the environment variable SQUALL_JUNI sets nothing; did you mean SQUALL_JUNIT?",
            ]
        );
    }
}
