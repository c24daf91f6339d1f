//! One request and its answer: from rules to a backend or a service, and to the log.

use std::rc::Rc;
use std::sync::Arc;

use crate::clock;
use crate::http;
use crate::http::Method;
use crate::http::Version;
use crate::http::h1;
use crate::net::timer;
use crate::program::Section;
use crate::proxy::Counter;
use crate::proxy::KeepAlive;
use crate::rule::Verdict;
use crate::sample::Eval;
use crate::sample::Format;
use crate::script;
use crate::txn::Direction;
use crate::txn::Reply;
use crate::txn::Shared;
use crate::txn::Txn;

use super::super::backend;
use super::super::backend::Serving;
use super::super::end::End;
use super::super::line;
use super::super::local::Local;
use super::super::reply;
use super::super::termination;
use super::super::termination::Cause;
use super::super::termination::Error;
use super::super::termination::Phase;
use super::super::transfer::Incoming;
use super::intake::Intake;

/// What becomes of the client's connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stream) enum After {
    /// The next request.
    KeepAlive,
    /// It is closed.
    Close,
    /// It is closed once the client has read its answer.
    Linger,
}

/// How far the answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing of it has been sent.
    Unsent,
    /// A part of it may have been sent.
    Begun,
    /// All of it has been sent.
    Sent,
}

/// What rules have decided.
pub(super) enum Decision {
    /// The request goes on.
    Pass,
    /// A service answers.
    Service(script::Id),
    /// The rules have answered, and the exchange is over.
    Answered,
}

/// One request and its answer.
pub(super) struct Exchange<'a> {
    pub(super) local: &'a Rc<Local>,
    pub(super) frontend: &'a Section,
    /// Where it goes, once that is known; the frontend before.
    pub(super) backend: &'a Section,
    pub(super) client: &'a mut End,
    pub(super) txn: Shared,
    /// The method and the version as they came.
    pub(super) method: Method,
    pub(super) version: Version,
    /// The method as the server got it: its response is framed by that.
    pub(super) sent: Method,
    /// What the request's head said of what follows.
    pub(super) framing: h1::Framing,
    /// The request's body.
    pub(super) body: Intake,
    /// The client may send another request.
    pub(super) keep: bool,
    pub(super) answer: Answer,
    /// `http-after-response` rules have refused an answer: what takes its place does not meet them.
    pub(super) bare: bool,
    logged: bool,
}

impl<'a> Exchange<'a> {
    /// Returns the exchange of a request.
    pub(super) fn new(
        local: &'a Rc<Local>,
        frontend: &'a Section,
        client: &'a mut End,
        mut txn: Txn,
        (request, framing): (http::Request, h1::Framing),
    ) -> Self {
        let (method, version) = (request.method.clone(), request.version);
        txn.request = Some(request);
        let keep = framing.keep_alive
            && frontend.proxy.options.keep_alive != KeepAlive::Neither
            && !local.is_stopping();
        let incoming = Incoming::of(client, framing.body, &local.limits);
        Self {
            local,
            frontend,
            backend: frontend,
            client,
            txn: txn.into_shared(),
            sent: method.clone(),
            method,
            version,
            framing,
            body: Intake::new(incoming, Direction::Request),
            keep,
            answer: Answer::Unsent,
            bare: false,
            logged: false,
        }
    }

    /// Runs the exchange to its end, and logs it.
    pub(super) async fn run(mut self) -> After {
        if self.frontend.log_connect {
            line::begin(self.local, self.frontend, &self.txn).await;
        }
        if let Err(error) = self.process().await {
            self.fail(error).await;
        }
        self.finish().await
    }

