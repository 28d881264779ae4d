//! The generator: how late it was, on what machine it ran, with what settings, and what it logged.

use maud::{Markup, html};
use serde_json::Value;
use squall_record::LogLevel;

use crate::report::{Lag, Report};
use crate::show;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #setup {
            h2 { "Setup" }
            h3 { "Health of the generator" }
            div.scroll tabindex="0" role="region" aria-label="Health of the generator" {
                table {
                    caption { "Milliseconds the generator itself was late. Small next to the response times, or the numbers above are partly its own." }
                    thead { tr {
                        th.text scope="col" { "Lag" }
                        th scope="col" { "p50" }
                        th scope="col" { "p99" }
                        th scope="col" { "Max" }
                        th.text scope="col" { "What it is" }
                    } }
                    tbody {
                        (lag("Send lag", report.send_lag, "how late requests left, through no fault of the target"))
                        (lag("Loop lag", report.loop_lag, "from one look at the sockets to the next"))
                    }
                }
            }
            div.columns {
                div { h3 { "Environment" } (pairs(&environment(report))) }
                div { h3 { "Settings" } (pairs(&settings(report))) }
            }
        }
    }
}

fn lag(name: &str, lag: Option<Lag>, meaning: &str) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            @match lag {
                Some(lag) => { td { (show::number(lag.p50_ms)) } td { (show::number(lag.p99_ms)) } td { (show::number(lag.max_ms)) } }
                None => { td { (show::NOTHING) } td { (show::NOTHING) } td { (show::NOTHING) } }
            }
            td.text.wrap { (meaning) }
        }
    }
}

fn pairs(pairs: &[(String, String)]) -> Markup {
    html! {
        table.pairs {
            tbody { @for (key, value) in pairs { tr { th scope="row" { (key) } td { (value) } } } }
        }
    }
}

fn environment(report: &Report) -> Vec<(String, String)> {
    let machine = &report.environment;
    let limit = |limit: Option<String>| limit.unwrap_or_else(|| "no limit".into());
    let memory = |bytes: u64| show::bytes(bytes as f64);
    [
        ("Target", machine.target.clone()),
        ("Squall", machine.squall_version.clone()),
        ("Machine", machine.hostname.clone()),
        ("System", format!("{} · {} · {}", machine.os, machine.kernel, machine.arch)),
        ("Processor", format!("{} × {}", machine.cpus, machine.cpu_model)),
        ("Memory", memory(machine.memory_bytes)),
        ("Processor limit", limit(machine.cgroup_cpus.map(|cpus| format!("{} cores", show::number(cpus))))),
        ("Memory limit", limit(machine.cgroup_memory_bytes.map(memory))),
        ("Open files", limit(machine.fd_limit.map(show::count))),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// Settings are shown with where they come from, as `{"value": …, "from": …}` tells it; anything else as it is.
fn settings(report: &Report) -> Vec<(String, String)> {
    let mut pairs = vec![("seed".to_owned(), report.run.seed.to_string())];
    match &report.settings {
        Value::Object(settings) => {
            pairs.extend(settings.iter().map(|(key, value)| (key.clone(), setting(value))));
        }
        Value::Null => {}
        other => pairs.push(("settings".into(), text(other))),
    }
    pairs
}

fn setting(value: &Value) -> String {
    match (value.get("value"), value.get("from").and_then(Value::as_str)) {
        (Some(value), Some(from)) => format!("{} ({from})", text(value)),
        _ => text(value),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if !items.is_empty() => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

pub(super) fn log(report: &Report, omitted: usize) -> Markup {
    html! {
        @if !report.log.is_empty() {
            section #log {
                h2 { "Log" }
                @if omitted > 0 {
                    p.hint { "The first and the last lines; " (omitted) " between them are left out here and kept in the record." }
                }
                ol.log {
                    @for line in &report.log {
                        li {
                            time { (show::seconds(line.at_s)) }
                            (level(line.level))
                            span { (line.text) }
                        }
                    }
                }
            }
        }
    }
}

fn level(level: LogLevel) -> Markup {
    match level {
        LogLevel::Debug => html! { span.zero { "debug" } },
        LogLevel::Info => html! { span { "info" } },
        LogLevel::Warn => html! { span.caution { "warn" } },
        LogLevel::Error => html! { span.alarm { "error" } },
    }
}
