//! A run as Locust would have counted it, window by window: what its CSV files, its JSON and its console tables
//! are written from, during a run and from a record alike.
//!
//! Windows are whole seconds, so "the time of the last request" is the end of the last window in which one
//! completed: whole-run rates are at most one window too low. Rates "now" are Locust's (the mean of ten seconds
//! that ended two seconds ago), but counted back from the present, where Locust counts back from the last
//! request and so shows a stalled target at its old rate for ever.

use std::collections::{BTreeMap, VecDeque};

use squall_core::{EndpointId, Nanos, OutcomeKind};
use squall_plan::Plan;
use squall_record::{MarkKind, Run};
use squall_stats::Window;
use squall_stats::locust::{Entry, per_second};

use crate::python::Number;

/// Seconds of the window of `current_*` values.
const CURRENT_SECS: u64 = 10;
/// Locust leaves out the two youngest seconds: they may be incomplete on remote workers.
const CURRENT_DELAY_SECS: u64 = 2;

/// What is remembered beside the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Only what rates need.
    Rates,
    /// Response times of the last ten seconds too.
    RecentTimes,
    /// The counts of every second of the run.
    EverySecond,
}

/// Requests and failures of one second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Second {
    pub(crate) requests: u64,
    pub(crate) failures: u64,
}

/// Everything counted under one (method, name), or under all of them.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) method: String,
    pub(crate) name: String,
    pub(crate) entry: Entry,
    /// By second of the run.
    pub(crate) seconds: BTreeMap<u64, Second>,
    /// Start of the first window with a request.
    pub(crate) first: Option<Nanos>,
    /// End of the last window with a request.
    pub(crate) last: Nanos,
    recent: VecDeque<(Nanos, Entry)>,
}

/// Occurrences of one error of one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) method: String,
    pub(crate) name: String,
    pub(crate) error: String,
    pub(crate) count: u64,
    pub(crate) first: Nanos,
    pub(crate) last: Nanos,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tally {
    keep: Keep,
    /// By endpoint; the last one takes endpoints the plan does not name.
    lines: Vec<Line>,
    total: Line,
    /// Positions in `lines`, by (name, method).
    order: Vec<usize>,
    failures: BTreeMap<(usize, String), Failure>,
    users: u64,
    /// The last reset of the statistics, or the start of the run.
    since: Nanos,
    /// Resets that the windows have not come to yet.
    resets: Vec<Nanos>,
    end: Nanos,
}

impl Tally {
    pub(crate) fn new(plan: &Plan, keep: Keep) -> Self {
        let line = |method: &str, name: &str| Line {
            method: method.to_owned(),
            name: name.to_owned(),
            ..Line::default()
        };
        let mut lines: Vec<Line> = plan.endpoints.iter().map(|e| line(&e.method, &e.name)).collect();
        lines.push(line("", "(other)"));
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by(|&a, &b| (&lines[a].name, &lines[a].method).cmp(&(&lines[b].name, &lines[b].method)));
        let total = line("", "Aggregated");
        Self {
            keep,
            lines,
            total,
            order,
            failures: BTreeMap::new(),
            users: 0,
            since: Nanos::ZERO,
            resets: Vec::new(),
            end: Nanos::ZERO,
        }
    }

    /// All windows of a record, from its last reset of the statistics on, as Locust does it.
    pub(crate) fn of(run: &Run, keep: Keep) -> Self {
        let mut tally = Self::new(&run.plan, keep);
        resets(run).for_each(|at| tally.reset(at));
        run.windows.iter().for_each(|window| tally.push(window));
        tally
    }

    /// Begin anew with the window in which `at` lies. The second before may still be on its way when a reset is heard
    /// of, so it is the time that decides, not which comes first.
    pub(crate) fn reset(&mut self, at: Nanos) {
        self.resets.push(at);
    }

    fn begin_anew(&mut self) {
        for line in self.lines.iter_mut().chain([&mut self.total]) {
            let (method, name) = (std::mem::take(&mut line.method), std::mem::take(&mut line.name));
            *line = Line { method, name, ..Line::default() };
        }
        self.failures.clear();
        self.since = self.end;
    }

    /// Count a window.
    pub(crate) fn push(&mut self, window: &Window) {
        let due = self.resets.len();
        self.resets.retain(|at| *at >= window.start + window.span);
        if self.resets.len() < due {
            self.begin_anew();
        }
        self.users = window.users.iter().copied().map(u64::from).sum();
        self.end = window.start + window.span;
        let mut fresh: BTreeMap<usize, Entry> = BTreeMap::new();
        for (key, cell) in window.cells() {
            let line = self.line_of(key.endpoint);
            fresh.entry(line).or_default().add(key.outcome, cell);
            // Refusals are a failure to Locust; the engine keeps them out of its table of errors.
            if key.outcome == OutcomeKind::RateLimited {
                self.fail(line, "rate limited", cell.count, window.start, self.end);
            }
        }
        for error in window.errors.entries() {
            let line = self.line_of(error.key.endpoint);
            self.fail(line, &error.message, error.count, error.first, error.last);
        }
        if window.errors.overflowed > 0 {
            let other = self.lines.len() - 1;
            self.fail(other, "(other errors)", window.errors.overflowed, window.start, self.end);
        }
        let mut all = Entry::default();
        for (line, entry) in fresh.into_iter().filter(|(_, entry)| entry.num_requests > 0) {
            all.merge(&entry);
            self.lines[line].add(window, entry, self.keep);
        }
        if all.num_requests > 0 {
            self.total.add(window, all, self.keep);
        }
        self.forget();
    }

