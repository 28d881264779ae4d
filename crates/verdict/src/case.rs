//! One criterion and what was seen of it.

use squall_core::Nanos;
use squall_plan::{Criterion, Function, Measure, Plan, Scope, Unit};
use squall_record::PhaseMark;
use squall_stats::{Quantile, Summary, Window};

use crate::chance::quantile_ranks;
use crate::course::Course;
use crate::level::{self, Value};
use crate::measured::{Measured, Selection};
use crate::samples::{self, Samples};
use crate::statistics::{bucket_medians, trend};
use crate::tally::Lens;
use crate::track::{Blocks, Growing, Sliding, Track};
use crate::verdict::label;
use crate::watched::Watched;
use crate::{Recovery, Row, Standing};

/// Length of the blocks of which `max()` and `min()` of a client measure are the highest and the lowest.
const BLOCK: Nanos = Nanos::from_secs(10);
/// The percentile of recoveries, where none is named, and of those from faults.
const USUAL: f64 = 95.0;
/// Judged time and requests before a criterion over the whole time may stop the run.
const SETTLED: (Nanos, u64) = (Nanos::from_secs(10), 100);

/// One criterion and what was seen of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    criterion: Criterion,
    label: String,
    /// The one phase it looks at. By name: live edits insert phases, so that the order of the run is not the order
    /// of the plan.
    phase: Option<String>,
    lens: Lens,
    source: Source,
    /// The last standing that was seen, and since when.
    seen: Option<(Standing, Nanos)>,
}

/// Where its value comes from.
#[derive(Clone, Debug)]
enum Source {
    /// All that was measured.
    Whole,
    /// Windows in the order of time.
    Course(Box<Course>),
    /// A monitored series: its number in the plan, `None` when nothing delivers it.
    Series(Option<usize>, Samples),
    /// How requests came back from a disturbance.
    Recovery(Box<Watched>),
}

/// What everybody looks at.
pub(crate) struct View<'a> {
    pub(crate) measured: &'a Measured,
    pub(crate) phases: &'a [PhaseMark],
    /// Leave out ramps that are still going on.
    pub(crate) settled: bool,
    /// Recoveries from faults, as far as they are known.
    pub(crate) faults: &'a [Recovery],
}

/// A value and what is to be known about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) value: Option<Value>,
    /// 95 % confidence interval.
    pub(crate) interval: Option<(f64, f64)>,
    /// Requests with a response time that a percentile rests on.
    pub(crate) requests: u64,
    /// Why there is no value.
    pub(crate) note: Option<String>,
}

impl Case {
    /// `criterion` of `plan`, of which nothing was seen.
    pub(crate) fn new(plan: &Plan, criterion: &Criterion) -> Self {
        let phase = criterion.scope.phase;
        let name =
            |index: usize| plan.load.phases.get(index).map(|phase| phase.name.clone()).unwrap_or_default();
        let times = matches!(base(&criterion.measure), Measure::Percentile(_));
        let lens = Lens { scope: criterion.scope, times };
        let source = match (criterion.measure.series(), track(criterion)) {
            _ if is_recovery(&criterion.measure) => {
                let percentile = match base(&criterion.measure) {
                    Measure::Percentile(percentile) => *percentile,
                    _ => USUAL,
                };
                Source::Recovery(Box::new(Watched::new(&plan.load, percentile)))
            }
            (Some(name), _) => {
                let index = plan.series().iter().position(|series| series.name == name);
                Source::Series(index, Samples::default())
            }
            (None, Some(track)) => Source::Course(Box::new(Course::new(track, lens, phase.is_some()))),
            (None, None) => Source::Whole,
        };
        Self {
            label: label(plan, criterion),
            phase: phase.map(name),
            lens,
            source,
            seen: None,
            criterion: criterion.clone(),
        }
    }

    /// Take a window into account that `measured` has seen.
    pub(crate) fn push(&mut self, window: &Window, phases: &[PhaseMark]) {
        let name = self.phase.as_deref();
        match &mut self.source {
            Source::Course(course) => course.push(window, phases, |phase| wanted(name, phase)),
            Source::Recovery(watched) => watched.push(window, &self.lens),
            Source::Whole | Source::Series(..) => {}
        }
    }

    /// Take a sample into account.
    pub(crate) fn sample(&mut self, series: usize, at: Nanos, value: f64) {
        if let Source::Series(index, samples) = &mut self.source
            && *index == Some(series)
        {
            samples.push(at, value);
        }
    }

    /// Notice since when it stands as it does. A recovery is known at the end only.
    pub(crate) fn notice(&mut self, view: &View<'_>) {
        if is_recovery(&self.criterion.measure) {
            return;
        }
        let reading = self.reading(view);
        let (standing, _) = level::standing(&self.criterion, reading.value);
        if self.seen.is_none_or(|(before, _)| before != standing) {
            self.seen = reading.value.map(|_| (standing, view.measured.now()));
        }
    }

