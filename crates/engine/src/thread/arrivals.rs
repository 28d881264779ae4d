//! When something arrives at this thread in an open phase.
//!
//! Every thread goes through the whole schedule, which costs some ten nanoseconds an arrival, and takes what is its own:
//! the n-th arrival of a class belongs to the thread that runs slot `n mod users`. So the same seed makes the same
//! arrivals whatever the number of threads, and each thread gets them in proportion to its users.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use squall_core::{Arrivals, Nanos, PhaseId, RateCurve, RatePiece, Stepping, UserClassId};
use squall_plan::Spacing;

use crate::command::{ArrivalSchedule, ArrivalShare};

/// Arrivals of other threads that are passed over at once; a thread that has hardly any of its own looks on when that
/// many are due.
const LOOKAHEAD: usize = 4096;

/// The rest of a schedule, as one thread sees it.
#[derive(Debug)]
pub(super) struct Source {
    share: ArrivalShare,
    phase: PhaseId,
    thread: usize,
    arrivals: Arrivals,
    rng: SmallRng,
    next: Option<Next>,
}

/// The next moment to look at the schedule.
#[derive(Clone, Copy, Debug)]
struct Next {
    due: Nanos,
    /// Whose users serve what arrives then; `None` when it is another thread's.
    class: Option<UserClassId>,
}

impl Source {
    /// What arrives at `thread` in the phase that begins at `start`.
    pub(super) fn new(share: ArrivalShare, phase: PhaseId, start: Nanos, thread: usize) -> Self {
        let schedule = &share.schedule;
        let mut source = Self {
            arrivals: arrivals(schedule, start),
            rng: SmallRng::seed_from_u64(crate::user::scramble(schedule.seed, u64::from(phase.0))),
            share,
            phase,
            thread,
            next: None,
        };
        source.look_ahead();
        source
    }

    /// The phase these arrivals belong to.
    pub(super) fn phase(&self) -> PhaseId {
        self.phase
    }

    /// Users of a class on this thread.
    pub(super) fn users(&self, class: usize) -> usize {
        self.share.owners[class].iter().filter(|&&owner| owner == self.thread).count()
    }

    /// When to call [`Source::pop`]; `Nanos::MAX` when nothing comes any more.
    pub(super) fn due(&self) -> Nanos {
        self.next.map_or(Nanos::MAX, |next| next.due)
    }

    /// The class of what arrives at [`Source::due`], if it is this thread's, and look at what comes after.
    pub(super) fn pop(&mut self) -> Option<UserClassId> {
        let class = self.next.and_then(|next| next.class);
        self.look_ahead();
        class
    }

    fn look_ahead(&mut self) {
        let Self { arrivals, rng, share, thread, .. } = self;
        self.next = None;
        for _ in 0..LOOKAHEAD {
            let Some(arrival) = arrivals.next(|| rng.random()) else {
                self.next = None;
                return;
            };
            let owners = &share.owners[arrival.class.index()];
            // A class without users has arrivals all the same, which nobody serves: the first thread counts them.
            let owner =
                owners.get((arrival.turn % owners.len().max(1) as u64) as usize).copied().unwrap_or(0);
            let class = (owner == *thread).then_some(arrival.class);
            self.next = Some(Next { due: arrival.due, class });
            if class.is_some() {
                return;
            }
        }
    }
}

fn arrivals(schedule: &ArrivalSchedule, start: Nanos) -> Arrivals {
    let pieces: Vec<_> = (schedule.segments.iter())
        .map(|segment| RatePiece { from: segment.from, to: segment.to, span: segment.span })
        .collect();
    let stepping = match schedule.spacing {
        Spacing::Uniform => Stepping::Even,
        Spacing::Poisson => Stepping::Poisson,
    };
    Arrivals::new(RateCurve::new(start, schedule.end, &pieces), stepping, &schedule.weights)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use squall_plan::RateSegment;

    use super::*;

    const START: Nanos = Nanos::from_secs(5);

    fn schedule(spacing: Spacing, seed: u64) -> ArrivalSchedule {
        ArrivalSchedule {
            segments: vec![RateSegment { from: 10.0, to: 190.0, span: None }],
            spacing,
            seed,
            weights: vec![3.0, 0.0, 1.0],
            users: vec![5, 2, 2],
            end: Some(Nanos::from_secs(25)),
        }
    }

    /// Every arrival of the schedule with the thread it is dealt to.
    fn dealt(schedule: ArrivalSchedule, threads: usize) -> Vec<(Nanos, UserClassId, usize)> {
        let mut next = 0;
        let mut place = || {
            next += 1;
            (next - 1) % threads
        };
        let owners: Vec<Vec<_>> =
            schedule.users.iter().map(|&users| (0..users).map(|_| place()).collect()).collect();
        let share = ArrivalShare { schedule: Arc::new(schedule), owners: Arc::new(owners) };
        let mut all = Vec::new();
        for thread in 0..threads {
            let mut source = Source::new(share.clone(), PhaseId(1), START, thread);
            while source.due() < Nanos::MAX {
                let due = source.due();
                all.extend(source.pop().map(|class| (due, class, thread)));
            }
        }
        all.sort();
        all
    }

    fn moments(dealt: &[(Nanos, UserClassId, usize)]) -> Vec<(Nanos, UserClassId)> {
        dealt.iter().map(|&(due, class, _)| (due, class)).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_arrivals_on_any_number_of_threads() {
        for spacing in [Spacing::Uniform, Spacing::Poisson] {
            let one = moments(&dealt(schedule(spacing, 1), 1));
            for threads in [2, 3, 7, 16] {
                assert_eq!(moments(&dealt(schedule(spacing, 1), threads)), one, "{spacing:?} on {threads}");
            }
            let other = moments(&dealt(schedule(spacing, 2), 1));
            assert_eq!(one == other, spacing == Spacing::Uniform, "even arrivals need no luck");
        }
        assert_eq!(dealt(schedule(Spacing::Uniform, 1), 1).len(), 2000);
    }

    #[test]
    fn threads_get_arrivals_in_proportion_to_their_users() {
        // Users are dealt in turn: 3, 3 and 3 of the classes; 2, 2, 1 of the first, 1, 0, 1 of the last.
        let all = dealt(schedule(Spacing::Uniform, 1), 3);
        let of = |class: u16, thread| {
            all.iter().filter(|(_, c, t)| (*c, *t) == (UserClassId(class), thread)).count()
        };
        assert_eq!([0, 1, 2].map(|thread| of(0, thread)), [600, 600, 300]);
        assert_eq!([0, 1, 2].map(|thread| of(2, thread)), [0, 250, 250]);
    }

    #[test]
    fn a_class_without_users_and_a_thread_without_arrivals_are_no_trouble() {
        let mut lonely = schedule(Spacing::Poisson, 1);
        lonely.users = vec![0, 0, 0];
        let all = dealt(lonely, 4);
        assert!(
            all.len() > 1500 && all.iter().all(|(_, _, thread)| *thread == 0),
            "the first one counts them"
        );
        let mut endless = schedule(Spacing::Uniform, 1);
        endless.end = None;
        endless.users = vec![1, 1, 1];
        let owners = Arc::new(vec![vec![0]; 3]);
        let share = ArrivalShare { schedule: Arc::new(endless), owners };
        let mut idle = Source::new(share, PhaseId(0), START, 1);
        let first = idle.due();
        assert_eq!((idle.pop(), idle.users(0)), (None, 0));
        assert!(first > START && idle.due() > first && idle.due() < Nanos::MAX);
    }
}
