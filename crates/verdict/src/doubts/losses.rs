//! Something that should have been seen was lost: a worker, samples, kinds of errors, single seconds.

use std::collections::BTreeMap;

use squall_core::Nanos;
use squall_record::{MarkKind, Series};
use squall_stats::MAX_ERRORS;

use super::{Doubt, DoubtKind, Facts, Findings, counted};

/// Share of its samples a monitor may miss.
const MISSED: f64 = 0.05;
/// Intervals in a row in which it may see nothing.
const IN_A_ROW: u64 = 2;

pub(super) fn worker_lost(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    for mark in facts.run.marks.iter().filter(|mark| mark.kind == MarkKind::WorkerLost) {
        let note = if mark.note.is_empty() { "a worker is gone" } else { mark.note.trim_end_matches('.') };
        findings.invalid(format!("At {}: {note}.", mark.at));
    }
    findings.doubt(DoubtKind::WorkerLost)
}

/// When a series had no value.
struct Blind {
    missed: u64,
    scheduled: u64,
    since: Nanos,
    longest: Nanos,
    in_a_row: u64,
}

pub(super) fn monitor_blind(facts: &Facts<'_>) -> Option<Doubt> {
    let run = facts.run;
    let mut findings = Findings::default();
    // What happens while users finish is watched as long as it lasts, but nobody counts on it.
    let watched = run.phases.last().and_then(|phase| phase.end).unwrap_or(run.duration()).min(run.duration());
    // Series of a monitor that fails go blind together: told once.
    let mut told: BTreeMap<usize, (Vec<String>, Blind)> = BTreeMap::new();
    for planned in run.plan.series() {
        let Some(monitor) = run.plan.monitors.get(planned.monitor) else { continue };
        if planned.name.starts_with("generator.") || monitor.interval == Nanos::ZERO {
            continue;
        }
        let none = Series { name: planned.name.clone(), unit: planned.unit, samples: Vec::new() };
        let series = run.series(&planned.name).unwrap_or(&none);
        let blind = blind(series, monitor.interval, watched);
        if blind.in_a_row > IN_A_ROW || blind.missed as f64 > MISSED * blind.scheduled as f64 {
            let entry = told.entry(planned.monitor).or_insert_with(|| (Vec::new(), Blind { ..blind }));
            entry.0.push(planned.name);
            if blind.missed > entry.1.missed {
                entry.1 = blind;
            }
        }
    }
    for (monitor, (series, blind)) in told {
        let name = run.plan.monitors.get(monitor).map_or("", |monitor| monitor.name.as_str());
        let Blind { missed, scheduled, since, longest, .. } = blind;
        findings.suspect(format!(
            "Monitor {name} had no value {missed} of {scheduled} times ({}), first at {since}, {longest} at the longest.",
            series.join(", ")
        ));
    }
    findings.doubt(DoubtKind::MonitorBlind)
}

/// The first sample may be without a value, for rates need two; the last one may be due after the end.
fn blind(series: &Series, interval: Nanos, watched: Nanos) -> Blind {
    let intervals = |span: Nanos| ((span.0 + interval.0 / 2) / interval.0).saturating_sub(1);
    let mut blind = Blind {
        missed: 0,
        scheduled: (watched.0 / interval.0).max(1),
        since: Nanos::ZERO,
        longest: Nanos::ZERO,
        in_a_row: 0,
    };
    let mut dark = |from: Nanos, to: Nanos, forgiven: u64| {
        let missed = intervals(to.since(from)).saturating_sub(forgiven);
        if missed > 0 {
            // The sample at `from` had a value, but at the start there is none.
            let since = if from == Nanos::ZERO { from } else { from + interval };
            blind.since = if blind.missed == 0 { since } else { blind.since };
            blind.missed += missed;
            blind.longest = blind.longest.max(Nanos(interval.0 * missed));
            blind.in_a_row = blind.in_a_row.max(missed);
        }
    };
    let mut last = Nanos::ZERO;
    for (index, (at, _)) in series.values().enumerate() {
        dark(last, at, u64::from(index == 0));
        last = at;
    }
    dark(last, watched, 1);
    blind
}

pub(super) fn overflowed(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    let lost = facts.run.errors().overflowed;
    if lost > 0 {
        let errors = counted(lost, "error");
        findings.suspect(format!("{errors} came beyond the {MAX_ERRORS} kinds that are kept apart."));
    }
    findings.doubt(DoubtKind::Overflowed)
}

pub(super) fn writer_fell_behind(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    let merged = facts.run.merged_windows;
    if merged > 0 {
        let verb = if merged == 1 { "was" } else { "were" };
        findings.suspect(format!("{} {verb} joined to the one before.", counted(merged, "second")));
    }
    findings.doubt(DoubtKind::WriterFellBehind)
}
