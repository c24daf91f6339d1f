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
use crate::http::Request;
use crate::http::h1::Framing;
use crate::net::timer::Deadline;
use crate::program::Section;
use crate::proxy::Counter;
use crate::task;
use crate::txn::Session;
use crate::txn::Txn;

use super::accept;
use super::end::End;
use super::http2;
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
    loop {
        match connection.exchange().await {
            Next::Exchange => {}
            Next::End => return,
            Next::Http2 => break,
        }
        connection.nth = connection.nth.wrapping_add(1);
        if !connection.client.buf.is_empty() {
            // Who sends many requests at once takes turns with the others.
            task::yield_now().await;
        }
        connection.begun = (clock::cached(), clock::cached_date());
    }
    let Connection { session, client, .. } = connection;
    if let Some((stream, early)) = client.into_parts() {
        Box::pin(http2::run(Rc::clone(local), frontend, session, stream, early)).await;
    }
}

/// A request that has come, whatever it came by.
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) framing: Framing,
    /// When its exchange has begun.
    pub(super) begun: (Instant, Duration),
    /// When its first byte came.
    pub(super) first_byte: (Instant, Duration),
    /// How many were before it on its connection.
    pub(super) nth: u32,
}

/// Runs one exchange to its end, and logs it.
pub(super) async fn exchange(
    local: &Rc<Local>,
    frontend: &Section,
    session: &Rc<Session>,
    client: &mut End,
    asked: Asked,
) -> exchange::After {
    let mut txn = blank(local, session, asked.nth, asked.begun);
    let (instant, date) = asked.first_byte;
    txn.timers.first_byte = Some(instant);
    txn.timers.first_byte_date = Some(date);
    txn.timers.request = Some(clock::cached());
    if !frontend.proxy.loggers.is_empty() || frontend.unique_id.is_some() {
        txn.request_line = framing::request_line(&asked.request);
    }
    txn.bytes[0] = framing::request_size(&asked.request);
    frontend.proxy.counters.add(local.worker, Counter::Requests, 1);
    Exchange::new(local, frontend, client, txn, (asked.request, asked.framing)).run().await
}

fn blank(local: &Local, session: &Rc<Session>, nth: u32, begun: (Instant, Duration)) -> Txn {
    let mut txn = accept::new_exchange(local, session, nth);
    (txn.timers.begun, txn.timers.begun_date) = begun;
    txn.timers.handshake = Some(begun.0);
    session.requests.set(nth.wrapping_add(1));
    txn
}

/// What comes after an exchange.
enum Next {
    /// Another one.
    Exchange,
    /// Nothing.
    End,
    /// HTTP/2, which the client speaks from its first byte.
    Http2,
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
    /// Runs the next exchange.
    async fn exchange(&mut self) -> Next {
        let received = match self.read_head().await {
            Head::Received(received) => received,
            Head::Preface => return Next::Http2,
            Head::Silence => return Next::End,
            Head::Failed(error) => {
                Box::pin(self.refuse(error)).await;
                return Next::End;
            }
        };
        // What a rule or script has set holds for its exchange alone.
        task::set_nice(self.nice);
        let Received { request, framing, first_byte } = received;
        let asked = Asked { request, framing, begun: self.begun, first_byte, nth: self.nth };
        let (local, frontend) = (self.local, self.frontend);
        let exchange = exchange(local, frontend, &self.session, &mut self.client, asked);
        match exchange.await {
            exchange::After::KeepAlive => Next::Exchange,
            exchange::After::Close => Next::End,
            exchange::After::Linger => {
                Box::pin(self.linger()).await;
                Next::End
            }
        }
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
        let mut txn = blank(self.local, &self.session, self.nth, self.begun);
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
        if self.client.is_eof() || self.client.shutdown_write().is_err() {
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
