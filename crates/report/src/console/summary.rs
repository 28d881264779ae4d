//! The tables at the end of a run: Locust's three, then what Squall knows beyond them.

use std::fmt::Write as _;
use std::io;

use squall_record::Run;
use squall_verdict::{Severity, Standing, Verdict};

use super::findings::{findings, iterations, parts, watched};
use super::locust::{Rates, errors, name_width, percentiles, requests};
use super::table::{Align, Cell, Paint, Table};
use crate::report::{Report, Requests, Tone};
use crate::show::{self, plain};
use crate::tally::{Keep, Tally};

/// How doubts are announced, the gravest first.
const DOUBTS: [(Severity, &str, Paint); 2] =
    [(Severity::Invalid, "Not valid:", Paint::Bad), (Severity::Suspect, "Read with care:", Paint::Warning)];

/// How the tables at the end look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Width of the terminal in columns; `None` without one.
    pub columns: Option<u16>,
    /// Use colours; the caller honours `NO_COLOR`.
    pub colour: bool,
}

/// Write Locust's tables over the whole run (since its last reset, if there was one), then, over all of it, outcomes, phases, mix and verdict.
///
/// # Errors
/// Those of `out`.
pub fn summary(run: &Run, verdict: &Verdict, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let tally = Tally::of(run, Keep::Rates);
    let width = name_width(style.columns);
    let report = Report::new(run, verdict);
    out.write_all(warning(&report, style.colour).as_bytes())?;
    out.write_all(requests(&tally, Rates::Whole, width).as_bytes())?;
    out.write_all(percentiles(&tally, width).as_bytes())?;
    out.write_all(errors(&tally, width).as_bytes())?;
    for part in [outcomes, phases, iterations, users, tasks, watched, findings] {
        out.write_all(part(&report, style.colour).as_bytes())?;
    }
    judgement(&report, style, out)
}

/// The verdict alone, for a console that shows no tables.
pub fn verdict(run: &Run, verdict: &Verdict, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    judgement(&Report::new(run, verdict), style, out)
}

