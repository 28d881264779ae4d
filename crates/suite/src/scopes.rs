//! The criteria of a profile against its phases: which phase is meant, and is there time enough for what is asked?

use squall_core::Nanos;
use squall_plan::{Function, Measure, PhasePlan};

use crate::criteria::Row;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::Ctx;

/// Phase names of `rows` into positions within the profile, and whether the criteria can be judged there.
pub(crate) fn resolve(cx: &mut Ctx<'_>, profile: &str, phases: &[PhasePlan], faults: bool, rows: &mut [Row]) {
    let known: Vec<&str> = phases.iter().map(|p| p.name.as_str()).collect();
    let disturbed = faults || disturbed(phases);
    for row in rows {
        if let Some((name, span)) = &row.phase {
            row.criterion.scope.phase = known.iter().position(|k| k == name);
            if row.criterion.scope.phase.is_none() {
                cx.unknown_name(span.clone(), &format!("phase of profile `{profile}`"), name, &known);
                continue;
            }
        }
        check_hold(cx, profile, phases, row);
        check_recovery(cx, profile, phases, disturbed, row);
    }
}

/// The time in which a criterion is judged; `None` when it has no end.
pub(crate) fn judged_time(phases: &[PhasePlan], phase: Option<usize>) -> Option<Nanos> {
    match phase {
        Some(phase) => phases.get(phase)?.run_time,
        None => {
            let mut judged = phases.iter().filter(|p| p.measured).map(|p| p.run_time);
            judged.try_fold(Nanos::ZERO, |sum, time| Some(Nanos(sum.0.saturating_add(time?.0))))
        }
    }
}

/// A window longer than what is judged would never be full.
fn check_hold(cx: &mut Ctx<'_>, profile: &str, phases: &[PhasePlan], row: &Row) {
    let (Some(hold), Some(at)) = (row.criterion.hold, &row.hold_at) else { return };
    let Some(time) = judged_time(phases, row.criterion.scope.phase).filter(|time| hold > *time) else {
        return;
    };
    let within = match &row.phase {
        Some((phase, _)) => format!("phase `{phase}` of profile `{profile}`"),
        None => format!("what is judged of profile `{profile}`"),
    };
    cx.error(
        Diagnostic::new(Code::OutOfBounds, format!("`for` is {hold}, and {within} takes {time}"))
            .at(at.clone())
            .label("longer than what is judged")
            .help("write a shorter time, or leave `for` out to judge the whole"),
    );
}

/// A recovery needs a disturbance, a time before it to compare with, and a time after it.
fn check_recovery(cx: &mut Ctx<'_>, profile: &str, phases: &[PhasePlan], disturbed: bool, row: &Row) {
    let measure = &row.criterion.measure;
    if !matches!(measure, Measure::Of(Function::Recovery, _)) {
        return;
    }
    let (at, message, label, help) = match (row.criterion.scope.phase, &row.phase) {
        (Some(phase), Some((name, span))) => {
            let missing = if phase == 0 {
                "before"
            } else if phase + 1 == phases.len() {
                "after"
            } else {
                return;
            };
            (
                span,
                format!("`{measure}`: profile `{profile}` has no phase {missing} `{name}`"),
                "names the disturbance",
                "a recovery is from a phase between two others, to what requests were before it",
            )
        }
        _ if disturbed => return,
        _ => (
            &row.at,
            format!("`{measure}`: nothing disturbs in profile `{profile}`"),
            "nothing to recover from",
            "give the profile `phases` of which one has more load than those before and after it, or `faults`",
        ),
    };
    cx.error(Diagnostic::new(Code::Conflict, message).at(at.clone()).label(label).help(help));
}

/// Does any phase have more load than one before it and one after it?
fn disturbed(phases: &[PhasePlan]) -> bool {
    let mut after = exceeding(phases.iter().rev());
    after.reverse();
    exceeding(phases.iter()).into_iter().zip(after).any(|(before, after)| before && after)
}

/// Which phases have more load than one that came earlier? Arrivals and users cannot be compared, so a change from one
/// to the other counts.
fn exceeding<'p>(phases: impl Iterator<Item = &'p PhasePlan>) -> Vec<bool> {
    let (mut fewest, mut slowest): (Option<u32>, Option<f64>) = (None, None);
    let mut more = |phase: &PhasePlan| match &phase.arrivals {
        Some(arrivals) => {
            let rate = arrivals.mean();
            let more = fewest.is_some() || slowest.is_some_and(|least| rate > least);
            slowest = Some(slowest.map_or(rate, |least| least.min(rate)));
            more
        }
        None => {
            let more = slowest.is_some() || fewest.is_some_and(|least| phase.users > least);
            fewest = Some(fewest.map_or(phase.users, |least| least.min(phase.users)));
            more
        }
    };
    phases.map(&mut more).collect()
}
