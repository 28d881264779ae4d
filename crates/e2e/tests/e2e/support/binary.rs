//! Where the programs are that these tests start.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The `squall` that these sources make: where `cargo xtask test` has built it, else built now, once.
pub(crate) fn squall() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("SQUALL_TEST_BIN_DIR") {
        Some(folder) => Path::new(&folder).join("squall"),
        None => build(),
    })
}

/// A program that `variable` names, as `cargo xtask test` sets it.
pub(crate) fn program(variable: &str) -> PathBuf {
    let hint = format!("{variable} is not set: run `cargo xtask test`, which installs what the tests need");
    let program = PathBuf::from(std::env::var_os(variable).expect(&hint));
    assert!(program.is_file(), "{variable}: there is no {}", program.display());
    program
}

/// Cargo builds the binaries of a test's own package only, so this asks it for the other one and where it put it.
fn build() -> PathBuf {
    let arguments = ["build", "--package", "squall-cli", "--bin", "squall", "--message-format", "json"];
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo cannot build squall");
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let messages = messages.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let built = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    built.expect("cargo says where it put what it built")
}
