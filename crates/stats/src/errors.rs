//! Errors by kind, with a few samples of each. Bounded: a server that fails in a million ways fills no memory.

use squall_core::{EndpointId, ErrorClass, Nanos, UserClassId};

/// Distinct errors kept; more are counted in [`ErrorTable::overflowed`].
pub const MAX_ERRORS: usize = 64;
/// Sample texts kept for each error.
pub const MAX_SAMPLES: usize = 5;

/// What tells apart two errors of the same class: the status, the position of the failed check, an OS error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub u32);

/// Errors that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorKey {
    /// Class of the user.
    pub class: UserClassId,
    /// What the request is grouped under.
    pub endpoint: EndpointId,
    /// Why it failed.
    pub error: ErrorClass,
    /// Which error of the class.
    pub code: ErrorCode,
}

/// How often an error happened, and what it looked like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorEntry {
    /// What is counted.
    pub key: ErrorKey,
    /// The error in words, e.g. `status 503`.
    pub message: String,
    /// Occurrences.
    pub count: u64,
    /// First one.
    pub first: Nanos,
    /// Last one.
    pub last: Nanos,
    /// What the first few looked like, at most [`MAX_SAMPLES`].
    pub samples: Vec<String>,
}

/// A bounded table of errors.
#[derive(Clone, Debug, Default)]
pub struct ErrorTable {
    entries: Vec<ErrorEntry>,
    /// Occurrences of errors that found no place.
    pub overflowed: u64,
}

impl ErrorTable {
    /// Count one occurrence. `message` is asked for once per error, `sample` for the first few: both may
    /// allocate, an error seen before does not.
    pub fn record(
        &mut self,
        key: ErrorKey,
        at: Nanos,
        message: impl FnOnce() -> String,
        sample: impl FnOnce() -> Option<String>,
    ) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) {
            entry.count += 1;
            entry.last = entry.last.max(at);
            if entry.samples.len() < MAX_SAMPLES {
                entry.samples.extend(sample());
            }
        } else if self.entries.len() < MAX_ERRORS {
            let samples = sample().into_iter().collect();
            self.entries.push(ErrorEntry { key, message: message(), count: 1, first: at, last: at, samples });
        } else {
            self.overflowed += 1;
        }
    }

    /// Add everything `other` counted; samples beyond the bound are dropped, occurrences never.
    pub fn merge(&mut self, other: &Self) {
        self.overflowed += other.overflowed;
        for theirs in &other.entries {
            self.add(theirs);
        }
    }

    /// Add the occurrences of one entry.
    pub fn add(&mut self, theirs: &ErrorEntry) {
        if let Some(mine) = self.entries.iter_mut().find(|mine| mine.key == theirs.key) {
            mine.count += theirs.count;
            mine.first = mine.first.min(theirs.first);
            mine.last = mine.last.max(theirs.last);
            let room = MAX_SAMPLES.saturating_sub(mine.samples.len());
            mine.samples.extend(theirs.samples.iter().take(room).cloned());
        } else if self.entries.len() < MAX_ERRORS {
            self.entries.push(theirs.clone());
        } else {
            self.overflowed += theirs.count;
        }
    }

    /// The errors, in the order they were first seen.
    pub fn entries(&self) -> &[ErrorEntry] {
        &self.entries
    }

    /// Forget everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.overflowed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: u32) -> ErrorKey {
        ErrorKey {
            class: UserClassId(0),
            endpoint: EndpointId(0),
            error: ErrorClass::Status,
            code: ErrorCode(code),
        }
    }

    #[test]
    fn occurrences_are_never_lost_when_the_table_is_full() {
        let mut table = ErrorTable::default();
        for code in 0..MAX_ERRORS as u32 + 10 {
            table.record(key(code), Nanos(1), || code.to_string(), || None);
        }
        let mut twice = table.clone();
        twice.merge(&table);
        let counted: u64 = twice.entries().iter().map(|e| e.count).sum();
        assert_eq!(counted, 2 * MAX_ERRORS as u64);
        assert_eq!(twice.overflowed, 20);
    }

    #[test]
    fn only_the_first_samples_are_kept() {
        let mut table = ErrorTable::default();
        for n in 0..20u64 {
            table.record(key(500), Nanos(n), || "status 500".into(), || Some(n.to_string()));
        }
        let entry = &table.entries()[0];
        assert_eq!(entry.count, 20);
        assert_eq!(entry.samples, ["0", "1", "2", "3", "4"]);
        assert_eq!((entry.first, entry.last), (Nanos(0), Nanos(19)));
    }
}