    /// How it stands.
    pub(crate) fn row(&self, view: &View<'_>) -> Row {
        let reading = self.reading(view);
        let (standing, note) = level::standing(&self.criterion, reading.value);
        let since = self.seen.filter(|(before, _)| *before == standing).map(|(_, at)| at);
        let value = reading.value;
        Row {
            criterion: self.criterion.clone(),
            label: self.label.clone(),
            value: value.map(|value| value.value),
            interval: reading.interval,
            at_least: value.is_some_and(|value| value.at_least),
            shown: value.map_or_else(|| "no data".to_owned(), |value| self.shown(value)),
            standing,
            since: value.map(|_| since.unwrap_or(view.measured.now())),
            note: reading.note.or(note),
        }
    }

    /// Why the run must stop, if it must.
    pub(crate) fn breach(&self, view: &View<'_>) -> Option<String> {
        if !self.criterion.abort {
            return None;
        }
        if self.criterion.hold.is_none() {
            let selection = self.selection(view);
            let enough_time = view.measured.span(&selection) >= SETTLED.0;
            let of_requests = !matches!(self.source, Source::Series(..));
            let requests = || view.measured.count(&selection, |key| self.lens.sees(key));
            if !enough_time || (of_requests && requests() < SETTLED.1) {
                return None;
            }
        }
        let reading = self.reading(view);
        let (standing, _) = level::standing(&self.criterion, reading.value);
        if standing != Standing::Fail {
            return None;
        }
        let shown = self.shown(reading.value?);
        let Criterion { target, acceptable, failure, hold, measure, .. } = &self.criterion;
        let (what, level) = [("failure", failure), ("acceptable", acceptable), ("target", target)]
            .into_iter()
            .find_map(|(what, level)| Some((what, (*level)?)))?;
        let over = hold.map(|hold| format!(" for {hold}")).unwrap_or_default();
        Some(format!("{} is {shown}{over}, {what} is {}", self.label, level.display(measure.unit())))
    }

    /// The percentile it is about and what its value rests on; `None` when it is about none, or about its course.
    pub(crate) fn support(&self, view: &View<'_>) -> Option<(f64, Reading)> {
        let Measure::Percentile(percentile) = *base(&self.criterion.measure) else { return None };
        if matches!(self.criterion.measure, Measure::Of(Function::Slope | Function::Recovery, _)) {
            return None;
        }
        Some((percentile, self.reading(view)))
    }

    fn reading(&self, view: &View<'_>) -> Reading {
        match &self.source {
            Source::Whole => self.whole(view),
            Source::Course(course) => self.course(if view.settled { course.settled() } else { course.now() }),
            Source::Series(index, samples) => self.series(*index, samples, view),
            Source::Recovery(watched) => {
                let faults = if self.wants_faults() { view.faults } else { &[] };
                let found = watched.longest(view.phases, self.phase.as_deref(), faults);
                let (value, note) = found.map_or_else(
                    || (None, self.nothing_to_recover_from()),
                    |(value, said)| (Some(value), said),
                );
                Reading { value, note: Some(note), ..Reading::default() }
            }
        }
    }

    fn nothing_to_recover_from(&self) -> String {
        let what = match &self.phase {
            Some(phase) => format!("phase {phase} was not over before the run ended, or nothing came before it"),
            None if self.wants_faults() => "no spike and no fault was over before the run ended".to_owned(),
            None => "no spike was over before the run ended; of faults, only recovery(p95) of all requests is known"
                .to_owned(),
        };
        format!("nothing it could recover from: {what}")
    }

    /// Does its value come from recoveries of the whole run's faults?
    pub(crate) fn wants_faults(&self) -> bool {
        matches!(self.source, Source::Recovery(_))
            && *base(&self.criterion.measure) == Measure::Percentile(USUAL)
            && self.criterion.scope == Scope::default()
    }

    fn selection(&self, view: &View<'_>) -> Selection {
        let name = self.phase.as_deref();
        let selection = view.measured.select(view.phases, name.is_some(), |phase| wanted(name, phase));
        if view.settled { view.measured.settled(selection, view.phases) } else { selection }
    }

    fn whole(&self, view: &View<'_>) -> Reading {
        let measured = view.measured;
        let selection = self.selection(view);
        let exact = |value: Option<f64>| value.map(|value| Value { value, at_least: false });
        let summary = || measured.summary(&selection, |key| self.lens.sees(key));
        let value = match &self.criterion.measure {
            &Measure::Percentile(percentile) => return of_percentile(&summary(), percentile),
            Measure::Max => summary().max().map(bound),
            Measure::Mean => exact(summary().mean().map(Nanos::as_secs_f64)),
            Measure::ErrorRate => exact(summary().error_rate()),
            Measure::RateLimited => exact(summary().rate_limited_share()),
            Measure::Throughput => exact(measured.throughput(&selection, |key| self.lens.sees(key))),
            Measure::Dropped => {
                let counts = measured.iterations(&selection, self.criterion.scope.class);
                let value = counts.dropped_share();
                let note = value.is_none().then(|| "no task was due".to_owned());
                return Reading { value: exact(value), note, ..Reading::default() };
            }
            Measure::Series(..) | Measure::Of(..) => None,
        };
        Reading { value, ..Reading::default() }
    }

