//! When what happened in an exchange (HAProxy manual 8.4).

use std::time::Duration;
use std::time::Instant;

/// The dates that the timers of the log are computed from.
#[derive(Clone, Debug)]
pub struct Timers {
    /// The connection was accepted; for a later request, the last response had ended.
    pub begun: Instant,
    /// The same as a date, time since 1970.
    pub begun_date: Duration,
    /// `Th`: handshakes were done.
    pub handshake: Option<Instant>,
    /// `Ti`: the first byte of the request came.
    pub first_byte: Option<Instant>,
    /// The same as a date, time since 1970.
    pub first_byte_date: Option<Duration>,
    /// `TR`: the request's head was complete.
    pub request: Option<Instant>,
    /// `Tw`: a server had a place.
    pub queued: Option<Instant>,
    /// `Tc`: the server had accepted.
    pub connected: Option<Instant>,
    /// `Tr`: the response's head was complete.
    pub response: Option<Instant>,
    /// The end.
    pub end: Option<Instant>,
}

impl Timers {
    /// Returns the timers of an exchange that begins now.
    pub fn new(begun: Instant, begun_date: Duration) -> Self {
        Self {
            begun,
            begun_date,
            handshake: None,
            first_byte: None,
            first_byte_date: None,
            request: None,
            queued: None,
            connected: None,
            response: None,
            end: None,
        }
    }
}
