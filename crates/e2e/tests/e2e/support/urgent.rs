//! Real-time scheduling for tests that compare times, where the system allows it.
//!
//! A machine that builds something meanwhile would otherwise be measured along with the client.

use std::process::{Command, Stdio};

/// While this lives, this process's threads and what they start come before all ordinary processes; where that is not
/// allowed, nothing changes.
#[derive(Debug)]
pub(crate) struct Urgent;

impl Urgent {
    /// For a load that leaves the machine mostly idle: real-time threads that never rest stop everything else.
    pub(crate) fn ask() -> Self {
        schedule(&["--fifo", "--pid", "10"]);
        Self
    }
}

impl Drop for Urgent {
    fn drop(&mut self) {
        schedule(&["--other", "--pid", "0"]);
    }
}

/// `chrt` is part of every Linux; without the right to do this it fails, and the test goes on as it is.
fn schedule(arguments: &[&str]) {
    let mut command = Command::new("chrt");
    command.arg("--all-tasks").args(arguments).arg(std::process::id().to_string());
    let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
}
