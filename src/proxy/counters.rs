//! Counters: one set per worker, summed when read.

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

/// What is counted for proxies and servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Connections (frontend) or exchanges (server) that are open now.
    Current,
    /// Exchanges that a backend has now.
    Serving,
    /// All of them so far.
    Total,
    /// Requests so far.
    Requests,
    /// Bytes from clients.
    BytesIn,
    /// Bytes to clients.
    BytesOut,
    /// Requests that could not be read.
    RequestErrors,
    /// Requests that rules refused.
    RequestsDenied,
    /// Responses that rules refused.
    ResponsesDenied,
    /// Connections to servers that failed.
    ConnectErrors,
    /// Responses that could not be read.
    ResponseErrors,
    /// Connections to servers tried again.
    Retries,
    /// Log lines so far.
    Logs,
    /// Waiting for a place on a server now.
    Queued,
    /// Responses by class: 1xx.
    Status1xx,
    /// Responses by class: 2xx.
    Status2xx,
    /// Responses by class: 3xx.
    Status3xx,
    /// Responses by class: 4xx.
    Status4xx,
    /// Responses by class: 5xx.
    Status5xx,
    /// Responses of no class.
    StatusOther,
}

const KINDS: usize = Counter::StatusOther as usize + 1;

/// A set of counters for each worker.
#[derive(Debug)]
pub struct Counters {
    workers: Box<[Padded]>,
}

/// Its own cache lines: two workers never write to one.
#[derive(Debug)]
#[repr(align(128))]
struct Padded([AtomicI64; KINDS]);

impl Counters {
    /// Returns zeroed counters for this many workers.
    pub fn new(workers: usize) -> Self {
        let zero = || Padded([const { AtomicI64::new(0) }; KINDS]);
        Self { workers: (0..workers.max(1)).map(|_| zero()).collect() }
    }

    /// Adds to the counter of one worker.
    pub fn add(&self, worker: usize, counter: Counter, amount: i64) {
        let cell = self.workers.get(worker).and_then(|set| set.0.get(counter as usize));
        if let Some(cell) = cell {
            cell.fetch_add(amount, Relaxed);
        }
    }

    /// Returns the sum over all workers.
    pub fn sum(&self, counter: Counter) -> i64 {
        self.workers
            .iter()
            .filter_map(|set| set.0.get(counter as usize))
            .map(|cell| cell.load(Relaxed))
            .sum()
    }
}
