//! The verdict as workflow commands of GitHub Actions: each becomes an annotation of the run.
//!
//! A command is a line; what names and servers put into it is escaped, so that it can neither end early nor begin
//! another one.

use squall_record::Run;
use squall_verdict::{Severity, Standing, Verdict};

use crate::report::{Report, Tone};
use crate::show::plain;

/// GitHub shows at most this many annotations of a level for a step.
const MOST: usize = 10;

/// The verdict on `run` as workflow commands, a line each, without line ends. What is not valid, fails or ended before
/// its time is an `error`, what is degraded or suspect a `warning`; the headline of a run that passed is a `notice`.
pub fn annotations(run: &Run, verdict: &Verdict) -> Vec<String> {
    let report = Report::new(run, verdict);
    let headline = report.headline();
    let title = format!("Squall: {}", headline.word());
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    let mut notices = Vec::new();
    match headline.tone() {
        Tone::Bad => &mut errors,
        Tone::Warning => &mut warnings,
        Tone::Good | Tone::Neutral => &mut notices,
    }
    .push((title, report.why()));
    if !report.run.complete {
        errors.push(("The run did not reach its end".into(), report.run.ended.clone()));
    }
    for doubt in &report.verdict.doubts {
        let (list, title) = match doubt.severity {
            Severity::Invalid => (&mut errors, format!("Not valid: {}", doubt.sentence)),
            Severity::Suspect => (&mut warnings, format!("Read with care: {}", doubt.sentence)),
        };
        list.push((title, format!("{}\n{}", doubt.evidence, doubt.remedy)));
    }
    for fault in report.failed_faults() {
        errors.push((format!("Fault failed: {}", fault.name), fault.outcome.clone()));
    }
    for row in &report.verdict.criteria {
        let list = match row.standing {
            Standing::Pass => continue,
            Standing::Degraded => &mut warnings,
            Standing::Gap | Standing::Fail | Standing::NoData => &mut errors,
        };
        let mut text = format!("{}; {}", row.measured(), row.levels());
        for remark in row.remarks() {
            text = format!("{text}\n{remark}");
        }
        list.push((format!("{}: {}", row.title(), row.standing), text));
    }
    let levels = [("error", errors), ("warning", warnings), ("notice", notices)];
    levels.into_iter().flat_map(|(level, said)| commands(level, said)).collect()
}

fn commands(level: &str, mut said: Vec<(String, String)>) -> Vec<String> {
    let more = said.split_off(said.len().min(MOST));
    if let Some(last) = said.last_mut()
        && !more.is_empty()
    {
        let text = format!("{}: {}\nThe report has them all.", last.0, last.1);
        *last = (format!("and {} more", more.len() + 1), text);
    }
    let command =
        |(title, text): &(String, String)| format!("::{level} title={}::{}", property(title), data(text));
    said.iter().map(command).collect()
}

/// Escaped as the text of a command. Other control characters say nothing to GitHub, but something to a terminal.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    plain(&text).into_owned()
}

/// Escaped as a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_its_command() {
        let hostile = "100%\r\n::set-output name=x::y, z".to_owned();
        let said = commands("error", vec![(hostile.clone(), hostile)]);
        let expected = "::error title=100%25%0D%0A%3A%3Aset-output name=x%3A%3Ay%2C z::\
                        100%25%0D%0A::set-output name=x::y, z";
        assert_eq!(said, [expected]);
        let said = commands("error", vec![("a\x1b[2J".into(), "b\u{9b}2J".into())]);
        assert_eq!(said, [r"::error title=a\u{1b}[2J::b\u{9b}2J"]);
    }

    #[test]
    fn what_github_would_not_show_is_counted() {
        let said = (0..14).map(|n| (format!("t{n}"), format!("m{n}"))).collect();
        let said = commands("warning", said);
        assert_eq!(said.len(), MOST);
        assert_eq!(said[8], "::warning title=t8::m8");
        assert_eq!(said[9], "::warning title=and 5 more::t9: m9%0AThe report has them all.");
    }
}
