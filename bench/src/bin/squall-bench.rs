//! Measures Squall and wrk; `cargo xtask bench` builds what it needs and starts it.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use squall_bench::compare::{Args, run};

fn main() -> anyhow::Result<ExitCode> {
    let sections = run(&Args::parse())?;
    let mut out = std::io::stdout().lock();
    for section in &sections {
        writeln!(out, "## {}\n\n{}", section.title, section.body)?;
    }
    let missed: Vec<_> = sections.iter().filter(|s| !s.held).map(|s| s.title).collect();
    if missed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(std::io::stderr(), "a bound does not hold: {}", missed.join(", "))?;
    Ok(ExitCode::FAILURE)
}
