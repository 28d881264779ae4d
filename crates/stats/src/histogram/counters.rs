//! The counters of a histogram: paged while something is recorded, a short list when read from a record.
//!
//! A full array is 188 KB. A run has one histogram for each phase, class, endpoint and outcome, and the durations
//! of one of them lie close together: a page exists only once something fell into it. A record holds one of each
//! for every second, most with a handful of counts: those stay lists until somebody adds to them.

use super::PageReserve;
use super::layout::BUCKETS;

/// An eighth of an octave: 1 KiB.
const PAGE: usize = 128;
const PAGES: usize = BUCKETS.div_ceil(PAGE);

pub(super) type Page = Box<[u64; PAGE]>;
type Pages = Box<[Option<Page>; PAGES]>;

#[derive(Clone, Debug)]
pub(super) enum Counters {
    /// Bucket and count, in rising order of buckets, no count of zero.
    List(Vec<(u16, u64)>),
    Paged(Pages),
}

pub(super) fn empty_page() -> Page {
    Box::new([0; PAGE])
}

impl Default for Counters {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Counters {
    /// Add one, taking a page from `reserve` where one is missing.
    pub(super) fn increment(&mut self, index: usize, reserve: &mut PageReserve) {
        let page =
            self.pages()[index / PAGE].get_or_insert_with(|| reserve.0.pop().unwrap_or_else(empty_page));
        page[index % PAGE] += 1;
    }

    pub(super) fn add(&mut self, index: usize, n: u64) {
        self.pages()[index / PAGE].get_or_insert_with(empty_page)[index % PAGE] += n;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match other {
            Self::List(list) => list.iter().for_each(|&(index, n)| self.add(usize::from(index), n)),
            Self::Paged(theirs) => {
                for (mine, theirs) in self.pages().iter_mut().zip(theirs.iter()) {
                    if let Some(theirs) = theirs {
                        let mine = mine.get_or_insert_with(empty_page);
                        mine.iter_mut().zip(theirs.iter()).for_each(|(a, b)| *a += b);
                    }
                }
            }
        }
    }

    /// Zero everywhere; the pages stay.
    pub(super) fn reset(&mut self) {
        match self {
            Self::List(list) => list.clear(),
            Self::Paged(pages) => pages.iter_mut().flatten().for_each(|page| page.fill(0)),
        }
    }

    /// Buckets that hold something, in rising order.
    pub(super) fn occupied(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let (list, pages) = match self {
            Self::List(list) => (list.as_slice(), None),
            Self::Paged(pages) => (&[][..], Some(pages)),
        };
        let listed = list.iter().map(|&(index, n)| (usize::from(index), n));
        let pages = pages.into_iter().flat_map(|pages| pages.iter().enumerate());
        let paged = pages.filter_map(|(p, page)| Some((p, page.as_deref()?))).flat_map(|(p, page)| {
            page.iter().enumerate().filter(|&(_, &n)| n > 0).map(move |(i, &n)| (p * PAGE + i, n))
        });
        listed.chain(paged)
    }

    fn pages(&mut self) -> &mut Pages {
        if let Self::List(list) = self {
            let list = std::mem::take(list);
            *self = Self::Paged(Box::new([const { None }; PAGES]));
            list.iter().for_each(|&(index, n)| self.add(usize::from(index), n));
        }
        match self {
            Self::Paged(pages) => pages,
            Self::List(_) => unreachable!("a list became pages above"),
        }
    }
}
