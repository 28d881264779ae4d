//! Requests by endpoint: outcomes, response times, and where the time went.

use maud::{Markup, html};

use crate::report::{EndpointReport, PERCENTILES, Percentile, Report, Requests};
use crate::show;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #requests {
            h2 { "Requests" }
            p.hint { "The whole run, warm-up included. A request refused by a rate limiter (429) is neither a success nor a failure." }
            @if report.endpoints.is_empty() {
                p.lead { "No request was finished." }
            } @else {
                (table(report, "Outcomes", OUTCOMES, |_| true, outcomes))
                h3 { "Response times" }
                p.hint {
                    "Milliseconds, over successes, from the moment a request was due. ≥ marks a lower bound: requests that were never answered are in it. "
                    "Italics mark percentiles with fewer than ten requests beyond them: take them as a hint."
                }
                (table(report, "Response times", TIMES, |_| true, times))
                @if report.total.has_service_time() {
                    h3 { "Service times" }
                    p.hint { "Milliseconds from the moment a request was sent, where a schedule sets it apart from when it was due. This is what a tool reports that does not count the wait." }
                    (table(report, "Service times", SERVICE, Requests::has_service_time, service))
                }
                h3 { "Connections and bytes" }
                p.hint { "Means in milliseconds. Exchanges count redirects and retries, as the target's own counter does." }
                (table(report, "Connections and bytes", WIRE, |_| true, wire))
            }
        }
    }
}

const OUTCOMES: &[&str] =
    &["Requests", "Share", "ok", "Failed", "Timeouts", "429", "Cut", "ok/s", "Error rate"];
const TIMES: &[&str] = &["Mean", "Min", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "Max"];
const SERVICE: &[&str] = &["p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99"];
const WIRE: &[&str] =
    &["First byte", "Connect", "TLS", "Exchanges", "Connections", "Retries", "Sent", "Received", "Mean size"];

fn table(
    report: &Report,
    label: &str,
    head: &[&str],
    wanted: fn(&Requests) -> bool,
    cells: fn(&Requests, Option<f64>) -> Markup,
) -> Markup {
    let row = |endpoint: &EndpointReport| {
        html! {
            tr {
                th scope="row" { span.method { (endpoint.method) } (endpoint.name) }
                (cells(&endpoint.requests, endpoint.share))
            }
        }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr {
                    th.text scope="col" { "Request" }
                    @for title in head { th scope="col" { (title) } }
                } }
                tbody { @for endpoint in report.endpoints.iter().filter(|endpoint| wanted(&endpoint.requests)) { (row(endpoint)) } }
                tfoot { tr { th scope="row" { "All" } (cells(&report.total, Some(1.0))) } }
            }
        }
    }
}

/// A count that stands out unless it is zero.
fn alarming(n: u64, class: &str) -> Markup {
    html! { td { @if n == 0 { span.zero { "0" } } @else { span.(class) { (show::count(n)) } } } }
}

/// A percentile, or a dash.
pub(super) fn time(percentile: Option<&Percentile>) -> Markup {
    html! {
        @match percentile {
            Some(p) => span.few[p.few_samples] { (show::at_least_ms(p.ms, p.at_least)) },
            None => span.zero { (show::NOTHING) },
        }
    }
}

fn outcomes(requests: &Requests, share: Option<f64>) -> Markup {
    html! {
        td { (show::count(requests.completed)) }
        td { (show::maybe_percent(share)) }
        td { (show::count(requests.ok)) }
        (alarming(requests.failed, "alarm"))
        (alarming(requests.timed_out, "alarm"))
        (alarming(requests.rate_limited, "caution"))
        (alarming(requests.cut, "caution"))
        td { (show::maybe(requests.ok_per_s)) }
        td { (show::maybe_percent(requests.error_rate)) }
    }
}

fn times(requests: &Requests, _share: Option<f64>) -> Markup {
    html! {
        td { (show::maybe(requests.mean_ms)) }
        td { (show::maybe(requests.min_ms)) }
        @for p in PERCENTILES { td { (time(requests.percentile(p))) } }
        td { (show::bound(requests.max)) }
    }
}

fn service(requests: &Requests, _share: Option<f64>) -> Markup {
    html! {
        @for p in PERCENTILES { td { (show::maybe(requests.percentile(p).and_then(|p| p.service_ms))) } }
    }
}

fn wire(requests: &Requests, _share: Option<f64>) -> Markup {
    html! {
        td { (show::maybe(requests.first_byte_ms)) }
        td { (show::maybe(requests.connect_ms)) }
        td { (show::maybe(requests.tls_ms)) }
        td { (show::count(requests.attempts)) }
        td { (show::count(requests.connections)) }
        td { (show::count(requests.retries)) }
        td { (show::bytes(requests.bytes_out as f64)) }
        td { (show::bytes(requests.bytes_in as f64)) }
        td { (requests.mean_size.map_or_else(|| show::NOTHING.into(), show::bytes)) }
    }
}
