//! A measure over the course of time: the worst window that slides, or blocks one after the other.

use std::collections::VecDeque;

use squall_core::Nanos;
use squall_plan::{Function, Measure};

use crate::level::Value;
use crate::tally::Tally;

/// What is made of the windows of the judged time. Its axis is the judged time: what is not judged is cut out of it.
#[derive(Clone, Debug)]
pub(crate) enum Track {
    /// The worst of every window of a length.
    Sliding(Sliding),
    /// One block after the other.
    Blocks(Blocks),
    /// Blocks that grow as the time does, for a trend.
    Growing(Growing),
}

/// A value and the requests it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) value: Value,
    pub(crate) requests: u64,
}

/// The worst window of a length; see [`Track`].
#[derive(Clone, Debug)]
pub(crate) struct Sliding {
    measure: Measure,
    length: Nanos,
    /// High values are bad ones.
    high_is_bad: bool,
    parts: VecDeque<Tally>,
    sum: Tally,
    worst: Option<Found>,
    complete: bool,
}

/// Blocks of a length; see [`Track`].
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    measure: Measure,
    function: Function,
    length: Nanos,
    position: Nanos,
    open: Tally,
    closed: Folded,
}

/// The blocks that are over.
#[derive(Clone, Copy, Debug, Default)]
struct Folded {
    extreme: Option<Found>,
    sum: f64,
    count: u32,
    requests: u64,
    at_least: bool,
}

/// Blocks for a trend: never more than twice [`Growing::LEAST`], joined in pairs when there are; see [`Track`].
#[derive(Clone, Debug)]
pub(crate) struct Growing {
    measure: Measure,
    length: Nanos,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
struct Block {
    start: Nanos,
    end: Nanos,
    tally: Tally,
}

/// The worse of two values, and that of two bounds none is the truth.
pub(crate) fn worse(high_is_bad: bool, a: Value, b: Value) -> Value {
    if high_is_bad {
        // The truth of any bound may lie above all other values.
        Value { value: a.value.max(b.value), at_least: a.at_least || b.at_least }
    } else if a.value == b.value {
        Value { value: a.value, at_least: a.at_least && b.at_least }
    } else if a.value < b.value {
        a
    } else {
        b
    }
}

fn worse_found(high_is_bad: bool, a: Option<Found>, b: Found) -> Found {
    let Some(a) = a else { return b };
    let value = worse(high_is_bad, a.value, b.value);
    let requests = if value.value == b.value.value { b.requests } else { a.requests };
    Found { value, requests }
}

impl Track {
    /// One recorded window's part in what is judged. It ends at `now`.
    pub(crate) fn push(&mut self, tally: Tally, now: Nanos) {
        match self {
            Self::Sliding(sliding) => sliding.push(tally),
            Self::Blocks(blocks) => blocks.push(&tally),
            Self::Growing(growing) => growing.push(tally, now),
        }
    }
}

impl Sliding {
    /// `high_is_bad` says which values are the worse ones.
    pub(crate) fn new(measure: Measure, length: Nanos, high_is_bad: bool) -> Self {
        Self {
            measure,
            length,
            high_is_bad,
            parts: VecDeque::new(),
            sum: Tally::default(),
            worst: None,
            complete: false,
        }
    }

    fn push(&mut self, tally: Tally) {
        self.sum.add(&tally);
        self.parts.push_back(tally);
        while let Some(first) = self.parts.front().filter(|first| self.sum.span - first.span >= self.length) {
            // Without its time there is enough left; a part without time is not the last one, or it stays.
            if self.parts.len() == 1 {
                break;
            }
            let first = first.clone();
            self.parts.pop_front();
            self.sum.remove(&first, self.parts.iter());
        }
        if self.sum.span >= self.length {
            self.complete = true;
            if let Some(value) = self.sum.value(&self.measure) {
                let found = Found { value, requests: self.sum.timed() };
                self.worst = Some(worse_found(self.high_is_bad, self.worst, found));
            }
        }
    }

    /// The worst window; `None` while none had data.
    pub(crate) fn worst(&self) -> Option<Found> {
        self.worst
    }

    /// Was there a window of the full length?
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }
}

impl Blocks {
    /// `function` is the highest, the lowest or the mean of the blocks.
    pub(crate) fn new(measure: Measure, function: Function, length: Nanos) -> Self {
        Self {
            measure,
            function,
            length,
            position: Nanos::ZERO,
            open: Tally::default(),
            closed: Folded::default(),
        }
    }

    fn push(&mut self, tally: &Tally) {
        let block = |position: Nanos| position.0 / self.length.0.max(1);
        let begun = self.position - self.open.span;
        if tally.span > Nanos::ZERO && block(self.position) > block(begun) {
            self.closed = self.folded(&self.open);
            self.open = Tally::default();
        }
        self.position += tally.span;
        self.open.add(tally);
    }

    fn folded(&self, block: &Tally) -> Folded {
        let mut folded = self.closed;
        let Some(value) = block.value(&self.measure) else { return folded };
        let found = Found { value, requests: block.timed() };
        folded.extreme = Some(worse_found(self.function == Function::Max, folded.extreme, found));
        folded.sum += value.value;
        folded.count += 1;
        folded.requests += found.requests;
        folded.at_least |= value.at_least;
        folded
    }

    /// Over the blocks so far, the last one included when half of it is over.
    pub(crate) fn value(&self) -> Option<Found> {
        let enough = self.open.span.0 >= self.length.0 / 2;
        let folded = if enough { self.folded(&self.open) } else { self.closed };
        match self.function {
            Function::Mean if folded.count > 0 => Some(Found {
                value: Value { value: folded.sum / f64::from(folded.count), at_least: folded.at_least },
                requests: folded.requests,
            }),
            _ => folded.extreme,
        }
    }
}

impl Growing {
    /// Blocks at least, once there is time for them.
    const LEAST: usize = 30;
    /// Length of the first ones.
    const SHORTEST: Nanos = Nanos::from_secs(5);

    /// Blocks of at least 5 s.
    pub(crate) fn new(measure: Measure) -> Self {
        Self { measure, length: Self::SHORTEST, blocks: Vec::new() }
    }

    fn push(&mut self, tally: Tally, now: Nanos) {
        match self.blocks.last_mut() {
            Some(last) if tally.span == Nanos::ZERO || last.tally.span < self.length => {
                last.end = now;
                last.tally.add(&tally);
            }
            _ => self.blocks.push(Block { start: now - tally.span, end: now, tally }),
        }
        if self.blocks.len() > 2 * Self::LEAST {
            self.length = Nanos(self.length.0 * 2);
            let mut blocks = std::mem::take(&mut self.blocks).into_iter();
            while let Some(mut block) = blocks.next() {
                if let Some(next) = blocks.next() {
                    block.end = next.end;
                    block.tally.add(&next.tally);
                }
                self.blocks.push(block);
            }
        }
    }

    /// The blocks as moments (their middle, in seconds of run time) and values. The last one is left out while it is
    /// less than half.
    pub(crate) fn points(&self) -> Vec<(f64, f64)> {
        let full = self.blocks.iter().filter(|block| block.tally.span.0 >= self.length.0 / 2);
        full.filter_map(|block| {
            let middle = f64::midpoint(block.start.as_secs_f64(), block.end.as_secs_f64());
            Some((middle, block.tally.value(&self.measure)?.value))
        })
        .collect()
    }
}
