//! Ids, time, outcomes and load schedules: the vocabulary every other crate shares.
