//! The reference API as a child process, which is this same program.
//!
//! It ends with this process, however that ends: its standard input closes.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::SECRET;
use crate::errors::Problem;

/// Generously more than a slow machine needs to fill the database.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Dropping it ends it.
#[derive(Debug)]
pub(super) struct Api {
    child: Child,
    /// Its base URL.
    pub(super) address: String,
}

impl Api {
    /// Start it with further `arguments`, and wait until it takes requests.
    pub(super) fn start(secret: &str, arguments: &[&str]) -> Result<Self, Problem> {
        let problem = |what: &str| Problem::new(format!("the demo's API {what}"));
        let program = std::env::current_exe().map_err(|error| problem("cannot be found").cause(error))?;
        let child = Command::new(program)
            .args([
                "muejam-api",
                "--bind",
                "127.0.0.1:0",
                "--test-auth",
                "--exit-with-parent",
                "--no-log-file",
            ])
            .args(["--trust-forwarded-for", "127.0.0.0/8"])
            .args(arguments)
            .env(SECRET, secret)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C in a terminal reaches a whole process group: the API has to outlive the run's draining.
            .process_group(0)
            .spawn()
            .map_err(|error| problem("cannot be started").cause(error))?;
        let mut api = Self { child, address: String::new() };
        api.address = api.announced().ok_or_else(|| {
            problem("did not start").help(
                "it needs a free port on 127.0.0.1 and memory for a small database; see what it said above",
            )
        })?;
        Ok(api)
    }

    /// The address in its first line of output, once it takes requests.
    fn announced(&mut self) -> Option<String> {
        let stdout = self.child.stdout.take()?;
        let (sender, receiver) = mpsc::channel();
        // Reads for as long as the API lives: a pipe nobody reads would fill up.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("listening on ") {
                    // Nobody waits for a second address.
                    let _ = sender.send(address.to_owned());
                }
            }
        });
        receiver.recv_timeout(START_TIMEOUT).ok()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // Its input ends, so it stops; one that does not is killed. Whatever fails here, it is gone already.
        drop(self.child.stdin.take());
        let pause = Duration::from_millis(20);
        for _ in 0..STOP_TIMEOUT.as_millis() / pause.as_millis() {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(pause);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
