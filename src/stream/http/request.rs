//! The request before it goes out: its body while rules look at it, and what the proxy adds.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;

use crate::clock;
use crate::http::Headers;
use crate::http::Response;
use crate::net::timer::Deadline;
use crate::proxy::ForwardFor;
use crate::rule::RuleSet;
use crate::rule::Verdict;
use crate::txn::Direction;

use super::super::termination::Cause;
use super::super::termination::Error;
use super::super::termination::Phase;
use super::super::transfer::Fault;
use super::exchange::Exchange;

/// What a client that waits with its body is told.
const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Exchange<'_> {
    /// Takes what has come of the body.
    pub(super) fn prime(&mut self) -> Result<(), Error> {
        let taken = self.body.take_buffered(self.client, &self.txn);
        taken.map_err(|fault| body_error(fault, self.client.is_eof()))
    }

    /// Waits for the body: `option http-buffer-request`.
    pub(super) async fn buffer_body(&mut self) -> Result<(), Error> {
        self.go_on().await?;
        let deadline = Deadline::new();
        if let Some(time) = self.frontend.proxy.timeouts.http_request {
            let begun = self.txn.borrow().timers.begun;
            begun.checked_add(time).into_iter().for_each(|when| deadline.set(when));
        }
        let txn = std::rc::Rc::clone(&self.txn);
        let complete = poll_fn(move |cx| {
            let mut txn = txn.borrow_mut();
            if txn.req.is_eof() || txn.req.room() == 0 {
                return Poll::Ready(Ok(()));
            }
            txn.req.register(cx);
            if deadline.poll_expired(cx).is_ready() {
                return Poll::Ready(Err(Error::client(Phase::Request, Cause::Timeout)));
            }
            Poll::Pending
        });
        let done = self.beside_body(complete).await?;
        self.txn.borrow_mut().timers.request = Some(clock::cached());
        done
    }

    /// Runs rules on the request while its body comes in.
    pub(super) async fn run_rules(&mut self, rules: &RuleSet) -> Result<Verdict, Error> {
        let txn = std::rc::Rc::clone(&self.txn);
        let scripts = std::rc::Rc::clone(&self.local.scripts);
        let eval = crate::sample::Eval {
            txn: &txn,
            direction: Direction::Request,
            is_final: true,
            scripts: &scripts,
        };
        let verdict = self.beside_body(rules.run(eval)).await?;
        self.check_refusal(Phase::Request)?;
        Ok(verdict)
    }

    /// Runs `future` to its end while the body comes in.
    pub(super) async fn beside_body<F: Future>(&mut self, future: F) -> Result<F::Output, Error> {
        let mut future = pin!(future);
        // What is done at once needs no body.
        let first = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = first {
            return Ok(output);
        }
        self.go_on().await?;
        self.client.touch();
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            self.poll_body(cx).map(Err)
        })
        .await
    }

    /// Reads the body; ready when that has failed.
    pub(super) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let mut scratch = self.local.scratch.borrow_mut();
        if self.body.incoming.is_done() {
            let half = self.frontend.proxy.options.abort_on_close;
            let gone = self.client.poll_gone(cx, &mut scratch, half);
            return gone.map(|()| Error::client(Phase::Request, Cause::Closed));
        }
        if let Err(fault) = self.body.poll(cx, self.client, &self.txn, &mut scratch) {
            return Poll::Ready(body_error(fault, self.client.is_eof()));
        }
        if self.body.wants_input(&self.txn) && self.client.poll_expired(cx).is_ready() {
            return Poll::Ready(Error::client(Phase::Request, Cause::Timeout));
        }
        Poll::Pending
    }

    /// Tells a client that waits with its body to send it.
    async fn go_on(&mut self) -> Result<(), Error> {
        if !self.framing.expect || self.body.incoming.is_done() {
            return Ok(());
        }
        self.framing.expect = false;
        if let Some(headers) = self.txn.borrow_mut().headers_mut(Direction::Request) {
            headers.remove("expect");
        }
        if !self.txn.borrow().req.input().is_empty() {
            // It has not waited.
            return Ok(());
        }
        if let Some(wire) = self.client.wire_mut() {
            let _legal = wire.respond(&Response::new(100));
            return Ok(());
        }
        let told = self.client.send(GO_ON).await;
        told.map_err(|error| {
            let late = error.kind() == io::ErrorKind::TimedOut;
            Error::client(Phase::Request, if late { Cause::Timeout } else { Cause::Closed })
        })
    }

    /// Adds what the proxy says to the server.
    pub(super) fn add_headers(&self) {
        let mut txn = self.txn.borrow_mut();
        let src = txn.session.src.borrow().ip();
        let id = txn.unique_id.clone();
        let Some(request) = txn.request.as_mut() else { return };
        let own = &self.backend.proxy.options.forward_for;
        let option = own.as_ref().or(self.frontend.proxy.options.forward_for.as_ref());
        if let (Some(option), Some(src)) = (option, src) {
            forward_for(&mut request.headers, option, src);
        }
        if let (Some(name), Some(id)) = (&self.frontend.unique_id_header, id) {
            request.headers.add(name, id);
        }
    }
}

fn forward_for(headers: &mut Headers, option: &ForwardFor, src: std::net::IpAddr) {
    if option.except.is_some_and(|except| except.contains(&src)) {
        return;
    }
    if option.if_none && headers.contains(&option.header) {
        return;
    }
    headers.add(&option.header, src.to_string());
}

/// Returns the error of a request's body that cannot be read.
pub(super) fn body_error(fault: Fault, closed: bool) -> Error {
    match fault {
        Fault::Invalid => Error::proxy(Phase::Request, Cause::Invalid),
        Fault::Read if closed => Error::client(Phase::Last, Cause::Closed),
        Fault::Read | Fault::Write => Error::client(Phase::Data, Cause::Closed),
    }
}
