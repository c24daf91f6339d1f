//! A request that goes to a server, and the response that comes back, both at the same time.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use bytes::BytesMut;

use crate::clock;
use crate::http::Body;
use crate::http::Response;
use crate::http::Version;
use crate::http::connection;
use crate::http::h1;
use crate::http::h1::Framing;
use crate::http::uri;
use crate::proxy::Counter;
use crate::proxy::KeepAlive;
use crate::proxy::Server;
use crate::task;
use crate::txn::Direction;

use super::super::backend;
use super::super::end::End;
use super::super::http2::Missing;
use super::super::relay;
use super::super::relay::Relay;
use super::super::server::Link;
use super::super::server::Reuse;
use super::super::server::Search;
use super::super::termination::Cause;
use super::super::termination::Error;
use super::super::termination::Phase;
use super::super::transfer::Fault;
use super::super::transfer::Incoming;
use super::super::transfer::Outgoing;
use super::super::transfer::Transfer;
use super::exchange::Answer;
use super::exchange::Decision;
use super::exchange::Exchange;
use super::framing;
use super::intake::Intake;
use super::request;

/// A response that did not come.
struct Unanswered {
    error: Error,
    /// The server closed before it had sent a byte.
    silent: bool,
    /// The server has said that it did not look at the request.
    untouched: bool,
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Self { error, silent: false, untouched: false }
    }
}

