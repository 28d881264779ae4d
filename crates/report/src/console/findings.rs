//! What happened beside the requests, in words and small tables: parts of phases, iterations, recoveries, faults, drifts,
//! watched series.

use std::fmt::Write as _;

use super::table::{Align, Cell, Paint, Table};
use crate::report::{PartReport, Report, WatchedReport};
use crate::show::{self, plain};

/// Ramp and hold of every phase; empty when the record does not tell them apart.
pub(super) fn parts(report: &Report, colour: bool) -> String {
    let open = report.iterations.open;
    let mut head = vec![("phase", Align::Left), ("part", Align::Left)];
    let right = |title| (title, Align::Right);
    head.extend(["from", "to", "users", "ok/s", "p50", "p95", "p99", "errors", "429"].map(right));
    if open {
        head.extend(["offered/s", "started/s", "completed/s", "dropped/s"].map(right));
    }
    let mut table = Table::new(&head);
    for part in &report.parts {
        let PartReport { phase, stretch: of, .. } = part;
        let note = if part.measured { "" } else { " (not measured)" };
        let mut cells: Vec<Cell> = vec![
            phase.clone().into(),
            format!("{}{note}", part.kind()).into(),
            show::seconds(of.start_s).into(),
            show::seconds(of.end_s).into(),
            show::count(of.users.into()).into(),
            show::number(of.ok_per_s).into(),
            show::maybe(of.p50_ms).into(),
            show::maybe(of.p95_ms).into(),
            show::maybe(of.p99_ms).into(),
            show::maybe_percent(of.error_rate).into(),
            show::maybe_percent(of.rate_limited_share).into(),
        ];
        if open {
            let of = &of.iterations;
            let rates = [of.offered_per_s, of.started_per_s, of.completed_per_s];
            cells.extend(rates.map(|rate| Cell::from(show::number(rate))));
            let paint = if of.dropped_per_s > 0.0 { Paint::Warning } else { Paint::Dim };
            cells.push(Cell::painted(show::number(of.dropped_per_s), paint));
        }
        table.row(cells);
    }
    super::summary::titled("Phases", &table, colour)
}

/// Totals of the task iterations, in a line.
pub(super) fn iterations(report: &Report, _colour: bool) -> String {
    let all = &report.iterations;
    if all.offered == 0 {
        return String::new();
    }
    let rows = all.rows().map(|(name, count, rate)| {
        let rate = rate.map_or_else(String::new, |rate| format!(" ({}/s)", show::number(rate)));
        format!("{} {name}{rate}", show::count(count))
    });
    let share = if all.dropped > 0 {
        format!(" = {}", show::maybe_percent(all.dropped_share))
    } else {
        String::new()
    };
    format!("Task iterations: {}{share}\n\n", rows.join(", "))
}

/// Recoveries, faults and drifts, a line each.
pub(super) fn findings(report: &Report, colour: bool) -> String {
    let mut text = String::new();
    let mut line = |good: bool, title: &str, said: &str| {
        let paint = if good { Paint::Plain } else { Paint::Warning };
        let _ = writeln!(text, "{} {}", paint.apply(title, colour), plain(said));
    };
    for recovery in &report.recoveries {
        line(recovery.time_s.is_some(), "Recovery:", &recovery.sentence);
    }
    for fault in &report.faults {
        line(fault.recovery.time_s.is_some(), "Fault:", &fault.recovery.sentence);
        if fault.failed {
            line(false, "Fault:", &format!("{}: its commands failed: {}", fault.name, fault.outcome));
        }
    }
    for name in &report.faults_not_made {
        line(false, "Fault:", &format!("{name}: not made, the run ended before"));
    }
    for drift in &report.drifts {
        line(!drift.significant, if drift.leak { "Leak:" } else { "Drift:" }, &drift.sentence);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Lowest, mean and highest value of every series, a line for each monitor.
pub(super) fn watched(report: &Report, _colour: bool) -> String {
    let mut monitors: Vec<(&str, Vec<&WatchedReport>)> = Vec::new();
    for series in &report.series {
        match monitors.iter_mut().find(|(name, _)| *name == series.monitor) {
            Some((_, of)) => of.push(series),
            None => monitors.push((&series.monitor, vec![series])),
        }
    }
    if monitors.is_empty() {
        return String::new();
    }
    let mut text = String::from("Watched (min / mean / max)\n");
    for (name, series) in monitors {
        let parts: Vec<String> = series.iter().map(|series| range(series)).collect();
        let _ = writeln!(text, "{}: {}{}", plain(name), plain(&parts.join(" · ")), missing(&series));
    }
    text.push('\n');
    text
}

fn range(series: &WatchedReport) -> String {
    let part = series.name.rsplit_once('.').map_or(series.name.as_str(), |(_, part)| part);
    let values = [series.min, series.mean, series.max].map(|value| series.show(value));
    format!("{part} {}", values.join(" / "))
}

/// How much the monitor did not see: its series are sampled together, so the worst of them tells.
fn missing(series: &[&WatchedReport]) -> String {
    match series.iter().max_by_key(|series| series.missing) {
        Some(worst) if worst.missing > 0 => {
            format!(" ({} of {} samples missing)", show::count(worst.missing), show::count(worst.samples))
        }
        _ => String::new(),
    }
}
