//! `--help` of every command, and the version.

use crate::support::Place;

fn help(line: &str) -> String {
    let answer = Place::new().squall(line);
    answer.assert(0, &[]);
    answer.stdout
}

#[test]
fn the_help_of_every_command() {
    insta::assert_snapshot!("squall", help("--help"));
    insta::assert_snapshot!("squall-demo", help("demo --help"));
    insta::assert_snapshot!("squall-run", help("run --help"));
    insta::assert_snapshot!("squall-check", help("check --help"));
    insta::assert_snapshot!("squall-report", help("report --help"));
    insta::assert_snapshot!("squall-compare", help("compare --help"));
    insta::assert_snapshot!("squall-verdict", help("verdict --help"));
}

#[test]
fn the_version_goes_to_stdout() {
    for line in ["--version", "-V"] {
        assert_eq!(help(line), format!("squall {}\n", env!("CARGO_PKG_VERSION")));
    }
}
