//! Which crate may know which: the borders of the architecture as a table.
//!
//! A crate that is not in the table is a complaint, so that a new crate's place is decided, not drifted into.

use serde_json::Value;

/// What one crate may depend on among ours, and which of others' crates it must never see.
struct Rule {
    name: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static str],
}

/// Everything a user's command wires together.
const ALL: &[&str] = &[
    "core", "stats", "http", "plan", "engine", "suite", "control", "cluster", "monitor", "record", "verdict",
    "report", "web", "muejam", "python",
];
/// Nothing on this list is needed to make, count or judge load.
const OUTSIDE: &[&str] = &["axum", "clap", "zeromq", "miette"];

const RULES: &[Rule] = &[
    Rule { name: "core", may: &[], never: &["tokio", "axum", "clap", "zeromq", "miette"] },
    Rule { name: "stats", may: &["core"], never: &["tokio", "axum", "clap", "zeromq", "miette", "socket2"] },
    Rule { name: "http", may: &["core"], never: OUTSIDE },
    Rule { name: "plan", may: &["core"], never: &["tokio", "axum", "clap", "zeromq", "miette", "socket2"] },
    Rule {
        name: "engine",
        may: &["core", "stats", "plan", "http"],
        never: &["axum", "clap", "zeromq", "miette", "toml"],
    },
    Rule { name: "suite", may: &["core", "plan"], never: &["tokio", "axum", "clap", "zeromq"] },
    Rule { name: "control", may: &["core", "stats", "plan", "engine"], never: OUTSIDE },
    Rule { name: "cluster", may: &["core", "stats", "plan", "control"], never: &["axum", "clap", "miette"] },
    Rule { name: "monitor", may: &["core", "plan"], never: OUTSIDE },
    Rule { name: "record", may: &["core", "stats", "plan"], never: OUTSIDE },
    Rule {
        name: "verdict",
        may: &["core", "stats", "plan", "record"],
        never: &["tokio", "axum", "clap", "zeromq", "miette"],
    },
    Rule { name: "report", may: &["core", "stats", "plan", "record", "verdict"], never: OUTSIDE },
    Rule {
        name: "web",
        may: &["core", "stats", "plan", "control", "record", "verdict", "report"],
        never: &["clap", "zeromq"],
    },
    Rule {
        name: "python",
        may: &["core", "stats", "plan", "http", "control", "cluster"],
        never: &["axum", "clap"],
    },
    Rule { name: "cli", may: ALL, never: &[] },
    // Its bugs must not be able to cancel ours out, so it shares nothing with us.
    Rule { name: "muejam", may: &[], never: &["miette", "zeromq"] },
    Rule { name: "testkit", may: &[], never: &["tokio", "axum", "clap"] },
    Rule { name: "e2e", may: &[], never: &[] },
    Rule { name: "bench", may: &[], never: &["axum", "hyper"] },
    Rule { name: "xtask", may: &[], never: &["tokio"] },
];

/// What any crate's tests may use, beyond what the crate itself may.
const FOR_TESTS: &[&str] = &["testkit"];
/// What the tests of the real binary may use.
const FOR_E2E: &[&str] =
    &["testkit", "bench", "muejam", "core", "stats", "plan", "record", "verdict", "report"];

/// Complaints about the workspace that `cargo metadata` describes.
pub(super) fn check(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    if packages.is_empty() {
        return vec!["crate graph: cargo metadata lists no packages".to_owned()];
    }
    let ours: Vec<_> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    packages.iter().flat_map(|package| check_package(package, &ours)).collect()
}

fn check_package(package: &Value, ours: &[&str]) -> Vec<String> {
    let name = short(package["name"].as_str().unwrap_or_default());
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        return vec![format!(
            "crate graph: '{name}' is in no rule; decide what it may know in xtask/src/tidy/graph.rs"
        )];
    };
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    dependencies.iter().filter_map(|dependency| complaint(rule, dependency, ours)).collect()
}

fn complaint(rule: &Rule, dependency: &Value, ours: &[&str]) -> Option<String> {
    let full = dependency["name"].as_str()?;
    let for_tests = dependency["kind"].as_str() == Some("dev");
    if !ours.contains(&full) {
        let banned = !for_tests && rule.never.contains(&full);
        return banned.then(|| format!("crate graph: '{}' must not know {full}", rule.name));
    }
    let other = short(full);
    let tools = if rule.name == "e2e" { FOR_E2E } else { FOR_TESTS };
    let allowed = rule.may.contains(&other) || (for_tests && tools.contains(&other));
    let kind = if for_tests { "the tests of " } else { "" };
    (!allowed).then(|| format!("crate graph: {kind}'{}' must not know '{other}'", rule.name))
}

fn short(package: &str) -> &str {
    package.strip_prefix("squall-").unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Complaints about one package with one dependency; both names are known as ours if they begin with `squall-`.
    fn edge(from: &str, to: &str, kind: Option<&str>) -> Vec<String> {
        let mut packages = vec![json!({ "name": from, "dependencies": [{ "name": to, "kind": kind }] })];
        if to.starts_with("squall-") {
            packages.push(json!({ "name": to, "dependencies": [] }));
        }
        check(&json!({ "packages": packages }))
    }

    #[test]
    fn allowed_edges_pass() {
        assert_eq!(edge("squall-engine", "squall-http", None), [""; 0]);
        assert_eq!(edge("squall-http", "squall-testkit", Some("dev")), [""; 0]);
        assert_eq!(edge("squall-e2e", "squall-bench", Some("dev")), [""; 0]);
        assert_eq!(edge("squall-cli", "clap", None), [""; 0]);
    }

    #[test]
    fn planted_edges_are_found() {
        for (from, to, kind) in [
            ("squall-http", "squall-stats", None),
            ("squall-muejam", "squall-core", None),
            ("squall-muejam", "squall-http", Some("dev")),
            ("squall-http", "squall-testkit", None),
            ("squall-stats", "squall-engine", Some("build")),
            ("squall-engine", "clap", None),
            ("squall-control", "axum", None),
        ] {
            let found = edge(from, to, kind);
            assert_eq!(found.len(), 1, "{from} -> {to}: {found:?}");
            assert!(found[0].contains("must not know"), "{found:?}");
        }
    }

    #[test]
    fn a_crate_without_a_rule_and_an_empty_workspace_are_complaints() {
        assert_eq!(check(&json!({ "packages": [{ "name": "squall-new", "dependencies": [] }] })).len(), 1);
        assert_eq!(check(&json!({})).len(), 1);
    }
}
