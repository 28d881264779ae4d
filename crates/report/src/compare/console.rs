//! A comparison as text: the result first, then what else differs between the runs, then every figure.

use std::fmt::Write as _;
use std::io;

use squall_verdict::Comparison;
use squall_verdict::compare::{Change, Difference, Finding, Metric, Side, Subject};

use crate::console::Style;
use crate::console::table::{Align, Cell, Paint, Table};
use crate::show::{self, plain};

/// Write the comparison. Its first line is the result in a sentence.
///
/// # Errors
/// Those of `out`.
pub fn text(comparison: &Comparison, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut text = String::new();
    let sentence = plain(&comparison.sentence);
    let _ = writeln!(text, "{}\n", paint(comparison.finding).apply(&sentence, style.colour));
    for (name, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        let _ = writeln!(text, "{name}: {}", plain(&described(side)));
    }
    text.push('\n');
    if comparison.environment.is_empty() && comparison.plan.is_empty() {
        text += "Both ran in the same environment and were asked for the same.\n\n";
    }
    text += &differences("Environment", &comparison.environment, style.colour);
    text += &differences("Plan", &comparison.plan, style.colour);
    for warning in &comparison.warnings {
        let label = Paint::Warning.apply("Warning", style.colour);
        let _ = writeln!(text, "{label}: {}.", plain(warning));
    }
    if !comparison.warnings.is_empty() {
        text.push('\n');
    }
    text += &changes(comparison, style.colour);
    let margin = comparison.margin * 100.0;
    let _ = writeln!(
        text,
        "Margin {margin}%; differences below 1 ms, 0.1 points or a request in ten seconds do not count. Intervals are 95 %."
    );
    for excluded in &comparison.excluded {
        let _ = writeln!(text, "Not compared: {}.", plain(excluded));
    }
    out.write_all(text.as_bytes())
}

/// `muejam · spike, started 2026-11-23T13:14:00Z, 10m compared`.
pub(super) fn described(side: &Side) -> String {
    let profile = side.profile.as_ref().map_or_else(String::new, |profile| format!(" · {profile}"));
    // To the second, as everywhere in reports.
    let started = side.started.split('.').next().unwrap_or_default().replace('T', " ").replace('Z', "");
    format!("{}{profile}, started {started} UTC, {} compared", side.suite, show::seconds(side.compared_s))
}

fn paint(finding: Finding) -> Paint {
    match finding {
        Finding::Regressed => Paint::Bad,
        Finding::Improved | Finding::Equivalent => Paint::Good,
        Finding::Inconclusive => Paint::Warning,
    }
}

fn differences(title: &'static str, list: &[Difference], colour: bool) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[(title, Align::Left), ("A", Align::Left), ("B", Align::Left)]);
    for difference in list {
        table.row(vec![
            difference.what.clone().into(),
            difference.a.clone().into(),
            difference.b.clone().into(),
        ]);
    }
    format!("{}\n", table.render(colour))
}

fn changes(comparison: &Comparison, colour: bool) -> String {
    let mut table = Table::new(&[
        ("requests", Align::Left),
        ("measure", Align::Left),
        ("A", Align::Right),
        ("B", Align::Right),
        ("difference", Align::Right),
        ("interval", Align::Right),
        ("finding", Align::Left),
        ("to settle it", Align::Left),
    ]);
    rows(&mut table, &comparison.total, true);
    comparison.endpoints.iter().for_each(|subject| rows(&mut table, subject, false));
    if table.is_empty() { String::new() } else { format!("{}\n", table.render(colour)) }
}

/// Of an endpoint only what says something: how often it is requested and a mean without a finding do not.
pub(super) fn tells(change: &Change) -> bool {
    match change.metric {
        Metric::P50 | Metric::P95 | Metric::P99 => true,
        Metric::ErrorRate => !change.nothing_failed(),
        Metric::Mean | Metric::Throughput => {
            matches!(change.finding, Finding::Regressed | Finding::Improved)
        }
    }
}

fn rows(table: &mut Table, subject: &Subject, whole: bool) {
    let shown: Vec<&Change> = subject.changes.iter().filter(|change| whole || tells(change)).collect();
    if shown.is_empty() {
        let too_few = "too few requests";
        let mut row: Vec<Cell> = vec![subject.label.clone().into()];
        row.extend((0..6).map(|_| Cell::from(show::NOTHING)));
        row.push(Cell::painted(too_few, Paint::Dim));
        table.row(row);
    }
    for (number, change) in shown.iter().enumerate() {
        table.row(vec![
            if number == 0 { subject.label.clone() } else { String::new() }.into(),
            change.metric.name().into(),
            value(change.metric, change.a, change.a_at_least).into(),
            value(change.metric, change.b, change.b_at_least).into(),
            change.difference_text().into(),
            change.interval_text().into(),
            Cell::painted(change.finding.name(), paint(change.finding)),
            Cell::painted(note(change), Paint::Dim),
        ]);
    }
}

/// A figure as people read it, marked when it is only a lower bound.
pub(super) fn value(metric: Metric, value: f64, at_least: bool) -> String {
    let text = metric.unit().display(value);
    if at_least { format!("≥ {text}") } else { text }
}

/// What would settle it.
pub(super) fn note(change: &Change) -> String {
    match change.more_minutes {
        Some(minutes) if minutes < 120.0 => format!("{minutes:.0} min more"),
        Some(minutes) => format!("{:.0} h more", minutes / 60.0),
        None if change.nothing_failed() => "nothing failed".to_owned(),
        None if change.finding != Finding::Inconclusive => String::new(),
        None if change.a_at_least || change.b_at_least => "only a lower bound is known".to_owned(),
        None => "about as large as the margin".to_owned(),
    }
}
