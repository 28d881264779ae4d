//! Who serves what arrives in the open model: for each class a line of idle users and a line of arrivals that wait.
//!
//! At most one of the two is occupied. Both are first come, first served, so that identities take turns. What waits is
//! bounded in number and in time; beyond either bound it is dropped. Everything an arrival goes through is counted here,
//! but for the start and the end of its task: `offered = started + dropped + waiting`, at any moment.

use std::collections::VecDeque;

use squall_core::{Nanos, PhaseId, UserClassId};
use squall_stats::Recorder;

use crate::timers::UserKey;

/// Arrivals that may wait for each user of their class on this thread, and the least that may.
const WAITING_PER_USER: usize = 10;
const LEAST_WAITING: usize = 10;

/// A task iteration that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When it was due.
    pub(crate) due: Nanos,
    /// The phase it belongs to, even if it starts in a later one.
    pub(crate) phase: PhaseId,
}

/// What an idle user is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Go on waiting.
    Wait,
    /// Serve this.
    Serve(Arrival),
    /// Nothing arrives any more: the users set the pace again.
    Closed,
}

/// A place in a line is given out once. Keys are used again, by users of other classes too, and what is left of a user in a
/// line must not pass for the next one.
type Ticket = u64;

/// Where a user is, as far as arrivals are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Busy, or gone.
    Away,
    /// In the line of idle users, with this ticket.
    Idle(Ticket),
    /// Was given an arrival, and has not run since.
    Called(Arrival),
}

#[derive(Debug)]
pub(super) struct Turns {
    /// An open phase is under way.
    open: bool,
    /// How long an arrival may wait.
    patience: Nanos,
    /// By class.
    lines: Vec<Line>,
    /// By user.
    places: Vec<Place>,
    /// The next one.
    ticket: Ticket,
}

#[derive(Debug, Default)]
struct Line {
    /// May hold users that have left since: their place says so.
    idle: VecDeque<(UserKey, Ticket)>,
    waiting: VecDeque<Arrival>,
    bound: usize,
}

impl Turns {
    pub(super) fn new(classes: usize, patience: Nanos) -> Self {
        let lines = std::iter::repeat_with(Line::default).take(classes).collect();
        Self { open: false, patience, lines, places: Vec::new(), ticket: 0 }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// An open phase begins; `users` are those of each class on this thread. What waits from an earlier one stays.
    pub(super) fn open(&mut self, users: impl Iterator<Item = usize>) {
        self.open = true;
        for (line, users) in self.lines.iter_mut().zip(users) {
            line.bound = (users * WAITING_PER_USER).max(LEAST_WAITING);
        }
    }

    /// The open phase is over: what waits is dropped. Idle users are to be woken.
    pub(super) fn close(&mut self, recorder: &mut Recorder) {
        self.open = false;
        for (class, line) in self.lines.iter_mut().enumerate() {
            // Their place must not outlive the line: another open phase may begin before they have run.
            for (key, ticket) in line.idle.drain(..) {
                let place = &mut self.places[key as usize];
                if *place == Place::Idle(ticket) {
                    *place = Place::Away;
                }
            }
            for arrival in line.waiting.drain(..) {
                drop_arrival(recorder, class, arrival);
            }
        }
    }

    /// Something has arrived. Returns the user to wake, if one was idle.
    pub(super) fn arrive(
        &mut self,
        class: UserClassId,
        arrival: Arrival,
        recorder: &mut Recorder,
    ) -> Option<UserKey> {
        recorder.iterations(arrival.phase, class).offered += 1;
        let line = &mut self.lines[class.index()];
        while let Some((key, ticket)) = line.idle.pop_front() {
            let place = &mut self.places[key as usize];
            if *place == Place::Idle(ticket) {
                *place = Place::Called(arrival);
                return Some(key);
            }
        }
        line.expire(class, arrival.due, self.patience, recorder);
        if line.waiting.len() < line.bound {
            line.waiting.push_back(arrival);
        } else {
            drop_arrival(recorder, class.index(), arrival);
        }
        None
    }

    /// A user became free: the oldest arrival that waits, or a place in the line of idle users.
    pub(super) fn take_or_wait(
        &mut self,
        key: UserKey,
        class: UserClassId,
        now: Nanos,
        recorder: &mut Recorder,
    ) -> Option<Arrival> {
        let line = &mut self.lines[class.index()];
        line.expire(class, now, self.patience, recorder);
        if let Some(arrival) = line.waiting.pop_front() {
            return Some(arrival);
        }
        let ticket = self.ticket;
        self.ticket += 1;
        line.idle.push_back((key, ticket));
        if self.places.len() <= key as usize {
            self.places.resize(key as usize + 1, Place::Away);
        }
        self.places[key as usize] = Place::Idle(ticket);
        None
    }

    /// What an idle user is to do.
    pub(super) fn called(&mut self, key: UserKey) -> Call {
        let Some(place) = self.places.get_mut(key as usize) else { return Call::Closed };
        match *place {
            Place::Called(arrival) => {
                *place = Place::Away;
                Call::Serve(arrival)
            }
            Place::Idle(_) => Call::Wait,
            Place::Away => Call::Closed,
        }
    }

    /// A user leaves, wherever it is. An arrival it was given and did not begin is dropped.
    pub(super) fn leave(&mut self, key: UserKey, class: UserClassId, recorder: &mut Recorder) {
        let Some(place) = self.places.get_mut(key as usize) else { return };
        if let Place::Called(arrival) = std::mem::replace(place, Place::Away) {
            drop_arrival(recorder, class.index(), arrival);
        }
    }

    /// Drop what has waited too long by `now`.
    pub(super) fn expire(&mut self, now: Nanos, recorder: &mut Recorder) {
        for (class, line) in self.lines.iter_mut().enumerate() {
            line.expire(UserClassId::from(class), now, self.patience, recorder);
        }
    }
}

impl Line {
    fn expire(&mut self, class: UserClassId, now: Nanos, patience: Nanos, recorder: &mut Recorder) {
        while let Some(arrival) = self.waiting.pop_front_if(|arrival| arrival.due + patience <= now) {
            drop_arrival(recorder, class.index(), arrival);
        }
    }
}

fn drop_arrival(recorder: &mut Recorder, class: usize, arrival: Arrival) {
    recorder.iterations(arrival.phase, UserClassId::from(class)).dropped += 1;
}

#[cfg(test)]
mod tests {
    use squall_stats::{Iterations, Sites};