    async fn process(&mut self) -> Result<(), Error> {
        if self.body.incoming.is_done() {
            self.txn.borrow_mut().req.end_input();
        } else if let Err(error) = self.prime() {
            return Box::pin(self.unread(error)).await;
        }
        if self.frontend.monitor_uri.is_some() && Box::pin(self.monitor()).await? {
            return Ok(());
        }
        // One that rules have a say in is made after them.
        let id = self.frontend.unique_id.as_ref();
        let late = id.is_some_and(Format::follows_rules);
        if id.is_some() && !late {
            Box::pin(self.name()).await?;
        }
        self.capture(Direction::Request);
        let mut service = None;
        match self.apply_request(self.frontend).await? {
            Decision::Pass => {}
            Decision::Service(id) => service = Some(id),
            Decision::Answered => return Ok(()),
        }
        let _serving = self.switch(service.is_some()).await?;
        if service.is_none() && self.backend.proxy.id != self.frontend.proxy.id {
            match self.apply_request(self.backend).await? {
                Decision::Pass => {}
                Decision::Service(id) => service = Some(id),
                Decision::Answered => return Ok(()),
            }
        }
        if late {
            Box::pin(self.name()).await?;
        }
        match service {
            Some(id) => Box::pin(self.serve(id)).await,
            None => self.forward().await,
        }
    }

    /// A body that cannot be read, and came with the head: HAProxy says that there was no request.
    async fn unread(&mut self, error: Error) -> Result<(), Error> {
        self.forget_request();
        self.txn.borrow_mut().status = error.status();
        let answer = reply::raw(&self.frontend.proxy, error.status());
        self.keep = false;
        self.answer = Answer::Begun;
        self.flush(&mut bytes::BytesMut::from(&answer[..])).await?;
        self.answer = Answer::Sent;
        Err(error)
    }

    /// As far as the log is concerned there was no request.
    fn forget_request(&self) {
        let mut txn = self.txn.borrow_mut();
        txn.request = None;
        txn.request_line = bytes::Bytes::new();
        txn.timers.request = None;
    }

    /// Finds the backend. A service answers in the frontend's name.
    async fn switch(&mut self, served: bool) -> Result<Option<Serving>, Error> {
        if served {
            return Ok(None);
        }
        let (local, frontend) = (self.local, self.frontend);
        let simple = frontend.switching.is_empty();
        let found = if simple && let Some(id) = frontend.default_backend {
            local.section(id)
        } else if simple {
            frontend.proxy.caps.backend.then_some(frontend)
        } else {
            let found = backend::switch(local, frontend, self.eval(Direction::Request));
            let found = Box::pin(found).await;
            self.check_refusal(Phase::Request)?;
            found
        };
        let Some(found) = found else {
            self.txn.borrow_mut().timers.request = None;
            return Err(Error::server(Phase::Connect, Cause::Closed));
        };
        self.backend = found;
        if found.proxy.id != frontend.proxy.id {
            self.txn.borrow_mut().backend = Arc::clone(&found.proxy);
        }
        Ok(Some(Serving::count(frontend, found, local.worker)))
    }

