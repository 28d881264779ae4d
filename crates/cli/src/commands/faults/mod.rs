//! Faults: commands of the user's that break something while the load runs, and take it back.
//!
//! Refused unless allowed. Each fault has a thread of its own, which the run can neither delay nor be delayed by;
//! dropping [`Faults`] ends the load for them and waits until everything is taken back, within a bound for each.

mod course;
mod process;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use squall_control::RunClock;
use squall_plan::{FaultPlan, Plan};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(super) use course::Report;

use self::course::Course;
use crate::errors::{Problem, Problems, plain};

/// What can be known to stand in the way of the faults of `plan`: nobody allowed them, or a program is not there.
pub(super) fn permit(plan: &Plan, allowed: bool) -> Result<(), Problems> {
    if plan.faults.is_empty() {
        return Ok(());
    }
    if !allowed {
        let commands: Vec<String> = plan.faults.iter().map(describe).collect();
        let problem =
            Problem::new("this load breaks things on purpose, and that was not allowed").help(format!(
                "--allow-faults allows it; these commands would then be run on this machine:\n{}",
                commands.join("\n")
            ));
        return Err(problem.into());
    }
    let problem = |message: String| {
        Problem::new(message)
            .help("install it, or give its path; commands are run without a shell, so write [\"sh\", \"-c\", \"…\"] for one")
    };
    let missing: Vec<Problem> = missing(plan).into_iter().map(problem).collect();
    if missing.is_empty() { Ok(()) } else { Err(Problems(missing)) }
}

/// Programs of `plan`'s faults that are not on this machine, those that take them back too, in a sentence each.
pub(super) fn missing(plan: &Plan) -> Vec<String> {
    let programs = plan.faults.iter().flat_map(|fault| {
        let commands = [Some(&fault.run), fault.undo.as_ref()].into_iter().flatten();
        commands.filter_map(move |command| Some((fault, command.first()?)))
    });
    let missing = programs.filter(|(_, program)| find(program).is_none()).map(|(fault, program)| {
        let is_there = program.contains('/') && Path::new(program).exists();
        let why = if is_there {
            format!("`{program}` is no file that may be executed")
        } else {
            format!("there is no program `{program}`")
        };
        format!("the fault `{}` cannot be made: {why}", fault.name)
    });
    missing.collect()
}

/// A fault in a line: what, when, for how long, and what takes it back.
pub(super) fn describe(fault: &FaultPlan) -> String {
    let mut text = format!("{} at {}: {}", fault.name, fault.at, shown(&fault.run));
    if let Some(lasts) = fault.lasts {
        text += &format!(", for {lasts}");
    }
    if let Some(undo) = &fault.undo {
        text += &format!(", then {}", shown(undo));
    }
    text
}

/// A command as one would type it.
fn shown(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    let words = words.iter().map(|word| {
        let is_plain = !word.is_empty() && word.chars().all(plain);
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    });
    format!("`{}`", words.collect::<Vec<_>>().join(" "))
}

/// Where `program` is, as the system looks for it.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| is_program(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// The faults of a run under way.
#[derive(Debug)]
pub(super) struct Faults {
    /// Dropped when the load is over.
    stops: Vec<mpsc::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    reports: UnboundedReceiver<Report>,
}

impl Faults {
    /// Wait for the moments of all faults of `plan` on the run's clock.
    pub(super) fn start(plan: &Plan, clock: RunClock) -> Self {
        let (sender, reports) = unbounded_channel();
        let mut faults = Self { stops: Vec::new(), threads: Vec::new(), reports };
        for (id, fault) in (0..).zip(&plan.faults) {
            let (stop, stopped) = mpsc::channel();
            let plan = Arc::new(fault.clone());
            let course = Course { id, plan, clock, stop: stopped, reports: sender.clone() };
            let thread = std::thread::Builder::new().name(format!("squall-fault-{id}"));
            match thread.spawn(move || course.run()) {
                Ok(thread) => {
                    faults.stops.push(stop);
                    faults.threads.push(thread);
                }
                Err(error) => {
                    // The receiver is ours.
                    let _ =
                        sender.send(Report::never(id, &fault.name, clock.now(), &plain(&error.to_string())));
                }
            }
        }
        faults
    }

    /// What happened next; `None` when every fault is over. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Report> {
        self.reports.recv().await
    }

    /// The load is over: what has not begun never will, what is broken is taken back now.
    pub(super) fn stop(&mut self) {
        self.stops.clear();
    }
}

impl Drop for Faults {
    /// Also when the run failed or panicked: nothing stays broken.
    fn drop(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            // A thread that died has said so itself.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
