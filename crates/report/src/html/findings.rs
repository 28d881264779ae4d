//! How requests recovered from spikes and faults, and what drifts.

use maud::{Markup, html};

use super::charts::{figure, stretch, stretch_head};
use crate::chart::{self, Findings};
use crate::report::{DriftReport, FaultReport, RecoveryReport, Report};
use crate::show;

/// Links to the sections there are.
pub(super) fn sections(report: &Report) -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = [
        (!report.recoveries.is_empty(), ("recovery", "Recovery")),
        (any_fault(report), ("faults", "Faults")),
        (!report.drifts.is_empty(), ("drift", "Drift")),
    ];
    all.into_iter().filter_map(|(there, section)| there.then_some(section))
}

pub(super) fn section(report: &Report, charts: &Findings) -> Markup {
    html! {
        (recoveries(report))
        (faults(report))
        (drifts(report, charts))
    }
}

fn recovered(recovery: &RecoveryReport) -> Markup {
    html! {
        @match recovery.time_s {
            Some(0.0) => span.badge.good { "✓ recovered at once" },
            Some(time) => span.badge.good { "✓ recovered after " (show::seconds(time)) },
            None => span.badge.bad { "✗ no recovery seen" },
        }
    }
}

fn recoveries(report: &Report) -> Markup {
    html! {
        @if !report.recoveries.is_empty() {
            section #recovery {
                h2 { "Recovery" }
                p.hint { "How long after more load than usual it took until requests were as before: the time of the first ten seconds in which p95, errors and throughput are those of the time before it." }
                @for (n, recovery) in report.recoveries.iter().enumerate() {
                    h3 { (recovery.disturbance) " " (recovered(recovery)) }
                    p { (recovery.sentence) }
                    (course(report, recovery, &chart::recovery_id(n)))
                }
            }
        }
    }
}

fn course(report: &Report, recovery: &RecoveryReport, id: &str) -> Markup {
    let open = report.iterations.open;
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Before, during and after " (recovery.disturbance) } {
            table.dense {
                thead { tr { th.text scope="col" { "Stretch" } (stretch_head(open)) } }
                tbody { @for (name, of) in recovery.stretches() { tr { th scope="row" { (name) } (stretch(of, open)) } } }
            }
        }
        div.charts.below {
            (figure(id, "p95 around it", "milliseconds; the band goes from p50 to p95 before it, lines mark its end and the recovery", true, &html! {}))
        }
    }
}

fn any_fault(report: &Report) -> bool {
    !report.faults.is_empty() || !report.faults_not_made.is_empty()
}

fn faults(report: &Report) -> Markup {
    html! {
        @if any_fault(report) {
            section #faults {
                h2 { "Faults" }
                p.hint { "What was broken on purpose while the load ran, and what came of it." }
                @for (n, fault) in report.faults.iter().enumerate() { (one_fault(report, n, fault)) }
                @for name in &report.faults_not_made { p.caution { (name) ": not made, the run ended before." } }
            }
        }
    }
}

fn one_fault(report: &Report, n: usize, fault: &FaultReport) -> Markup {
    html! {
        h3 {
            (fault.name) " "
            @if fault.failed { span.badge.bad { "✗ its commands failed" } " " }
            (recovered(&fault.recovery))
        }
        p { (fault.recovery.sentence) }
        @if !fault.outcome.is_empty() {
            details open[fault.failed] { summary { "What its commands did" } pre { (fault.outcome) } }
        }
        (course(report, &fault.recovery, &chart::fault_id(n)))
    }
}

fn drifts(report: &Report, charts: &Findings) -> Markup {
    html! {
        @if !report.drifts.is_empty() {
            section #drift {
                h2 { "Drift" }
                p.hint { "Trends of the longest steady part of the run. A trend counts when it is beyond chance and large enough to matter." }
                ul.findings {
                    @for drift in &report.drifts { li { (badge(drift)) " " (drift.sentence) } }
                }
                div.scroll tabindex="0" role="region" aria-label="Trends" {
                    table {
                        thead { tr {
                            th.text scope="col" { "Measure" }
                            th.text scope="col" { "Finding" }
                            @for title in ["From", "To", "Trend", "95 % interval", "By chance", "To its limit"] { th scope="col" { (title) } }
                        } }
                        tbody { @for drift in &report.drifts { (row(drift)) } }
                    }
                }
                div.charts.below {
                    @for chart in &charts.drifts {
                        (figure(&chart.id, &chart.of, "with its trend and the interval of its slope", false, &html! {}))
                    }
                }
            }
        }
    }
}

fn badge(drift: &DriftReport) -> Markup {
    html! {
        @if drift.leak { span.badge.bad { "✗ leak" } }
        @else if drift.significant { span.badge.warn { "≈ drifts" } }
        @else { span.badge.none { "steady" } }
    }
}

fn row(drift: &DriftReport) -> Markup {
    let trend = drift.unit.per_hour();
    html! {
        tr {
            th scope="row" { (drift.of) }
            td.text { (badge(drift)) }
            td { (show::seconds(drift.start_s)) }
            td { (show::seconds(drift.end_s)) }
            td { strong { (trend.display(drift.slope)) } }
            td { (show::interval(trend, drift.interval)) }
            td { "p = " (show::probability(drift.p_value)) }
            td { @match drift.time_to_limit_s { Some(time) => (show::seconds(time)), None => span.zero { (show::NOTHING) } } }
        }
    }
}
