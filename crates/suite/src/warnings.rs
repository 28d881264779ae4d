//! What is allowed, but may not be intended.

use std::fmt;

use squall_core::Nanos;

use crate::diagnostic::list;

/// Memory of a user that waits.
const BYTES_OF_A_USER: f64 = 3000.0;

/// Something that is allowed but may not be intended.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// The tags left a class without tasks, so it does not run.
    ClassWithoutTasks {
        /// The class.
        class: String,
    },
    /// The classes and tags left a criterion without requests, so it is not judged.
    CriterionWithoutRequests {
        /// The measure, as the suite names it.
        measure: String,
        /// What it was limited to.
        scope: String,
    },
    /// The suite has criteria, and none of them is judged, because they belong to profiles and none was chosen.
    NothingJudged {
        /// The profiles that have criteria.
        profiles: Vec<String>,
    },
    /// Loopback source addresses are of no use for a target elsewhere.
    SourceNotUsed {
        /// The class.
        class: String,
    },
    /// What a task needs is captured by nothing that runs, so the task does not either.
    TaskNeverRuns {
        /// The class.
        class: String,
        /// The task.
        task: String,
    },
    /// A feed has fewer rows than a class has users, and each user has a row of its own.
    TooFewRows {
        /// The class.
        class: String,
        /// The feed.
        feed: String,
        /// Its rows.
        rows: usize,
        /// Most users of the class.
        users: u32,
    },
    /// The ramp of a phase does not end within the phase.
    RampTooLong {
        /// The phase.
        phase: String,
        /// Time the ramp takes.
        ramp: Nanos,
        /// Time the phase has.
        run_time: Nanos,
    },
    /// A header named like a secret has a value that stands in the suite.
    LiteralSecret {
        /// The header.
        header: String,
        /// Line of the suite, from 1.
        line: usize,
    },
    /// The classes ask for more users of fixed number than a phase has.
    TooManyFixed {
        /// The phase.
        phase: String,
        /// Users of fixed number.
        fixed: u64,
        /// Users at the end of the ramp.
        users: u32,
    },
    /// The tasks of a class only wait.
    OnlyWaits {
        /// The class.
        class: String,
    },
    /// Several classes, and nobody says in which proportion: they are mixed equally, which is rarely meant.
    MixForgotten {
        /// The classes.
        classes: Vec<String>,
    },
    /// The process to watch is on another machine, as far as the target tells.
    ProcessElsewhere {
        /// The monitor.
        monitor: String,
        /// The target.
        host: String,
    },
    /// A fault would begin when the run is over, so it is left out.
    FaultTooLate {
        /// The fault.
        fault: String,
        /// When it would begin.
        at: Nanos,
        /// When the run is over.
        run_time: Nanos,
    },
    /// The windows of a criterion are longer than what is judged, so it is judged as a whole.
    WindowTooLong {
        /// The measure, as the suite names it.
        measure: String,
        /// How long a window is.
        hold: Nanos,
        /// The time that is judged.
        time: Nanos,
    },
    /// A level that a good server fails and a bad one meets.
    WrongDirection {
        /// The measure, as the suite names it.
        measure: String,
        /// `a target`, or what else it is.
        kind: &'static str,
        /// The level, as the suite writes it.
        level: String,
        /// The same, the other way round.
        meant: String,
    },
    /// So many users wait for arrivals that their memory counts.
    LargePool {
        /// The phase.
        phase: String,
        /// Its users.
        users: u32,
    },
    /// Arrivals that are given up are judged, and nothing arrives: users set the pace.
    NothingArrives {
        /// The measure, as the suite names it.
        measure: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClassWithoutTasks { class } => {
                write!(f, "{class} has no tasks left after filtering by tags, so it does not run")
            }
            Self::CriterionWithoutRequests { measure, scope } => {
                write!(f, "{measure} of {scope} is not judged: nothing that runs makes such requests")
            }
            Self::NothingJudged { profiles } if profiles.is_empty() => {
                f.write_str("no criteria are judged: those of the suite belong to no profile")
            }
            Self::NothingJudged { profiles } => {
                let names: Vec<&str> = profiles.iter().map(String::as_str).collect();
                write!(
                    f,
                    "without `--profile` no criteria are judged; profiles with criteria: {}",
                    list(&names)
                )
            }
            Self::SourceNotUsed { class } => write!(
                f,
                "{class}: loopback source addresses only work against a loopback target, so they are not used"
            ),
            Self::TaskNeverRuns { class, task } => {
                write!(
                    f,
                    "{class}.{task} can never run: what it needs is captured by tasks that were left out"
                )
            }
            Self::TooFewRows { class, feed, rows, users } => write!(
                f,
                "{class} has up to {users} users, but feed {feed} has only {rows} rows: the others do not start"
            ),
            Self::RampTooLong { phase, ramp, run_time } => {
                write!(f, "phase {phase} ends after {run_time}, before its ramp of {ramp} is over")
            }
            Self::LiteralSecret { header, line } => write!(
                f,
                "line {line}: a literal secret stands in the suite and will stand in the record: write {header} = \"{{env:NAME}}\" in the headers of a class or a request"
            ),
            Self::TooManyFixed { phase, fixed, users } => write!(
                f,
                "phase {phase} has {users} users, fewer than the {fixed} of every `fixed_count`: some do not start, and no others do"
            ),
            Self::MixForgotten { classes } => {
                let names: Vec<&str> = classes.iter().map(String::as_str).collect();
                write!(
                    f,
                    "no class says its weight, so {} are mixed equally: give each a `weight`, or the profile a `mix`",
                    list(&names)
                )
            }
            Self::ProcessElsewhere { monitor, host } => write!(
                f,
                "monitor.{monitor} watches nothing: {host} is not on this machine; give it the `pid` or `port` of a process that is"
            ),
            Self::FaultTooLate { fault, at, run_time } => {
                write!(f, "fault {fault} never happens: it begins at {at}, and the run ends after {run_time}")
            }
            Self::WindowTooLong { measure, hold, time } => {
                write!(f, "{measure} is judged as a whole: its `for` is {hold}, and only {time} are judged")
            }
            Self::WrongDirection { measure, kind, level, meant } => {
                write!(f, "{measure}: {kind} of `{level}` is met by a bad server: did you mean `{meant}`?")
            }
            Self::LargePool { phase, users } => write!(
                f,
                "phase {phase} has {users} users to serve its arrivals: they take about {:.1} GB of memory (3 kB each) and long to start; it takes no more of them than arrive while one task is done",
                f64::from(*users) * BYTES_OF_A_USER / 1e9
            ),
            Self::NothingArrives { measure } => {
                write!(f, "{measure} cannot be above 0%: no phase has a `rate`, so nothing is ever dropped")
            }
            Self::OnlyWaits { class } => {
                write!(f, "{class} sends no request after its start: its tasks only wait")
            }
        }
    }
}