/// What has to be known before the first number is read: that there are doubts. All about them stands at the end, where
/// a terminal stops.
fn warning(report: &Report, colour: bool) -> String {
    let mut text = String::new();
    for (severity, lead, paint) in DOUBTS {
        let said: Vec<&str> = report.verdict.doubts(severity).map(|doubt| doubt.sentence).collect();
        if !said.is_empty() {
            let _ = writeln!(text, "{} {}", paint.apply(lead, colour), said.join(" "));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn judgement(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    for part in [criteria, pending, conclusion] {
        out.write_all(part(report, style.colour).as_bytes())?;
    }
    Ok(())
}

pub(super) fn titled(title: &str, table: &Table, colour: bool) -> String {
    if table.is_empty() { String::new() } else { format!("{title}\n{}\n", table.render(colour)) }
}

/// A count that stands out unless it is zero.
fn alarming(n: u64, paint: Paint) -> Cell {
    if n == 0 { Cell::painted("0", Paint::Dim) } else { Cell::painted(show::count(n), paint) }
}

fn time(requests: &Requests, percentile: f64) -> Cell {
    let found = requests.percentile(percentile);
    found.map_or_else(|| show::NOTHING.into(), |p| show::at_least_ms(p.ms, p.at_least).into())
}

fn outcomes(report: &Report, colour: bool) -> String {
    let service = report.total.has_service_time();
    let mut head = vec![("request", Align::Left)];
    head.extend(
        ["ok", "failed", "429", "cut", "ok/s", "p50", "p95", "p99"].map(|title| (title, Align::Right)),
    );
    if service {
        head.extend(["p95 service", "p99 service"].map(|title| (title, Align::Right)));
    }
    let mut table = Table::new(&head);
    let mut row = |name: String, requests: &Requests| {
        let mut cells: Vec<Cell> = vec![
            name.into(),
            show::count(requests.ok).into(),
            alarming(requests.failed, Paint::Bad),
            alarming(requests.rate_limited, Paint::Warning),
            alarming(requests.cut, Paint::Warning),
            show::maybe(requests.ok_per_s).into(),
        ];
        cells.extend([50.0, 95.0, 99.0].map(|percentile| time(requests, percentile)));
        if service {
            let service = |percentile| requests.percentile(percentile).and_then(|p| p.service_ms);
            cells.extend([95.0, 99.0].map(|percentile| show::maybe(service(percentile)).into()));
        }
        table.row(cells);
    };
    for endpoint in &report.endpoints {
        row(format!("{} {}", endpoint.method, endpoint.name), &endpoint.requests);
    }
    row("all".into(), &report.total);
    titled(
        "Outcomes and response times (ms, over successes; ≥ where requests were never answered)",
        &table,
        colour,
    )
}

fn phases(report: &Report, colour: bool) -> String {
    if !report.parts.is_empty() {
        return parts(report, colour);
    }
    let mut head = vec![("phase", Align::Left)];
    head.extend(
        ["from", "to", "users", "ok/s", "p50", "p95", "p99", "errors", "429"]
            .map(|title| (title, Align::Right)),
    );
    let mut table = Table::new(&head);
    for phase in &report.phases {
        let note = if phase.measured { "" } else { " (not measured)" };
        let requests = &phase.requests;
        table.row(vec![
            format!("{}{note}", phase.name).into(),
            show::seconds(phase.start_s).into(),
            show::seconds(phase.end_s).into(),
            show::count(phase.users.into()).into(),
            show::maybe(requests.ok_per_s).into(),
            time(requests, 50.0),
            time(requests, 95.0),
            time(requests, 99.0),
            show::maybe_percent(requests.error_rate).into(),
            show::maybe_percent(requests.rate_limited_share).into(),
        ]);
    }
    titled("Phases", &table, colour)
}

fn users(report: &Report, colour: bool) -> String {
    let mut head = vec![("user class", Align::Left)];
    head.extend(["users asked", "users", "requests asked", "requests"].map(|title| (title, Align::Right)));
    let open = report.iterations.open;
    if open {
        head.extend(["arrivals asked", "arrivals"].map(|title| (title, Align::Right)));
    }
    let mut table = Table::new(&head);
    for class in &report.mix.classes {
        let mut cells: Vec<Cell> = vec![
            class.name.clone().into(),
            show::percent(class.users_asked).into(),
            show::maybe_percent(class.users_achieved).into(),
            show::maybe_percent(class.requests_asked).into(),
            show::maybe_percent(class.requests_achieved).into(),
        ];
        if open {
            let shares = [class.arrivals_asked, class.arrivals_achieved];
            cells.extend(shares.map(|share| Cell::from(show::maybe_percent(share))));
        }
        table.row(cells);
    }
    titled("Mix of users", &table, colour)
}

fn tasks(report: &Report, colour: bool) -> String {
    let mut head = vec![("task", Align::Left)];
    head.extend(["asked", "achieved", "runs", "skipped"].map(|title| (title, Align::Right)));
    head.push(("", Align::Left));
    let mut table = Table::new(&head);
    for task in &report.mix.tasks {
        let class = report.mix.classes.get(task.class.index()).map_or("", |class| class.name.as_str());
        let flag = match (task.runs, task.skipped) {
            (0, _) => Cell::painted("never ran", Paint::Bad),
            (_, 0) => "".into(),
            _ => Cell::painted("skipped at times", Paint::Warning),
        };
        table.row(vec![
            format!("{class}.{}", task.name).into(),
            show::percent(task.asked).into(),
            show::maybe_percent(task.achieved).into(),
            show::count(task.runs).into(),
            alarming(task.skipped, Paint::Warning),
            flag,
        ]);
    }
    titled("Mix of tasks (shares of what the class ran)", &table, colour)
}

/// The colour of a standing.
fn paint(standing: Standing) -> Paint {
    match standing {
        Standing::Pass => Paint::Good,
        Standing::Degraded => Paint::Warning,
        Standing::Gap | Standing::Fail | Standing::NoData => Paint::Bad,
    }
}

fn criteria(report: &Report, colour: bool) -> String {
    let mut head = vec![("criterion", Align::Left)];
    head.extend(["target", "acceptable", "failure", "value"].map(|title| (title, Align::Right)));
    head.extend([("verdict", Align::Left), ("since", Align::Right), ("", Align::Left)]);
    let mut table = Table::new(&head);
    for row in &report.verdict.criteria {
        let level = |level: &Option<String>| Cell::from(level.as_deref().unwrap_or(show::NOTHING));
        table.row(vec![
            row.title().into(),
            level(&row.target),
            level(&row.acceptable),
            level(&row.failure),
            row.measured().into(),
            Cell::painted(row.standing.to_string(), paint(row.standing)),
            row.since_s.map_or_else(|| show::NOTHING.into(), show::seconds).into(),
            row.remarks().join("; ").into(),
        ]);
    }
    titled("Criteria", &table, colour)
}

fn pending(report: &Report, colour: bool) -> String {
    let mut table = Table::new(&[
        ("not judged by this version", Align::Left),
        ("levels", Align::Left),
        ("why", Align::Left),
    ]);
    for pending in &report.verdict.pending {
        table.row(vec![
            pending.measure.clone().into(),
            pending.levels.clone().into(),
            pending.reason.clone().into(),
        ]);
    }
    titled("Pending criteria", &table, colour)
}

fn conclusion(report: &Report, colour: bool) -> String {
    let verdict = &report.verdict;
    let mut text = String::new();
    for excluded in &verdict.excluded {
        let _ = writeln!(text, "Note: {}", plain(excluded));
    }
    let run = &report.run;
    if !run.complete {
        let _ = writeln!(text, "The run did not reach its end: {}.", plain(&run.ended));
    }
    let headline = report.headline();
    let paint = match headline.tone() {
        Tone::Good => Paint::Good,
        Tone::Warning => Paint::Warning,
        Tone::Bad => Paint::Bad,
        Tone::Neutral => Paint::Plain,
    };
    let word = headline.word().to_uppercase();
    let _ = writeln!(text, "{} · {}", paint.apply(&word, colour), plain(&report.why()));
    text + &doubts(report, colour)
}

/// Every doubt with what was seen and what to do: nothing of it may be missed.
fn doubts(report: &Report, colour: bool) -> String {
    let mut text = String::new();
    for (severity, lead, paint) in [
        (Severity::Invalid, "Not valid:", Paint::Bad),
        (Severity::Suspect, "Read with care:", Paint::Warning),
    ] {
        for doubt in report.verdict.doubts(severity) {
            let lead = paint.apply(lead, colour);
            let _ = writeln!(text, "{lead} {}", plain(&doubt.told()));
            let _ = writeln!(text, "  → {}", doubt.remedy);
        }
    }
    text
}
