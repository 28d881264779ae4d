//! Statistics of the requests that share phase, class, endpoint and outcome.

use squall_core::{EndpointId, Nanos, OutcomeKind, PhaseId, UserClassId};

use crate::{Histogram, PageReserve};

/// What the requests of a [`Cell`] have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellKey {
    /// Phase in which the request started.
    pub phase: PhaseId,
    /// Class of its user.
    pub class: UserClassId,
    /// What it is grouped under.
    pub endpoint: EndpointId,
    /// How it ended.
    pub outcome: OutcomeKind,
}

/// One finished request, as it is counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Done − intended.
    pub response: Nanos,
    /// Done − sent, where a schedule makes it differ from the response time.
    pub service: Option<Nanos>,
    /// First byte − sent; zero when none came.
    pub first_byte: Nanos,
    /// Time spent connecting, TLS apart; zero on a reused connection.
    pub connect: Nanos,
    /// Time spent in TLS handshakes.
    pub tls: Nanos,
    /// Wire exchanges: redirects and retries included.
    pub attempts: u32,
    /// Connections opened.
    pub connects: u32,
    /// Stale connections replaced.
    pub retries: u32,
    /// Bytes written.
    pub bytes_out: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes of response bodies, as sent.
    pub body_in: u64,
}

/// Sums and histograms of finished requests.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Requests.
    pub count: u64,
    /// Wire exchanges.
    pub attempts: u64,
    /// Connections opened.
    pub connects: u64,
    /// Stale connections replaced.
    pub retries: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes of response bodies, as sent.
    pub body_in: u64,
    /// Sum of response times.
    pub response_sum: Nanos,
    /// Shortest response time; `Nanos::MAX` when empty.
    pub response_min: Nanos,
    /// Longest response time.
    pub response_max: Nanos,
    /// Sum of times to the first byte.
    pub first_byte_sum: Nanos,
    /// Sum of connect times.
    pub connect_sum: Nanos,
    /// Sum of TLS times.
    pub tls_sum: Nanos,
    /// Response times.
    pub response: Histogram,
    /// Service times, where a schedule makes them differ from response times.
    pub service: Option<Histogram>,
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            count: 0,
            attempts: 0,
            connects: 0,
            retries: 0,
            bytes_out: 0,
            bytes_in: 0,
            body_in: 0,
            response_sum: Nanos::ZERO,
            response_min: Nanos::MAX,
            response_max: Nanos::ZERO,
            first_byte_sum: Nanos::ZERO,
            connect_sum: Nanos::ZERO,
            tls_sum: Nanos::ZERO,
            response: Histogram::default(),
            service: None,
        }
    }
}

impl Cell {
    /// Count one request. Allocates only for the first service time and where `reserve` is empty.
    pub fn record(&mut self, sample: &Sample, reserve: &mut PageReserve) {
        self.count += 1;
        self.attempts += u64::from(sample.attempts);
        self.connects += u64::from(sample.connects);
        self.retries += u64::from(sample.retries);
        self.bytes_out += sample.bytes_out;
        self.bytes_in += sample.bytes_in;
        self.body_in += sample.body_in;
        self.response_sum += sample.response;
        self.response_min = self.response_min.min(sample.response);
        self.response_max = self.response_max.max(sample.response);
        self.first_byte_sum += sample.first_byte;
        self.connect_sum += sample.connect;
        self.tls_sum += sample.tls;
        self.response.record_with(sample.response, reserve);
        if let Some(service) = sample.service {
            self.service.get_or_insert_with(Histogram::default).record_with(service, reserve);
        }
    }

    /// Add everything `other` counted. Exact.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.attempts += other.attempts;
        self.connects += other.connects;
        self.retries += other.retries;
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
        self.body_in += other.body_in;
        self.response_sum += other.response_sum;
        self.response_min = self.response_min.min(other.response_min);
        self.response_max = self.response_max.max(other.response_max);
        self.first_byte_sum += other.first_byte_sum;
        self.connect_sum += other.connect_sum;
        self.tls_sum += other.tls_sum;
        self.response.merge(&other.response);
        if let Some(service) = &other.service {
            self.service.get_or_insert_with(Histogram::default).merge(service);
        }
    }

    /// Forget everything, keep the memory.
    pub fn reset(&mut self) {
        let Self { count, attempts, connects, retries, bytes_out, bytes_in, body_in, .. } = self;
        for counter in [count, attempts, connects, retries, bytes_out, bytes_in, body_in] {
            *counter = 0;
        }
        let Self { response_sum, response_max, first_byte_sum, connect_sum, tls_sum, .. } = self;
        for sum in [response_sum, response_max, first_byte_sum, connect_sum, tls_sum] {
            *sum = Nanos::ZERO;
        }
        self.response_min = Nanos::MAX;
        self.response.reset();
        if let Some(service) = &mut self.service {
            service.reset();
        }
    }
}
