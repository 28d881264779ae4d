//! One command of the user's: started without a shell in a process group of its own, heard, and ended within a bound.
//!
//! Signals of the terminal do not reach it: what it does, and what takes that back, outlives a Ctrl-C. A command that
//! ended by itself keeps what it started (a restarted server); one that had to be stopped takes its group with it.

use std::io::{PipeReader, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use squall_control::RunClock;
use squall_core::Nanos;

/// Between two looks at a command that runs.
pub(super) const LOOK: Duration = Duration::from_millis(20);
/// From asking a command to end to killing it.
const GRACE: Nanos = Nanos::from_secs(5);
/// For the rest of its group, once the command itself has obeyed.
const GROUP_GRACE: Duration = Duration::from_millis(100);
/// What is kept of what a command says: the end of it, where errors stand.
const KEPT: usize = 2048;
/// For the last words of a command that has ended; a process it left behind may hold its output open for ever.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// It did what it should, as far as it says.
    pub(super) well: bool,
    /// In words, with what it said.
    pub(super) words: String,
}

/// A command that was started and not yet reaped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    heard: Arc<Mutex<Vec<u8>>>,
    listener: Option<thread::JoinHandle<()>>,
}

impl Process {
    /// Start `words`: a program and its arguments.
    pub(super) fn start(words: &[String]) -> Result<Self, Ended> {
        let failed = |error: &std::io::Error| Ended {
            well: false,
            words: format!("could not be run: {}", crate::errors::plain(&error.to_string())),
        };
        let (program, arguments) = words.split_first().map_or(("", words), |(program, rest)| (program, rest));
        let (reader, writer) = std::io::pipe().map_err(|error| failed(&error))?;
        let other = writer.try_clone().map_err(|error| failed(&error))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(writer).stderr(other).process_group(0);
        let child = command.spawn().map_err(|error| failed(&error))?;
        // Its ends of the pipe are the child's alone from here on.
        drop(command);
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let theirs = Arc::clone(&heard);
        let listener = thread::Builder::new().name("squall-fault-out".to_owned());
        // Without it nothing is heard, and the command ends when it says too much: it is no reason not to go on.
        let listener = listener.spawn(move || listen(reader, &theirs)).ok();
        Ok(Self { child, heard, listener })
    }

    /// How it ended; `None` while it runs.
    pub(super) fn ended(&mut self) -> Option<Ended> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => {
                Some(Ended { well: status.success(), words: self.with_output(ended_with(status)) })
            }
            Err(error) => Some(Ended {
                well: false,
                words: format!("was lost: {}", crate::errors::plain(&error.to_string())),
            }),
        }
    }

    /// Wait for its end for at most `bound`; then it is stopped, and that is a failure.
    pub(super) fn finish(mut self, bound: Nanos, clock: &RunClock) -> Ended {
        let begun = clock.now();
        loop {
            match self.ended() {
                Some(ended) => return ended,
                None if clock.now() >= begun + bound => {
                    let stopped = self.stop(clock);
                    let words = format!("did not end within {bound} and {}", stopped.words);
                    return Ended { well: false, words };
                }
                None => thread::sleep(LOOK),
            }
        }
    }

    /// End it and its group: ask first, then kill.
    pub(super) fn stop(mut self, clock: &RunClock) -> Ended {
        // It is not reaped before the last signal, so that the group's number cannot have become somebody else's.
        let group = Pid::from_child(&self.child);
        let signal = |signal| _ = kill_process_group(group, signal);
        signal(Signal::TERM);
        let asked = clock.now();
        while !has_ended(group) && clock.now() < asked + GRACE {
            thread::sleep(LOOK);
        }
        let obeyed = has_ended(group);
        if obeyed {
            thread::sleep(GROUP_GRACE);
        }
        signal(Signal::KILL);
        // Nothing outlives that signal.
        let _ = self.child.wait();
        let words = if obeyed { "was stopped" } else { "was killed, because it did not stop when asked to" };
        Ended { well: true, words: self.with_output(words.to_owned()) }
    }

    fn with_output(&mut self, words: String) -> String {
        let mut waited = Duration::ZERO;
        while self.listener.as_ref().is_some_and(|listener| !listener.is_finished()) && waited < LAST_WORDS {
            thread::sleep(Duration::from_millis(5));
            waited += Duration::from_millis(5);
        }
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = one_line(&String::from_utf8_lossy(&heard));
        if heard.is_empty() { words } else { format!("{words}, saying: {heard}") }
    }
}

/// Has the leader of `group` ended? It stays there to be reaped.
fn has_ended(group: Pid) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // One that cannot be asked about is not there.
    !matches!(waitid(WaitId::Pid(group), look), Ok(None))
}

fn ended_with(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "ended well".to_owned(),
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// Read to the end, whatever is kept: a command whose pipe is full would wait for ever.
fn listen(mut from: PipeReader, heard: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend_from_slice(&buffer[..length]);
        let over = heard.len().saturating_sub(KEPT);
        heard.drain(..over);
    }
}

/// Lines joined, without control characters.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(|line| line.replace(char::is_control, " ").trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process::start(&["sh", "-c", script].map(str::to_owned)).unwrap()
    }

    #[test]
    fn what_a_command_says_and_how_it_ends_is_known() {
        let clock = RunClock::start();
        for (script, well, words) in [
            ("exit 0", true, "ended well"),
            ("echo one; echo two >&2; exit 3", false, "failed with exit code 3, saying: one | two"),
            ("kill -9 $$", false, "was ended by signal 9"),
            ("cat", true, "ended well"),
        ] {
            let ended = shell(script).finish(Nanos::from_secs(20), &clock);
            assert_eq!((ended.well, ended.words.as_str()), (well, words), "{script}");
        }
        let ended = Process::start(&["/no/such/program".to_owned()]).unwrap_err();
        assert_eq!(ended.words, "could not be run: No such file or directory");
    }

    #[test]
    fn only_the_end_of_what_a_command_says_is_kept_and_it_never_blocks() {
        let ended =
            shell("yes flood | head -c 3000000; echo last").finish(Nanos::from_secs(60), &RunClock::start());
        assert!(ended.well && ended.words.ends_with("flood | last") && ended.words.len() < 2 * KEPT);
    }

    #[test]
    fn a_command_that_hangs_is_stopped_with_its_whole_group() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; trap '' TERM; wait; wait", path.display());
        let process = shell(&script);
        let clock = RunClock::start();
        while std::fs::read_to_string(&path).map_or(true, |text| !text.ends_with('\n')) {
            assert!(clock.now() < Nanos::from_secs(60), "the script never began");
            thread::sleep(LOOK);
        }
        let ended = process.finish(Nanos::from_millis(10), &clock);
        assert!(
            !ended.well && ended.words.starts_with("did not end within 10ms and was "),
            "{}",
            ended.words
        );
        let inner: u32 = std::fs::read_to_string(&path).unwrap().trim().parse().unwrap();
        let state = std::fs::read_to_string(format!("/proc/{inner}/stat")).unwrap_or_default();
        // Gone, or a zombie that whoever adopts orphans has yet to reap.
        assert!(state.is_empty() || state.contains(") Z "), "{state}");
    }
}
