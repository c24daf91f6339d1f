//! An HTTP client's connection: one exchange after the other.

mod exchange;
mod forward;
mod framing;
mod head;
mod intake;
mod request;
mod response;
mod service;

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use std::time::Instant;

use event_listener::EventListener;

use crate::clock;
use crate::net::timer::Deadline;
use crate::program::Section;
use crate::proxy::Counter;
use crate::task;
use crate::txn::Session;
use crate::txn::Txn;

use super::accept;
use super::end::End;
use super::line;
use super::local::Local;
use super::reply;
use super::termination;
use super::termination::Cause;
use super::termination::Error;
use super::termination::Phase;

use exchange::Exchange;
use head::Head;
use head::Received;

/// How long a client may take to read what was sent to it before the connection closes.
const LINGER: Duration = Duration::from_secs(2);

/// How much is read and dropped meanwhile.
const LINGER_BYTES: usize = 1 << 20;

/// Runs a client's connection to its end.
pub(super) async fn run(local: Rc<Local>, frontend: &Section, session: Rc<Session>, client: End) {
    let begun = (session.accepted, session.accept_date);
    let stop = Box::pin(local.stop_listener());
    let head = Deadline::new();
    let (local, nice) = (&local, task::nice());
    let mut connection =
        Connection { local, frontend, session, client, nice, nth: 0, begun, head, stop };
    // What this client's requests alone may use goes with it.
    let _own = Own { local, session: connection.session.id };
    while connection.exchange().await {
        connection.nth = connection.nth.wrapping_add(1);
        if !connection.client.buf.is_empty() {
            // Who sends many requests at once takes turns with the others.
            task::yield_now().await;
        }
        connection.begun = (clock::cached(), clock::cached_date());
    }
}

/// A session whose own idle connections are closed at its end.
struct Own<'a> {
    local: &'a Local,
    session: u64,
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.local.pool.forget(self.session);
    }
}

/// A client's connection.
struct Connection<'a> {
    local: &'a Rc<Local>,
    frontend: &'a Section,
    session: Rc<Session>,
    client: End,
    /// How nice the listener makes its exchanges.
    nice: i32,
    /// How many exchanges there were.
    nth: u32,
    /// When the exchange that is awaited has begun.
    begun: (Instant, Duration),
    /// Until when a request's head must be complete.
    head: Deadline,
    /// Is ready when a soft stop begins.
    stop: Pin<Box<EventListener>>,
}

impl Connection<'_> {
    /// Runs the next exchange; false when it was the last.
    async fn exchange(&mut self) -> bool {
        let received = match self.read_head().await {
            Head::Received(received) => received,
            Head::Silence => return false,
            Head::Failed(error) => {
                Box::pin(self.refuse(error)).await;
                return false;
            }
        };
        // What a rule or script has set holds for its exchange alone.
        task::set_nice(self.nice);
        let txn = self.begin(&received);
        let Received { request, framing, .. } = received;
        let exchange =
            Exchange::new(self.local, self.frontend, &mut self.client, txn, (request, framing));
        match exchange.run().await {
            exchange::After::KeepAlive => true,
            exchange::After::Close => false,
            exchange::After::Linger => {
                Box::pin(self.linger()).await;
                false
            }
        }
    }

    /// Returns the exchange of a request.
    fn begin(&self, received: &Received) -> Txn {
        let mut txn = self.blank();
        let (instant, date) = received.first_byte;
        txn.timers.first_byte = Some(instant);
        txn.timers.first_byte_date = Some(date);
        txn.timers.request = Some(clock::cached());
        if !self.frontend.proxy.loggers.is_empty() || self.frontend.unique_id.is_some() {
            txn.request_line = framing::request_line(&received.request);
        }
        txn.bytes[0] = framing::request_size(&received.request);
        self.frontend.proxy.counters.add(self.local.worker, Counter::Requests, 1);
        txn
    }

    fn blank(&self) -> Txn {
        let mut txn = accept::new_exchange(self.local, &self.session, self.nth);
        (txn.timers.begun, txn.timers.begun_date) = self.begun;
        txn.timers.handshake = Some(self.begun.0);
        self.session.requests.set(self.nth.wrapping_add(1));
        txn
    }

    /// Answers what is no request, and logs it.
    async fn refuse(&mut self, error: Error) {
        let silent = self.frontend.proxy.options.ignore_probes
            && self.nth == 0
            && self.client.buf.is_empty()
            && error.cause != Cause::Invalid;
        if silent {
            return;
        }
        let mut txn = self.blank();
        txn.bytes[0] = self.client.buf.len() as u64;
        txn.status = error.status();
        termination::note(&mut txn, error);
        self.frontend.proxy.counters.add(self.local.worker, Counter::RequestErrors, 1);
        let answer = reply::raw(&self.frontend.proxy, error.status());
        // Where the client has gone nobody misses the answer.
        let _unused = self.client.send(&answer).await;
        let txn = txn.into_shared();
        line::stamp_end(&txn);
        line::end(self.local, self.frontend, &txn).await;
        self.linger().await;
    }

    /// Closes such that the client can read what was sent: a reset, which unread bytes would cause,
    /// might overtake it.
    async fn linger(&mut self) {
        if self.client.is_eof() || self.client.stream.shutdown_write().is_err() {
            return;
        }
        let deadline = Deadline::after(LINGER);
        let local = self.local;
        let client = &mut self.client;
        let drained = std::future::poll_fn(|cx| {
            let mut scratch = local.scratch.borrow_mut();
            let mut dropped = 0_usize;
            while dropped < LINGER_BYTES {
                match std::task::ready!(client.poll_read(cx, &mut scratch)) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => dropped = dropped.saturating_add(count),
                }
            }
            std::task::Poll::Ready(())
        });
        // Who reads no further is closed all the same.
        let _over = deadline.bound(drained).await;
    }
}

/// Returns the error of a client whose request did not come.
fn no_request(cause: Cause) -> Error {
    match cause {
        Cause::Invalid => Error::proxy(Phase::Request, cause),
        Cause::Closed | Cause::Timeout | Cause::Denied | Cause::Local => {
            Error::client(Phase::Request, cause)
        }
        Cause::Internal | Cause::Killed | Cause::Refused(_) => Error::proxy(Phase::Request, cause),
    }
}
