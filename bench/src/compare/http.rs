//! CPU time per request and requests per second, Squall and wrk.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::ensure;

use super::process::{Client, ensure_ran, report, squall};
use super::{Args, Section, machine, median, server};

/// Every run's length; the suite's profiles say the same.
const SECONDS: u32 = 10;
const CONNECTIONS: [u32; 2] = [50, 1000];

/// One run.
struct Run {
    requests: u64,
    seconds: f64,
    cpu_s: f64,
}

impl Run {
    fn cpu_us(&self) -> f64 {
        self.cpu_s * 1e6 / self.requests as f64
    }

    fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

pub(super) fn measure(args: &Args) -> anyhow::Result<Section> {
    let mut body = format!(
        "`cargo xtask bench http` on {}; medians of {} runs of {SECONDS} s.\n\n\
         One server core, one client core, 512-byte responses over keep-alive. Requests are counted by the server; CPU is \
         user and system time of the client process. All of Squall's statistics are on.\n\n\
         | connections | client | requests/s | CPU µs/request | CPU of wrk's |\n|---|---|---|---|---|\n",
        machine::describe(),
        args.rounds,
    );
    let mut held = true;
    for connections in CONNECTIONS {
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        // In turn, so that a machine that grows slow or fast does so for both.
        for _ in 0..args.rounds {
            theirs.push(run_wrk(connections)?);
            ours.push(run_squall(args, connections)?);
        }
        let row = |runs: &[Run]| {
            (
                median(runs.iter().map(Run::per_second).collect()),
                median(runs.iter().map(Run::cpu_us).collect()),
            )
        };
        let (wrk, squall) = (row(&theirs), row(&ours));
        for (name, (rate, cpu)) in [("wrk", wrk), ("squall", squall)] {
            // Writing to a string cannot fail.
            let _ = writeln!(body, "| {connections} | {name} | {rate:.0} | {cpu:.2} | {:.2} |", cpu / wrk.1);
        }
        held &= squall.1 < wrk.1;
    }
    Ok(Section { title: "HTTP", body, held })
}

fn run_wrk(connections: u32) -> anyhow::Result<Run> {
    let server = server()?;
    let url = format!("{}/bench", server.url());
    let (c, d) = (format!("-c{connections}"), format!("-d{SECONDS}s"));
    let ended = Client::start(Path::new("wrk"), &["-t1", &c, &d, "--latency", &url])?.wait()?;
    ensure!(ended.status.success(), "wrk ended with {}:\n{}", ended.status, ended.talk);
    finish(server, ended.cpu_s)
}

fn run_squall(args: &Args, connections: u32) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let record = folder.path().join("run.squall");
    let server = server()?;
    let ended = squall(args, "http", &format!("c{connections}"), &server.url(), &record, &[])?.wait()?;
    ensure_ran(&ended)?;
    let run = finish(server, ended.cpu_s)?;
    // A client that miscounts is not fast but wrong.
    let attempts = report(args, &record)?["total"]["attempts"].as_u64();
    ensure!(
        attempts == Some(run.requests),
        "squall counts {attempts:?} requests, the server read {}",
        run.requests
    );
    Ok(run)
}

fn finish(server: crate::server::Handle, cpu_s: f64) -> anyhow::Result<Run> {
    let log = server.stop()?;
    ensure!(log.received > 0, "no request reached the server");
    let seconds = log.last_answer_ns.saturating_sub(log.first_request_ns) as f64 / 1e9;
    Ok(Run { requests: log.received, seconds, cpu_s })
}
