//! The report as Markdown, short enough for a comment on a pull request: what has to be known first, criteria, doubts,
//! key numbers by endpoint, and what each phase was like.

mod escape;

use std::fmt::Write as _;

use squall_record::Run;
use squall_verdict::{Severity, Standing, Verdict};

use crate::report::{DoubtReport, PartReport, Report, Requests};
use crate::show;
use escape::{code, text};

/// Endpoints and phases that are listed; the rest is counted.
const MOST_ROWS: usize = 20;

/// The report of `run`, judged as `verdict`, as GitHub-flavoured Markdown. Names and texts of suites and servers are
/// escaped: they become neither markup nor mentions of people.
pub fn markdown(run: &Run, verdict: &Verdict) -> String {
    markdown_of(&Report::new(run, verdict))
}

pub(crate) fn markdown_of(report: &Report) -> String {
    let mut out = String::new();
    let parts = [head, criteria, findings, requests, phases, foot];
    for part in parts.iter().map(|part| part(report)).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push('\n');
        }
        out += &part;
    }
    out
}

fn head(report: &Report) -> String {
    let run = &report.run;
    let headline = report.headline();
    let mut out = format!("### {}{} · {}", headline.sign(), headline.word(), text(&run.suite));
    if let Some(profile) = &run.profile {
        let _ = write!(out, " · {}", text(profile));
    }
    let _ = writeln!(out, "\n\n{}", text(&report.why()));
    if !run.complete {
        let _ = writeln!(out, "\nThe run did not reach its end: {}.", text(&run.ended));
    }
    for (severity, lead) in [(Severity::Invalid, "Not valid"), (Severity::Suspect, "Read with care")] {
        for doubt in report.verdict.doubts(severity) {
            let DoubtReport { sentence, evidence, remedy, .. } = doubt;
            let _ = writeln!(out, "\n**{lead}: {sentence}** {} *{remedy}*", text(evidence));
        }
    }
    out
}

fn sign(standing: Standing) -> &'static str {
    match standing {
        Standing::Pass => "✓",
        Standing::Degraded => "≈",
        Standing::Gap | Standing::Fail => "✗",
        Standing::NoData => "?",
    }
}

fn criteria(report: &Report) -> String {
    let verdict = &report.verdict;
    let mut out = String::new();
    if !verdict.criteria.is_empty() {
        out += "| | criterion | measured | target | acceptable | failure | since |\n";
        out += "|---|---|--:|--:|--:|--:|--:|\n";
    }
    for row in &verdict.criteria {
        let level = |level: &Option<String>| level.as_deref().map_or_else(|| show::NOTHING.into(), text);
        let remarks: String =
            row.remarks().into_iter().map(|remark| format!("<br>{}", text(remark))).collect();
        let _ = writeln!(
            out,
            "| {} {} | {}{remarks} | {} | {} | {} | {} | {} |",
            sign(row.standing),
            row.standing,
            code(&row.title()),
            text(&row.measured()),
            level(&row.target),
            level(&row.acceptable),
            level(&row.failure),
            row.since_s.map_or_else(|| show::NOTHING.into(), show::seconds),
        );
    }
    let waiting = verdict.pending.iter().map(|pending| code(&pending.measure)).collect::<Vec<_>>();
    if !waiting.is_empty() {
        let _ = writeln!(out, "\nNot judged by this version: {}", waiting.join(", "));
    }
    out
}

/// Recoveries, faults and drifts, a line each, and what became of the task iterations.
fn findings(report: &Report) -> String {
    let mut out = String::new();
    let mut line = |title: &str, said: &str| {
        let _ = writeln!(out, "- **{title}** {}", text(said));
    };
    for recovery in &report.recoveries {
        line("Recovery:", &recovery.sentence);
    }
    for fault in &report.faults {
        line("Fault:", &fault.recovery.sentence);
        if fault.failed {
            line("Fault:", &format!("{}: its commands failed: {}", fault.name, fault.outcome));
        }
    }
    for name in &report.faults_not_made {
        line("Fault:", &format!("{name}: not made, the run ended before"));
    }
    for drift in report.drifts.iter().filter(|drift| drift.significant) {
        line(if drift.leak { "Leak:" } else { "Drift:" }, &drift.sentence);
    }
    let iterations = &report.iterations;
    if iterations.offered > 0 && (iterations.open || iterations.dropped > 0) {
        let rows = iterations.rows().map(|(name, count, rate)| {
            let rate = rate.map_or_else(String::new, |rate| format!(" ({}/s)", show::number(rate)));
            format!("{} {name}{rate}", show::count(count))
        });
        line("Task iterations:", &rows.join(", "));
    }
    out
}

