//! Why the result is not valid, or to be read with care: right below the verdict, open, with what was seen and what to do.

use maud::{Markup, html};
use squall_verdict::Severity;

use crate::report::{DoubtReport, Report};

pub(super) fn section(report: &Report) -> Markup {
    let of = |severity| report.verdict.doubts(severity).collect::<Vec<_>>();
    html! {
        (list("bad", "Why the result is not valid", "Not valid: ", &of(Severity::Invalid)))
        (list("warn", "Read with care", "Read with care: ", &of(Severity::Suspect)))
    }
}

fn list(class: &str, title: &str, lead: &str, doubts: &[&DoubtReport]) -> Markup {
    html! {
        @if !doubts.is_empty() {
            section.doubts.(class) aria-label=(title) {
                @for doubt in doubts {
                    div.doubt {
                        h2 { span.lead-in { (lead) } (doubt.sentence) }
                        p { (doubt.evidence) }
                        p.remedy { span { "What to do" } (doubt.remedy) }
                    }
                }
            }
        }
    }
}
