//! The requests that are compared, cut into blocks of time.
//!
//! Requests follow each other: a slow second makes the next one slow. Blocks carry what belongs together, so that how
//! much they vary says how much the whole would vary. A run has about sixty of them, each at least a second long; of a
//! percentile, which needs the single times, a block keeps the histogram.

use std::collections::{BTreeMap, BTreeSet};

use squall_core::{EndpointId, Nanos, OutcomeKind, PhaseId};
use squall_record::{PhaseMark, Run};
use squall_stats::{Cell, Histogram};

/// As many blocks as there is time for: fewer say little about how the run varied, more are cut from each other.
const BLOCKS: f64 = 60.0;

/// A part of a run that is compared: requests begun in `phase`, from `from` to `to`.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) phase: PhaseId,
    pub(super) name: String,
    /// Of the phase.
    begin: Nanos,
    pub(super) from: Nanos,
    pub(super) to: Nanos,
    /// `to` is the end of the phase: what was begun in it and answered later belongs to it.
    pub(super) whole: bool,
    /// The asked number of users was never held, so the ramp is what there is.
    pub(super) ramp: bool,
}

impl Part {
    /// The part of `phase` that is measured: its hold, or all of it when it never held.
    pub(super) fn of(run: &Run, phase: &PhaseMark) -> Self {
        let to = phase.end.unwrap_or_else(|| run.duration());
        let hold = phase.ramped.filter(|ramped| *ramped < to);
        Self {
            phase: phase.id,
            name: phase.name.clone(),
            begin: phase.start,
            from: hold.unwrap_or(phase.start),
            to,
            whole: true,
            ramp: hold.is_none(),
        }
    }

    pub(super) fn span(&self) -> Nanos {
        self.to.since(self.from)
    }
}

/// What happened in a stretch of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// Seconds.
    pub(super) span: f64,
    pub(super) ok: u64,
    /// Successes that were also complete within the stretch.
    pub(super) ok_within: u64,
    /// Timeouts included.
    pub(super) failed: u64,
    pub(super) rate_limited: u64,
    /// Sum of the response times of successes, in seconds.
    pub(super) ok_secs: f64,
    /// Response times of successes.
    pub(super) times: Histogram,
    /// How long the unanswered were waited for.
    pub(super) unanswered: Histogram,
}

/// The blocks of a subject (an endpoint or everything), part by part.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    pub(super) parts: Vec<Vec<Block>>,
}

/// Everything of a run that is compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub(super) total: Observed,
    pub(super) endpoints: BTreeMap<EndpointId, Observed>,
    /// Seconds.
    pub(super) span: f64,
}

impl Block {
    fn add(&mut self, outcome: OutcomeKind, cell: &Cell, within: bool) {
        match outcome {
            OutcomeKind::Ok => {
                self.ok += cell.count;
                self.ok_within += if within { cell.count } else { 0 };
                self.ok_secs += cell.response_sum.as_secs_f64();
                self.times.merge(&cell.response);
            }
            OutcomeKind::TimedOut => {
                self.failed += cell.count;
                self.unanswered.merge(&cell.response);
            }
            OutcomeKind::Cut => self.unanswered.merge(&cell.response),
            OutcomeKind::Failed => self.failed += cell.count,
            OutcomeKind::RateLimited => self.rate_limited += cell.count,
        }
    }

    /// Add another endpoint's requests in the same stretch of time.
    fn merge(&mut self, other: &Self) {
        self.ok += other.ok;
        self.ok_within += other.ok_within;
        self.failed += other.failed;
        self.rate_limited += other.rate_limited;
        self.ok_secs += other.ok_secs;
        self.times.merge(&other.times);
        self.unanswered.merge(&other.unanswered);
    }

    /// Answered or failed.
    pub(super) fn completed(&self) -> u64 {
        self.ok + self.failed + self.rate_limited
    }
}

