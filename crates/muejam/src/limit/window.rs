//! A sliding window that counts, and a bounded table of them by key.
//!
//! Time is cut into 600 ticks a window (100 ms of a minute): a request leaves the count between one tick early and on
//! time. A window therefore holds at most 600 numbers whatever its limit, and a table at most [`MOST_KEYS`] windows.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;

const TICKS: u64 = 600;
const SHARDS: usize = 16;
/// Beyond this many callers within one window the idle ones, and then arbitrary ones, are forgotten.
const MOST_KEYS: usize = 65_536;

/// How many in how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) limit: u32,
    pub(crate) window_ms: u64,
    /// How much one request counts.
    pub(crate) cost: u32,
}

/// What a window said about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Milliseconds until the window is empty if nothing else comes.
    pub(crate) reset_ms: u64,
    /// Set when the request does not fit: milliseconds until one would.
    pub(crate) wait_ms: Option<u64>,
}

/// Requests of the last window, by tick.
#[derive(Debug, Default)]
pub(crate) struct Window {
    ticks: VecDeque<(u64, u32)>,
    total: u32,
}

impl Rule {
    fn tick_ms(self) -> u64 {
        (self.window_ms / TICKS).max(1)
    }
}

impl Window {
    /// Whether one more fits at `now_ms`; counts nothing.
    pub(crate) fn peek(&mut self, rule: Rule, now_ms: u64) -> Count {
        let tick = now_ms / rule.tick_ms();
        while let Some((at, count)) = self.ticks.front().copied()
            && at + TICKS <= tick
        {
            self.ticks.pop_front();
            self.total -= count;
        }
        let until_gone = |at: u64| ((at + TICKS) * rule.tick_ms()).saturating_sub(now_ms);
        let remaining = rule.limit.saturating_sub(self.total);
        let mut left = self.total;
        let wait_ms = (remaining == 0).then(|| {
            let frees = self.ticks.iter().find(|(_, count)| {
                left -= count;
                left < rule.limit
            });
            frees.map_or(rule.window_ms, |(at, _)| until_gone(*at))
        });
        let reset_ms = self.ticks.back().map_or(0, |(at, _)| until_gone(*at));
        Count { limit: rule.limit, remaining, reset_ms, wait_ms }
    }

    /// Counts one request at `now_ms` and says what is left after it.
    pub(crate) fn add(&mut self, rule: Rule, now_ms: u64) -> Count {
        let tick = now_ms / rule.tick_ms();
        self.total = self.total.saturating_add(rule.cost);
        match self.ticks.back_mut() {
            // Two threads may read the clock in one order and get here in the other.
            Some((last, count)) if *last >= tick => *count += rule.cost,
            _ => self.ticks.push_back((tick, rule.cost)),
        }
        Count { wait_ms: None, ..self.peek(rule, now_ms) }
    }

    fn idle(&mut self, rule: Rule, now_ms: u64) -> bool {
        self.peek(rule, now_ms);
        self.total == 0
    }
}

/// A window for each key.
#[derive(Debug)]
pub(crate) struct Windows {
    rule: Rule,
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<String, Window>>>,
}

impl Windows {
    pub(crate) fn new(rule: Rule) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect();
        Self { rule, hasher: RandomState::new(), shards }
    }

    /// Counts one request of `key` if it fits and `also` agrees; `also` is asked only then, with the key still locked.
    pub(crate) fn take(&self, key: &str, now_ms: u64, also: impl FnOnce() -> Option<Count>) -> Count {
        let shard = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[shard].lock().expect("nothing panics while it holds this lock");
        if !shard.contains_key(key) {
            make_room(&mut shard, self.rule, now_ms);
        }
        // The key is only copied for a caller not seen before.
        let window = match shard.get_mut(key) {
            Some(window) => window,
            None => shard.entry(key.to_owned()).or_default(),
        };
        let count = window.peek(self.rule, now_ms);
        if count.wait_ms.is_some() {
            return count;
        }
        also().unwrap_or_else(|| window.add(self.rule, now_ms))
    }
}

fn make_room(shard: &mut HashMap<String, Window>, rule: Rule, now_ms: u64) {
    if shard.len() < MOST_KEYS / SHARDS {
        return;
    }
    shard.retain(|_, window| !window.idle(rule, now_ms));
    if shard.len() >= MOST_KEYS / SHARDS {
        // Dropping half at once keeps the sweep from running for each newcomer of a flood.
        let mut keep = false;
        shard.retain(|_, _| {
            keep = !keep;
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { limit: 3, window_ms: 60_000, cost: 1 };

    fn take(windows: &Windows, key: &str, at: u64) -> Count {
        windows.take(key, at, || None)
    }

    #[test]
    fn the_window_slides() {
        let windows = Windows::new(RULE);
        for (at, remaining) in [(0, 2), (20_000, 1), (40_000, 0)] {
            let count = take(&windows, "a", at);
            assert_eq!((count.remaining, count.wait_ms), (remaining, None), "at {at}");
        }
        assert_eq!(take(&windows, "a", 50_000).wait_ms, Some(10_000), "until the first one leaves");
        assert_eq!(take(&windows, "a", 60_000).wait_ms, None, "the first one has left");
        assert_eq!(take(&windows, "a", 60_100).wait_ms, Some(19_900), "until the second one leaves");
        assert_eq!(take(&windows, "b", 60_100).remaining, 2, "another key has its own window");
    }

    #[test]
    fn a_refused_request_counts_nowhere() {
        let windows = Windows::new(RULE);
        let refusal = Count { limit: 9, remaining: 0, reset_ms: 5, wait_ms: Some(5) };
        assert_eq!(windows.take("a", 0, || Some(refusal)), refusal);
        assert_eq!(take(&windows, "a", 0).remaining, 2, "the refused one was not counted");
    }

    #[test]
    fn a_flood_of_keys_stays_bounded() {
        let windows = Windows::new(RULE);
        for n in 0..MOST_KEYS * 2 {
            take(&windows, &n.to_string(), 0);
        }
        let held: usize = windows.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(held <= MOST_KEYS, "{held} windows held");
    }
}
