//! An answer that a rule or a script makes.

use bytes::Bytes;

/// A whole HTTP answer: `http-request return`, `deny`, `redirect`, `txn:done(reply)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Status, 200 to 599.
    pub status: u16,
    /// Reason; empty for the status's own.
    pub reason: Bytes,
    /// Headers in order; the length is added when it is sent.
    pub headers: Vec<(Bytes, Bytes)>,
    /// Body.
    pub body: Bytes,
    /// Use the proxy's `errorfile` for this status, where it has one, and HAProxy's own otherwise.
    pub from_error_files: bool,
}
