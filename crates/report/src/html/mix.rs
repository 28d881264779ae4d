//! The load that was asked for and the load that was made.

use maud::{Markup, html};

use crate::report::Report;
use crate::show;

pub(super) fn section(report: &Report) -> Markup {
    let open = report.iterations.open;
    html! {
        section #mix {
            h2 { "Load mix" }
            p.hint { "Weights are shares of users. Which share of the requests a class makes depends on how long its users wait, so both are shown." }
            div.scroll tabindex="0" role="region" aria-label="Mix of users" {
                table {
                    thead { tr {
                        th.text scope="col" { "User class" }
                        th scope="col" { "Users asked" }
                        th.text scope="col" { "Users achieved" }
                        th scope="col" { "Requests expected" }
                        th.text scope="col" { "Requests achieved" }
                        th scope="col" { "Requests" }
                        @if open { th scope="col" { "Arrivals asked" } th.text scope="col" { "Arrivals achieved" } }
                    } }
                    tbody {
                        @for class in &report.mix.classes {
                            tr {
                                th scope="row" { (class.name) }
                                td { (show::percent(class.users_asked)) }
                                td.text { (bar(class.users_achieved)) }
                                td { (show::maybe_percent(class.requests_asked)) }
                                td.text { (bar(class.requests_achieved)) }
                                td { (show::count(class.requests)) }
                                @if open { td { (show::maybe_percent(class.arrivals_asked)) } td.text { (bar(class.arrivals_achieved)) } }
                            }
                        }
                    }
                }
            }
            h3 { "Tasks" }
            div.scroll tabindex="0" role="region" aria-label="Mix of tasks" {
                table {
                    caption { "Shares of what the class ran. A task is skipped when it is its turn and something it needs is missing." }
                    thead { tr {
                        th.text scope="col" { "Task" }
                        th.text scope="col" { "User class" }
                        th scope="col" { "Asked" }
                        th.text scope="col" { "Achieved" }
                        th scope="col" { "Runs" }
                        th scope="col" { "Skipped" }
                        th.text scope="col" { "Note" }
                    } }
                    tbody {
                        @for task in &report.mix.tasks {
                            tr {
                                th scope="row" { (task.name) }
                                td.text { (report.mix.classes.get(task.class.index()).map_or("", |class| class.name.as_str())) }
                                td { (show::percent(task.asked)) }
                                td.text { (bar(task.achieved)) }
                                td { (show::count(task.runs)) }
                                td { @if task.skipped == 0 { span.zero { "0" } } @else { span.caution { (show::count(task.skipped)) } } }
                                td.text {
                                    @if task.runs == 0 { span.badge.bad { "✗ never ran" } }
                                    @else if task.skipped > 0 { span.badge.warn { "≈ skipped at times" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A share as a bar and as a number.
fn bar(share: Option<f64>) -> Markup {
    html! {
        @match share {
            Some(share) => {
                span.bar aria-hidden="true" { i style={ "width:" (format!("{:.1}", share.clamp(0.0, 1.0) * 100.0)) "%" } {} }
                (show::percent(share))
            }
            None => span.zero { (show::NOTHING) },
        }
    }
}