impl Observed {
    fn new(layout: &[Vec<Stretch>]) -> Self {
        let block = |stretch: &Stretch| Block { span: stretch.span, ..Block::default() };
        Self { parts: layout.iter().map(|part| part.iter().map(block).collect()).collect() }
    }

    /// Blocks of all parts.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.parts.iter().flatten()
    }

    /// A count over all blocks.
    pub(super) fn sum(&self, of: impl Fn(&Block) -> u64) -> u64 {
        self.blocks().map(of).sum()
    }

    fn merge(&mut self, other: &Self) {
        let mine = self.parts.iter_mut().flatten();
        mine.zip(other.blocks()).for_each(|(mine, theirs)| mine.merge(theirs));
    }
}

/// The endpoints that were requested in `parts`.
pub(super) fn requested(run: &Run, parts: &[Part]) -> BTreeSet<EndpointId> {
    let keys = run.windows.iter().flat_map(|window| window.cells().map(|(key, _)| key));
    keys.filter(|key| parts.iter().any(|part| part.phase == key.phase)).map(|key| key.endpoint).collect()
}

impl Sample {
    /// The requests of `parts` to the endpoints of `kept`.
    pub(super) fn new(run: &Run, parts: &[Part], kept: &BTreeSet<EndpointId>) -> Self {
        let layout = layout(run, parts);
        let span = layout.iter().flatten().map(|stretch| stretch.span).sum();
        let mut endpoints: BTreeMap<EndpointId, Observed> = BTreeMap::new();
        for (number, (part, stretches)) in parts.iter().zip(&layout).enumerate() {
            for (block, stretch) in stretches.iter().enumerate() {
                for (at, window) in stretch.windows.clone().map(|at| (at, &run.windows[at])) {
                    let ours = window.cells().filter(|(key, _)| key.phase == part.phase);
                    for (key, cell) in ours.filter(|(key, _)| kept.contains(&key.endpoint)) {
                        let observed =
                            endpoints.entry(key.endpoint).or_insert_with(|| Observed::new(&layout));
                        observed.parts[number][block].add(key.outcome, cell, at < stretch.late);
                    }
                }
            }
        }
        let mut total = Observed::new(&layout);
        endpoints.values().for_each(|observed| total.merge(observed));
        Self { total, endpoints, span }
    }
}

/// Consecutive windows that make a block.
#[derive(Clone, Debug)]
struct Stretch {
    windows: std::ops::Range<usize>,
    /// The first window after the end of the part.
    late: usize,
    /// Seconds that its windows share with the part.
    span: f64,
}

/// How the windows of each part are cut into blocks.
fn layout(run: &Run, parts: &[Part]) -> Vec<Vec<Stretch>> {
    let total: f64 = parts.iter().map(|part| part.span().as_secs_f64()).sum();
    let length = (total / BLOCKS).max(1.0);
    parts.iter().map(|part| cut(run, part, length)).collect()
}

fn cut(run: &Run, part: &Part, length: f64) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    // Whole windows only: the one in which the users were all there counts, as it does for criteria.
    let first = run.windows.partition_point(|window| window.start + window.span <= part.from);
    let end = first + run.windows[first..].partition_point(|window| window.start < part.to);
    let mut open: Option<Stretch> = None;
    for at in first..end {
        let window = &run.windows[at];
        let shared = part.to.min(window.start + window.span).since(window.start.max(part.begin));
        let stretch = open.get_or_insert(Stretch { windows: at..at, late: end, span: 0.0 });
        stretch.windows.end = at + 1;
        stretch.span += shared.as_secs_f64();
        // Windows are never exactly a second long.
        if stretch.span >= length * 0.99 {
            stretches.extend(open.take());
        }
    }
    match (open, stretches.last_mut()) {
        (Some(rest), Some(last)) if rest.span < length / 2.0 => {
            last.windows.end = rest.windows.end;
            last.span += rest.span;
        }
        (Some(rest), _) => stretches.push(rest),
        (None, _) => {}
    }
    if let Some(last) = stretches.last_mut()
        && part.whole
    {
        last.windows.end = run.windows.len();
    }
    stretches
}
