//! Which parts of two runs are held against each other: holds of measured phases of the same name, as long as each other
//! where there is more than one, so that each phase has the same weight on both sides.

use squall_core::Nanos;
use squall_record::{PhaseMark, Run};

use super::PairedStretch;
use super::blocks::Part;

/// Parts of both runs, in the same order.
#[derive(Debug, Default)]
pub(super) struct Paired {
    pub(super) a: Vec<Part>,
    pub(super) b: Vec<Part>,
    pub(super) stretches: Vec<PairedStretch>,
    pub(super) excluded: Vec<String>,
    pub(super) warnings: Vec<String>,
}

pub(super) fn pair(a: &Run, b: &Run) -> Paired {
    let (parts_a, parts_b) = (measured(a), measured(b));
    let mut paired = Paired::default();
    let mut pairs: Vec<(Part, Part)> = parts_a
        .iter()
        .filter_map(|one| Some((one.clone(), parts_b.iter().find(|other| other.name == one.name)?.clone())))
        .collect();
    if pairs.is_empty() {
        if !parts_a.is_empty() && !parts_b.is_empty() {
            paired.warnings.push(format!(
                "no phase has the same name in both runs: {} of A is compared with {} of B",
                names(&parts_a),
                names(&parts_b)
            ));
        }
        // Part by part as far as both go; what one has more of stands alone in the intervals, not in the charts.
        paired.stretches = parts_a.iter().zip(&parts_b).map(|(a, b)| stretch(a, b)).collect();
        (paired.a, paired.b) = (parts_a, parts_b);
    } else {
        for (run, parts) in [('A', &parts_a), ('B', &parts_b)] {
            let other = if run == 'A' { &parts_b } else { &parts_a };
            for part in parts.iter().filter(|part| other.iter().all(|other| other.name != part.name)) {
                paired
                    .excluded
                    .push(format!("phase {} of {run}, which the other run does not have", part.name));
            }
        }
        let several = pairs.len() > 1;
        for (one, other) in &mut pairs {
            paired.excluded.extend(several.then(|| as_long(one, other)).flatten());
            paired.stretches.push(stretch(one, other));
        }
        (paired.a, paired.b) = pairs.into_iter().unzip();
    }
    for (name, run, parts) in [('A', a, &paired.a), ('B', b, &paired.b)] {
        paired.excluded.extend(run.phases.iter().filter_map(|phase| left_out(name, run, phase, parts)));
        for part in parts.iter().filter(|part| part.ramp) {
            paired
                .warnings
                .push(format!("phase {} of {name} never held its users: its ramp is compared", part.name));
        }
    }
    paired
}

/// Parts of `run` that have lasted at all.
fn measured(run: &Run) -> Vec<Part> {
    let phases = run.phases.iter().filter(|phase| phase.measured);
    phases.map(|phase| Part::of(run, phase)).filter(|part| part.span() > Nanos::ZERO).collect()
}

fn names(parts: &[Part]) -> String {
    parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Shorten the longer one, and say so when it is more than a second.
fn as_long(one: &mut Part, other: &mut Part) -> Option<String> {
    let span = one.span().min(other.span());
    let cut = one.span().max(other.span()).since(span);
    let (longer, run) = if one.span() > other.span() { (one, 'A') } else { (other, 'B') };
    if cut <= Nanos::SECOND {
        return None;
    }
    longer.to = longer.from + span;
    longer.whole = false;
    Some(format!("the last {cut} of phase {} of {run}, which was shorter in the other run", longer.name))
}

fn left_out(name: char, run: &Run, phase: &PhaseMark, parts: &[Part]) -> Option<String> {
    let end = phase.end.unwrap_or_else(|| run.duration());
    if !phase.measured {
        return Some(format!(
            "phase {} of {name}: {} that are not measured",
            phase.name,
            tenth(end.since(phase.start))
        ));
    }
    let part = parts.iter().find(|part| part.phase == phase.id)?;
    let ramp = part.from.since(phase.start);
    (ramp > Nanos::ZERO).then(|| format!("the ramp of phase {} of {name}: {}", phase.name, tenth(ramp)))
}

/// To a tenth of a second.
fn tenth(span: Nanos) -> Nanos {
    Nanos::from_secs_f64((span.as_secs_f64() * 10.0).round() / 10.0)
}

fn stretch(a: &Part, b: &Part) -> PairedStretch {
    let seconds = |part: &Part| (part.from.as_secs_f64(), part.to.as_secs_f64());
    let phase = if a.name == b.name { a.name.clone() } else { format!("{} / {}", a.name, b.name) };
    PairedStretch { phase, a: seconds(a), b: seconds(b) }
}
