//! The page: head, header, verdict, tiles, charts, and the order of everything else.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Data, assets, charts, criteria, doubts, failures, findings, mix, requests, setup, watched};
use crate::report::{Report, Tone};
use crate::show;

pub(super) fn page(data: &Data<'_>, omitted_log: usize, json: String) -> Markup {
    let report = data.report;
    let run = &report.run;
    html! {
        (DOCTYPE)
        html lang="en" data-theme="light" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(assets::POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content={ "squall " (run.squall_version) };
                title { (run.suite) @if let Some(profile) = &run.profile { " · " (profile) } " · " (report.headline().word().to_lowercase()) }
                style { (PreEscaped(assets::UPLOT_STYLE)) (PreEscaped(assets::STYLE)) }
            }
            body {
                (masthead(report))
                nav.nav aria-label="Sections" {
                    ul {
                        @for (id, title) in sections(report) { li { a href={ "#" (id) } { (title) } } }
                    }
                }
                main {
                    (verdict(report))
                    (doubts::section(report))
                    (tiles(report))
                    (criteria::section(report))
                    (charts::section(report, &data.series))
                    (findings::section(report, &data.findings))
                    (watched::section(report, &data.watched))
                    (requests::section(report))
                    (failures::section(report))
                    (mix::section(report))
                    (setup::section(report))
                    (setup::log(report, omitted_log))
                }
                footer {
                    span { "Made by squall " (run.squall_version) " from the record of the run." }
                    button #download type="button" { "Download the data (JSON)" }
                }
                script type="application/json" id="data" { (PreEscaped(json)) }
                script { (PreEscaped("/*\n")) (PreEscaped(assets::UPLOT_LICENCE)) (PreEscaped("*/\n")) (PreEscaped(assets::UPLOT_SCRIPT)) }
                script { (PreEscaped(assets::COMMON)) (PreEscaped(assets::SCRIPT)) }
            }
        }
    }
}

fn sections(report: &Report) -> Vec<(&'static str, &'static str)> {
    let mut sections = vec![("criteria", "Criteria"), ("over-time", "Over time")];
    sections.extend(findings::sections(report));
    if !report.series.is_empty() {
        sections.push(("watched", "Watched"));
    }
    sections.push(("requests", "Requests"));
    if failures::any(report) {
        sections.push(("failures", "Failures"));
    }
    sections.extend([("mix", "Load mix"), ("setup", "Setup")]);
    if !report.log.is_empty() {
        sections.push(("log", "Log"));
    }
    sections
}

fn masthead(report: &Report) -> Markup {
    let run = &report.run;
    html! {
        header.masthead {
            div {
                p.kicker { "Load test report" }
                h1 { (run.suite) @if let Some(profile) = &run.profile { " · " (profile) } }
                dl.facts {
                    div { dt { "Target" } dd { (run.target) } }
                    div { dt { "Started" } dd { time datetime=(run.started) { (run.started.replace('T', " ").replace('Z', " UTC")) } } }
                    div { dt { "Ran" } dd { (show::seconds(run.duration_s)) } }
                    div { dt { "Ended" } dd { (run.ended) } }
                }
            }
            button #theme type="button" title="Switch between light and dark" { "Light / dark" }
        }
    }
}

fn verdict(report: &Report) -> Markup {
    let headline = report.headline();
    let class = match headline.tone() {
        Tone::Good => "good",
        Tone::Warning => "warn",
        Tone::Bad => "bad",
        Tone::Neutral => "none",
    };
    html! {
        section.verdict.(class) aria-label="Verdict" {
            div.word { (headline.sign()) (headline.word()) }
            div {
                p.why { (report.why()) }
                @if !report.run.complete {
                    p.caution { "The run did not reach its end: " (report.run.ended) ". Everything up to then is here." }
                }
                @if report.run.merged_windows > 0 {
                    p.hint { "The disk was too slow for " (report.run.merged_windows) " seconds of the run; they were joined with their neighbours. Counts and percentiles are exact, their times coarser." }
                }
            }
        }
    }
}

fn tiles(report: &Report) -> Markup {
    let total = &report.total;
    let time = |percentile: f64| {
        let found = total.percentile(percentile);
        html! {
            @match found {
                Some(p) => { (show::at_least_ms(p.ms, p.at_least)) span.unit { "ms" } }
                None => { (show::NOTHING) }
            }
        }
    };
    let tile = |title: &str, value: Markup, note: &str| {
        html! { div { dt { (title) } dd { (value) small { (note) } } } }
    };
    let rate = html! { (show::maybe(total.ok_per_s)) @if total.ok_per_s.is_some() { span.unit { "/s" } } };
    html! {
        section.tiles aria-label="Key figures" {
            (tile("Requests", html! { (show::count(total.completed)) }, &format!("{} ok", show::count(total.ok))))
            (tile("Throughput", rate, "successes per second"))
            (tile("Median", time(50.0), "half were faster"))
            (tile("p95", time(95.0), "19 of 20 were faster"))
            (tile("p99", time(99.0), "99 of 100 were faster"))
            (tile("Error rate", html! { (show::maybe_percent(total.error_rate)) }, &format!("{} failed", show::count(total.failed))))
            (tile("Rate limited", html! { (show::maybe_percent(total.rate_limited_share)) }, &format!("{} refused with 429", show::count(total.rate_limited))))
            (tile("Users", html! { (show::count(report.run.peak_users.into())) }, "at the peak"))
        }
    }
}
