//! A run as text for a terminal: live ([`Live`], [`Screen`]) and at its end ([`summary`]).

mod findings;
mod live;
mod locust;
mod screen;
mod summary;
pub(crate) mod table;

pub use live::{Live, LiveOptions};
pub use screen::Screen;
pub use summary::{Style, summary, verdict};

#[cfg(test)]
pub(crate) fn findings_of(report: &crate::Report) -> String {
    findings::findings(report, false)
}
