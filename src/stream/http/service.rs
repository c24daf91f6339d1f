//! A request that a script answers.

use std::future::poll_fn;
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;

use bytes::BytesMut;

use crate::clock;
use crate::http::Body;
use crate::http::Headers;
use crate::http::Method;
use crate::http::Version;
use crate::http::h1;
use crate::script;
use crate::script::Outcome;
use crate::txn::Direction;
use crate::txn::Reply;

use super::super::termination;
use super::super::termination::Cause;
use super::super::termination::Error;
use super::super::termination::Phase;
use super::super::transfer::Incoming;
use super::super::transfer::Transfer;
use super::exchange::Answer;
use super::exchange::Decision;
use super::exchange::Exchange;
use super::intake::Intake;

/// How often a service that sends without end is asked before others get their turn.
const TURNS: usize = 8;

impl Exchange<'_> {
    /// Lets a service answer.
    pub(super) async fn serve(&mut self, id: script::Id) -> Result<(), Error> {
        {
            let now = Some(clock::cached());
            let mut txn = self.txn.borrow_mut();
            txn.timers.queued = now;
            txn.timers.connected = now;
        }
        let (txn, scripts) = (Rc::clone(&self.txn), Rc::clone(&self.local.scripts));
        let call = pin!(script::call(&scripts, script::Call::HttpService { id, txn: &txn }));
        let mut run = Run { call, outcome: None };
        let done = self.pass_service(&mut run).await;
        let local = Error::proxy(Phase::Request, Cause::Local);
        termination::note(&mut self.txn.borrow_mut(), done.err().unwrap_or(local));
        self.keep &= self.body.incoming.is_done() && !self.has_unread_body();
        done
    }

    async fn pass_service<F: Future<Output = Outcome>>(
        &mut self,
        run: &mut Run<'_, F>,
    ) -> Result<(), Error> {
        self.client.touch();
        poll_fn(|cx| self.poll_head(cx, run)).await?;
        if let Some(Outcome::Refused(status)) = run.outcome {
            self.txn.borrow_mut().refused = Some(status);
            self.check_refusal(Phase::Request)?;
        }
        if self.txn.borrow().response.is_none() {
            let reply = Reply { status: 500, from_error_files: true, ..Reply::default() };
            self.txn.borrow_mut().timers.response = Some(clock::cached());
            return self.send_reply(&reply).await;
        }
        let response = self.txn.borrow_mut().response.take();
        if let Some(response) = response {
            self.set_response(response);
            self.count_head();
            self.capture(Direction::Response);
            self.txn.borrow_mut().timers.response = Some(clock::cached());
        }
        let mut body = Intake::new(Incoming::Done, Direction::Response);
        if let Decision::Answered = self.apply_response(None, &mut body).await? {
            return Ok(());
        }
        self.after_response().await?;
        let body = self.service_body();
        let outgoing = self.frame(body);
        let mut down = Transfer::new(Incoming::Done, outgoing, BytesMut::new());
        self.write_head(&mut down.pending, false);
        self.answer = Answer::Begun;
        let done = poll_fn(|cx| self.poll_service(cx, run, &mut down)).await;
        self.count_sent(down.moved);
        done?;
        if matches!(body, Body::Length(length) if length != down.moved && down.moved != 0)
            || run.has_failed()
        {
            // The client waits for more: only the connection's end tells that none will come.
            self.keep = false;
            return Ok(());
        }
        self.answer = Answer::Sent;
        Ok(())
    }

    /// Returns how the body of a service's response is framed, from what its head says.
    fn service_body(&mut self) -> Body {
        let mut txn = self.txn.borrow_mut();
        let Some(head) = txn.response.as_mut() else { return Body::None };
        head.version = self.version;
        // As if the request were a GET: the head of HEAD's answer says the same.
        match h1::response_framing(head, &Method::Get).body {
            Body::UntilClose if self.version >= Version::Http11 => Body::Chunked,
            body => body,
        }
    }

    fn has_unread_body(&self) -> bool {
        !self.txn.borrow().req.is_eof()
    }

    /// Ready when the head of the response is there, or will never be.
    fn poll_head<F: Future<Output = Outcome>>(
        &mut self,
        cx: &mut Context<'_>,
        run: &mut Run<'_, F>,
    ) -> Poll<Result<(), Error>> {
        run.poll(cx);
        if run.outcome.is_some() {
            return Poll::Ready(Ok(()));
        }
        {
            let mut txn = self.txn.borrow_mut();
            if txn.response.is_some() && (!txn.res.output().is_empty() || txn.res.is_eof()) {
                return Poll::Ready(Ok(()));
            }
            txn.res.register(cx);
        }
        self.poll_body(cx).map(Err)
    }

    /// Passes on what the service sends; ready when it has ended and all is sent.
    fn poll_service<F: Future<Output = Outcome>>(
        &mut self,
        cx: &mut Context<'_>,
        run: &mut Run<'_, F>,
        down: &mut Transfer,
    ) -> Poll<Result<(), Error>> {
        for turn in 0.. {
            if turn == TURNS {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            run.poll(cx);
            match down.poll_out(cx, self.client) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    self.txn.borrow_mut().res.close();
                    return Poll::Ready(Err(Error::client(Phase::Data, Cause::Closed)));
                }
                // What the service sends meanwhile stays in its channel, which fills up.
                Poll::Pending => {
                    let expired = self.client.poll_expired(cx);
                    return expired.map(|()| Err(Error::client(Phase::Data, Cause::Timeout)));
                }
            }
            if down.is_over() || run.has_failed() && self.txn.borrow().res.output().is_empty() {
                return Poll::Ready(Ok(()));
            }
            if !self.take_output(run, down) {
                break;
            }
            self.client.touch();
        }
        self.txn.borrow_mut().res.register(cx);
        self.poll_body(cx).map(Err)
    }

    /// Encodes what the service has sent; false where there was nothing.
    fn take_output<F>(&self, run: &Run<'_, F>, down: &mut Transfer) -> bool {
        let mut txn = self.txn.borrow_mut();
        let count = txn.res.output().len();
        down.push(txn.res.output());
        txn.res.drain_output(count);
        let ended = match run.outcome {
            Some(_) => !run.has_failed(),
            None => txn.res.is_eof(),
        };
        if ended {
            down.end(&Headers::new());
        }
        count > 0 || ended
    }
}

/// A service that runs.
struct Run<'a, F> {
    call: Pin<&'a mut F>,
    outcome: Option<Outcome>,
}

impl<F> Run<'_, F> {
    fn has_failed(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Failed | Outcome::Refused(_)))
    }
}

impl<F: Future<Output = Outcome>> Run<'_, F> {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if self.outcome.is_none()
            && let Poll::Ready(outcome) = self.call.as_mut().poll(cx)
        {
            self.outcome = Some(outcome);
        }
    }
}
