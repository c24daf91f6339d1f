//! A TCP exchange: rules that look at the first bytes, a server or a service, and then bytes.

use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;

use crate::clock;
use crate::http::h1;
use crate::net::timer::Deadline;
use crate::program::Section;
use crate::proxy::Counter;
use crate::rule::RuleSet;
use crate::rule::Verdict;
use crate::sample::Eval;
use crate::script;
use crate::txn::Direction;
use crate::txn::Session;
use crate::txn::Shared;

use super::accept;
use super::backend;
use super::backend::Serving;
use super::end::End;
use super::line;
use super::local::Local;
use super::pump;
use super::pump::Pump;
use super::relay::Relay;
use super::server::Link;
use super::server::Reuse;
use super::server::Search;
use super::termination;
use super::termination::Cause;
use super::termination::Error;
use super::termination::Phase;
use super::termination::Side;
use super::transfer::Transfer;

/// Runs a client's connection to its end, and logs it.
pub(super) async fn run(
    local: &Rc<Local>,
    frontend: &Section,
    session: Rc<Session>,
    mut client: End,
) {
    let txn = accept::new_exchange(local, &session, 0).into_shared();
    line::begin(local, frontend, &txn).await;
    let exchange = Exchange { local, frontend, txn: &txn };
    if let Err(error) = exchange.run(&mut client).await {
        termination::note(&mut txn.borrow_mut(), error);
        if error.side != Side::Client {
            // What rules have sent, the client gets; where that fails it has gone.
            let _unused = Pump::request(local, &txn, &mut client).drain().await;
        }
        // Closing would be a reset otherwise.
        client.discard(&mut local.scratch.borrow_mut());
    }
    line::stamp_end(&txn);
    count(local, frontend, &txn);
    line::end(local, frontend, &txn).await;
}

struct Exchange<'a> {
    local: &'a Rc<Local>,
    frontend: &'a Section,
    txn: &'a Shared,
}

impl<'a> Exchange<'a> {
    async fn run(&self, client: &mut End) -> Result<(), Error> {
        let mut service = self.inspect(client, self.frontend).await?;
        let switched = backend::switch(self.local, self.frontend, self.eval(Direction::Request));
        let backend = Box::pin(switched).await;
        termination::refusal(self.txn, Phase::Request)?;
        let _serving = backend.map(|backend| self.enter(backend));
        if let Some(backend) = backend
            && service.is_none()
            && backend.proxy.id != self.frontend.proxy.id
        {
            service = self.inspect(client, backend).await?;
        }
        if let Some(id) = service {
            return self.serve(client, id).await;
        }
        let no_server = Error::server(Phase::Connect, Cause::Closed);
        let backend = backend.ok_or(no_server)?;
        let link = self.connect(client, backend).await?;
        self.relay(client, backend, link).await
    }

