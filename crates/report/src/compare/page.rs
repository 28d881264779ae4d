//! The comparison as one HTML file that opens offline and asks nobody for anything. Every figure stands in the markup; the
//! script only draws the curves.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use squall_verdict::Comparison;
use squall_verdict::compare::{Change, Difference, Finding, Subject};

use super::console::{described, note, tells, value};
use super::curves::Curves;
use crate::html::assets;
use crate::show;

const STYLE: &str = include_str!("../../assets/compare.css");
const SCRIPT: &str = include_str!("../../assets/compare.js");

/// Intervals are drawn up to so many margins to each side.
const MARGINS_SHOWN: f64 = 4.0;

pub(super) fn page(comparison: &Comparison, curves: &Curves, json: String) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme="light" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(assets::POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (comparison.a.suite) " · comparison · " (comparison.finding.name()) }
                style { (PreEscaped(assets::UPLOT_STYLE)) (PreEscaped(assets::STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                (masthead(comparison))
                main {
                    (verdict(comparison))
                    (differences(comparison))
                    (figures(comparison))
                    (charts(curves))
                }
                footer { span { "Made by squall from the records of both runs." } }
                script type="application/json" id="data" { (PreEscaped(json)) }
                script { (PreEscaped("/*\n")) (PreEscaped(assets::UPLOT_LICENCE)) (PreEscaped("*/\n")) (PreEscaped(assets::UPLOT_SCRIPT)) }
                script { (PreEscaped(assets::COMMON)) (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn masthead(comparison: &Comparison) -> Markup {
    html! {
        header.masthead {
            div {
                p.kicker { "Comparison of two runs" }
                h1 { (comparison.a.suite) }
                dl.facts {
                    div { dt { span.key.a { "A" } } dd { (described(&comparison.a)) } }
                    div { dt { span.key.b { "B" } } dd { (described(&comparison.b)) } }
                }
            }
            button #theme type="button" title="Switch between light and dark" { "Light / dark" }
        }
    }
}

/// Class, sign and word of a finding.
fn told(finding: Finding) -> (&'static str, &'static str, &'static str) {
    match finding {
        Finding::Regressed => ("bad", "✗", "Regressed"),
        Finding::Improved => ("good", "▲", "Improved"),
        Finding::Equivalent => ("good", "✓", "Equivalent"),
        Finding::Inconclusive => ("warn", "?", "Not settled"),
    }
}

fn verdict(comparison: &Comparison) -> Markup {
    let (class, sign, word) = told(comparison.finding);
    html! {
        section.verdict.(class) aria-label="Verdict" {
            div.word { (sign) " " (word) }
            div {
                p.why { (comparison.sentence) }
                @for warning in &comparison.warnings { p.caution { (warning) "." } }
            }
        }
    }
}

fn differences(comparison: &Comparison) -> Markup {
    html! {
        section #differences {
            h2 { "What differs between the runs" }
            @if comparison.environment.is_empty() && comparison.plan.is_empty() {
                p.lead { "Nothing that was recorded: the same environment, and the same was asked for." }
            }
            (table("Environment", &comparison.environment))
            (table("Plan", &comparison.plan))
            @if !comparison.excluded.is_empty() {
                h3 { "What was not compared" }
                ul.notes { @for excluded in &comparison.excluded { li { (excluded) } } }
            }
        }
    }
}

fn table(title: &str, list: &[Difference]) -> Markup {
    html! {
        @if !list.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(title) {
                table.apart {
                    thead { tr { th.text scope="col" { (title) } th.text scope="col" { "A" } th.text scope="col" { "B" } } }
                    tbody {
                        @for difference in list {
                            tr { th scope="row" { (difference.what) } td.text.wrap { (difference.a) } td.text.wrap { (difference.b) } }
                        }
                    }
                }
            }
        }
    }
}

fn figures(comparison: &Comparison) -> Markup {
    let margin = comparison.margin * 100.0;
    html! {
        section #figures {
            h2 { "Figures" }
            p.hint {
                "B against A, with 95 % intervals. A finding is beyond chance (adjusted for all that is looked at) and beyond the margin of "
                (margin) "%; differences below 1 ms, 0.1 points or a request in ten seconds do not count. "
                "The grey band of the picture is the margin, the bar the interval, the tick the difference."
            }
            div.scroll tabindex="0" role="region" aria-label="Figures" {
                table {
                    thead { tr {
                        th.text scope="col" { "Requests" }
                        th.text scope="col" { "Measure" }
                        th scope="col" { "A" }
                        th scope="col" { "B" }
                        th scope="col" { "Difference" }
                        th scope="col" { "95 % interval" }
                        th.text scope="col" { span.sr { "Picture" } }
                        th.text scope="col" { "Finding" }
                    } }
                    @for subject in [&comparison.total].into_iter().chain(&comparison.endpoints) { (rows(subject, subject == &comparison.total)) }
                }
            }
        }
    }
}

fn rows(subject: &Subject, whole: bool) -> Markup {
    let shown: Vec<&Change> = subject.changes.iter().filter(|change| whole || tells(change)).collect();
    html! {
        tbody.subject {
            @if shown.is_empty() {
                tr {
                    th scope="row" { (subject.label) }
                    td.text colspan="7" { "too few requests (" (show::count(subject.a_requests)) " and " (show::count(subject.b_requests)) ")" }
                }
            }
            @for (number, change) in shown.iter().enumerate() {
                tr {
                    @if number == 0 {
                        th scope="rowgroup" rowspan=(shown.len()) {
                            (subject.label)
                            div.hint { (show::count(subject.a_requests)) " and " (show::count(subject.b_requests)) " requests" }
                        }
                    }
                    td.text { (change.metric.name()) }
                    td { (value(change.metric, change.a, change.a_at_least)) }
                    td { (value(change.metric, change.b, change.b_at_least)) }
                    td { strong { (change.difference_text()) } }
                    td { (change.interval_text()) }
                    td.text { (picture(change)) }
                    td.text { (finding(change)) }
                }
            }
        }
    }
}

fn finding(change: &Change) -> Markup {
    let (class, sign, _) = told(change.finding);
    let class = if change.finding == Finding::Equivalent { "none" } else { class };
    let note = note(change);
    html! {
        span.badge.(class) { (sign) " " (change.finding.name()) }
        @if !note.is_empty() { div.hint { (note) } }
    }
}

/// The interval on a scale of margins.
fn picture(change: &Change) -> Markup {
    let at = |value: f64| {
        50.0 + (value / change.margin).clamp(-MARGINS_SHOWN, MARGINS_SHOWN) / MARGINS_SHOWN * 50.0
    };
    let (low, high) = (at(change.interval.0), at(change.interval.1));
    let (class, _, _) = told(change.finding);
    html! {
        span.interval.(class) aria-hidden="true" {
            i.bar style={ "left:" (format!("{low:.1}")) "%;width:" (format!("{:.1}", (high - low).max(1.0))) "%" } {}
            i.tick style={ "left:" (format!("{:.1}", at(change.difference))) "%" } {}
        }
    }
}

fn charts(curves: &Curves) -> Markup {
    html! {
        section #curves {
            h2 { "Both runs over the same axis" }
            p.hint { "Time since the start of what is compared; one point stands for " (show::seconds(curves.step)) ". All requests, and every endpoint with a finding." }
            noscript { p.caution { "The charts need JavaScript. All figures are complete without it." } }
            @for (number, subject) in curves.subjects.iter().enumerate() {
                h3 { (subject.label) }
                div.trio {
                    (figure(number, "p95", "p95 over time", "milliseconds"))
                    (figure(number, "ok", "Throughput", "successes per second"))
                    (figure(number, "levels", "Distribution", "response time by percentile"))
                }
            }
        }
    }
}

fn figure(number: usize, kind: &str, title: &str, note: &str) -> Markup {
    html! {
        figure aria-label={ (title) ", " (note) } {
            figcaption { (title) " " small { (note) } }
            div.chart id={ "chart-" (number) "-" (kind) } {}
        }
    }
}