    fn course(&self, track: &Track) -> Reading {
        match track {
            Track::Sliding(sliding) => match sliding.worst() {
                Some(found) => {
                    Reading { value: Some(found.value), requests: found.requests, ..Reading::default() }
                }
                None if sliding.is_complete() => Reading::default(),
                None => {
                    let length = self.criterion.hold.unwrap_or_default();
                    let note = Some(format!("less than {length} of judged time"));
                    Reading { note, ..Reading::default() }
                }
            },
            Track::Blocks(blocks) => {
                let found = blocks.value();
                let note = found.is_none().then(|| "no window of judged time with requests".to_owned());
                let requests = found.map_or(0, |found| found.requests);
                Reading { value: found.map(|found| found.value), requests, note, interval: None }
            }
            Track::Growing(growing) => slope(&growing.points()),
        }
    }

    fn series(&self, index: Option<usize>, samples: &Samples, view: &View<'_>) -> Reading {
        if index.is_none() {
            return Reading { note: Some("nothing watches it".to_owned()), ..Reading::default() };
        }
        let judged = view.measured.stretches(&self.selection(view), view.phases);
        let inside = samples.within(&judged, view.measured.now());
        let (value, missing) = match (&self.criterion.measure, self.criterion.hold) {
            (Measure::Of(Function::Slope, _), _) => {
                let (first, last) = (judged.first(), judged.last());
                let whole = first.zip(last).map_or((Nanos::ZERO, Nanos::ZERO), |(a, b)| (a.0, b.1));
                return slope(&bucket_medians(inside, whole.0, whole.1));
            }
            (Measure::Of(function, _), _) => (samples::fold(*function, &inside), "no sample".to_owned()),
            (_, Some(hold)) => {
                let worst = samples::worst_mean(&inside, &judged, hold, level::high_is_bad(&self.criterion));
                (worst, format!("no sample, or less than {hold} of judged time"))
            }
            _ => (samples::fold(Function::Mean, &inside), "no sample".to_owned()),
        };
        Reading { value, note: value.is_none().then_some(missing), ..Reading::default() }
    }

    fn shown(&self, value: Value) -> String {
        shown(self.criterion.measure.unit(), value)
    }
}

/// Is `phase` judged by a criterion on the phase of this name, or on none?
fn wanted(name: Option<&str>, phase: &PhaseMark) -> bool {
    name.map_or(phase.measured, |name| name == phase.name)
}

fn is_recovery(measure: &Measure) -> bool {
    matches!(measure, Measure::Of(Function::Recovery, _))
}

/// What a function is of, in the end.
pub(crate) fn base(measure: &Measure) -> &Measure {
    match measure {
        Measure::Of(_, of) => base(of),
        measure => measure,
    }
}

/// The track a criterion on a client measure needs, if it needs one.
fn track(criterion: &Criterion) -> Option<Track> {
    let length = criterion.hold.unwrap_or(BLOCK);
    match (&criterion.measure, criterion.hold) {
        (Measure::Of(Function::Slope, of), _) => Some(Track::Growing(Growing::new((**of).clone()))),
        (Measure::Of(function @ (Function::Max | Function::Min | Function::Mean), of), _) => {
            Some(Track::Blocks(Blocks::new((**of).clone(), *function, length)))
        }
        (Measure::Of(Function::Recovery, _), _) | (_, None) => None,
        (measure, Some(hold)) => {
            Some(Track::Sliding(Sliding::new(measure.clone(), hold, level::high_is_bad(criterion))))
        }
    }
}

fn of_percentile(summary: &Summary, percentile: f64) -> Reading {
    let requests = summary.ok() + unanswered(summary);
    let at = |rank: u64| {
        // The middle of a rank survives the way through a percentage and back.
        let quantile = summary.percentile((rank as f64 - 0.5) / requests as f64 * 100.0)?;
        (!quantile.at_least).then(|| quantile.value.as_secs_f64())
    };
    let interval =
        quantile_ranks(requests, percentile / 100.0).and_then(|(low, high)| Some((at(low)?, at(high)?)));
    Reading { value: summary.percentile(percentile).map(bound), interval, requests, note: None }
}

fn unanswered(summary: &Summary) -> u64 {
    use squall_core::OutcomeKind::{Cut, TimedOut};
    summary.count(TimedOut) + summary.count(Cut)
}

fn bound(quantile: Quantile) -> Value {
    Value { value: quantile.value.as_secs_f64(), at_least: quantile.at_least }
}

/// The trend of values over time (in seconds), per hour.
fn slope(points: &[(f64, f64)]) -> Reading {
    const HOUR: f64 = 3_600.0;
    let Some(found) = trend(points) else {
        return Reading { note: Some("too little judged time for a trend".to_owned()), ..Reading::default() };
    };
    Reading {
        value: Some(Value { value: found.slope * HOUR, at_least: false }),
        interval: Some((found.low * HOUR, found.high * HOUR)),
        ..Reading::default()
    }
}

/// A value as a person reads it.
fn shown(unit: Unit, value: Value) -> String {
    let text = unit.display(value.value);
    if value.at_least { format!("≥ {text}") } else { text }
}
