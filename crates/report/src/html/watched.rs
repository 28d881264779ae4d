//! What was watched beside the requests: charts on the time axis of all others, and a table. What is about the generator
//! itself is folded away.

use maud::{Markup, html};

use super::charts::figure;
use crate::chart::WatchedChart;
use crate::report::{Report, WatchedReport};
use crate::show;

pub(super) fn section(report: &Report, charts: &[WatchedChart]) -> Markup {
    let of = |generator: bool| -> Vec<&WatchedReport> {
        report.series.iter().filter(|series| series.generator == generator).collect()
    };
    let (target, generator) = (of(false), of(true));
    html! {
        @if !report.series.is_empty() {
            section #watched {
                h2 { "Watched" }
                @if target.is_empty() {
                    p.lead { "Nothing of the target was watched. A monitor in the suite shows what it does while its answers are timed." }
                } @else {
                    p.hint { "Sampled while the load ran. Where a line is broken the monitor could not tell. A CPU share of 100% is one core." }
                    (graphs(charts, false))
                    (table("Watched series", &target))
                }
                @if !generator.is_empty() {
                    details.generator {
                        summary { "The generator itself" }
                        p.hint { "CPU is the share of what this process may use; throttled is the share of time its control group was stopped." }
                        (graphs(charts, true))
                        (table("Series of the generator", &generator))
                    }
                }
            }
        }
    }
}

fn graphs(charts: &[WatchedChart], generator: bool) -> Markup {
    html! {
        div.charts {
            @for chart in charts.iter().filter(|chart| chart.generator == generator) {
                @let names: Vec<&str> = chart.lines.iter().map(|line| line.label.as_str()).collect();
                (figure(&chart.id, &chart.monitor, &names.join(", "), false, &html! {}))
            }
        }
    }
}

fn table(label: &str, series: &[&WatchedReport]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr {
                    th.text scope="col" { "Series" }
                    @for title in ["Min", "Mean", "Max", "Last", "Samples", "Missing"] { th scope="col" { (title) } }
                } }
                tbody {
                    @for one in series {
                        tr {
                            th scope="row" { (one.name) }
                            @for value in [one.min, one.mean, one.max, one.last] { td { (one.show(value)) } }
                            td { (show::count(one.samples)) }
                            td { @if one.missing == 0 { span.zero { "0" } } @else { span.caution { (show::count(one.missing)) } } }
                        }
                    }
                }
            }
        }
    }
}
