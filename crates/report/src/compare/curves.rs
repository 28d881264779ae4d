//! Both runs over the time since the start of what is compared, and the distributions of both, for charts.
//!
//! The same bins on both sides, each merged exactly: a percentile of a point is one of its requests.

use std::collections::BTreeSet;

use serde::Serialize;
use squall_core::{EndpointId, Nanos, OutcomeKind};
use squall_record::Run;
use squall_stats::Summary;
use squall_verdict::Comparison;
use squall_verdict::compare::Finding;

/// Points over time: as many as a chart can show apart.
const MAX_POINTS: f64 = 240.0;
/// Charts of so many endpoints at most, those with findings.
const MAX_ENDPOINTS: usize = 12;
/// Points of a percentile curve, evenly spaced over the number of nines.
const LEVELS: usize = 120;

/// Everything that is drawn.
#[derive(Debug, Serialize)]
pub(super) struct Curves {
    /// Seconds since the start of what is compared: the middle of each point.
    pub(super) t: Vec<f64>,
    /// Length of a point, in seconds.
    pub(super) step: f64,
    /// Where each phase begins, and its name.
    pub(super) phases: Vec<(f64, String)>,
    /// All requests first, then the endpoints with findings.
    pub(super) subjects: Vec<Curve>,
}

/// What is drawn of a subject.
#[derive(Debug, Serialize)]
pub(super) struct Curve {
    pub(super) label: String,
    pub(super) finding: Finding,
    pub(super) a: Lines,
    pub(super) b: Lines,
}

/// The lines of one run; times in milliseconds, rates per second.
#[derive(Debug, Default, Serialize)]
pub(super) struct Lines {
    pub(super) p95: Vec<Option<f64>>,
    pub(super) ok: Vec<Option<f64>>,
    /// Number of nines (1 is 90 %, 2 is 99 %) and response time, over everything that is compared.
    pub(super) levels: Vec<(f64, f64)>,
}

/// What is drawn of `comparison`.
pub(super) fn curves(comparison: &Comparison, a: &Run, b: &Run) -> Curves {
    let spans = |side: fn(&squall_verdict::compare::PairedStretch) -> (f64, f64)| -> Vec<(f64, f64)> {
        comparison.stretches.iter().map(side).collect()
    };
    let (in_a, in_b) = (spans(|stretch| stretch.a), spans(|stretch| stretch.b));
    let mut begin = 0.0;
    let mut offsets = Vec::new();
    for (a, b) in in_a.iter().zip(&in_b) {
        offsets.push(begin);
        begin += (a.1 - a.0).max(b.1 - b.0);
    }
    let step = (begin / MAX_POINTS).ceil().max(1.0);
    let points = (begin / step).ceil() as usize;
    let lines = |run: &Run, spans: &[(f64, f64)], labels: &BTreeSet<&String>| {
        let axis = Axis { spans, offsets: &offsets, step, points };
        axis.lines(run, &endpoints(run, labels))
    };
    let found = |finding| matches!(finding, Finding::Regressed | Finding::Improved);
    let with_findings = comparison.endpoints.iter().filter(|subject| found(subject.finding));
    let subjects = [&comparison.total].into_iter().chain(with_findings.take(MAX_ENDPOINTS));
    let curve = |(number, subject): (usize, &squall_verdict::compare::Subject)| {
        let labels: BTreeSet<&String> =
            if number == 0 { comparison.common.iter().collect() } else { [&subject.label].into() };
        Curve {
            label: subject.label.clone(),
            finding: subject.finding,
            a: lines(a, &in_a, &labels),
            b: lines(b, &in_b, &labels),
        }
    };
    Curves {
        t: (0..points).map(|point| (point as f64 + 0.5) * step).collect(),
        step,
        phases: offsets
            .iter()
            .copied()
            .zip(comparison.stretches.iter().map(|one| one.phase.clone()))
            .collect(),
        subjects: subjects.enumerate().map(curve).collect(),
    }
}

fn endpoints(run: &Run, labels: &BTreeSet<&String>) -> BTreeSet<EndpointId> {
    let all = run.plan.endpoints.iter().enumerate();
    let ours = all.filter(|(_, endpoint)| labels.contains(&format!("{} {}", endpoint.method, endpoint.name)));
    ours.map(|(index, _)| EndpointId::from(index)).collect()
}

/// How moments of a run become points.
struct Axis<'a> {
    spans: &'a [(f64, f64)],
    offsets: &'a [f64],
    step: f64,
    points: usize,
}

impl Axis<'_> {
    fn lines(&self, run: &Run, endpoints: &BTreeSet<EndpointId>) -> Lines {
        let mut bins: Vec<(Summary, f64)> = vec![Default::default(); self.points];
        let mut all = Summary::default();
        for window in &run.windows {
            let (start, span) = (window.start.as_secs_f64(), window.span.as_secs_f64());
            let Some(point) = self.point(start, start + span) else { continue };
            let Some((summary, seconds)) = bins.get_mut(point) else { continue };
            *seconds += span;
            for (key, cell) in window.cells().filter(|(key, _)| endpoints.contains(&key.endpoint)) {
                summary.add(key.outcome, cell);
                all.add(key.outcome, cell);
            }
        }
        let p95 = |(summary, _): &(Summary, f64)| {
            summary.percentile(95.0).map(|quantile| thousandth(quantile.value.as_millis_f64()))
        };
        let ok = |(summary, seconds): &(Summary, f64)| {
            (*seconds > 0.0).then(|| thousandth(summary.count(OutcomeKind::Ok) as f64 / seconds))
        };
        Lines { p95: bins.iter().map(p95).collect(), ok: bins.iter().map(ok).collect(), levels: levels(&all) }
    }

    /// The point of a window, by where its middle lies.
    fn point(&self, start: f64, end: f64) -> Option<usize> {
        let middle = f64::midpoint(start, end);
        let part = self.spans.iter().position(|span| span.0 <= middle && middle < span.1)?;
        Some(((middle - self.spans[part].0 + self.offsets[part]) / self.step) as usize)
    }
}

/// Response times up to the level that ten requests lie beyond.
fn levels(all: &Summary) -> Vec<(f64, f64)> {
    let answered = all.response_times().count();
    let most = (answered as f64 / 10.0).log10();
    let point = |number: usize| {
        let nines = most * number as f64 / LEVELS as f64;
        let percentile = 100.0 * (1.0 - 10f64.powf(-nines));
        let value = all.percentile(percentile)?.value;
        (value > Nanos::ZERO).then(|| (thousandth(nines), thousandth(value.as_millis_f64())))
    };
    if most > 0.0 { (0..=LEVELS).filter_map(point).collect() } else { Vec::new() }
}

fn thousandth(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
