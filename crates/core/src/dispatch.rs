//! Which class the next user belongs to.
//!
//! The order is the one Locust 2.4x produces, so that a mix looks the same at every number of users:
//! fixed counts first, then classes by weight in the deterministic order of a "random queue"
//! (each class keyed by `w · log2(x / (x + 1))`, `x` = weight + picks so far; the smallest key is next).

use std::cmp::Ordering;

use thiserror::Error;

use crate::UserClassId;

/// What the plan asks of one user class. Give classes sorted by name: ties are broken by position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassDemand {
    /// Share relative to the other classes; 0 leaves the class to its fixed count.
    pub weight: f64,
    /// Exactly this many users, before any weighted one; 0 for a weighted class.
    pub fixed_count: u32,
}

/// No class has a weight or a fixed count above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no user class has a weight above 0")]
pub struct NoUsers;

/// Deals users to classes.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    fixed: Vec<Fixed>,
    weighted: Vec<Candidate>,
}

#[derive(Clone, Debug)]
struct Fixed {
    candidate: Candidate,
    missing: u32,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    class: UserClassId,
    weight: f64,
    picks: f64,
}

impl Candidate {
    fn key(&self) -> f64 {
        let x = self.weight + self.picks;
        self.weight * (x / (x + 1.0)).log2()
    }

    fn order(&self, other: &Self) -> Ordering {
        (self.key().total_cmp(&other.key()))
            .then((self.weight + self.picks).total_cmp(&(other.weight + other.picks)))
            .then(self.weight.total_cmp(&other.weight))
            .then(self.class.cmp(&other.class))
    }
}

impl Dispatcher {
    /// A dispatcher over `classes`; the position of a class is its id.
    ///
    /// # Errors
    /// [`NoUsers`] when nothing has a weight or a fixed count.
    pub fn new(classes: &[ClassDemand]) -> Result<Self, NoUsers> {
        let mut fixed = Vec::new();
        let mut weighted = Vec::new();
        for (index, demand) in classes.iter().enumerate() {
            let class = UserClassId::from(index);
            if demand.fixed_count > 0 {
                let weight = f64::from(demand.fixed_count);
                let candidate = Candidate { class, weight, picks: 0.0 };
                fixed.push(Fixed { candidate, missing: demand.fixed_count });
            } else if demand.weight > 0.0 {
                weighted.push(Candidate { class, weight: demand.weight, picks: 0.0 });
            }
        }
        if fixed.is_empty() && weighted.is_empty() {
            return Err(NoUsers);
        }
        Ok(Self { fixed, weighted })
    }

    /// The class of the next user, or `None` when every fixed count is filled and no class has a weight.
    pub fn next_class(&mut self) -> Option<UserClassId> {
        let fixed = self.fixed.iter_mut().filter(|f| f.missing > 0);
        if let Some(next) = fixed.min_by(|a, b| a.candidate.order(&b.candidate)) {
            next.candidate.picks += 1.0;
            next.missing -= 1;
            return Some(next.candidate.class);
        }
        let next = self.weighted.iter_mut().min_by(|a, b| a.order(b))?;
        next.picks += 1.0;
        Some(next.class)
    }

    /// A user of `class` is gone: a fixed class wants it back before any weighted user starts.
    pub fn released(&mut self, class: UserClassId) {
        if let Some(fixed) = self.fixed.iter_mut().find(|f| f.candidate.class == class) {
            fixed.missing += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(weights: &[f64], n: usize) -> String {
        let demands: Vec<_> = weights.iter().map(|&weight| ClassDemand { weight, fixed_count: 0 }).collect();
        let mut dispatcher = Dispatcher::new(&demands).unwrap();
        (0..n).map(|_| char::from(b'A' + dispatcher.next_class().unwrap().0 as u8)).collect()
    }

    #[test]
    fn deals_in_locusts_order() {
        // The sequences observed with Locust 2.46.3's own dispatcher.
        assert_eq!(sequence(&[5.0, 1.0], 12), "AABAAAAABAAA");
        assert_eq!(sequence(&[3.0, 2.0, 1.0], 12), "ABCABAABCABA");
        assert_eq!(sequence(&[1.0, 1.0, 1.0], 6), "ABCABC");
    }

    #[test]
    fn fixed_counts_come_first_and_are_refilled() {
        let demands =
            [ClassDemand { weight: 1.0, fixed_count: 0 }, ClassDemand { weight: 1.0, fixed_count: 2 }];
        let mut dispatcher = Dispatcher::new(&demands).unwrap();
        let next: Vec<_> = (0..4).map(|_| dispatcher.next_class().unwrap().0).collect();
        assert_eq!(next, [1, 1, 0, 0]);
        dispatcher.released(UserClassId(1));
        assert_eq!(dispatcher.next_class(), Some(UserClassId(1)));
    }

    #[test]
    fn only_fixed_counts_means_an_end_of_users() {
        let mut dispatcher = Dispatcher::new(&[ClassDemand { weight: 0.0, fixed_count: 1 }]).unwrap();
        assert_eq!(dispatcher.next_class(), Some(UserClassId(0)));
        assert_eq!(dispatcher.next_class(), None);
        assert_eq!(Dispatcher::new(&[ClassDemand { weight: 0.0, fixed_count: 0 }]).unwrap_err(), NoUsers);
    }

    #[test]
    fn the_guides_mix_holds_at_every_hundred_users() {
        let weights = [70.0, 4.0, 25.0, 1.0];
        let demands: Vec<_> = weights.iter().map(|&weight| ClassDemand { weight, fixed_count: 0 }).collect();
        let mut dispatcher = Dispatcher::new(&demands).unwrap();
        let mut counts = [0u32; 4];
        for dealt in 1..=1000u32 {
            counts[dispatcher.next_class().unwrap().index()] += 1;
            if dealt % 100 == 0 {
                for (count, weight) in counts.iter().zip(weights) {
                    let expected = f64::from(dealt) * weight / 100.0;
                    assert!((f64::from(*count) - expected).abs() <= 2.0, "{counts:?} of {dealt}");
                }
            }
        }
    }
}