    use super::*;

    const A: UserClassId = UserClassId(0);
    const PATIENCE: Nanos = Nanos::from_millis(100);

    fn turns(users: usize) -> (Turns, Recorder) {
        let mut turns = Turns::new(1, PATIENCE);
        turns.open([users].into_iter());
        (turns, Recorder::new(Sites::default(), 1, 0))
    }

    fn at(ms: u64) -> Arrival {
        Arrival { due: Nanos::from_millis(ms), phase: PhaseId(0) }
    }

    fn dropped(recorder: &mut Recorder) -> u64 {
        recorder.iterations(PhaseId(0), A).dropped
    }

    #[test]
    fn users_and_arrivals_take_turns() {
        let (mut turns, mut recorder) = turns(2);
        for key in [7, 3] {
            assert_eq!(turns.take_or_wait(key, A, Nanos::ZERO, &mut recorder), None);
        }
        let woken: Vec<_> = (0..4).map(|ms| turns.arrive(A, at(ms), &mut recorder)).collect();
        assert_eq!(woken, [Some(7), Some(3), None, None]);
        assert_eq!((turns.called(7), turns.called(3)), (Call::Serve(at(0)), Call::Serve(at(1))));
        let now = Nanos::from_millis(5);
        assert_eq!(
            [3, 7].map(|key| turns.take_or_wait(key, A, now, &mut recorder)),
            [Some(at(2)), Some(at(3))]
        );
        assert_eq!(turns.take_or_wait(7, A, now, &mut recorder), None);
        assert_eq!(turns.called(7), Call::Wait);
        let counted = *recorder.iterations(PhaseId(0), A);
        assert_eq!(
            counted,
            Iterations { offered: 4, ..Iterations::default() },
            "starting is counted by the user"
        );
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_in_time() {
        let (mut turns, mut recorder) = turns(1);
        for ms in 0..15 {
            assert_eq!(turns.arrive(A, at(ms), &mut recorder), None);
        }
        assert_eq!(dropped(&mut recorder), 5, "ten may wait for one user");
        turns.expire(Nanos::from_millis(103), &mut recorder);
        assert_eq!(dropped(&mut recorder), 9, "those due at 0, 1, 2 and 3 ms");
        assert_eq!(turns.take_or_wait(0, A, Nanos::from_millis(105), &mut recorder), Some(at(6)));
        assert_eq!(dropped(&mut recorder), 11);
        turns.close(&mut recorder);
        assert_eq!((dropped(&mut recorder), recorder.iterations(PhaseId(0), A).offered), (14, 15));
    }

    #[test]
    fn a_user_that_leaves_is_given_nothing_and_takes_nothing_along() {
        let (mut turns, mut recorder) = turns(3);
        for key in 0..3 {
            turns.take_or_wait(key, A, Nanos::ZERO, &mut recorder);
        }
        turns.leave(0, A, &mut recorder);
        assert_eq!(turns.arrive(A, at(1), &mut recorder), Some(1));
        turns.leave(1, A, &mut recorder);
        assert_eq!(dropped(&mut recorder), 1, "it was given to a user that was cut before it ran");
        turns.close(&mut recorder);
        assert_eq!(turns.called(2), Call::Closed);
    }

    #[test]
    fn what_is_left_of_a_user_in_a_line_is_not_the_next_one_with_its_key() {
        const B: UserClassId = UserClassId(1);
        let mut turns = Turns::new(2, PATIENCE);
        turns.open([1, 1].into_iter());
        let mut recorder = Recorder::new(Sites::default(), 2, 0);
        turns.take_or_wait(0, A, Nanos::ZERO, &mut recorder);
        turns.leave(0, A, &mut recorder);
        turns.take_or_wait(0, B, Nanos::ZERO, &mut recorder);
        assert_eq!(turns.arrive(A, at(1), &mut recorder), None, "there is no user of its class");
        assert_eq!(turns.arrive(B, at(2), &mut recorder), Some(0));
        assert_eq!(turns.called(0), Call::Serve(at(2)));
    }

    #[test]
    fn an_open_phase_that_follows_at_once_forgets_no_idle_user() {
        let (mut turns, mut recorder) = turns(1);
        turns.take_or_wait(0, A, Nanos::ZERO, &mut recorder);
        turns.close(&mut recorder);
        turns.open([1].into_iter());
        assert_eq!(turns.called(0), Call::Closed, "it has to stand in line again");
        turns.take_or_wait(0, A, Nanos::ZERO, &mut recorder);
        assert_eq!(turns.arrive(A, at(1), &mut recorder), Some(0));
    }
}
