//! A percentile rests on too few requests.
//!
//! Ten requests beyond it at least: 1000 for a p99, 200 for a p95.

use squall_plan::Unit;

use super::{Doubt, DoubtKind, Facts, Findings, counted};

pub(super) fn too_few(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    for (row, support) in facts.rows.iter().zip(&facts.support) {
        let Some((percentile, reading)) = support else { continue };
        let needed = (1_000.0 / (100.0 - percentile)).round();
        // Without any the row says so itself, and of the 100th there are never enough.
        if reading.requests == 0 || *percentile >= 100.0 || reading.requests as f64 >= needed {
            continue;
        }
        let interval = match reading.interval {
            Some((low, high)) => {
                let (low, high) = (Unit::Seconds.display(low), Unit::Seconds.display(high));
                format!("it lies between {low} and {high} in 95 of 100 cases")
            }
            None => "they do not say where it ends".to_owned(),
        };
        let window = row.criterion.hold.map(|hold| format!(" for {hold}")).unwrap_or_default();
        let requests = counted(reading.requests, "request");
        findings
            .suspect(format!("{}{window} rests on {requests} of {needed} needed; {interval}.", row.label));
    }
    findings.doubt(DoubtKind::TooFewSamples)
}
