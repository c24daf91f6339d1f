//! Waiting for a request, and reading its head.

use std::future::poll_fn;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use crate::clock;
use crate::http;
use crate::http::h1;
use crate::http::http2;

use super::super::termination::Cause;
use super::super::termination::Error;
use super::Connection;
use super::no_request;

/// What came in the place of a request.
pub(super) enum Head {
    /// A request.
    Received(Received),
    /// What HTTP/2 begins with.
    Preface,
    /// Nothing: an idle client has closed, or was idle for too long.
    Silence,
    /// No request.
    Failed(Error),
}

/// A request's head.
pub(super) struct Received {
    pub(super) request: http::Request,
    pub(super) framing: h1::Framing,
    /// When its first byte came.
    pub(super) first_byte: (Instant, Duration),
}

impl Connection<'_> {
    /// Reads the next request's head.
    pub(super) async fn read_head(&mut self) -> Head {
        let timeouts = self.frontend.proxy.timeouts;
        let first = self.nth == 0;
        let mut begun = None;
        if !self.client.buf.is_empty() {
            begun = Some(self.begin_head(timeouts.client, timeouts.http_request));
        } else if first {
            self.client.set_timeout(timeouts.client);
            arm(&self.head, timeouts.http_request);
        } else {
            self.head.clear();
            let idle = timeouts.http_keep_alive.or(timeouts.http_request).or(timeouts.client);
            self.client.set_timeout(idle);
        }
        poll_fn(|cx| {
            let received = loop {
                match self.take_head(begun) {
                    Some(head) => return Poll::Ready(head),
                    None if self.client.is_eof() => break Err(Cause::Closed),
                    None => {}
                }
                let nothing = self.client.buf.is_empty();
                match self.client.poll_fill(cx, &mut self.local.scratch.borrow_mut()) {
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(_)) => break Err(Cause::Closed),
                    Poll::Pending => break Ok(()),
                }
                if nothing && !self.client.buf.is_empty() {
                    // The first request's head is timed from the start of the connection.
                    let head = timeouts.http_request.filter(|_| !first);
                    begun = Some(self.begin_head(timeouts.client, head));
                }
            };
            let nothing = self.client.buf.is_empty();
            if let Err(cause) = received {
                return Poll::Ready(missed(first, nothing, cause));
            }
            if nothing && !first && self.poll_stop(cx) {
                return Poll::Ready(Head::Silence);
            }
            if self.head.poll_expired(cx).is_ready() || self.client.poll_expired(cx).is_ready() {
                return Poll::Ready(missed(first, nothing, Cause::Timeout));
            }
            Poll::Pending
        })
        .await
    }

    /// Takes a head off what was read, if it is complete or wrong.
    fn take_head(&mut self, begun: Option<(Instant, Duration)>) -> Option<Head> {
        if self.client.buf.is_empty() {
            return None;
        }
        let text = &self.client.buf[..];
        if self.nth == 0 && text.starts_with(b"PRI * ") && self.speaks_http2() {
            let begins = text.iter().zip(http2::PREFACE).all(|(byte, known)| byte == known);
            if begins {
                let whole = text.len() >= http2::PREFACE.len();
                return whole.then_some(Head::Preface);
            }
        }
        match h1::parse_request(&mut self.client.buf, &self.local.limits) {
            Ok(None) => None,
            Ok(Some((request, framing))) => {
                let first_byte = begun.unwrap_or_else(now);
                Some(Head::Received(Received { request, framing, first_byte }))
            }
            Err(_) => Some(Head::Failed(no_request(Cause::Invalid))),
        }
    }

    fn speaks_http2(&self) -> bool {
        !self.frontend.proxy.options.disable_h2_upgrade
    }

    /// Notes that a head begins to come.
    fn begin_head(
        &mut self,
        client: Option<Duration>,
        head: Option<Duration>,
    ) -> (Instant, Duration) {
        self.client.set_timeout(client);
        if let Some(head) = head {
            self.head.set_after(head);
        }
        now()
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> bool {
        self.local.is_stopping() || self.stop.as_mut().poll(cx).is_ready()
    }
}

fn arm(deadline: &crate::net::timer::Deadline, duration: Option<Duration>) {
    match duration {
        Some(duration) => deadline.set_after(duration),
        None => deadline.clear(),
    }
}

fn now() -> (Instant, Duration) {
    (clock::cached(), clock::cached_date())
}

/// An idle client owes no request; a new one does.
fn missed(first: bool, nothing: bool, cause: Cause) -> Head {
    if nothing && !first { Head::Silence } else { Head::Failed(no_request(cause)) }
}
