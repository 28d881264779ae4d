//! Criteria, what waits for a later version, and what was left out of the judgement.

use maud::{Markup, html};
use squall_verdict::Standing;

use crate::report::Report;
use crate::show;

/// A standing, told by a sign, a word and a colour.
fn badge(standing: Standing) -> Markup {
    let (class, sign) = match standing {
        Standing::Pass => ("good", "✓"),
        Standing::Degraded => ("warn", "≈"),
        Standing::Gap | Standing::Fail => ("bad", "✗"),
        Standing::NoData => ("bad", "?"),
    };
    html! { span.badge.(class) { (sign) " " (standing) } }
}

pub(super) fn section(report: &Report) -> Markup {
    let verdict = &report.verdict;
    html! {
        section #criteria {
            h2 { "Criteria" }
            @if verdict.criteria.is_empty() {
                p.lead { "The run had no criteria. The numbers below are measured all the same." }
            } @else {
                p.hint { "Target met is a pass, acceptable met is degraded; between acceptable and failure lies the gap, which fails too. Criteria look at the measured part of the run; all other figures here count the whole of it." }
                div.scroll tabindex="0" role="region" aria-label="Criteria" {
                    table {
                        thead { tr {
                            th.text scope="col" { "Criterion" }
                            th scope="col" { "Measured" }
                            th.text scope="col" { "Verdict" }
                            th scope="col" { "Target" }
                            th scope="col" { "Acceptable" }
                            th scope="col" { "Failure" }
                            th scope="col" { "Since" }
                        } }
                        tbody {
                            @for row in &verdict.criteria {
                                tr {
                                    th scope="row" { (row.title()) @for remark in row.remarks() { div.hint.caution[row.aborted_run] { (remark) } } }
                                    td { strong { (row.shown) } @if let Some(interval) = &row.interval_shown { div.hint { "95 %: " (interval) } } }
                                    td.text { (badge(row.standing)) }
                                    @for level in [&row.target, &row.acceptable, &row.failure] {
                                        td { @match level { Some(level) => (level), None => span.zero { (show::NOTHING) } } }
                                    }
                                    td { @match row.since_s { Some(since) => (show::seconds(since)), None => span.zero { (show::NOTHING) } } }
                                }
                            }
                        }
                    }
                }
            }
            @if !verdict.excluded.is_empty() {
                h3 { "What was not judged" }
                ul.notes { @for excluded in &verdict.excluded { li { (excluded) } } }
            }
            @if !verdict.pending.is_empty() { (pending(report)) }
        }
    }
}

fn pending(report: &Report) -> Markup {
    html! {
        h3 { "Criteria that wait for a later version" }
        div.scroll tabindex="0" role="region" aria-label="Pending criteria" {
            table {
                thead { tr {
                    th.text scope="col" { "Measure" }
                    th.text scope="col" { "Levels" }
                    th.text scope="col" { "Why not" }
                } }
                tbody {
                    @for pending in &report.verdict.pending {
                        tr {
                            th scope="row" { (pending.measure) }
                            td.text { (pending.levels) }
                            td.text.wrap { (pending.reason) }
                        }
                    }
                }
            }
        }
    }
}
