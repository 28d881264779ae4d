//! A value against the levels of one criterion.
//!
//! | levels given | meaning |
//! |---|---|
//! | any | target met: pass; else acceptable met: degraded; else failure met: fail |
//! | with failure, and target or acceptable | none met: gap |
//! | without failure | none met: fail |
//! | failure alone | not met: pass |
//!
//! A lower bound meets an upper level never (the truth may lie above) and refutes it when the bound itself does
//! not meet it; it meets `>` levels like any value, and refutes them never. Where the outcome hangs on what is
//! not known, the standing is the gap, and a note says so.

use squall_plan::{Comparison, Criterion, Level};

use crate::Standing;

/// A measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) value: f64,
    /// The truth is this or more.
    pub(crate) at_least: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Yes,
    No,
    Unknown,
}

/// Are high values the bad ones? Says which of many windows is the worst.
pub(crate) fn high_is_bad(criterion: &Criterion) -> bool {
    let upper = |level: Level| matches!(level.comparison, Comparison::Below | Comparison::AtMost);
    let wanted = criterion.target.or(criterion.acceptable).map(upper);
    wanted.or(criterion.failure.map(|level| !upper(level))).unwrap_or(true)
}

/// Where `value` stands, and what one should know about it.
pub(crate) fn standing(criterion: &Criterion, value: Option<Value>) -> (Standing, Option<String>) {
    let Some(value) = value else {
        return (Standing::NoData, Some("no request to measure".to_owned()));
    };
    let of = |level: Option<Level>| level.map(|level| met(level, value));
    let (target, acceptable, failure) =
        (of(criterion.target), of(criterion.acceptable), of(criterion.failure));
    let unknown = [target, acceptable, failure].contains(&Some(Met::Unknown));
    let standing = match (target, acceptable, failure) {
        (Some(Met::Yes), _, _) | (None, None, Some(Met::No)) => Standing::Pass,
        (_, Some(Met::Yes), _) => Standing::Degraded,
        (_, _, Some(Met::Yes)) => Standing::Fail,
        (_, _, None) if !unknown => Standing::Fail,
        _ => Standing::Gap,
    };
    let note = (unknown && standing == Standing::Gap)
        .then(|| "only a lower bound is known, because requests were not answered".to_owned());
    (standing, note)
}

fn met(level: Level, value: Value) -> Met {
    let upper = matches!(level.comparison, Comparison::Below | Comparison::AtMost);
    match (level.is_met_by(value.value), value.at_least) {
        (met, false) => {
            if met {
                Met::Yes
            } else {
                Met::No
            }
        }
        (true, true) if upper => Met::Unknown,
        (false, true) if !upper => Met::Unknown,
        (true, true) => Met::Yes,
        (false, true) => Met::No,
    }
}

#[cfg(test)]
mod tests {
    use squall_plan::{Measure, Scope};

    use super::*;

    fn level(text: &str) -> Level {
        let (comparison, value) = text.split_once(' ').unwrap();
        let comparison = match comparison {
            "<" => Comparison::Below,
            "<=" => Comparison::AtMost,
            ">" => Comparison::Above,
            _ => Comparison::AtLeast,
        };
        Level { comparison, value: value.parse().unwrap() }
    }

    fn judge(levels: [&str; 3], value: &str) -> (Standing, bool) {
        let [target, acceptable, failure] = levels.map(|text| (!text.is_empty()).then(|| level(text)));
        let criterion = Criterion {
            abort: false,
            hold: None,
            measure: Measure::ErrorRate,
            scope: Scope::default(),
            target,
            acceptable,
            failure,
        };
        let value = match value {
            "" => None,
            text => Some(Value {
                value: text.trim_start_matches('+').parse().unwrap(),
                at_least: text.starts_with('+'),
            }),
        };
        let (standing, note) = standing(&criterion, value);
        (standing, note.is_some())
    }

    #[test]
    fn levels_decide() {
        use Standing::{Degraded, Fail, Gap, NoData, Pass};
        let guide = ["< 0.005", "< 0.02", "> 0.05"];
        for (levels, value, expected) in [
            (guide, "0", Pass),
            (guide, "0.005", Degraded),
            (guide, "0.019", Degraded),
            (guide, "0.02", Gap),
            (guide, "0.05", Gap),
            (guide, "0.051", Fail),
            (guide, "", NoData),
            (["< 5", "", ""], "4", Pass),
            (["< 5", "", ""], "5", Fail),
            (["<= 5", "", ""], "5", Pass),
            (["< 5", "< 9", ""], "8", Degraded),
            (["< 5", "< 9", ""], "9", Fail),
            (["", "< 9", ""], "8", Degraded),
            (["", "< 9", ""], "9", Fail),
            (["", "", "> 9"], "9", Pass),
            (["", "", ">= 9"], "9", Fail),
            (["", "< 5", "> 9"], "4", Degraded),
            (["", "< 5", "> 9"], "7", Gap),
            (["< 5", "", "> 9"], "7", Gap),
            (["> 100", "> 80", "< 50"], "120", Pass),
            (["> 100", "> 80", "< 50"], "90", Degraded),
            (["> 100", "> 80", "< 50"], "60", Gap),
            (["> 100", "> 80", "< 50"], "40", Fail),
        ] {
            assert_eq!(judge(levels, value).0, expected, "{levels:?} {value:?}");
        }
    }

    #[test]
    fn a_lower_bound_proves_only_what_it_can() {
        use Standing::{Degraded, Fail, Gap, Pass};
        for (levels, value, expected, noted) in [
            (["< 5", "", ""], "+6", Fail, false),
            (["< 5", "", ""], "+4", Gap, true),
            (["< 5", "< 9", "> 9"], "+10", Fail, false),
            (["< 5", "< 9", "> 9"], "+7", Gap, true),
            (["< 5", "< 9", "> 20"], "+10", Gap, true),
            (["", "", "> 9"], "+10", Fail, false),
            (["", "", "> 9"], "+8", Gap, true),
            (["> 5", "", ""], "+6", Pass, false),
            (["> 5", "> 3", ""], "+4", Degraded, false),
            (["> 5", "", ""], "+4", Gap, true),
        ] {
            assert_eq!(judge(levels, value), (expected, noted), "{levels:?} {value:?}");
        }
    }
}
