//! Holds what a client claims against what the server knows.
//!
//! Counts must be equal. A percentile may only err to one side: a client sees what the server took plus what the network and
//! its own work took, never less. For a server that freezes, the truth about requests that were due during a freeze can be
//! calculated, and a client that lets a slow server delay its schedule misses it by far.

use crate::server::Log;

/// What a client says about its run; times in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Requests written, redirects and retries included.
    pub attempts: u64,
    /// Median response time.
    pub p50_ns: u64,
    /// 95th percentile.
    pub p95_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// Slowest response.
    pub max_ns: u64,
}

/// Both sides round to three significant digits.
const ROUNDING: f64 = 0.002;

/// Every disagreement, as a sentence; none means that the claim holds. `slack_ns` is what network and client may add.
#[must_use]
pub fn disagreements(log: &Log, claim: &Claim, slack_ns: u64) -> Vec<String> {
    let mut found = Vec::new();
    if claim.attempts != log.received {
        found
            .push(format!("the client claims {} requests, the server read {}", claim.attempts, log.received));
    }
    let server = &log.time;
    for (name, claimed, known) in [
        ("p50", claim.p50_ns, server.p50_ns),
        ("p95", claim.p95_ns, server.p95_ns),
        ("p99", claim.p99_ns, server.p99_ns),
        ("max", claim.max_ns, server.max_ns),
    ] {
        let (least, most) =
            (known as f64 * (1.0 - ROUNDING), known as f64 * (1.0 + ROUNDING) + slack_ns as f64);
        if !(least..=most).contains(&(claimed as f64)) {
            found.push(format!("{name}: the client claims {claimed} ns, the server took {known} ns"));
        }
    }
    found
}

/// How long a request that was due at an instant drawn evenly from `from_ns..to_ns` had to wait for the server to wake up:
/// the `quantile` (0 to 1) of that wait in nanoseconds, a lower bound of the true response time.
///
/// A request due `d` before the end of a freeze waits `d`; the share of instants that wait longer than `d` is the sum of
/// `max(0, length - d)` over the freezes, divided by the span. The quantile is where that share is `1 - quantile`.
#[must_use]
pub fn stall_wait_ns(log: &Log, from_ns: u64, to_ns: u64, quantile: f64) -> u64 {
    let span = to_ns.saturating_sub(from_ns);
    let longer = |wait: u64| -> u64 {
        let part = |&(begin, end): &(u64, u64)| {
            let last = end.saturating_sub(wait).min(to_ns);
            last.saturating_sub(begin.max(from_ns))
        };
        log.stalls.iter().map(part).sum()
    };
    let wanted = ((1.0 - quantile) * span as f64) as u64;
    // `longer` falls with the wait: bisect for the least wait that few enough exceed.
    let (mut low, mut high) = (0, log.stalls.iter().map(|(begin, end)| end - begin).max().unwrap_or(0));
    while low < high {
        let middle = low + (high - low) / 2;
        if longer(middle) > wanted { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Config, spawn};

    fn log() -> Log {
        let server = spawn(Config::default()).unwrap();
        server.stop().unwrap()
    }

    #[test]
    fn a_true_claim_passes_and_each_false_number_is_named() {
        let mut log = log();
        log.received = 1000;
        (log.time.p50_ns, log.time.p95_ns, log.time.p99_ns, log.time.max_ns) = (1000, 2000, 3000, 4000);
        let claim = Claim { attempts: 1000, p50_ns: 1500, p95_ns: 2000, p99_ns: 3999, max_ns: 4000 };
        assert_eq!(disagreements(&log, &claim, 1000), [""; 0]);
        let wrong = Claim { attempts: 999, p50_ns: 990, p95_ns: 3500, p99_ns: 2900, max_ns: 3900 };
        assert_eq!(disagreements(&log, &wrong, 1000).len(), 5);
    }

    #[test]
    fn freezes_of_700_ms_every_3_s_give_the_percentiles_that_arithmetic_gives() {
        const S: u64 = 1_000_000_000;
        let mut log = log();
        log.stalls = (1..=10).map(|i| (i * 3 * S, i * 3 * S + 7 * S / 10)).collect();
        let wait_ms = |quantile| stall_wait_ns(&log, 3 * S, 33 * S, quantile) as f64 / 1e6;
        // (700 - d) / 3000 of all instants wait longer than d milliseconds.
        for (quantile, expected) in [(0.5, 0.0), (0.90, 400.0), (0.95, 550.0), (0.99, 670.0), (1.0, 700.0)] {
            assert!((wait_ms(quantile) - expected).abs() < 0.001, "{quantile}: {}", wait_ms(quantile));
        }
        log.stalls.clear();
        assert_eq!(stall_wait_ns(&log, 0, S, 0.99), 0);
    }
}