/// A table that is folded away until somebody wants it.
fn folded(title: &str, head: &str, rows: &[String]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let columns = head.matches('|').count() - 1;
    let rule = format!("|---|{}", "--:|".repeat(columns - 1));
    let mut out = format!("<details><summary>{title}</summary>\n\n{head}\n{rule}\n");
    for row in rows.iter().take(MOST_ROWS) {
        let _ = writeln!(out, "{row}");
    }
    if rows.len() > MOST_ROWS {
        let _ = writeln!(out, "\n{} more are in the report.", rows.len() - MOST_ROWS);
    }
    out + "\n</details>\n"
}

fn time(requests: &Requests, percentile: f64) -> String {
    let found = requests.percentile(percentile);
    found.map_or_else(|| show::NOTHING.into(), |p| show::at_least_ms(p.ms, p.at_least))
}

fn requests(report: &Report) -> String {
    let row = |name: String, requests: &Requests| {
        format!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} |",
            show::count(requests.ok),
            show::count(requests.failed),
            show::count(requests.rate_limited),
            show::maybe(requests.ok_per_s),
            time(requests, 50.0),
            time(requests, 95.0),
            time(requests, 99.0),
        )
    };
    let mut rows = vec![row("**all**".into(), &report.total)];
    let mut endpoints: Vec<_> = report.endpoints.iter().collect();
    endpoints.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.requests.completed));
    rows.extend(
        endpoints
            .into_iter()
            .map(|endpoint| row(code(&format!("{} {}", endpoint.method, endpoint.name)), &endpoint.requests)),
    );
    let head = "| request (times in ms) | ok | failed | 429 | ok/s | p50 | p95 | p99 |";
    folded("Requests", head, &rows)
}

fn phases(report: &Report) -> String {
    if !report.parts.is_empty() {
        return parts(report);
    }
    let rows: Vec<String> = report
        .phases
        .iter()
        .map(|phase| {
            let note = if phase.measured { "" } else { " (not measured)" };
            let requests = &phase.requests;
            format!(
                "| {}{note} | {} | {} | {} | {} | {} | {} | {} |",
                code(&phase.name),
                show::seconds(phase.start_s),
                show::seconds(phase.end_s),
                show::count(phase.users.into()),
                show::maybe(requests.ok_per_s),
                time(requests, 95.0),
                show::maybe_percent(requests.error_rate),
                show::maybe_percent(requests.rate_limited_share),
            )
        })
        .collect();
    folded("Phases", "| phase | from | to | users | ok/s | p95 in ms | errors | 429 |", &rows)
}

fn parts(report: &Report) -> String {
    let open = report.iterations.open;
    let row = |part: &PartReport| {
        let of = &part.stretch;
        let note = if part.measured { "" } else { " (not measured)" };
        let mut row = format!(
            "| {} {}{note} | {} | {} | {} | {} | {} | {} | {} |",
            code(&part.phase),
            part.kind(),
            show::seconds(of.start_s),
            show::seconds(of.end_s),
            show::count(of.users.into()),
            show::number(of.ok_per_s),
            show::maybe(of.p95_ms),
            show::maybe_percent(of.error_rate),
            show::maybe_percent(of.rate_limited_share),
        );
        if open {
            let of = &of.iterations;
            let rates = [of.offered_per_s, of.started_per_s, of.completed_per_s, of.dropped_per_s];
            row += &rates.map(|rate| format!(" {} |", show::number(rate))).concat();
        }
        row
    };
    let rows: Vec<String> = report.parts.iter().map(row).collect();
    let mut head = String::from("| phase | from | to | users | ok/s | p95 in ms | errors | 429 |");
    if open {
        head += " offered/s | started/s | completed/s | dropped/s |";
    }
    folded("Phases", &head, &rows)
}

fn foot(report: &Report) -> String {
    let run = &report.run;
    format!(
        "{} · {} · ran {} · squall {}\n",
        code(&run.target),
        run.started.replace('T', " ").replace('Z', " UTC"),
        show::seconds(run.duration_s),
        text(&run.squall_version)
    )
}