    fn eval(&self, direction: Direction) -> Eval<'a> {
        Eval { txn: self.txn, direction, is_final: true, scripts: &self.local.scripts }
    }

    fn enter(&self, backend: &Section) -> Serving {
        self.txn.borrow_mut().backend = std::sync::Arc::clone(&backend.proxy);
        Serving::count(self.frontend, backend, self.local.worker)
    }

    /// Applies `tcp-request content` rules; gives the service that shall take the client.
    async fn inspect(
        &self,
        client: &mut End,
        section: &Section,
    ) -> Result<Option<script::Id>, Error> {
        if section.tcp_request.is_empty() {
            return Ok(None);
        }
        let mut pump = Pump::request(self.local, self.txn, client);
        let early = |error: Error| Error { phase: Phase::Request, ..error };
        pump.prime().await.map_err(early)?;
        let delay = section.proxy.timeouts.inspect_request;
        let verdict = self.apply(&section.tcp_request, Direction::Request, delay, &mut pump);
        let verdict = Box::pin(verdict).await.map_err(early)?;
        let denied = Err(Error::proxy(Phase::Request, Cause::Denied));
        match verdict {
            Verdict::Continue | Verdict::Accept | Verdict::Wait => Ok(None),
            Verdict::Service(id) => Ok(Some(id)),
            Verdict::Error => Err(Error::proxy(Phase::Request, Cause::Internal)),
            Verdict::Done => {
                pump.drain().await?;
                Err(Error::proxy(Phase::Request, Cause::Local))
            }
            Verdict::Deny | Verdict::Reply | Verdict::Tarpit | Verdict::Invalid => {
                pump.drain().await?;
                denied
            }
            Verdict::Reject => denied,
        }
    }

    /// Runs rules until they need no more data, or may not wait for it any longer.
    async fn apply(
        &self,
        rules: &RuleSet,
        direction: Direction,
        delay: Option<Duration>,
        pump: &mut Pump<'_>,
    ) -> Result<Verdict, Error> {
        let deadline = Deadline::new();
        if let Some(delay) = delay {
            deadline.set_after(delay);
        }
        loop {
            let is_final = delay.is_none() || deadline.expired() || {
                let txn = self.txn.borrow();
                let channel = txn.channel(direction);
                channel.is_eof() || channel.room() == 0
            };
            let eval = Eval { is_final, ..self.eval(direction) };
            self.look_for_http(direction);
            let verdict = pump.run(rules.run(eval)).await?;
            termination::refusal(self.txn, Phase::Data)?;
            self.txn.borrow_mut().request = None;
            if verdict != Verdict::Wait || is_final {
                return Ok(verdict);
            }
            // Either way the rules are run again.
            let _over = pump.run(deadline.bound(pump::changed(self.txn, direction))).await?;
        }
    }

    /// Lets rules see an HTTP request where the client speaks HTTP.
    fn look_for_http(&self, direction: Direction) {
        let mut txn = self.txn.borrow_mut();
        if direction == Direction::Request && !txn.req.input().is_empty() {
            let mut input = BytesMut::from(txn.req.input());
            let parsed = h1::parse_request(&mut input, &self.local.limits);
            txn.request = parsed.ok().flatten().map(|(request, _)| request);
        }
    }

    /// Lets a script talk to the client.
    async fn serve(&self, client: &mut End, id: script::Id) -> Result<(), Error> {
        self.stamp_service();
        let mut pump = Pump::request(self.local, self.txn, client).counted();
        let call = script::Call::TcpService { id, txn: self.txn };
        // One that fails has been logged by its host: it ends the connection like any other.
        let outcome = pump.run(script::call(&self.local.scripts, call)).await?;
        if let script::Outcome::Refused(status) = outcome {
            return Err(Error::proxy(Phase::Request, Cause::Refused(status)));
        }
        pump.drain().await?;
        let _unused = client.shutdown_write();
        client.discard(&mut self.local.scratch.borrow_mut());
        Ok(())
    }

    fn stamp_service(&self) {
        let now = Some(clock::cached());
        let mut txn = self.txn.borrow_mut();
        txn.timers.queued = now;
        txn.timers.connected = now;
    }

    async fn connect(&self, client: &mut End, backend: &Section) -> Result<Link, Error> {
        let forced = backend::forced_server(backend, self.eval(Direction::Request)).await;
        termination::refusal(self.txn, Phase::Request)?;
        let search = Search::new(&backend.proxy, forced, Reuse::None);
        let half = backend.proxy.options.abort_on_close;
        let connecting = Box::pin(search.run(self.local, self.txn));
        client
            .beside(self.local, half, connecting)
            .await
            .unwrap_or_else(|_| Err(Error::client(Phase::Connect, Cause::Closed)))
    }

    async fn relay(
        &self,
        client: &mut End,
        backend: &Section,
        mut link: Link,
    ) -> Result<(), Error> {
        let mut up = Transfer::tunnel(BytesMut::new());
        self.take_channel(Direction::Request, &mut up);
        if !backend.tcp_response.is_empty() {
            self.inspect_response(client, backend, &mut link, &mut up).await?;
        }
        client.touch();
        let timeouts = (&self.frontend.proxy.timeouts, &backend.proxy.timeouts);
        let mut relay = Relay::new(client, &mut link.made.end, timeouts.0, timeouts.1);
        relay.up = up;
        self.take_channel(Direction::Response, &mut relay.down);
        let done = relay.run(self.local).await;
        let mut txn = self.txn.borrow_mut();
        txn.bytes[0] = txn.bytes[0].saturating_add(relay.up.moved);
        txn.bytes[1] = txn.bytes[1].saturating_add(relay.down.moved);
        done
    }

    /// Applies `tcp-response content` rules.
    async fn inspect_response(
        &self,
        client: &mut End,
        backend: &Section,
        link: &mut Link,
        up: &mut Transfer,
    ) -> Result<(), Error> {
        self.txn.borrow_mut().begin_response();
        let mut pump = Pump::response(self.local, self.txn, client, (&mut link.made.end, up));
        pump.prime().await?;
        let delay = backend.proxy.timeouts.inspect_response;
        let rules = self.apply(&backend.tcp_response, Direction::Response, delay, &mut pump);
        match Box::pin(rules).await? {
            Verdict::Continue | Verdict::Accept | Verdict::Wait => Ok(()),
            Verdict::Error => Err(Error::proxy(Phase::Data, Cause::Internal)),
            Verdict::Done => {
                pump.drain().await?;
                Err(Error::proxy(Phase::Data, Cause::Local))
            }
            Verdict::Deny
            | Verdict::Reject
            | Verdict::Reply
            | Verdict::Tarpit
            | Verdict::Service(_)
            | Verdict::Invalid => {
                backend.proxy.counters.add(self.local.worker, Counter::ResponsesDenied, 1);
                Err(Error::server(Phase::Data, Cause::Denied))
            }
        }
    }

    /// Passes on what rules have looked at or sent.
    fn take_channel(&self, direction: Direction, transfer: &mut Transfer) {
        let mut txn = self.txn.borrow_mut();
        let channel = txn.channel_mut(direction);
        let output = channel.output().len();
        transfer.pending.extend_from_slice(channel.output());
        channel.drain_output(output);
        transfer.pending.extend_from_slice(&channel.take_input(usize::MAX));
    }
}

/// Adds what has been passed on to the counters of all that took part.
fn count(local: &Local, frontend: &Section, txn: &Shared) {
    let txn = txn.borrow();
    let [request, response] = txn.bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let same = frontend.proxy.id == txn.backend.id;
    let backend = (!same).then_some(&txn.backend.counters);
    let server = txn.server.as_ref().map(|server| &server.counters);
    for counters in [Some(&frontend.proxy.counters), backend, server].into_iter().flatten() {
        counters.add(local.worker, Counter::BytesIn, request);
        counters.add(local.worker, Counter::BytesOut, response);
    }
    if txn.termination == *b"PR" {
        frontend.proxy.counters.add(local.worker, Counter::RequestsDenied, 1);
    }
}
