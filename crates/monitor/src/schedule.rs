//! When a monitor is asked, and what becomes of its answers.
//!
//! For every multiple of the interval there is exactly one sample of each series: late answers, failures and times that
//! passed while the thread was held up are gaps.

use std::ops::Range;
use std::rc::Rc;

use squall_core::Nanos;
use tokio::sync::mpsc::UnboundedSender;

use crate::MonitorEvent;
use crate::probe::{Probe, Reading};

/// Tells run time.
pub(crate) type Clock = Rc<dyn Fn() -> Nanos>;

/// How long an answer may take, however long the interval.
const PATIENCE: Nanos = Nanos::from_secs(10);
/// The shortest interval: below it, asking would be all that is done.
const SHORTEST: Nanos = Nanos::from_millis(1);

/// A monitor with its place in the record.
pub(crate) struct Scheduled {
    pub(crate) name: String,
    /// Positions of its series in `Plan::series`.
    pub(crate) series: Range<u32>,
    pub(crate) interval: Nanos,
    pub(crate) probe: Box<dyn Probe + Send>,
}

impl Scheduled {
    /// Sample until the future is dropped.
    pub(crate) async fn run(self, clock: Clock, events: UnboundedSender<MonitorEvent>) {
        let Self { name, series, interval, mut probe } = self;
        let mut outlet = Outlet { name, series, events, failing: false };
        let interval = interval.max(SHORTEST);
        let mut due = Nanos((clock().0 / interval.0).saturating_add(1).saturating_mul(interval.0));
        // What came before the first interval does not count: this only sets the marks that shares of time start from.
        let begun = ask(&mut *probe, interval, &clock).await;
        outlet.heed(begun);
        loop {
            wait_until(due, &clock).await;
            due = outlet.skip(due, interval, clock());
            let answer = ask(&mut *probe, interval, &clock).await;
            outlet.deliver(due, answer);
            due += interval;
        }
    }
}

async fn wait_until(due: Nanos, clock: &Clock) {
    loop {
        let left = due.since(clock());
        if left == Nanos::ZERO {
            return;
        }
        tokio::time::sleep(left.into()).await;
    }
}

/// One answer, unless it takes longer than the interval.
async fn ask(probe: &mut dyn Probe, interval: Nanos, clock: &Clock) -> Result<Reading, String> {
    let patience = interval.min(PATIENCE);
    let answer = tokio::time::timeout(patience.into(), probe.sample(clock())).await;
    answer.unwrap_or_else(|_| Err(format!("no answer within {patience}")))
}

/// Where samples and warnings go.
struct Outlet {
    name: String,
    series: Range<u32>,
    events: UnboundedSender<MonitorEvent>,
    /// The last answer was none: its end is worth a word.
    failing: bool,
}

impl Outlet {
    /// The time that is due at `now`, after a gap for each that has passed.
    fn skip(&mut self, mut due: Nanos, interval: Nanos, now: Nanos) -> Nanos {
        while due + interval <= now {
            self.deliver(due, Err("was not asked in time, because this machine was busy".to_owned()));
            due += interval;
        }
        due
    }

    fn deliver(&mut self, at: Nanos, answer: Result<Reading, String>) {
        let values = self.heed(answer);
        for (position, series) in self.series.clone().enumerate() {
            // What is no number is a gap: nobody can compare it.
            let value = values.get(position).copied().flatten().filter(|value| value.is_finite());
            self.send(MonitorEvent::Sample { series, at, value });
        }
    }

    /// Say what is new about the monitor itself, and pass on its values.
    fn heed(&mut self, answer: Result<Reading, String>) -> Vec<Option<f64>> {
        let was_failing = std::mem::replace(&mut self.failing, answer.is_err());
        match answer {
            Ok(Reading { values, note }) => {
                if was_failing {
                    self.warn("answers again");
                }
                if let Some(note) = note {
                    self.warn(&note);
                }
                values
            }
            Err(why) => {
                if !was_failing {
                    self.warn(&why);
                }
                Vec::new()
            }
        }
    }

    fn warn(&self, text: &str) {
        self.send(MonitorEvent::Warning(format!("monitor {}: {text}", self.name)));
    }

    /// Nobody listens any more when the run is over; the tasks are about to end, too.
    fn send(&self, event: MonitorEvent) {
        let _ = self.events.send(event);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::sync::mpsc::unbounded_channel;
    use tokio::task::LocalSet;
    use tokio::time::Instant;

    use super::*;
    use crate::probe::{Sampling, at_once};

    const INTERVAL: Nanos = Nanos::from_millis(20);

    type Answer = Box<dyn FnMut(u32) -> Sampling<'static> + Send>;
    type Samples = Vec<(Nanos, Option<f64>)>;

    /// Knows how often it was asked, and answers in its own way.
    struct Scripted {
        asked: u32,
        answer: Answer,
    }

    impl Probe for Scripted {
        fn sample(&mut self, _: Nanos) -> Sampling<'_> {
            self.asked += 1;
            (self.answer)(self.asked)
        }
    }