    pub(super) fn eval(&self, direction: Direction) -> Eval<'_> {
        Eval { txn: &self.txn, direction, is_final: true, scripts: &self.local.scripts }
    }

    /// Fails where a script that the exchange depends on has failed.
    pub(super) fn check_refusal(&self, phase: Phase) -> Result<(), Error> {
        let checked = termination::refusal(&self.txn, phase);
        if checked.is_err() {
            let (proxy, counter) = match phase {
                Phase::Headers => (&self.backend.proxy, Counter::ResponsesDenied),
                _ => (&self.frontend.proxy, Counter::RequestsDenied),
            };
            proxy.counters.add(self.local.worker, counter, 1);
            let mut txn = self.txn.borrow_mut();
            txn.response = None;
            txn.timers.response = None;
        }
        checked
    }

    /// Keeps headers for the log: `capture request header` and `capture response header`.
    pub(super) fn capture(&self, direction: Direction) {
        let slots = &self.frontend.proxy.captures[direction as usize];
        if slots.is_empty() {
            return;
        }
        let mut txn = self.txn.borrow_mut();
        for (index, slot) in slots.iter().enumerate() {
            let Some(name) = &slot.header else { continue };
            let value = txn.headers(direction).and_then(|headers| headers.last(name));
            let value = value.map(|value| value.slice(..slot.length.min(value.len())));
            if let (Some(place), Some(_)) =
                (txn.captures[direction as usize].get_mut(index), value.as_ref())
            {
                *place = value;
            }
        }
    }

    /// Makes the exchange's unique id.
    async fn name(&mut self) -> Result<(), Error> {
        let Some(format) = &self.frontend.unique_id else { return Ok(()) };
        let id = format.eval(self.eval(Direction::Request)).await;
        self.txn.borrow_mut().unique_id = Some(id);
        self.check_refusal(Phase::Request)
    }

    /// Answers `monitor-uri`; false where the request is another.
    async fn monitor(&mut self) -> Result<bool, Error> {
        let asked = {
            let txn = self.txn.borrow();
            let uri = txn.request.as_ref().map(|request| request.uri.clone());
            uri.is_some_and(|uri| {
                self.frontend.monitor_uri.as_ref().is_some_and(|known| uri == known.as_bytes())
            })
        };
        if !asked {
            return Ok(false);
        }
        let mut failed = false;
        for condition in &self.frontend.monitor_fail {
            let truth = condition.eval(self.eval(Direction::Request)).await;
            failed |= truth == crate::sample::Truth::Pass;
        }
        self.check_refusal(Phase::Request)?;
        let status = if failed { 503 } else { 200 };
        self.txn.borrow_mut().log_level = Some(-1);
        self.send_reply(&Reply { status, from_error_files: true, ..Reply::default() }).await?;
        Ok(true)
    }

    /// Applies a section's rules to the request.
    async fn apply_request(&mut self, section: &'a Section) -> Result<Decision, Error> {
        let buffered = section.proxy.options.buffer_request;
        if buffered && !self.body.incoming.is_done() {
            Box::pin(self.buffer_body()).await?;
        }
        for rules in [&section.tcp_request, &section.http_request] {
            if rules.is_empty() {
                continue;
            }
            let verdict = Box::pin(self.run_rules(rules)).await?;
            if std::ptr::eq(rules, &raw const section.tcp_request)
                && matches!(verdict, Verdict::Reject | Verdict::Deny)
            {
                self.forget_request();
            }
            match verdict {
                Verdict::Continue | Verdict::Accept | Verdict::Wait => {}
                Verdict::Service(id) => return Ok(Decision::Service(id)),
                verdict => {
                    Box::pin(self.refuse(section, verdict)).await?;
                    return Ok(Decision::Answered);
                }
            }
        }
        Ok(Decision::Pass)
    }

    /// Ends the exchange as rules on the request want it.
    async fn refuse(&mut self, section: &Section, verdict: Verdict) -> Result<(), Error> {
        let reply = self.txn.borrow_mut().reply.take();
        let denied = Error::proxy(Phase::Request, Cause::Denied);
        let error = match verdict {
            Verdict::Reply => Error::proxy(Phase::Request, Cause::Local),
            Verdict::Done if reply.is_some() => Error::proxy(Phase::Request, Cause::Local),
            Verdict::Tarpit => {
                self.hold(section).await;
                Error::proxy(Phase::Tarpit, Cause::Denied)
            }
            Verdict::Invalid | Verdict::Error => {
                self.txn.borrow_mut().timers.request = None;
                let invalid = verdict == Verdict::Invalid;
                let cause = if invalid { Cause::Invalid } else { Cause::Internal };
                return Err(Error::proxy(Phase::Request, cause));
            }
            Verdict::Done => {
                self.answer = Answer::Sent;
                self.keep = false;
                return Err(Error::proxy(Phase::Request, Cause::Local));
            }
            Verdict::Reject if reply.is_some() => {
                self.txn.borrow_mut().timers.request = None;
                denied
            }
            Verdict::Reject => {
                self.txn.borrow_mut().timers.request = None;
                self.answer = Answer::Sent;
                self.keep = false;
                return Err(denied);
            }
            Verdict::Deny
            | Verdict::Continue
            | Verdict::Accept
            | Verdict::Wait
            | Verdict::Service(_) => denied,
        };
        if error.cause == Cause::Denied {
            section.proxy.counters.add(self.local.worker, Counter::RequestsDenied, 1);
        }
        termination::note(&mut self.txn.borrow_mut(), error);
        let plain = || Reply { status: error.status(), from_error_files: true, ..Reply::default() };
        self.send_reply(&reply.unwrap_or_else(plain)).await
    }

    /// Holds a client for `timeout tarpit`.
    async fn hold(&mut self, section: &Section) {
        let timeouts = &section.proxy.timeouts;
        if let Some(time) = timeouts.tarpit.or(timeouts.connect) {
            // A client that goes is let go.
            let _gone = self.client.beside(self.local, true, timer::sleep(time)).await;
        }
        let mut txn = self.txn.borrow_mut();
        txn.timers.request = None;
        txn.timers.queued = Some(clock::cached());
    }

    /// Answers an error, where there is still someone to be answered and nothing was sent.
    async fn fail(&mut self, error: Error) {
        termination::note(&mut self.txn.borrow_mut(), error);
        let gone = error.side == termination::Side::Client && error.cause == Cause::Closed;
        if self.answer != Answer::Unsent
            || gone && !matches!(error.phase, Phase::Connect | Phase::Queue)
        {
            self.keep = false;
            return;
        }
        let reply = Reply { status: error.status(), from_error_files: true, ..Reply::default() };
        if let Err(error) = Box::pin(self.send_reply(&reply)).await {
            if matches!(error.cause, Cause::Refused(_)) && self.answer == Answer::Unsent {
                // A rule on the answer to an error: the next answer meets no rules.
                return Box::pin(self.fail(error)).await;
            }
            termination::note(&mut self.txn.borrow_mut(), error);
            self.keep = false;
        }
    }

    /// Sends an answer made here.
    pub(super) async fn send_reply(&mut self, reply: &Reply) -> Result<(), Error> {
        let (head, body) = reply::build(&self.backend.proxy, reply, &self.local.limits);
        Box::pin(self.send_answer(head, body)).await
    }

    /// Logs the exchange, unless that has been done.
    pub(super) async fn log(&mut self) {
        if !self.logged {
            self.logged = true;
            line::end(self.local, self.frontend, &self.txn).await;
        }
    }

    async fn finish(mut self) -> After {
        line::stamp_end(&self.txn);
        self.count();
        if !self.frontend.proxy.loggers.is_empty() {
            self.log().await;
        }
        if self.keep && self.answer == Answer::Sent {
            return After::KeepAlive;
        }
        let unread = !self.body.incoming.is_done() || !self.client.buf.is_empty();
        if unread && self.answer == Answer::Sent { After::Linger } else { After::Close }
    }

    fn count(&self) {
        let txn = self.txn.borrow();
        let [request, response] = txn.bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let class = match txn.status {
            100..=199 => Counter::Status1xx,
            200..=299 => Counter::Status2xx,
            300..=399 => Counter::Status3xx,
            400..=499 => Counter::Status4xx,
            500..=599 => Counter::Status5xx,
            _ => Counter::StatusOther,
        };
        let same = self.frontend.proxy.id == self.backend.proxy.id;
        let backend = (!same).then_some(&self.backend.proxy.counters);
        let server = txn.server.as_ref().map(|server| &server.counters);
        let all = [Some(&self.frontend.proxy.counters), backend, server];
        for counters in all.into_iter().flatten() {
            counters.add(self.local.worker, Counter::BytesIn, request);
            counters.add(self.local.worker, Counter::BytesOut, response);
            counters.add(self.local.worker, class, 1);
        }
        for counters in [backend, server].into_iter().flatten() {
            counters.add(self.local.worker, Counter::Requests, 1);
        }
    }
}
