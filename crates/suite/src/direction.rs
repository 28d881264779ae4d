//! Levels that point the wrong way: `error_rate = "> 1%"` is met by a server that fails.
//!
//! Only what nobody asks of a good server is pointed out: limiters are tested with `rate_limited = "> 0%"`, and whether
//! more of a monitored series is better, only its reader knows.

use squall_plan::{Comparison, Criterion, Function, Level, Measure};

use crate::warnings::Warning;

/// What of it asks for a bad server, the target first.
pub(crate) fn wrong(criterion: &Criterion) -> Option<Warning> {
    let unit = criterion.measure.unit();
    let levels = [("a target", criterion.target), ("an acceptable level", criterion.acceptable)];
    let (kind, level) = levels.into_iter().find_map(|(kind, level)| {
        Some((kind, level?)).filter(|(_, level)| is_wrong(&criterion.measure, *level))
    })?;
    let meant = Level { comparison: turned(level.comparison), value: level.value };
    Some(Warning::WrongDirection {
        measure: criterion.measure.to_string(),
        kind,
        level: level.display(unit),
        meant: meant.display(unit),
    })
}

fn is_wrong(measure: &Measure, level: Level) -> bool {
    let upward = matches!(level.comparison, Comparison::Above | Comparison::AtLeast);
    match measure {
        Measure::Throughput => !upward,
        // With one that asks for a fall, two levels around zero say that nothing may change.
        Measure::Of(Function::Slope, of) => upward && level.value >= 0.0 && **of != Measure::Throughput,
        Measure::Of(Function::Mean | Function::Min, of) if **of == Measure::Throughput => !upward,
        Measure::Of(_, of) => upward && is_bad(of),
        measure => upward && is_bad(measure),
    }
}

/// Is more of it worse, whatever is tested?
fn is_bad(measure: &Measure) -> bool {
    matches!(
        measure,
        Measure::Percentile(_) | Measure::Mean | Measure::Max | Measure::ErrorRate | Measure::Dropped
    )
}

fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Below => Comparison::Above,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::Above => Comparison::Below,
        Comparison::AtLeast => Comparison::AtMost,
    }
}
