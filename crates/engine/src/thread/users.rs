//! Which users of a thread are alive, and how far their lives have come.

use std::collections::HashMap;

use squall_core::Slot;

use crate::timers::UserKey;

/// How far a user's life has come. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    Running,
    /// Finish the current task, then `on_stop`, then end.
    Stopping,
    /// End now.
    Cut,
}

/// Who lives under a key: keys are used again, births are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alive {
    pub(super) slot: Slot,
    pub(super) born: u64,
}

#[derive(Debug, Default)]
pub(super) struct Users {
    /// By key. A byte each and apart from the rest: it is looked at whenever a user is polled.
    lives: Vec<Life>,
    /// By key; `None` is free.
    entries: Vec<Option<Alive>>,
    free: Vec<UserKey>,
    /// The user that runs a slot now: the one started last, when an earlier one still drains.
    by_slot: HashMap<Slot, UserKey>,
    births: u64,
    alive: usize,
}

impl Users {
    pub(super) fn add(&mut self, slot: Slot) -> UserKey {
        self.births += 1;
        self.alive += 1;
        let alive = Some(Alive { slot, born: self.births });
        let key = if let Some(key) = self.free.pop() {
            self.entries[key as usize] = alive;
            self.lives[key as usize] = Life::Running;
            key
        } else {
            self.entries.push(alive);
            self.lives.push(Life::Running);
            (self.entries.len() - 1) as UserKey
        };
        self.by_slot.insert(slot, key);
        key
    }

    pub(super) fn remove(&mut self, key: UserKey) {
        let Some(gone) = self.entries[key as usize].take() else { return };
        self.lives[key as usize] = Life::Cut;
        self.alive -= 1;
        self.free.push(key);
        if self.by_slot.get(&gone.slot) == Some(&key) {
            self.by_slot.remove(&gone.slot);
        }
    }

    /// How far the life under a key has come; one that is over is cut.
    pub(super) fn life(&self, key: UserKey) -> Life {
        self.lives[key as usize]
    }

    pub(super) fn get(&self, key: UserKey) -> Option<Alive> {
        self.entries[key as usize]
    }

    /// The user that runs a slot.
    pub(super) fn of(&self, slot: Slot) -> Option<UserKey> {
        self.by_slot.get(&slot).copied()
    }

    /// Move a life on; returns whether that is news.
    pub(super) fn advance(&mut self, key: UserKey, life: Life) -> bool {
        let current = &mut self.lives[key as usize];
        let news = *current < life;
        *current = life.max(*current);
        news
    }

    pub(super) fn count(&self) -> usize {
        self.alive
    }

    pub(super) fn keys(&self) -> Vec<UserKey> {
        (0..).zip(&self.entries).filter(|(_, entry)| entry.is_some()).map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use squall_core::UserClassId;

    use super::*;

    #[test]
    fn a_slot_leased_again_while_its_old_user_drains_belongs_to_the_new_one() {
        let slot = Slot { class: UserClassId(0), index: 0 };
        let mut users = Users::default();
        let old = users.add(slot);
        assert!(users.advance(old, Life::Stopping));
        let new = users.add(slot);
        assert_eq!(users.of(slot), Some(new));
        users.remove(old);
        assert_eq!(users.of(slot), Some(new), "the end of the old user does not hide the new one");
        assert_eq!((users.count(), users.keys()), (1, vec![new]));
        users.remove(new);
        assert_eq!((users.count(), users.of(slot)), (0, None));
    }

    #[test]
    fn a_life_never_goes_back() {
        let mut users = Users::default();
        let key = users.add(Slot { class: UserClassId(0), index: 0 });
        assert!(users.advance(key, Life::Cut));
        assert!(!users.advance(key, Life::Stopping));
        assert_eq!(users.life(key), Life::Cut);
    }
}
