//! Locust's console tables.

use std::fmt::Write as _;

use squall_stats::locust::PERCENTILES;

use crate::show::plain;
use crate::tally::{Line, Tally};

/// Width of the column of names on a wide terminal, and where there is none.
const MAX_NAME_WIDTH: usize = 80;

/// The width Locust gives to names: what a terminal of `columns` leaves, at most 80; 80 without a terminal.
pub(super) fn name_width(columns: Option<u16>) -> usize {
    columns.map_or(MAX_NAME_WIDTH, |columns| usize::from(columns).saturating_sub(80).min(MAX_NAME_WIDTH))
}

/// Which rates a table of requests shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rates {
    /// Over the last ten seconds.
    Current,
    /// Over the run.
    Whole,
}

/// Type, name, counts, times and rates of every endpoint, and of all of them together.
pub(super) fn requests(tally: &Tally, rates: Rates, name_width: usize) -> String {
    // Locust's type column takes 8 of the width and its counters give 4 back; below that names get what they need.
    let name = (name_width + 4).saturating_sub(8);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:<8} {:<name$} {:>7} {:>12} |{:>7} {:>7} {:>7}{:>7} | {:>7} {:>11}",
        "Type", "Name", "# reqs", "# fails", "Avg", "Min", "Max", "Med", "req/s", "failures/s",
    );
    let rule = rule(&[8, name, 7, 13, 7, 7, 7, 7, 8, 11]);
    text += &rule;
    let row = |text: &mut String, line: &Line| {
        let entry = &line.entry;
        let (requests, failures) = match rates {
            Rates::Current => tally.current_rates(line),
            Rates::Whole => tally.whole_rates(line),
        };
        let failed = format!("{}({:.2}%)", entry.num_failures, entry.fail_ratio() * 100.0);
        let _ = writeln!(
            text,
            "{:<8} {:<name$} {:>7} {:>12} |{:>7} {:>7} {:>7}{:>7} | {:>7.2} {:>11.2}",
            line.method,
            plain(&line.name),
            entry.num_requests,
            failed,
            entry.average() as u64,
            entry.min_response_time.unwrap_or(0.0) as u64,
            entry.max_response_time as u64,
            entry.median() as u64,
            requests,
            failures,
        );
    };
    tally.sorted().for_each(|line| row(&mut text, line));
    text += &rule;
    row(&mut text, tally.total());
    text.push('\n');
    text
}

/// Percentiles in milliseconds, rounded as Locust rounds them.
pub(super) fn percentiles(tally: &Tally, name_width: usize) -> String {
    let mut text = String::from("Response time percentiles (approximated)\n");
    let _ = write!(text, "{:<8} {:<name_width$} {:>8}", "Type", "Name", "50%");
    for head in ["66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%", "# reqs"] {
        let _ = write!(text, " {head:>6}");
    }
    text.push('\n');
    let rule = rule(&[8, name_width, 8, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6]);
    text += &rule;
    let row = |text: &mut String, line: &Line| {
        let _ = write!(text, "{:<8} {:<name_width$}", line.method, plain(&line.name));
        for (position, &share) in PERCENTILES.iter().enumerate() {
            let width = if position == 0 { 8 } else { 6 };
            let _ = write!(text, " {:>width$}", line.entry.percentile(share).unwrap_or(0));
        }
        let _ = writeln!(text, " {:>6}", line.entry.num_requests);
    };
    tally.sorted().for_each(|line| row(&mut text, line));
    text += &rule;
    if tally.total().entry.num_requests > 0 {
        row(&mut text, tally.total());
    }
    text.push('\n');
    text
}

/// The errors and how often they happened; empty without errors.
pub(super) fn errors(tally: &Tally, name_width: usize) -> String {
    let failures = tally.failures();
    if failures.is_empty() {
        return String::new();
    }
    let mut text = String::from("Error report\n");
    let _ = writeln!(text, "{:<18} {:<100}", "# occurrences", "Error");
    let rule = rule(&[18, 80 + name_width - 19]);
    text += &rule;
    for failure in failures {
        let error = format!("{} {}: {}", failure.method, failure.name, failure.error);
        let _ = writeln!(text, "{:<18} {:<100}", failure.count, plain(error.trim_start()));
    }
    text += &rule;
    text.push('\n');
    text
}

fn rule(widths: &[usize]) -> String {
    let dashes: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    dashes.join("|") + "\n"
}

#[cfg(test)]
mod tests {
    use super::name_width;

    #[test]
    fn names_get_what_the_terminal_leaves() {
        assert_eq!([None, Some(300), Some(120), Some(80), Some(40)].map(name_width), [80, 80, 40, 0, 0]);
    }
}
