//! The benchmark server as a program: prints where it listens, serves until SIGTERM, Ctrl-C or SIGHUP, then writes its log.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use squall_bench::server::{Config, Log, Stall, spawn};
use tokio::signal::unix::{SignalKind, signal};

/// A minimal HTTP/1.1 server that knows exactly what it did.
///
/// Paths may begin with /delay/20ms, /status/503, /body/10240 and /close. /__log and /__log.csv tell what happened so far.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    bind: SocketAddr,
    /// Size of an answer's body in bytes.
    #[arg(long, default_value_t = 512)]
    body: usize,
    /// Pin the server to this core.
    #[arg(long)]
    cpu: Option<usize>,
    /// Freeze everything now and then: length@period, as 1000ms@5s.
    #[arg(long)]
    stall: Option<Stall>,
    /// Keep every request's times in the log, 16 bytes each, not only their distribution.
    #[arg(long)]
    samples: bool,
    /// Write the log here at the end, as CSV if the name ends in .csv, else as JSON; without it JSON goes to stdout.
    #[arg(long)]
    log: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let config =
        Config { bind: args.bind, body: args.body, cpu: args.cpu, stall: args.stall, samples: args.samples };
    // Before the address is printed: whoever reads it may send a signal at once.
    let mut ends = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let server = spawn(config).with_context(|| format!("failed to serve on {}", args.bind))?;
    say(&format!("listening on {}", server.url()))?;
    let [term, int, hup] = &mut ends;
    let (Ok(term), Ok(int), Ok(hup)) = (term, int, hup) else {
        anyhow::bail!("failed to listen for signals");
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        _ = hup.recv() => {}
    }
    write_log(&server.stop()?, args.log)
}

fn write_log(log: &Log, file: Option<PathBuf>) -> anyhow::Result<()> {
    let Some(file) = file else { return say(&serde_json::to_string(log)?) };
    let is_csv = file.extension().is_some_and(|e| e == "csv");
    let text = if is_csv { log.to_csv() } else { serde_json::to_string_pretty(log)? };
    std::fs::write(&file, text).with_context(|| format!("failed to write {}", file.display()))
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