    fn good(asked: u32) -> Sampling<'static> {
        at_once(Ok(Reading { values: vec![Some(asked.into()), None], note: None }))
    }

    #[expect(clippy::disallowed_methods, reason = "the paused clock of a test, which has no run")]
    fn now() -> Instant {
        Instant::now()
    }

    /// Everything the probes say until each has sampled the first of its two series `times` times. The time is that of
    /// a paused clock, and `held` nanoseconds more: time that passes while nothing can run.
    fn watch(probes: Vec<Answer>, held: &Arc<AtomicU64>, times: usize) -> (Vec<Samples>, Vec<String>) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (events, mut said) = unbounded_channel();
        let mut samples = vec![Vec::new(); probes.len()];
        let mut warnings = Vec::new();
        LocalSet::new().block_on(&runtime, async {
            let (start, held) = (now(), Arc::clone(held));
            let clock: Clock =
                Rc::new(move || Nanos::from(start.elapsed()) + Nanos(held.load(Ordering::Relaxed)));
            for (number, answer) in (0..).zip(probes) {
                let scheduled = Scheduled {
                    name: format!("p{number}"),
                    series: 2 * number..2 * number + 2,
                    interval: INTERVAL,
                    probe: Box::new(Scripted { asked: 0, answer }),
                };
                tokio::task::spawn_local(scheduled.run(Rc::clone(&clock), events.clone()));
            }
            while samples.iter().any(|list| list.len() < times) {
                match said.recv().await.unwrap() {
                    MonitorEvent::Sample { series, at, value } if series % 2 == 0 => {
                        samples[series as usize / 2].push((at, value));
                    }
                    MonitorEvent::Sample { value, .. } => {
                        assert_eq!(value, None, "the second series has no values");
                    }
                    MonitorEvent::Warning(text) => warnings.push(text),
                }
            }
        });
        samples.iter_mut().for_each(|list| list.truncate(times));
        (samples, warnings)
    }

    /// The same of one probe on a machine with time for it.
    fn of(
        answer: impl FnMut(u32) -> Sampling<'static> + Send + 'static,
        times: usize,
    ) -> (Samples, Vec<String>) {
        let (mut samples, warnings) = watch(vec![Box::new(answer)], &Arc::default(), times);
        (samples.remove(0), warnings)
    }

    /// Samples with these values, one for each multiple of the interval.
    fn at_multiples<const N: usize>(values: [Option<f64>; N]) -> Samples {
        (1..).map(|number| Nanos(number * INTERVAL.0)).zip(values).collect()
    }

    #[test]
    fn every_multiple_of_the_interval_has_one_sample_and_the_first_asking_is_none() {
        let (samples, warnings) = of(good, 4);
        assert_eq!(samples, at_multiples([2.0, 3.0, 4.0, 5.0].map(Some)));
        assert_eq!(warnings, [""; 0]);
    }

    #[test]
    fn a_failure_is_gaps_and_two_warnings() {
        let (samples, warnings) = of(
            |asked| match asked {
                4..6 => at_once(Err(format!("broken for the {asked}th time"))),
                _ => good(asked),
            },
            5,
        );
        assert_eq!(samples, at_multiples([Some(2.0), Some(3.0), None, None, Some(6.0)]));
        assert_eq!(warnings, ["monitor p0: broken for the 4th time", "monitor p0: answers again"]);
    }

    #[test]
    fn what_never_answers_is_gaps_and_does_not_delay_others() {
        let never: Answer = Box::new(|_| Box::pin(std::future::pending()));
        let (samples, warnings) = watch(vec![never, Box::new(good)], &Arc::default(), 3);
        assert_eq!(samples[0], at_multiples([None; 3]));
        assert_eq!(samples[1], at_multiples([2.0, 3.0, 4.0].map(Some)));
        assert_eq!(warnings, ["monitor p0: no answer within 20ms"]);
    }

    #[test]
    fn times_that_pass_while_the_thread_is_held_up_are_gaps() {
        let held = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&held);
        let answer: Answer = Box::new(move |asked| {
            if asked == 3 {
                theirs.store(Nanos::from_millis(70).0, Ordering::Relaxed);
            }
            good(asked)
        });
        // Asked at 40 ms, done at 110 ms: nobody asked at 60 and 80; that of 100 is late by less than an interval.
        let (samples, warnings) = watch(vec![answer], &held, 6);
        assert_eq!(samples[0], at_multiples([Some(2.0), Some(3.0), None, None, Some(4.0), Some(5.0)]));
        let busy = "monitor p0: was not asked in time, because this machine was busy";
        assert_eq!(warnings, [busy, "monitor p0: answers again"]);
    }

    #[test]
    fn what_is_no_number_is_a_gap_and_a_note_is_passed_on() {
        let (samples, warnings) = of(
            |asked| {
                let note = (asked == 2).then(|| "another process".to_owned());
                at_once(Ok(Reading { values: vec![Some(f64::NAN)], note }))
            },
            3,
        );
        assert_eq!(samples, at_multiples([None; 3]));
        assert_eq!(warnings, ["monitor p0: another process"]);
    }
}
