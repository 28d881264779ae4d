//! Which errors still want samples. Lives as long as its thread: the bounds hold for the whole run.

use std::collections::HashMap;

use squall_stats::{ErrorKey, MAX_ERRORS, MAX_SAMPLES};

/// Responses read at a site after an error, in the hope that one of them is the error again, with its body.
const TRIES: u8 = 16;

#[derive(Debug, Default)]
pub(super) struct Sampling {
    taken: HashMap<ErrorKey, usize>,
    /// By site: responses still to be read.
    tries: Vec<u8>,
}

impl Sampling {
    /// Should the next response at this site be read, for a sample of an error seen there?
    pub(super) fn wants(&mut self, site: u32) -> bool {
        match self.tries.get_mut(site as usize) {
            Some(tries) if *tries > 0 => {
                *tries -= 1;
                true
            }
            _ => false,
        }
    }

    /// An error happened: is this occurrence one of the few that are kept?
    pub(super) fn takes(&mut self, key: ErrorKey, site: u32) -> bool {
        if !self.taken.contains_key(&key) && self.taken.len() >= MAX_ERRORS {
            return false;
        }
        let taken = self.taken.entry(key).or_default();
        if *taken >= MAX_SAMPLES {
            return false;
        }
        *taken += 1;
        let site = site as usize;
        if self.tries.len() <= site {
            self.tries.resize(site + 1, 0);
        }
        self.tries[site] = if *taken < MAX_SAMPLES { TRIES } else { 0 };
        true
    }
}

#[cfg(test)]
mod tests {
    use squall_core::{EndpointId, ErrorClass, UserClassId};
    use squall_stats::ErrorCode;

    use super::*;

    #[test]
    fn reading_responses_for_samples_ends_by_itself() {
        let key = ErrorKey {
            class: UserClassId(0),
            endpoint: EndpointId(0),
            error: ErrorClass::Status,
            code: ErrorCode(500),
        };
        let mut sampling = Sampling::default();
        assert!(!sampling.wants(3));
        assert!(sampling.takes(key, 3));
        assert_eq!((0..100).filter(|_| sampling.wants(3)).count(), usize::from(TRIES));
        assert_eq!((0..100).filter(|_| sampling.takes(key, 3)).count(), MAX_SAMPLES - 1);
        assert!(!sampling.wants(3));
    }
}
