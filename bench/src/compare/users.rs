//! What a user costs, and whether ten thousand of them are served on time.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::process::{ensure_ran, report, squall};
use super::{Args, Section, machine, median, server};

/// As in the profiles of `bench/suites/users.toml`.
const FEW: u64 = 10;
const MANY: u64 = 10_000;

/// The most an idle user with an open connection may cost.
const MOST_BYTES: f64 = 8.0 * 1024.0;
/// The latest that one request in a hundred may be sent.
const MOST_LAG_MS: f64 = 5.0;

pub(super) fn measure_memory(args: &Args) -> anyhow::Result<Section> {
    let mut few = Vec::new();
    let mut many = Vec::new();
    for _ in 0..args.rounds {
        few.push(resident_with(args, "few_idle", FEW)?);
        many.push(resident_with(args, "many_idle", MANY)?);
    }
    let (few, many) = (median(few), median(many));
    let each = (many - few) / (MANY - FEW) as f64;
    let mib = 1024.0 * 1024.0;
    let body = format!(
        "`cargo xtask bench memory` on {}; medians of {} runs.\n\n\
         Resident memory of squall two seconds after all users were connected, had one answer and began a long wait. A user \
         may cost at most 8 KiB.\n\n\
         | users | resident MiB | per user KiB |\n|---|---|---|\n\
         | {FEW} | {:.1} | |\n| {MANY} | {:.1} | {:.2} |\n",
        machine::describe(),
        args.rounds,
        few / mib,
        many / mib,
        each / 1024.0,
    );
    Ok(Section { title: "Memory", body, held: each <= MOST_BYTES })
}

fn resident_with(args: &Args, profile: &str, users: u64) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let server = server()?;
    let client = squall(args, "users", profile, &server.url(), &folder.path().join("run.squall"), &[])?;
    while server.log()?.answered < users {
        // Fails if the client has ended.
        client.resident()?;
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(2));
    let resident = client.resident()? as f64;
    let open = server.log()?.open;
    ensure!(open == users, "{open} connections are open, not {users}");
    client.terminate()?;
    client.wait()?;
    Ok(resident)
}

pub(super) fn measure_users(args: &Args) -> anyhow::Result<Section> {
    let mut rows = Vec::new();
    for _ in 0..args.rounds {
        rows.push(run_thinking(args)?);
    }
    let of = |pick: fn(&Thinking) -> f64| median(rows.iter().map(pick).collect());
    let (peak, failed, lag) = (of(|r| r.peak), of(|r| r.failed), of(|r| r.lag_p99_ms));
    let (requests, cpu) = (of(|r| r.requests), of(|r| r.cpu_share));
    let body = format!(
        "`cargo xtask bench users` on {}; medians of {} runs of 40 s.\n\n\
         10 000 users started at 1000 a second, each waiting 1 to 5 s between requests. All must be there, nothing may fail, \
         and one request in a hundred at most may be sent more than 5 ms late.\n\n\
         | users reached | requests | failed | send lag p99 ms | CPU of one core |\n|---|---|---|---|---|\n\
         | {peak:.0} | {requests:.0} | {failed:.0} | {lag:.2} | {:.0} % |\n",
        machine::describe(),
        args.rounds,
        cpu * 100.0,
    );
    let held = rows.iter().all(|r| r.peak >= MANY as f64 && r.failed == 0.0) && lag < MOST_LAG_MS;
    Ok(Section { title: "Users", body, held })
}

struct Thinking {
    peak: f64,
    failed: f64,
    requests: f64,
    lag_p99_ms: f64,
    cpu_share: f64,
}

fn run_thinking(args: &Args) -> anyhow::Result<Thinking> {
    let folder = tempfile::tempdir()?;
    let record = folder.path().join("run.squall");
    let server = server()?;
    let ended = squall(args, "users", "thinking", &server.url(), &record, &[])?.wait()?;
    ensure_ran(&ended)?;
    let log = server.stop()?;
    let report = report(args, &record)?;
    let number = |pointer: &str| {
        report
            .pointer(pointer)
            .and_then(serde_json::Value::as_f64)
            .with_context(|| format!("the report has no {pointer}"))
    };
    let attempts = number("/total/attempts")?;
    ensure!(
        attempts == log.received as f64,
        "squall counts {attempts} requests, the server read {}",
        log.received
    );
    Ok(Thinking {
        peak: number("/run/peak_users")?.min(log.most_open as f64),
        failed: number("/total/failed")?,
        requests: attempts,
        lag_p99_ms: number("/send_lag/p99_ms")?,
        cpu_share: ended.cpu_s / number("/run/duration_s")?,
    })
}
