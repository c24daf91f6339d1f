//! The answer on its way to the client: rules on it, its head, and what the connection becomes.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use bytes::BytesMut;

use crate::http::Body;
use crate::http::Headers;
use crate::http::Method;
use crate::http::Response;
use crate::http::Version;
use crate::http::connection;
use crate::http::h1;
use crate::proxy::Counter;
use crate::rule::RuleSet;
use crate::rule::Verdict;
use crate::sample::Eval;
use crate::txn::Direction;
use crate::txn::Reply;

use super::super::end::End;
use super::super::relay;
use super::super::termination;
use super::super::termination::Cause;
use super::super::termination::Error;
use super::super::termination::Phase;
use super::super::transfer::Fault;
use super::super::transfer::Outgoing;
use super::super::transfer::Piece;
use super::super::transfer::Transfer;
use super::exchange::Answer;
use super::exchange::Decision;
use super::exchange::Exchange;
use super::framing;
use super::intake::Intake;

impl Exchange<'_> {
    /// Sends an answer that is there as a whole.
    pub(super) async fn send_answer(&mut self, head: Response, body: Bytes) -> Result<(), Error> {
        self.set_response(head);
        self.after_response().await?;
        self.count_head();
        self.drop_request();
        let framed = {
            let txn = self.txn.borrow();
            txn.response.as_ref().map(|head| h1::response_framing(head, &self.method))
        };
        // After CONNECT a client takes what follows for its tunnel, and there is none.
        let body_end = framed.map(|framing| framing.body);
        let tunnel = body_end == Some(Body::Tunnel);
        self.keep &= !tunnel && body_end != Some(Body::UntilClose);
        let mut pending = BytesMut::new();
        self.write_head(&mut pending, tunnel);
        if self.method != Method::Head {
            pending.extend_from_slice(&body);
            self.count_sent(body.len() as u64);
        }
        self.answer = Answer::Begun;
        self.finish_message(&mut pending).await?;
        self.answer = Answer::Sent;
        Ok(())
    }

    /// Makes a head the exchange's response.
    pub(super) fn set_response(&mut self, head: Response) {
        let mut txn = self.txn.borrow_mut();
        txn.begin_response();
        txn.status = head.status;
        txn.response = Some(head);
    }

    /// Applies `http-response` rules, the backend's and then the frontend's, while the body comes
    /// in.
    pub(super) async fn apply_response(
        &mut self,
        mut server: Option<(&mut End, &mut Transfer)>,
        body: &mut Intake,
    ) -> Result<Decision, Error> {
        let same = self.backend.proxy.id == self.frontend.proxy.id;
        let sections = [Some(self.backend), (!same).then_some(self.frontend)];
        for section in sections.into_iter().flatten() {
            for rules in [&section.tcp_response, &section.http_response] {
                if rules.is_empty() {
                    continue;
                }
                let server = server.as_mut().map(|(end, up)| (&mut **end, &mut **up));
                let beside = self.run_response_rules(rules, server, body);
                let verdict = Box::pin(beside).await?;
                if matches!(verdict, Verdict::Continue | Verdict::Accept | Verdict::Wait) {
                    continue;
                }
                return Box::pin(self.replace(verdict)).await;
            }
        }
        Ok(Decision::Pass)
    }

    /// Runs rules on the response while the rest of both bodies comes in.
    async fn run_response_rules(
        &mut self,
        rules: &RuleSet,
        mut server: Option<(&mut End, &mut Transfer)>,
        body: &mut Intake,
    ) -> Result<Verdict, Error> {
        let (txn, scripts) = (Rc::clone(&self.txn), Rc::clone(&self.local.scripts));
        let direction = Direction::Response;
        let eval = Eval { txn: &txn, direction, is_final: true, scripts: &scripts };
        let mut running = pin!(rules.run(eval));
        let verdict = poll_fn(|cx| {
            if let Poll::Ready(verdict) = running.as_mut().poll(cx) {
                return Poll::Ready(Ok(verdict));
            }
            let Some((server, up)) = &mut server else { return Poll::Pending };
            self.poll_bodies(cx, server, up, body).map(Err)
        })
        .await?;
        self.check_refusal(Phase::Headers)?;
        Ok(verdict)
    }

    /// Sends the request's body and reads the response's; ready when that has failed.
    fn poll_bodies(
        &mut self,
        cx: &mut Context<'_>,
        server: &mut End,
        up: &mut Transfer,
        body: &mut Intake,
    ) -> Poll<Error> {
        let mut scratch = self.local.scratch.borrow_mut();
        if up.is_over() {
            let half = self.backend.proxy.options.abort_on_close;
            if self.client.poll_gone(cx, &mut scratch, half).is_ready() {
                return Poll::Ready(Error::client(Phase::Headers, Cause::Closed));
            }
        } else if let Poll::Ready(Err(fault)) = up.poll(cx, self.client, server, &mut scratch) {
            // A server that reads no further has answered already.
            if fault != Fault::Write {
                return Poll::Ready(relay::data_error(fault, true));
            }
        } else if up.wants_input() && self.client.poll_expired(cx).is_ready() {
            return Poll::Ready(Error::client(Phase::Data, Cause::Timeout));
        }
        if let Err(fault) = body.poll(cx, server, &self.txn, &mut scratch) {
            let invalid = fault == Fault::Invalid;
            let cause = if invalid { Cause::Invalid } else { Cause::Closed };
            return Poll::Ready(Error::server(Phase::Headers, cause));
        }
        if body.wants_input(&self.txn) && !up.wants_input() && server.poll_expired(cx).is_ready() {
            return Poll::Ready(Error::server(Phase::Headers, Cause::Timeout));
        }
        Poll::Pending
    }

    /// Puts what rules on the response want in its place.
    async fn replace(&mut self, verdict: Verdict) -> Result<Decision, Error> {
        let reply = {
            let mut txn = self.txn.borrow_mut();
            txn.response = None;
            txn.timers.response = None;
            txn.reply.take()
        };
        let denied = Error::server(Phase::Headers, Cause::Denied);
        let error = match verdict {
            Verdict::Reply => Error::proxy(Phase::Headers, Cause::Local),
            Verdict::Done if reply.is_some() => Error::proxy(Phase::Headers, Cause::Local),
            Verdict::Invalid => return Err(Error::server(Phase::Headers, Cause::Invalid)),
            Verdict::Error => return Err(Error::proxy(Phase::Headers, Cause::Internal)),
            Verdict::Reject | Verdict::Done => {
                self.answer = Answer::Sent;
                self.keep = false;
                return Err(denied);
            }
            Verdict::Deny
            | Verdict::Tarpit
            | Verdict::Continue
            | Verdict::Accept
            | Verdict::Wait
            | Verdict::Service(_) => denied,
        };
        if error.cause == Cause::Denied {
            self.backend.proxy.counters.add(self.local.worker, Counter::ResponsesDenied, 1);
        }
        termination::note(&mut self.txn.borrow_mut(), error);
        let plain = || Reply { status: error.status(), from_error_files: true, ..Reply::default() };
        self.send_reply(&reply.unwrap_or_else(plain)).await?;
        Ok(Decision::Answered)
    }

    /// Applies `http-after-response` rules, which see every answer.
    pub(super) async fn after_response(&mut self) -> Result<(), Error> {
        let same = self.backend.proxy.id == self.frontend.proxy.id;
        let sections = [Some(self.backend), (!same).then_some(self.frontend)];
        for section in sections.into_iter().flatten() {
            if section.http_after_response.is_empty() || self.bare {
                continue;
            }
            let (txn, scripts) = (Rc::clone(&self.txn), Rc::clone(&self.local.scripts));
            let direction = Direction::Response;
            let eval = Eval { txn: &txn, direction, is_final: true, scripts: &scripts };
            let verdict = Box::pin(section.http_after_response.run(eval)).await;
            if let Err(refused) = self.check_refusal(Phase::Headers) {
                self.bare = true;
                return Err(refused);
            }
            if verdict == Verdict::Error {
                // HAProxy gives up: an error's own answer would meet the same rules.
                self.keep = false;
                self.answer = Answer::Begun;
                return Err(Error::proxy(Phase::Headers, Cause::Internal));
            }
        }
        Ok(())
    }

    /// Decides how the client learns where a body ends, and makes the head say so.
    pub(super) fn frame(&mut self, body: Body) -> Outgoing {
        let bodiless = self.method == Method::Head;
        // Rules have made another method of it: the client expects another body than there is.
        let changed = [Method::Head, Method::Connect].iter().any(|special| {
            (self.method == *special) != (self.sent == *special) && self.method != Method::Head
        });
        self.keep &= !changed;
        let mut txn = self.txn.borrow_mut();
        let Some(head) = txn.response.as_mut() else { return Outgoing::Nowhere };
        let old = self.version == Version::Http10;
        if self.client.is_http2() {
            // The stream's end is the body's.
            return if bodiless { Outgoing::Nowhere } else { Outgoing::Raw };
        }
        let body = if body == Body::Chunked && old { Body::UntilClose } else { body };
        if body != Body::None {
            framing::declare(&mut head.headers, body);
        }
        if body == Body::UntilClose && !bodiless {
            self.keep = false;
        }
        match body {
            _ if bodiless => Outgoing::Nowhere,
            Body::Chunked => Outgoing::Chunked,
            Body::None | Body::Length(_) | Body::UntilClose | Body::Tunnel => Outgoing::Raw,
        }
    }

    /// Writes the response's head, which is now as it will be. Before a tunnel nothing is said
    /// about the connection.
    pub(super) fn write_head(&mut self, out: &mut BytesMut, tunnel: bool) {
        let mut txn = self.txn.borrow_mut();
        let Some(head) = txn.response.as_mut() else { return };
        if let Some(wire) = self.client.wire_mut() {
            if wire.respond(head).is_err() {
                // A rule or a script has made what HTTP/2 cannot say.
                *head = Response::new(500);
                let _legal = wire.respond(head);
            }
            txn.status = head.status;
            return;
        }
        self.keep &= !connection::Tokens::of(&head.headers).close && !self.local.is_stopping();
        if !tunnel {
            connection::write_response(&mut head.headers, head.version, self.version, self.keep);
        }
        h1::write_response(head, out);
        txn.status = head.status;
    }

    /// Drops what has come of the request's body; a client that owes more of it is let go.
    fn drop_request(&mut self) {
        while !self.body.incoming.is_done() {
            match self.body.incoming.decode(&mut self.client.buf, usize::MAX) {
                Ok(Piece::Data(_) | Piece::End(_)) => {}
                Ok(Piece::NeedMore) | Err(_) => break,
            }
        }
        self.keep &= self.body.incoming.is_done();
    }

    /// Counts the response's head, which is as it came.
    pub(super) fn count_head(&self) {
        let size = self.txn.borrow().response.as_ref().map(framing::response_size);
        self.count_sent(size.unwrap_or_default());
    }

    /// Counts bytes of the body.
    pub(super) fn count_sent(&self, count: u64) {
        let mut txn = self.txn.borrow_mut();
        txn.bytes[1] = txn.bytes[1].saturating_add(count);
    }

    /// Writes to the client.
    pub(super) async fn flush(&mut self, pending: &mut BytesMut) -> Result<(), Error> {
        self.write_out(pending, End::poll_flush).await
    }

    /// Writes to the client, and the end of the message.
    async fn finish_message(&mut self, pending: &mut BytesMut) -> Result<(), Error> {
        let none = Headers::new();
        self.write_out(pending, |end, cx, pending| end.poll_finish(cx, pending, &none)).await
    }

    async fn write_out(
        &mut self,
        pending: &mut BytesMut,
        poll: impl Fn(&mut End, &mut Context<'_>, &mut BytesMut) -> Poll<io::Result<()>>,
    ) -> Result<(), Error> {
        self.client.touch();
        poll_fn(|cx| {
            if let Poll::Ready(done) = poll(self.client, cx, pending) {
                let gone = |_| Error::client(Phase::Data, Cause::Closed);
                return Poll::Ready(done.map_err(gone));
            }
            let expired = self.client.poll_expired(cx);
            expired.map(|()| Err(Error::client(Phase::Data, Cause::Timeout)))
        })
        .await
    }
}