    fn line_of(&self, endpoint: EndpointId) -> usize {
        endpoint.index().min(self.lines.len() - 1)
    }

    fn fail(&mut self, line: usize, error: &str, count: u64, first: Nanos, last: Nanos) {
        let Line { method, name, .. } = &self.lines[line];
        let failure = self.failures.entry((line, error.to_owned())).or_insert_with(|| Failure {
            method: method.clone(),
            name: name.clone(),
            error: error.to_owned(),
            count: 0,
            first,
            last,
        });
        failure.count += count;
        failure.first = failure.first.min(first);
        failure.last = failure.last.max(last);
    }

    /// Drop what the rates and percentiles of "now" no longer see.
    fn forget(&mut self) {
        let oldest = self.end.since(Nanos::from_secs(CURRENT_SECS));
        let second = self.end.whole_secs().saturating_sub(CURRENT_SECS + CURRENT_DELAY_SECS);
        let keep = self.keep;
        for line in self.lines.iter_mut().chain([&mut self.total]) {
            while line.recent.front().is_some_and(|&(start, _)| start < oldest) {
                line.recent.pop_front();
            }
            if keep != Keep::EverySecond {
                line.seconds = line.seconds.split_off(&second);
            }
        }
    }

    /// Endpoints with at least one request, by (name, method): the order of Locust's tables.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = &Line> {
        self.order.iter().map(|&at| &self.lines[at]).filter(|line| line.entry.num_requests > 0)
    }

    /// Endpoints with at least one request, in the order of the plan.
    pub(crate) fn planned(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.entry.num_requests > 0)
    }

    /// All endpoints together.
    pub(crate) fn total(&self) -> &Line {
        &self.total
    }

    /// Errors, by (name, method, error).
    pub(crate) fn failures(&self) -> Vec<&Failure> {
        let mut all: Vec<&Failure> = self.failures.values().collect();
        all.sort_by(|a, b| (&a.name, &a.method, &a.error).cmp(&(&b.name, &b.method, &b.error)));
        all
    }

    /// Users at the end of the last window.
    pub(crate) fn users(&self) -> u64 {
        self.users
    }

    /// End of the last window.
    pub(crate) fn end(&self) -> Nanos {
        self.end
    }

    /// Requests and failures per second of the whole run so far.
    pub(crate) fn whole_rates(&self, line: &Line) -> (f64, f64) {
        let span = self.total.last.since(self.since);
        (per_second(line.entry.num_requests, span), per_second(line.entry.num_failures, span))
    }

    /// Requests and failures per second now.
    pub(crate) fn current_rates(&self, line: &Line) -> (f64, f64) {
        let now = self.end.whole_secs();
        let to = now.saturating_sub(CURRENT_DELAY_SECS);
        let from = now.saturating_sub(CURRENT_SECS + CURRENT_DELAY_SECS);
        if from == to {
            return (0.0, 0.0);
        }
        let (mut requests, mut failures) = (0, 0);
        for second in line.seconds.range(from..to).map(|(_, second)| second) {
            requests += second.requests;
            failures += second.failures;
        }
        let secs = (to - from) as f64;
        (requests as f64 / secs, failures as f64 / secs)
    }
}

/// When the statistics of `run` were reset.
pub(crate) fn resets(run: &Run) -> impl Iterator<Item = Nanos> {
    run.marks.iter().filter(|mark| mark.kind == MarkKind::Reset).map(|mark| mark.at)
}

impl Line {
    fn add(&mut self, window: &Window, entry: Entry, keep: Keep) {
        self.entry.merge(&entry);
        self.first.get_or_insert(window.start);
        self.last = window.start + window.span;
        // A window that stands for several seconds, because a reader was slow, is spread evenly over them.
        let from = window.start.whole_secs();
        let secs = window.span.whole_secs().max(1);
        for n in 0..secs {
            let part = |count: u64| count / secs + u64::from(n < count % secs);
            let second = self.seconds.entry(from + n).or_default();
            second.requests += part(entry.num_requests);
            second.failures += part(entry.num_failures);
        }
        if keep == Keep::RecentTimes {
            self.recent.push_back((window.start, entry));
        }
    }

    /// Response times of the last ten seconds.
    pub(crate) fn recent(&self) -> Entry {
        let mut sum = Entry::default();
        for (_, entry) in &self.recent {
            sum.merge(entry);
        }
        sum
    }

    /// The median as Locust holds it: a bucket, or the raw shortest or longest time where that clamps it.
    pub(crate) fn median(&self) -> Number {
        match self.entry.percentile(0.5) {
            None => Number::Int(0),
            Some(bucket) if self.entry.median() == bucket as f64 => Number::Int(bucket),
            Some(_) => Number::Float(self.entry.median()),
        }
    }

    /// The shortest response time; Locust has the integer 0 before the first one.
    pub(crate) fn min(&self) -> Number {
        self.entry.min_response_time.map_or(Number::Int(0), Number::Float)
    }

    /// The longest response time; Locust has the integer 0 before the first one.
    pub(crate) fn max(&self) -> Number {
        self.or_zero(self.entry.max_response_time)
    }

    /// The mean size of a response; Locust has the integer 0 before the first one.
    pub(crate) fn size(&self) -> Number {
        self.or_zero(self.entry.average_content_length())
    }

    fn or_zero(&self, value: f64) -> Number {
        if self.entry.num_requests == 0 { Number::Int(0) } else { Number::Float(value) }
    }
}
