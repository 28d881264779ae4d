//! Where a number was measured; without it the number says nothing.

use std::fs::read_to_string;
use std::process::Command;

/// Processor, cores, memory, kernel and day, in one line.
pub(super) fn describe() -> String {
    let cpuinfo = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = field(&cpuinfo, "model name").unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let meminfo = read_to_string("/proc/meminfo").unwrap_or_default();
    let kib =
        field(&meminfo, "MemTotal").and_then(|m| m.split(' ').next()).and_then(|m| m.parse::<f64>().ok());
    let gib = kib.unwrap_or(0.0) / (1024.0 * 1024.0);
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, {gib:.0} GiB, Linux {}, {}", kernel.trim(), today())
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn today() -> String {
    let date = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    date.map_or_else(|_| "unknown day".to_owned(), |d| String::from_utf8_lossy(&d.stdout).trim().to_owned())
}