impl Exchange<'_> {
    /// Sends the request to a server and its response to the client.
    pub(super) async fn forward(&mut self) -> Result<(), Error> {
        self.add_headers();
        let body = self.body.take_decoded(&self.txn);
        let complete = self.body.incoming.is_done();
        let mut search = self.search().await?;
        loop {
            let mut link = self.connect(&search).await?;
            let mut up = self.upload(&mut link.made.end, &body)?;
            let failed = match self.await_response(&mut link, &mut up).await {
                Ok((response, framing)) => {
                    let done = self.respond(link, &mut up, response, framing).await;
                    self.settle(up);
                    return done;
                }
                Err(failed) => failed,
            };
            self.settle(up);
            if !(failed.silent && link.reused) {
                return Err(failed.error);
            }
            // An idle connection that the server has closed just now (RFC 9112 9.3.1).
            if !complete || !(failed.untouched || self.sent.is_idempotent()) {
                // HAProxy: closes without a word, so that the client tries again itself.
                self.answer = Answer::Begun;
                return Err(failed.error);
            }
            search.reuse = Reuse::None;
        }
    }

    /// Notes what has become of the request's body.
    fn settle(&mut self, up: Transfer) {
        let mut txn = self.txn.borrow_mut();
        txn.bytes[0] = txn.bytes[0].saturating_add(up.moved);
        self.keep &= up.is_over();
        self.body.incoming = up.incoming;
    }

    async fn search(&self) -> Result<Search, Error> {
        let forced: Option<Arc<Server>> = if self.backend.use_server.is_empty() {
            None
        } else {
            let forced = backend::forced_server(self.backend, self.eval(Direction::Request));
            let forced = Box::pin(forced).await;
            self.check_refusal(Phase::Request)?;
            forced
        };
        let options = &self.backend.proxy.options;
        // HAProxy: `http-reuse safe` gives a client's first request a connection of its own, as
        // nobody would repeat it.
        let first = self.txn.borrow().nth == 0;
        let reuse = match options.never_reuse {
            _ if options.keep_alive != KeepAlive::Both => Reuse::None,
            _ if first => Reuse::Busy,
            true => Reuse::Own,
            false => Reuse::Any,
        };
        Ok(Search::new(&self.backend.proxy, forced, reuse))
    }

    async fn connect(&mut self, search: &Search) -> Result<Link, Error> {
        let (local, half) = (self.local, self.backend.proxy.options.abort_on_close);
        let txn = std::rc::Rc::clone(&self.txn);
        let connecting: Pin<Box<_>> = Box::pin(search.run(local, &txn));
        match self.client.beside(local, half, connecting).await {
            Ok(connected) => connected,
            Err(_) => {
                let queued = self.txn.borrow().server.is_none();
                let phase = if queued { Phase::Queue } else { Phase::Connect };
                Err(Error::client(phase, Cause::Closed))
            }
        }
    }

    /// Returns the request on its way: its head and what has come of its body.
    fn upload(&mut self, server: &mut End, body: &[Bytes; 2]) -> Result<Transfer, Error> {
        let incoming = std::mem::replace(&mut self.body.incoming, Incoming::Done);
        let done = incoming.is_done();
        let mut head = BytesMut::new();
        let mut txn = self.txn.borrow_mut();
        if let Some(request) = txn.request.as_mut() {
            self.sent = request.method.clone();
            framing::declare(&mut request.headers, self.framing.body);
            let options = [&self.backend.proxy.options, &self.frontend.proxy.options];
            let keep = options.iter().all(|options| options.keep_alive == KeepAlive::Both);
            if let Some(wire) = server.wire_mut() {
                let made = wire.request(request);
                made.map_err(|_| Error::proxy(Phase::Request, Cause::Invalid))?;
            } else {
                if !self.framing.upgrade {
                    connection::write_request(&mut request.headers, request.version, keep);
                }
                // HAProxy: what HTTP/2 says of a place is in `Host` already.
                let path =
                    uri::split(&request.uri).pathq.filter(|_| self.version == Version::Http2);
                h1::write_request_to(request, path.unwrap_or(&request.uri), &mut head);
            }
        }
        let chunked = self.framing.body == Body::Chunked && !server.is_http2();
        let outgoing = if chunked { Outgoing::Chunked } else { Outgoing::Raw };
        let mut up = Transfer::new(incoming, outgoing, head);
        body.iter().for_each(|part| up.push(part));
        if done {
            up.end(&self.body.trailers);
        }
        Ok(up)
    }

    /// Sends the request until the response's head is there. What precedes it is passed on.
    async fn await_response(
        &mut self,
        link: &mut Link,
        up: &mut Transfer,
    ) -> Result<(Response, Framing), Unanswered> {
        let (mut stopped, mut heard) = (false, false);
        loop {
            let head = poll_fn(|cx| self.poll_response(cx, link, up, &mut stopped)).await;
            let (response, head) =
                head.map_err(|failed| Unanswered { silent: failed.silent && !heard, ..failed })?;
            heard = true;
            if response.status == 101 && !self.framing.upgrade {
                return Err(self.bad_response(Cause::Invalid).into());
            }
            if !response.is_interim() || response.status == 101 {
                return Ok((response, head));
            }
            if self.version >= Version::Http11 {
                self.count_sent(framing::response_size(&response));
                self.send_interim(&response).await?;
            }
            // A server may send them without end.
            task::yield_now().await;
        }
    }

    async fn send_interim(&mut self, response: &Response) -> Result<(), Error> {
        if let Some(wire) = self.client.wire_mut() {
            // What HTTP/2 cannot say is left out.
            let _unused = wire.respond(response);
            return Ok(());
        }
        let mut interim = BytesMut::new();
        h1::write_response(response, &mut interim);
        self.flush(&mut interim).await
    }

    fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
        link: &mut Link,
        up: &mut Transfer,
        stopped: &mut bool,
    ) -> Poll<Result<(Response, Framing), Unanswered>> {
        let mut scratch = self.local.scratch.borrow_mut();
        if up.is_over() || *stopped {
            let half = self.backend.proxy.options.abort_on_close;
            if self.client.poll_gone(cx, &mut scratch, half).is_ready() {
                return Poll::Ready(Err(Error::client(Phase::Headers, Cause::Closed).into()));
            }
        } else if let Poll::Ready(Err(fault)) =
            up.poll(cx, self.client, &mut link.made.end, &mut scratch)
        {
            if fault != Fault::Write {
                let error = request::body_error(fault, self.client.is_eof());
                return Poll::Ready(Err(error.into()));
            }
            // The server reads no further, but it may have answered.
            *stopped = true;
        }
        let server = &mut link.made.end;
        if let Some(wire) = server.wire_mut() {
            if let Poll::Ready(head) = wire.poll_response(cx, &self.sent, &self.local.limits) {
                server.touch();
                return Poll::Ready(head.map_err(|missing| self.missing(&missing)));
            }
        } else if let Poll::Ready(head) = self.poll_server_head(cx, server, &mut scratch) {
            return Poll::Ready(head);
        }
        if server.poll_expired(cx).is_ready() {
            return Poll::Ready(Err(self.bad_response(Cause::Timeout).into()));
        }
        if up.wants_input() && !*stopped && self.client.poll_expired(cx).is_ready() {
            return Poll::Ready(Err(Error::client(Phase::Data, Cause::Timeout).into()));
        }
        Poll::Pending
    }

    /// Returns what a stream of HTTP/2 without a response means.
    fn missing(&self, missing: &Missing) -> Unanswered {
        match *missing {
            Missing::Invalid => self.bad_response(Cause::Invalid).into(),
            Missing::Closed { untouched } => {
                Unanswered { error: self.bad_response(Cause::Closed), silent: true, untouched }
            }
        }
    }

    /// Reads a response's head off a connection.
    fn poll_server_head(
        &self,
        cx: &mut Context<'_>,
        server: &mut End,
        scratch: &mut [u8],
    ) -> Poll<Result<(Response, Framing), Unanswered>> {
        loop {
            if !server.buf.is_empty() {
                match h1::parse_response(&mut server.buf, &self.sent, &self.local.limits) {
                    Ok(Some(head)) => return Poll::Ready(Ok(head)),
                    Ok(None) => {}
                    Err(_) => {
                        return Poll::Ready(Err(self.bad_response(Cause::Invalid).into()));
                    }
                }
            }
            let silent = server.buf.is_empty();
            match server.poll_fill(cx, scratch) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(_) => {
                    let error = self.bad_response(Cause::Closed);
                    return Poll::Ready(Err(Unanswered { error, silent, untouched: false }));
                }
            }
        }
    }

    fn bad_response(&self, cause: Cause) -> Error {
        let server = self.txn.borrow().server.clone();
        for counters in [Some(&self.backend.proxy.counters), server.as_ref().map(|s| &s.counters)] {
            let Some(counters) = counters else { continue };
            counters.add(self.local.worker, Counter::ResponseErrors, 1);
        }
        Error::server(Phase::Headers, cause)
    }

    /// Passes a response on, and keeps the connection it came by.
    async fn respond(
        &mut self,
        mut link: Link,
        up: &mut Transfer,
        response: Response,
        head: Framing,
    ) -> Result<(), Error> {
        let limits = self.local.limits;
        link.made.private |= framing::binds_connection(&response);
        self.set_response(response);
        self.count_head();
        self.capture(Direction::Response);
        self.txn.borrow_mut().timers.response = Some(clock::cached());
        let incoming = Incoming::of(&mut link.made.end, head.body, &limits);
        let mut body = Intake::new(incoming, Direction::Response);
        if self.looks_at_responses() {
            // What a tunnel carries is no body.
            let seen = !matches!(head.body, Body::None | Body::Tunnel);
            if seen {
                let taken = body.take_buffered(&mut link.made.end, &self.txn);
                taken.map_err(|_| self.forget_response())?;
            } else {
                self.txn.borrow_mut().res.end_input();
            }
            let server = seen.then_some((&mut link.made.end, &mut *up));
            let decision = self.apply_response(server, &mut body).await?;
            if matches!(decision, Decision::Answered) {
                return Ok(());
            }
        }
        self.after_response().await?;
        if head.body == Body::Tunnel {
            return Box::pin(self.tunnel(&mut link, up)).await;
        }
        let outgoing = self.frame(head.body);
        let decoded = body.take_decoded(&self.txn);
        let done = body.incoming.is_done();
        let mut down = Transfer::new(body.incoming, outgoing, BytesMut::new());
        self.write_head(&mut down.pending, false);
        decoded.iter().for_each(|part| down.push(part));
        if done {
            down.end(&body.trailers);
        }
        if down.take_buffered(&mut link.made.end.buf).is_err() {
            return Err(self.forget_response());
        }
        self.answer = Answer::Begun;
        if self.frontend.proxy.options.log_asap {
            self.count_sent(down.moved);
            self.log().await;
            let mut txn = self.txn.borrow_mut();
            txn.bytes[1] = txn.bytes[1].saturating_sub(down.moved);
        }
        self.client.touch();
        let passed = self.pass(&mut link, up, &mut down).await;
        if outgoing != Outgoing::Nowhere {
            // HAProxy counts the end of a chunked body as a byte.
            let end = u64::from(head.body == Body::Chunked && passed.is_ok());
            self.count_sent(down.moved.saturating_add(end));
        }
        passed?;
        let keep = head.keep_alive
            && up.is_over()
            && link.made.end.buf.is_empty()
            && !link.made.end.is_eof()
            && self.frontend.proxy.options.keep_alive == KeepAlive::Both
            && self.backend.proxy.options.keep_alive == KeepAlive::Both;
        if keep {
            let session = self.txn.borrow().session.id;
            link.keep(self.local, session, &self.backend.proxy);
        }
        Ok(())
    }

    /// A response whose body is wrong from the start is none.
    fn forget_response(&mut self) -> Error {
        let mut txn = self.txn.borrow_mut();
        txn.response = None;
        txn.timers.response = None;
        txn.bytes[1] = 0;
        drop(txn);
        self.bad_response(Cause::Invalid)
    }

    fn looks_at_responses(&self) -> bool {
        [self.backend, self.frontend]
            .iter()
            .any(|section| !section.http_response.is_empty() || !section.tcp_response.is_empty())
    }

    /// Passes both bodies on.
    async fn pass(
        &mut self,
        link: &mut Link,
        up: &mut Transfer,
        down: &mut Transfer,
    ) -> Result<(), Error> {
        let mut stopped = false;
        poll_fn(|cx| {
            let mut scratch = self.local.scratch.borrow_mut();
            if !up.is_over() && !stopped {
                match up.poll(cx, self.client, &mut link.made.end, &mut scratch) {
                    Poll::Ready(Err(Fault::Write)) => stopped = true,
                    Poll::Ready(Err(fault)) => {
                        return Poll::Ready(Err(relay::data_error(fault, true)));
                    }
                    Poll::Ready(Ok(())) | Poll::Pending => {}
                }
            }
            if !down.is_over()
                && let Poll::Ready(done) =
                    down.poll(cx, &mut link.made.end, self.client, &mut scratch)
            {
                done.map_err(|fault| relay::data_error(fault, false))?;
            }
            let asked = up.is_over() || stopped;
            if down.is_over() {
                self.answer = Answer::Sent;
                if asked {
                    return Poll::Ready(Ok(()));
                }
            } else if asked && self.client.poll_gone(cx, &mut scratch, false).is_ready() {
                return Poll::Ready(Err(Error::client(Phase::Data, Cause::Closed)));
            }
            let client = !asked && up.wants_input();
            if (client || down.has_output()) && self.client.poll_expired(cx).is_ready() {
                return Poll::Ready(Err(Error::client(Phase::Data, Cause::Timeout)));
            }
            if !client && !down.has_output() && link.made.end.poll_expired(cx).is_ready() {
                return Poll::Ready(Err(Error::server(Phase::Data, Cause::Timeout)));
            }
            Poll::Pending
        })
        .await
    }

    /// Goes over to another protocol: bytes pass untouched from here on.
    async fn tunnel(&mut self, link: &mut Link, up: &mut Transfer) -> Result<(), Error> {
        self.keep = false;
        let mut head = BytesMut::new();
        self.write_head(&mut head, true);
        self.answer = Answer::Begun;
        if self.frontend.proxy.options.log_asap {
            self.log().await;
        }
        let timeouts = (&self.frontend.proxy.timeouts, &self.backend.proxy.timeouts);
        let mut relay = Relay::new(self.client, &mut link.made.end, timeouts.0, timeouts.1);
        relay.up = Transfer::tunnel(std::mem::take(&mut up.pending));
        relay.down = Transfer::tunnel(head);
        let done = relay.run(self.local).await;
        let (request, response) = (relay.up.moved, relay.down.moved);
        up.moved = up.moved.saturating_add(request);
        self.count_sent(response);
        self.answer = Answer::Sent;
        done
    }
}
