//! What failed, how often, since when, and what it looked like.

use maud::{Markup, html};

use crate::report::{ErrorReport, Report};
use crate::show;

/// Samples are unfolded where there are few errors.
const FEW_ERRORS: usize = 6;

pub(super) fn any(report: &Report) -> bool {
    !report.errors.is_empty() || report.other_errors > 0 || report.total.rate_limited > 0
}

pub(super) fn section(report: &Report) -> Markup {
    if !any(report) {
        return html! {};
    }
    html! {
        section #failures {
            h2 { "Failures" }
            @if report.total.rate_limited > 0 {
                p.hint {
                    (show::count(report.total.rate_limited)) " requests were refused by a rate limiter. They are not failures and not listed here; see the column 429 above."
                }
            }
            @if report.errors.is_empty() {
                p.lead { "No request failed." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Failures" {
                    table {
                        thead { tr {
                            th.text scope="col" { "Request" }
                            th scope="col" { "Times" }
                            th.text scope="col" { "Error" }
                            th.text scope="col" { "Fault of" }
                            th scope="col" { "First" }
                            th scope="col" { "Last" }
                        } }
                        tbody { @for error in &report.errors { (row(error, report.errors.len() <= FEW_ERRORS)) } }
                    }
                }
            }
            @if report.other_errors > 0 {
                p.caution { (show::count(report.other_errors)) " more failures were of other kinds than could be kept apart." }
            }
        }
    }
}

fn row(error: &ErrorReport, open: bool) -> Markup {
    html! {
        tr {
            th scope="row" { span.method { (error.method) } (error.name) }
            td { strong { (show::count(error.count)) } }
            td.text.wrap {
                (error.message)
                @if !error.samples.is_empty() {
                    details open[open] {
                        summary { @if error.samples.len() == 1 { "1 sample" } @else { (error.samples.len()) " samples" } }
                        @for sample in distinct(&error.samples) { pre { (sample) } }
                    }
                }
            }
            td.text { (error.fault) }
            td { (show::seconds(error.first_s)) }
            td { (show::seconds(error.last_s)) }
        }
    }
}

/// The same sample twice says nothing new.
fn distinct(samples: &[String]) -> Vec<&String> {
    let mut seen: Vec<&String> = Vec::new();
    for sample in samples {
        if !seen.contains(&sample) {
            seen.push(sample);
        }
    }
    seen
}
