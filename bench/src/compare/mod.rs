//! Squall and `wrk` in turn against the same server: the server pinned to core 1, the client to core 0.
//!
//! Requests are counted by the server, for every client alike, so that no client's own arithmetic enters the ratio. The
//! server runs on a thread of this process; CPU time is the client process's alone.

mod arrivals;
mod http;
mod machine;
mod process;
mod results;
mod users;

use std::path::PathBuf;

use anyhow::Context as _;

use crate::server::{Config, Handle, spawn};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Subject {
    /// CPU time per request and requests per second, Squall and wrk, 50 and 1000 connections.
    Http,
    /// Memory of an idle user with an open connection.
    Memory,
    /// 10 000 thinking users: all there, no errors, sent on time.
    Users,
    /// Arrivals at half of the capacity: sent on time.
    Arrivals,
}

/// How to measure.
#[derive(Debug, clap::Parser)]
#[command(name = "squall-bench", version)]
pub struct Args {
    /// What to measure [default: everything]
    pub subjects: Vec<Subject>,
    /// Put the tables into bench/RESULTS.md
    #[arg(long)]
    pub write: bool,
    /// Runs of each kind; the median is shown
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Where the squall binary is
    #[arg(long, default_value = "target/dist")]
    pub binaries: PathBuf,
}

/// A measured subject, for people.
#[derive(Debug)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// Markdown.
    pub body: String,
    /// Every bound holds.
    pub held: bool,
}

/// Measures what was asked for; the working directory is the repository's root.
///
/// # Errors
/// If a program is missing or a run fails; a bound that does not hold is no error but said in the section.
pub fn run(args: &Args) -> anyhow::Result<Vec<Section>> {
    let all = [Subject::Http, Subject::Memory, Subject::Users, Subject::Arrivals];
    let subjects = if args.subjects.is_empty() { &all[..] } else { &args.subjects };
    let sections = subjects.iter().map(|subject| match subject {
        Subject::Http => http::measure(args),
        Subject::Memory => users::measure_memory(args),
        Subject::Users => users::measure_users(args),
        Subject::Arrivals => arrivals::measure(args),
    });
    let sections = sections.collect::<anyhow::Result<Vec<_>>>()?;
    if args.write {
        results::write(&sections)?;
    }
    Ok(sections)
}

const SERVER_CORE: usize = 1;
const CLIENT_CORE: usize = 0;

/// A fresh server on its core.
fn server() -> anyhow::Result<Handle> {
    spawn(Config { cpu: Some(SERVER_CORE), ..Config::default() })
        .with_context(|| format!("failed to start the server on core {SERVER_CORE}; two cores are needed"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0]), median(vec![7.0])), (2.0, 2.5, 7.0));
    }
}
