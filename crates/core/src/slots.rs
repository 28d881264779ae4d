//! Which identities are in use: slots are leased lowest first and given back last in, first out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::{Slot, UserClassId};

/// The slots of every class that are running now, in the order they were started.
#[derive(Clone, Debug)]
pub struct SlotLeases {
    active: Vec<Slot>,
    classes: Vec<ClassSlots>,
}

#[derive(Clone, Debug, Default)]
struct ClassSlots {
    fresh: u32,
    returned: BinaryHeap<Reverse<u32>>,
    active: u32,
}

impl SlotLeases {
    /// No slot leased, for `classes` user classes.
    pub fn new(classes: usize) -> Self {
        Self { active: Vec::new(), classes: vec![ClassSlots::default(); classes] }
    }

    /// Lease the lowest free slot of `class`.
    pub fn lease(&mut self, class: UserClassId) -> Slot {
        let slots = &mut self.classes[class.index()];
        let index = slots.returned.pop().map_or_else(
            || {
                slots.fresh += 1;
                slots.fresh - 1
            },
            |Reverse(index)| index,
        );
        slots.active += 1;
        let slot = Slot { class, index };
        self.active.push(slot);
        slot
    }

    /// Give back the slot leased last.
    pub fn release_last(&mut self) -> Option<Slot> {
        let slot = self.active.pop()?;
        let slots = &mut self.classes[slot.class.index()];
        slots.returned.push(Reverse(slot.index));
        slots.active -= 1;
        Some(slot)
    }

    /// Users running now.
    pub fn users(&self) -> u32 {
        self.active.len() as u32
    }

    /// Users running now, by class.
    pub fn users_by_class(&self) -> Vec<u32> {
        self.classes.iter().map(|c| c.active).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramp_down_is_last_in_first_out_and_identities_are_used_again() {
        let (a, b) = (UserClassId(0), UserClassId(1));
        let mut leases = SlotLeases::new(2);
        let started = [a, b, a].map(|class| leases.lease(class));
        assert_eq!(started.map(|s| s.index), [0, 0, 1]);
        assert_eq!(leases.release_last(), Some(Slot { class: a, index: 1 }));
        assert_eq!(leases.release_last(), Some(Slot { class: b, index: 0 }));
        assert_eq!(leases.lease(b), Slot { class: b, index: 0 });
        assert_eq!(leases.users_by_class(), [1, 1]);
    }
}
