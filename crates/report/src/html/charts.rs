//! The run over time: charts, and the tables of its phases.

use maud::{Markup, html};

use super::requests;
use crate::report::{PartReport, Report, Requests, StretchReport};
use crate::series::Series;
use crate::show;

pub(super) fn section(report: &Report, series: &Series) -> Markup {
    if series.t.is_empty() {
        return html! {
            section #over-time { h2 { "Over time" } p.lead { "The run ended before anything was measured." } }
        };
    }
    let span = series.t.last().copied().unwrap_or(0.0) / series.t.len() as f64;
    let service = if series.service_p99.is_empty() {
        "from the moment a request was due"
    } else {
        "from the moment a request was due; service time counts from when it was sent"
    };
    html! {
        section #over-time {
            h2 { "Over time" }
            p.hint {
                "One point stands for " (show::seconds(span)) ". Bands are the phases; hatched ones were not measured."
                @if !report.faults.is_empty() { " Red stretches are faults that were made on purpose." }
                " Drag to zoom all charts, double-click to zoom out."
            }
            noscript { p.caution { "The charts need JavaScript. All tables are complete without it." } }
            div.charts {
                (figure("chart-requests", "Requests per second", "stacked by outcome", true, &html! {}))
                (figure("chart-times", "Response times", service, true, &html! {
                    button #log-scale type="button" aria-pressed="false" { "Log scale" }
                }))
                @if report.iterations.open {
                    (figure("chart-iterations", "Task iterations per second", "offered by the arrival rate, and what became of them", true, &html! {}))
                }
                (figure("chart-users", "Users", "running, stacked by class", false, &html! {}))
                (figure("chart-lags", "Lateness of the generator", "ours, not the target's", false, &html! {}))
            }
            (parts(report))
            (phases(report))
            (iterations(report))
        }
    }
}

/// A chart and what it is about.
pub(super) fn figure(id: &str, title: &str, note: &str, wide: bool, extra: &Markup) -> Markup {
    html! {
        figure.wide[wide] aria-label={ (title) ", " (note) } {
            figcaption { (title) " " small { (note) } (extra) }
            div.chart id=(id) {}
        }
    }
}

/// Columns of a [`StretchReport`]; iterations only where they come by themselves.
pub(super) fn stretch_head(open: bool) -> Markup {
    let always = ["Time", "Users", "ok/s", "per user", "p50", "p95", "p99", "Errors", "429"];
    let more = ["Offered/s", "Started/s", "Completed/s", "Dropped/s"];
    html! {
        @for title in always { th scope="col" { (title) } }
        @if open { @for title in more { th scope="col" { (title) } } }
    }
}

/// The cells below [`stretch_head`].
pub(super) fn stretch(of: &StretchReport, open: bool) -> Markup {
    html! {
        td { (show::seconds(of.start_s)) "–" (show::seconds(of.end_s)) }
        td { (show::count(of.users.into())) }
        td { (show::number(of.ok_per_s)) }
        td { (show::maybe(of.ok_per_s_and_user)) }
        td { (show::maybe(of.p50_ms)) }
        td { (show::maybe(of.p95_ms)) }
        td { (show::maybe(of.p99_ms)) }
        td { (show::maybe_percent(of.error_rate)) }
        td { (show::maybe_percent(of.rate_limited_share)) }
        @if open {
            td { (show::number(of.iterations.offered_per_s)) }
            td { (show::number(of.iterations.started_per_s)) }
            td { (show::number(of.iterations.completed_per_s)) }
            td { @if of.iterations.dropped_per_s > 0.0 { span.caution { (show::number(of.iterations.dropped_per_s)) } } @else { span.zero { "0" } } }
        }
    }
}

fn parts(report: &Report) -> Markup {
    let open = report.iterations.open;
    let row = |part: &PartReport| {
        html! {
            tr {
                th scope="row" {
                    (part.phase) " " span.part { (part.kind()) }
                    @if !part.measured { " " span.badge.none { "not measured" } }
                }
                (stretch(&part.stretch, open))
            }
        }
    };
    html! {
        @if !report.parts.is_empty() {
            h3 { "Ramp and hold" }
            div.scroll tabindex="0" role="region" aria-label="Parts of phases" {
                table.dense {
                    caption { "What was done in each part of each phase, whenever it was begun. Times in milliseconds." }
                    thead { tr { th.text scope="col" { "Phase" } (stretch_head(open)) } }
                    tbody { @for part in &report.parts { (row(part)) } }
                }
            }
        }
    }
}

fn phases(report: &Report) -> Markup {
    let time = |requests: &Requests, percentile| requests::time(requests.percentile(percentile));
    html! {
        @if !report.phases.is_empty() {
            h3 { "Phases" }
            div.scroll tabindex="0" role="region" aria-label="Phases" {
                table {
                    caption { "Requests by the phase in which they began. Times in milliseconds." }
                    thead { tr {
                        th.text scope="col" { "Phase" }
                        @for title in ["From", "To", "Users", "Requests", "ok/s", "p50", "p95", "p99", "Error rate", "Rate limited"] {
                            th scope="col" { (title) }
                        }
                    } }
                    tbody {
                        @for phase in &report.phases {
                            tr {
                                th scope="row" { (phase.name) @if !phase.measured { " " span.badge.none { "not measured" } } }
                                td { (show::seconds(phase.start_s)) }
                                td { (show::seconds(phase.end_s)) }
                                td { (show::count(phase.users.into())) }
                                td { (show::count(phase.requests.completed)) }
                                td { (show::maybe(phase.requests.ok_per_s)) }
                                td { (time(&phase.requests, 50.0)) }
                                td { (time(&phase.requests, 95.0)) }
                                td { (time(&phase.requests, 99.0)) }
                                td { (show::maybe_percent(phase.requests.error_rate)) }
                                td { (show::maybe_percent(phase.requests.rate_limited_share)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn iterations(report: &Report) -> Markup {
    let all = &report.iterations;
    html! {
        @if all.offered > 0 {
            h3 { "Task iterations" }
            div.scroll tabindex="0" role="region" aria-label="Task iterations" {
                table {
                    caption {
                        @if all.open {
                            "The arrival rate offers iterations whether or not a user is free. One that waits too long for a user is dropped: " (show::maybe_percent(all.dropped_share)) " of them."
                        } @else {
                            "Users offer one whenever they are free, so that all that are offered are started."
                        }
                    }
                    thead { tr { th.text scope="col" { "Iterations" } th scope="col" { "Count" } th scope="col" { "Per second" } } }
                    tbody {
                        @for (name, count, rate) in all.rows() {
                            tr {
                                th scope="row" { (name) }
                                td { @if name == "dropped" && count > 0 { span.caution { (show::count(count)) } } @else { (show::count(count)) } }
                                td { (show::maybe(rate)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
