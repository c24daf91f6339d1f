//! Why a stream ended early, and what follows: the log's termination state and the answer
//! (HAProxy: configuration.txt 8.5).

use crate::txn::Shared;
use crate::txn::Txn;

/// Why a stream ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Whose fault it is.
    pub side: Side,
    /// How far it had come.
    pub phase: Phase,
    /// What happened.
    pub cause: Cause,
}

/// Who ended the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
    /// This proxy.
    Proxy,
}

/// How far a stream had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for the request.
    Request,
    /// Waiting for a place on a server.
    Queue,
    /// Connecting to a server.
    Connect,
    /// Waiting for the response's head.
    Headers,
    /// Passing the body on.
    Data,
    /// Waiting for the rest of a message whose sender has closed.
    Last,
    /// The client was held by a tarpit.
    Tarpit,
}

/// What ended a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The connection was closed, reset or refused, or there is none to be had.
    Closed,
    /// The side was silent for too long.
    Timeout,
    /// A message that cannot be read.
    Invalid,
    /// A rule refused it.
    Denied,
    /// A script that it depends on has failed: the status of the answer.
    Refused(u16),
    /// Answered here, not by a server: a redirect, a `return`.
    Local,
    /// An error of this proxy.
    Internal,
    /// The proxy is being stopped.
    Killed,
}

impl Error {
    /// Returns the error.
    pub const fn new(side: Side, phase: Phase, cause: Cause) -> Self {
        Self { side, phase, cause }
    }

    /// Returns an error of the client's connection.
    pub const fn client(phase: Phase, cause: Cause) -> Self {
        Self::new(Side::Client, phase, cause)
    }

    /// Returns an error of the server's connection.
    pub const fn server(phase: Phase, cause: Cause) -> Self {
        Self::new(Side::Server, phase, cause)
    }

    /// Returns an end that this proxy has decided on.
    pub const fn proxy(phase: Phase, cause: Cause) -> Self {
        Self::new(Side::Proxy, phase, cause)
    }

    /// Returns the two letters of the log.
    pub const fn state(self) -> [u8; 2] {
        let who = match (self.cause, self.side) {
            (Cause::Local, _) => b'L',
            (Cause::Internal, _) => b'I',
            (Cause::Killed, _) => b'K',
            (Cause::Denied | Cause::Refused(_), _) | (_, Side::Proxy) => b'P',
            (Cause::Timeout, Side::Client) => b'c',
            (Cause::Timeout, Side::Server) => b's',
            (Cause::Invalid, Side::Server) => b'P',
            (Cause::Closed | Cause::Invalid, Side::Client) => b'C',
            (Cause::Closed, Side::Server) => b'S',
        };
        let when = match self.phase {
            Phase::Request => b'R',
            Phase::Queue => b'Q',
            Phase::Connect => b'C',
            Phase::Headers => b'H',
            Phase::Data => b'D',
            Phase::Last => b'L',
            Phase::Tarpit => b'T',
        };
        [who, when]
    }

    /// Returns the status of the answer for a client that has got none yet.
    pub const fn status(self) -> u16 {
        match (self.phase, self.cause) {
            (_, Cause::Internal) => 500,
            (_, Cause::Refused(status)) => status,
            (Phase::Request, Cause::Timeout) => 408,
            (Phase::Request | Phase::Headers | Phase::Data | Phase::Last, Cause::Denied) => {
                match self.side {
                    Side::Server => 502,
                    Side::Client | Side::Proxy => 403,
                }
            }
            (Phase::Request, _) => 400,
            (Phase::Queue | Phase::Connect, _) => 503,
            (Phase::Headers | Phase::Data | Phase::Last, Cause::Timeout) => match self.side {
                Side::Server => 504,
                Side::Client | Side::Proxy => 408,
            },
            (Phase::Headers | Phase::Data | Phase::Last, _) => match self.side {
                Side::Client => 400,
                Side::Server | Side::Proxy => 502,
            },
            (Phase::Tarpit, _) => 500,
        }
    }
}

/// Notes in an exchange why it ended, unless something before has.
pub(super) fn note(txn: &mut Txn, error: Error) {
    if txn.termination == *b"--" {
        txn.termination = error.state();
    }
}

/// Fails where a script that the exchange depends on has failed (`on-error deny`): asked after all
/// that may call a script.
pub(super) fn refusal(txn: &Shared, phase: Phase) -> Result<(), Error> {
    match txn.borrow_mut().refused.take() {
        Some(status) => Err(Error::proxy(phase, Cause::Refused(status))),
        None => Ok(()),
    }
}

/// Tells whether the log counts an exchange as failed.
pub(super) fn is_error(txn: &Txn) -> bool {
    let (retries, redispatched) = txn.retries;
    match txn.termination[0] {
        b'-' => retries > 0 || redispatched || txn.status >= 500,
        b'L' => redispatched || txn.status >= 500,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_answers_are_haproxys() {
        use Cause::Closed;
        use Cause::Denied;
        use Cause::Internal;
        use Cause::Invalid;
        use Cause::Local;
        use Cause::Refused;
        use Cause::Timeout;
        for (error, state, status) in [
            (Error::client(Phase::Request, Timeout), b"cR", 408),
            (Error::client(Phase::Request, Closed), b"CR", 400),
            (Error::proxy(Phase::Request, Invalid), b"PR", 400),
            (Error::proxy(Phase::Request, Denied), b"PR", 403),
            (Error::proxy(Phase::Request, Refused(451)), b"PR", 451),
            (Error::proxy(Phase::Headers, Refused(503)), b"PH", 503),
            (Error::proxy(Phase::Request, Local), b"LR", 400),
            (Error::proxy(Phase::Tarpit, Denied), b"PT", 500),
            (Error::server(Phase::Queue, Timeout), b"sQ", 503),
            (Error::server(Phase::Connect, Timeout), b"sC", 503),
            (Error::server(Phase::Connect, Closed), b"SC", 503),
            (Error::client(Phase::Connect, Closed), b"CC", 503),
            (Error::server(Phase::Headers, Timeout), b"sH", 504),
            (Error::server(Phase::Headers, Closed), b"SH", 502),
            (Error::server(Phase::Headers, Invalid), b"PH", 502),
            (Error::client(Phase::Headers, Closed), b"CH", 400),
            (Error::server(Phase::Headers, Denied), b"PH", 502),
            (Error::proxy(Phase::Request, Internal), b"IR", 500),
            (Error::client(Phase::Data, Timeout), b"cD", 408),
            (Error::server(Phase::Data, Closed), b"SD", 502),
        ] {
            assert_eq!(&error.state(), state, "{error:?}");
            assert_eq!(error.status(), status, "{error:?}");
        }
    }
}
