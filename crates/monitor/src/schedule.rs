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
    use std::time::{Duration, Instant};

    use tokio::sync::mpsc::unbounded_channel;
    use tokio::task::LocalSet;

    use super::*;
    use crate::probe::{Sampling, at_once};

    const INTERVAL: Nanos = Nanos::from_millis(20);

    type Samples = Vec<(Nanos, Option<f64>)>;

    /// Answers the number of times it was asked, in its own way.
    struct Scripted {
        asked: u32,
        answer: fn(u32) -> Sampling<'static>,
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

    #[expect(clippy::disallowed_methods, reason = "a test has no run whose clock it could ask")]
    fn clock() -> Clock {
        let start = Instant::now();
        Rc::new(move || start.elapsed().into())
    }

    /// Everything the probes say until each has sampled the first of its two series `times` times.
    fn watch(probes: &[fn(u32) -> Sampling<'static>], times: usize) -> (Vec<Samples>, Vec<String>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (events, mut said) = unbounded_channel();
        let (tasks, clock) = (LocalSet::new(), clock());
        for (number, answer) in (0..).zip(probes) {
            let scheduled = Scheduled {
                name: format!("p{number}"),
                series: 2 * number..2 * number + 2,
                interval: INTERVAL,
                probe: Box::new(Scripted { asked: 0, answer: *answer }),
            };
            tasks.spawn_local(scheduled.run(Rc::clone(&clock), events.clone()));
        }
        let mut samples = vec![Vec::new(); probes.len()];
        let mut warnings = Vec::new();
        tasks.block_on(&runtime, async {
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
        (samples, warnings)
    }

    /// Exactly one sample for each multiple of the interval, whatever the machine does.
    fn assert_complete(samples: &Samples) {
        for (number, (at, _)) in (1..).zip(samples) {
            assert_eq!(*at, Nanos(number * INTERVAL.0), "{samples:?}");
        }
    }

    #[test]
    fn every_multiple_of_the_interval_has_one_sample() {
        let (samples, _) = watch(&[good], 10);
        assert_complete(&samples[0]);
        let values: Vec<_> = samples[0].iter().filter_map(|(_, value)| *value).collect();
        assert!(
            values.first().is_some_and(|first| *first >= 2.0),
            "the first asking only sets marks: {values:?}"
        );
        assert!(values.is_sorted(), "{values:?}");
    }

    #[test]
    fn a_failure_is_gaps_and_two_warnings() {
        let (samples, warnings) = watch(
            &[|asked| match asked {
                4..8 => at_once(Err(format!("broken for the {asked}th time"))),
                _ => good(asked),
            }],
            15,
        );
        assert_complete(&samples[0]);
        assert!(samples[0].iter().filter(|(_, value)| value.is_none()).count() >= 4, "{samples:?}");
        assert!(samples[0].last().unwrap().1.is_some(), "it answers again");
        let about_it: Vec<_> = warnings.iter().filter(|text| text.contains("broken")).collect();
        assert_eq!(about_it, ["monitor p0: broken for the 4th time"], "said once");
        assert_eq!(warnings.last().unwrap(), "monitor p0: answers again");
    }

    #[test]
    fn what_never_answers_is_gaps_and_does_not_delay_others() {
        let (samples, warnings) = watch(&[|_| Box::pin(std::future::pending()), good], 8);
        assert_complete(&samples[0]);
        assert_complete(&samples[1]);
        assert!(samples[0].iter().all(|(_, value)| value.is_none()));
        assert!(samples[1].iter().any(|(_, value)| value.is_some()), "{samples:?}");
        let about_it: Vec<_> = warnings.iter().filter(|text| text.starts_with("monitor p0")).collect();
        assert_eq!(about_it, ["monitor p0: no answer within 20ms"], "{warnings:?}");
    }

    #[test]
    fn times_that_pass_while_the_thread_is_held_up_are_gaps() {
        let (samples, warnings) = watch(
            &[|asked| {
                if asked == 3 {
                    std::thread::sleep(Duration::from_millis(110));
                }
                good(asked)
            }],
            12,
        );
        assert_complete(&samples[0]);
        assert!(samples[0].iter().filter(|(_, value)| value.is_none()).count() >= 4, "{samples:?}");
        assert!(warnings.iter().any(|text| text.contains("was not asked in time")), "{warnings:?}");
    }

    #[test]
    fn what_is_no_number_is_a_gap_and_a_note_is_passed_on() {
        let (samples, warnings) = watch(
            &[|asked| {
                let note = (asked == 2).then(|| "another process".to_owned());
                at_once(Ok(Reading { values: vec![Some(f64::NAN)], note }))
            }],
            3,
        );
        assert!(samples[0].iter().all(|(_, value)| value.is_none()));
        assert!(warnings.contains(&"monitor p0: another process".to_owned()), "{warnings:?}");
    }
}
