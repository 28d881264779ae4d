//! Do arrivals leave on time at half of what the client can make?

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};

use super::process::{ensure_ran, report, squall};
use super::{Args, Section, machine, median, server};

/// Users that serve the arrivals, as in the profiles of `bench/suites/arrivals.toml`.
const USERS: [u32; 2] = [50, 1000];
/// Every run's length, as in the profiles.
const SECONDS: u32 = 10;
/// The latest that one request in a hundred may be sent.
const MOST_LAG_MS: f64 = 2.0;
/// Part of the arrivals that may be missing from what was asked for.
const MOST_MISSING: f64 = 0.001;

/// One run at half of the capacity.
struct Run {
    offered_per_s: f64,
    served: f64,
    dropped: f64,
    lag_p50_ms: f64,
    lag_p99_ms: f64,
    cpu_share: f64,
}

pub(super) fn measure(args: &Args) -> anyhow::Result<Section> {
    let mut body = format!(
        "`cargo xtask bench arrivals` on {}; medians of {} runs of {SECONDS} s.\n\n\
         First as many requests as the client can make, each user waiting for the answer only; then half of that as evenly \
         spaced arrivals for the same number of users. One request in a hundred at most may be sent more than {MOST_LAG_MS} ms \
         late. Ten arrivals may wait for each user: at these rates a pause of the machine of some milliseconds drops the \
         rest.\n\n\
         | users | capacity/s | arrivals/s | served | dropped | send lag p50 ms | send lag p99 ms | CPU of one core |\n\
         |---|---|---|---|---|---|---|---|\n",
        machine::describe(),
        args.rounds,
    );
    let mut held = true;
    for users in USERS {
        let mut capacities = Vec::new();
        let mut runs = Vec::new();
        for _ in 0..args.rounds {
            let capacity = find_capacity(args, users)?;
            runs.push(run_half(args, users, (capacity / 2.0).floor())?);
            capacities.push(capacity);
        }
        let of = |pick: fn(&Run) -> f64| median(runs.iter().map(pick).collect());
        let lag = of(|r| r.lag_p99_ms);
        // Writing to a string cannot fail.
        let _ = writeln!(
            body,
            "| {users} | {:.0} | {:.0} | {:.0} | {:.0} | {:.3} | {lag:.3} | {:.0} % |",
            median(capacities),
            of(|r| r.offered_per_s),
            of(|r| r.served),
            of(|r| r.dropped),
            of(|r| r.lag_p50_ms),
            of(|r| r.cpu_share) * 100.0,
        );
        held &= lag < MOST_LAG_MS;
    }
    Ok(Section { title: "Arrivals", body, held })
}

/// Requests per second of users who wait for nothing but the answer, as the server counts them.
fn find_capacity(args: &Args, users: u32) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let server = server()?;
    let record = folder.path().join("run.squall");
    let ended = squall(args, "arrivals", &format!("closed{users}"), &server.url(), &record, &[])?.wait()?;
    ensure_ran(&ended)?;
    let log = server.stop()?;
    ensure!(log.received > 0, "no request reached the server");
    Ok(log.received as f64 / (log.last_answer_ns.saturating_sub(log.first_request_ns) as f64 / 1e9))
}

fn run_half(args: &Args, users: u32, rate: f64) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let record = folder.path().join("run.squall");
    let server = server()?;
    let asked = ["--rate", &rate.to_string()];
    let ended = squall(args, "arrivals", &format!("open{users}"), &server.url(), &record, &asked)?.wait()?;
    ensure_ran(&ended)?;
    let log = server.stop()?;
    let report = report(args, &record)?;
    let number = |pointer: &str| {
        let value = report.pointer(pointer).and_then(serde_json::Value::as_f64);
        value.with_context(|| format!("the report has no {pointer}"))
    };
    let (offered, dropped) = (number("/iterations/offered")?, number("/iterations/dropped")?);
    let asked = rate * f64::from(SECONDS);
    ensure!(
        (offered - asked).abs() <= asked * MOST_MISSING,
        "{offered} arrivals were offered, {asked} were asked for"
    );
    let started = number("/iterations/started")?;
    ensure!(
        started == log.received as f64,
        "squall counts {started} iterations of one request, the server read {}",
        log.received
    );
    Ok(Run {
        offered_per_s: offered / f64::from(SECONDS),
        served: started,
        dropped,
        lag_p50_ms: number("/send_lag/p50_ms")?,
        lag_p99_ms: number("/send_lag/p99_ms")?,
        cpu_share: ended.cpu_s / number("/run/duration_s")?,
    })
}
