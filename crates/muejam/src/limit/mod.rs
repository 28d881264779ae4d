//! Who is limited, by which rule, and what they are told.
//!
//! Intended rules: one bucket per user (per address when anonymous), a larger one of its own for mobile clients, one
//! for everybody together; a request is counted once, and one that is refused is counted nowhere. As served: per
//! address always and twice per request, which halves the advertised number.

mod cidr;
mod window;

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Instant;

use axum::http::HeaderMap;

pub use cidr::Cidr;
pub(crate) use window::Count;
use window::{Rule, Window, Windows};

use crate::clock;
use crate::config::{LimitMode, Limits};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Why a request was or was not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Limits are off or the path is exempt.
    Exempt,
    /// Let through.
    Allowed(Count),
    /// The caller's own bucket is full.
    CallerLimited(Count),
    /// The bucket of everybody is full.
    GlobalLimited(Count),
}

/// The limiter of one instance.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limits: Limits,
    started: Instant,
    web: Windows,
    mobile: Windows,
    global_rule: Rule,
    global: Mutex<Window>,
    whispers: Windows,
    publishes: Windows,
}

impl RateLimiter {
    pub(crate) fn new(limits: Limits) -> Self {
        let cost = if limits.mode == LimitMode::AsIs { 2 } else { 1 };
        let per_minute = |limit| Rule { limit, window_ms: MINUTE_MS, cost };
        let whispers = Rule { limit: limits.whispers_per_minute, window_ms: MINUTE_MS, cost: 1 };
        let publishes = Rule { limit: limits.publishes_per_hour, window_ms: HOUR_MS, cost: 1 };
        Self {
            started: clock::now(),
            web: Windows::new(per_minute(limits.per_user)),
            mobile: Windows::new(per_minute(limits.mobile)),
            global_rule: Rule { limit: limits.global, window_ms: MINUTE_MS, cost: 1 },
            global: Mutex::new(Window::default()),
            whispers: Windows::new(whispers),
            publishes: Windows::new(publishes),
            limits,
        }
    }

    /// Whether nobody counts requests to `path`.
    pub(crate) fn exempt(&self, path: &str) -> bool {
        match self.limits.mode {
            LimitMode::Off => true,
            LimitMode::AsIs => matches!(path, "/health" | "/metrics"),
            LimitMode::Intent => is_operational(path),
        }
    }

    /// Who is counted: the user when the rules know users, else the address.
    pub(crate) fn identity(&self, user_id: Option<&str>, address: IpAddr) -> String {
        match user_id {
            Some(id) if self.limits.mode == LimitMode::Intent => format!("user:{id}"),
            _ => format!("ip:{address}"),
        }
    }

    /// Decides about one request of `identity` and counts it if it passes.
    pub(crate) fn check(&self, identity: &str, headers: &HeaderMap) -> Decision {
        self.check_at(identity, is_mobile(headers), self.now_ms())
    }

    fn check_at(&self, identity: &str, mobile: bool, now_ms: u64) -> Decision {
        let windows = if mobile { &self.mobile } else { &self.web };
        let mut global_full = false;
        let count = windows.take(identity, now_ms, || {
            let mut global = self.global.lock().expect("nothing panics while it holds this lock");
            let count = global.peek(self.global_rule, now_ms);
            global_full = count.wait_ms.is_some();
            if global_full {
                return Some(count);
            }
            global.add(self.global_rule, now_ms);
            None
        });
        match count.wait_ms {
            None => Decision::Allowed(count),
            Some(_) if global_full => Decision::GlobalLimited(count),
            Some(_) => Decision::CallerLimited(count),
        }
    }

    /// Counts a whisper about to be created; the error is the full bucket.
    pub(crate) fn whisper(&self, user_id: &str) -> Result<(), Count> {
        self.action(&self.whispers, user_id)
    }

    /// Counts a story about to be published; the error is the full bucket.
    pub(crate) fn publish(&self, user_id: &str) -> Result<(), Count> {
        self.action(&self.publishes, user_id)
    }

    fn action(&self, windows: &Windows, user_id: &str) -> Result<(), Count> {
        if self.limits.mode == LimitMode::Off {
            return Ok(());
        }
        let count = windows.take(user_id, self.now_ms(), || None);
        if count.wait_ms.is_some() { Err(count) } else { Ok(()) }
    }

    /// The caller's address: the peer's, or the one a trusted peer forwards.
    ///
    /// Read from the right, the first address that is not itself a trusted forwarder is the one nobody can have made
    /// up; if all are trusted the chain began inside, at the leftmost.
    pub(crate) fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.limits.trusts(peer) {
            return peer;
        }
        let mut address = peer;
        let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
        let lines: Vec<&str> = lines.collect();
        for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Ok(forwarded) = entry.trim().parse::<IpAddr>() else { break };
            address = forwarded.to_canonical();
            if !self.limits.trusts(address) {
                break;
            }
        }
        address
    }

    fn now_ms(&self) -> u64 {
        u64::try_from((clock::now() - self.started).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Health and metrics: what watches the service must not be refused by it.
pub(crate) fn is_operational(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    path == "/health" || path.starts_with("/health/") || path == "/metrics" || path.starts_with("/metrics/")
}

fn is_mobile(headers: &HeaderMap) -> bool {
    let client = headers.get("x-client-type").map(axum::http::HeaderValue::as_bytes);
    matches!(client, Some(b"mobile-ios" | b"mobile-android"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(mode: LimitMode) -> RateLimiter {
        RateLimiter::new(Limits { mode, ..Limits::default() })
    }

    fn admitted(limiter: &RateLimiter, mobile: bool) -> usize {
        (0..500).filter(|_| matches!(limiter.check_at("x", mobile, 7), Decision::Allowed(_))).count()
    }

    #[test]
    fn the_documented_numbers_and_the_served_halves_of_them() {
        assert_eq!(admitted(&limiter(LimitMode::Intent), false), 100);
        assert_eq!(admitted(&limiter(LimitMode::Intent), true), 150);
        assert_eq!(admitted(&limiter(LimitMode::AsIs), false), 50);
        assert_eq!(admitted(&limiter(LimitMode::AsIs), true), 75);
    }

    #[test]
    fn everybody_together_has_a_limit_that_refusals_do_not_eat() {
        let limiter = RateLimiter::new(Limits { global: 5, per_user: 3, ..Limits::default() });
        let decide = |who| limiter.check_at(who, false, 0);
        for _ in 0..3 {
            assert!(matches!(decide("a"), Decision::Allowed(_)));
        }
        assert!(matches!(decide("a"), Decision::CallerLimited(_)));
        for _ in 0..2 {
            assert!(matches!(decide("b"), Decision::Allowed(_)), "a's refusal was not counted");
        }
        let Decision::GlobalLimited(count) = decide("c") else { panic!("the sixth must be refused") };
        assert_eq!(count.wait_ms, Some(60_000));
    }

    #[test]
    fn only_a_trusted_peer_names_another_address() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "1.2.3.4, 10.0.0.7".parse().unwrap());
        let peer: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(limiter(LimitMode::Intent).address(peer, &headers), peer);
        let trusting = |networks: &[&str]| {
            let trust_forwarded_for = networks.iter().map(|n| n.parse().unwrap()).collect();
            RateLimiter::new(Limits { trust_forwarded_for, ..Limits::default() })
                .address(peer, &headers)
                .to_string()
        };
        assert_eq!(trusting(&["127.0.0.0/8"]), "10.0.0.7");
        assert_eq!(trusting(&["127.0.0.0/8", "10.0.0.0/8"]), "1.2.3.4");
    }
}
