//! One place settings come from, as text, and which place wins.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nobody set it.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable; its name depends on the option.
    Environment,
    /// The command line.
    CommandLine,
}

impl Source {
    /// The configuration file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Default | Self::Environment | Self::CommandLine => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment => f.write_str("environment"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// Options set in one place, by their long name. A flag is `true` or `false`, a list any number of texts.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) source: Source,
    pub(crate) values: BTreeMap<&'static str, Vec<String>>,
}

impl Layer {
    /// Nothing set at `source`.
    pub(crate) fn new(source: Source) -> Self {
        Self { source, values: BTreeMap::new() }
    }

    /// The command line, nothing set.
    pub(crate) fn command_line() -> Self {
        Self::new(Source::CommandLine)
    }

    /// Set a value, if there is one.
    pub(crate) fn text(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.values.insert(key, vec![value.to_owned()]);
        }
    }

    /// Set a list, if there is one.
    pub(crate) fn list(&mut self, key: &'static str, value: Option<&[String]>) {
        if let Some(value) = value {
            self.values.insert(key, value.to_vec());
        }
    }

    /// Set a flag, if it was given; flags cannot be taken back on a command line.
    pub(crate) fn flag(&mut self, key: &'static str, given: bool) {
        if given {
            self.values.insert(key, vec!["true".to_owned()]);
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) value: Vec<String>,
    pub(crate) source: Source,
}

/// Lay `layers` over each other, the last one on top.
pub(crate) fn merge(layers: Vec<Layer>) -> BTreeMap<&'static str, Given> {
    let mut merged = BTreeMap::new();
    for layer in layers {
        for (key, value) in layer.values {
            merged.insert(key, Given { value, source: layer.source.clone() });
        }
    }
    merged
}
