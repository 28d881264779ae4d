//! The generator itself was too slow, or out of ports or descriptors.
//!
//! *Send lag* is the time from the moment nothing but the generator held a request up to its first byte; *loop lag* is how late
//! a thread came to its heartbeat. A slow server makes neither: its answers are waited for before a request is ready.

use squall_core::{ErrorClass, Nanos};
use squall_plan::Unit;
use squall_record::Series;
use squall_stats::Histogram;

use super::{Doubt, DoubtKind, Facts, Findings, Severity, counted, percent};
use crate::chance::{UNLIKELY, at_least};

/// Lags up to this are nobody's business …
const NEGLIGIBLE: Nanos = Nanos::from_millis(5);
/// … nor those up to this part of the response time's 99th percentile.
const PART: f64 = 0.05;
/// Share of lags that may be above both.
const TAIL: f64 = 0.01;
/// Mean use of the CPU there is.
const BUSY: f64 = 0.9;
/// Below this mean use of the CPU, its lags are not its own doing.
const IDLE: f64 = 0.5;
/// Mean share of time in which the control group was stopped.
const THROTTLED: f64 = 0.05;

pub(super) fn saturated(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    let p99 = facts.summary(|_| true).percentile(99.0).map_or(0.0, |p99| p99.value.as_secs_f64());
    let bound = NEGLIGIBLE.max(Nanos::from_secs_f64(PART * p99));
    let (mut send, mut run) = (Histogram::default(), Histogram::default());
    for window in facts.windows() {
        send.merge(&window.send_lag);
        run.merge(&window.loop_lag);
    }
    for (lags, name, what) in [
        (&send, "Send lag", "requests left later than that"),
        (&run, "Loop lag", "heartbeats came later than that"),
    ] {
        let all = lags.count();
        let late: u64 = lags.buckets().filter(|(lag, _)| *lag > bound).map(|(_, n)| n).sum();
        if at_least(late, all, TAIL) < UNLIKELY {
            let p99 = lags.value_at_rank((all as f64 * (1.0 - TAIL)).ceil() as u64).unwrap_or_default();
            findings.invalid(format!(
                "{name} p99 is {}, {} at most can be neglected: {late} of {all} {what} ({}).",
                Unit::Seconds.display(p99.as_secs_f64()),
                Unit::Seconds.display(bound.as_secs_f64()),
                percent(late as f64, all as f64),
            ));
        }
    }
    let errors = facts.run.errors();
    for entry in errors.entries().iter().filter(|entry| entry.key.error == ErrorClass::Generator) {
        let requests = counted(entry.count, "request");
        findings.invalid(format!("{requests} failed for want of ports or descriptors: {}.", entry.message));
    }
    for (name, limit, what) in [
        ("generator.cpu", BUSY, "of the CPU it may use were in use"),
        (
            "generator.throttled",
            THROTTLED,
            "of the time its control group was stopped for using too much CPU",
        ),
    ] {
        if let Some(mean) = mean(facts, name).filter(|mean| *mean > limit) {
            findings.suspect(format!("On average {} {what}.", Unit::Share.display(mean)));
        }
    }
    let mut doubt = findings.doubt(DoubtKind::GeneratorSaturated)?;
    if doubt.severity == Severity::Invalid
        && let Some(cpu) = mean(facts, "generator.cpu").filter(|cpu| *cpu < IDLE)
    {
        doubt.evidence += &format!(
            " The generator itself used only {:.0} % of its processor: something else kept this machine busy.",
            cpu * 100.0
        );
    }
    Some(doubt)
}

/// The mean of a series while it is judged; `None` without a sample.
fn mean(facts: &Facts<'_>, name: &str) -> Option<f64> {
    let values = facts.run.series(name).into_iter().flat_map(Series::values);
    let judged: Vec<f64> = values.filter(|(at, _)| facts.judges(*at)).map(|(_, value)| value).collect();
    (!judged.is_empty()).then(|| judged.iter().sum::<f64>() / judged.len() as f64)
}
