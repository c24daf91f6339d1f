//! Reaching a server: its choice, its queue, retries, and connections that are used again.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::clock;
use crate::net;
use crate::net::Addr;
use crate::net::connect;
use crate::net::stream::Keepalive;
use crate::net::timer;
use crate::net::tls::Peer;
use crate::proxy::Balance;
use crate::proxy::Counter;
use crate::proxy::Place;
use crate::proxy::Proxy;
use crate::proxy::SendProxy;
use crate::proxy::Server;
use crate::proxy::Ticket;
use crate::proxy::balance::Asking;
use crate::proxy::balance::Choice;
use crate::proxy::pool::Kept;
use crate::proxy::pool::Way;
use crate::sample::Eval;
use crate::txn::Direction;
use crate::txn::Failure;
use crate::txn::Shared;
use crate::txn::Txn;
use crate::value::Type;
use crate::value::Value;

use super::end::End;
use super::greeting;
use super::http2::Trunk;
use super::local::Local;
use super::termination::Cause;
use super::termination::Error;
use super::termination::Phase;

/// The longest pause before the same server is tried again.
const TURN_AROUND: Duration = Duration::from_secs(1);

/// A connection to a server, and the place it has there.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) made: Made,
    pub(super) place: Place,
    /// It has carried an exchange before: it may turn out to be closed.
    pub(super) reused: bool,
}

/// A connection to a server, or a stream of one.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) end: End,
    /// It serves this client alone.
    pub(super) private: bool,
    /// What was said before the first request.
    way: Way,
    local_addr: Addr,
    /// What TLS has agreed on.
    tls: Option<Rc<net::tls::Info>>,
}

/// How a server is looked for.
#[derive(Clone, Debug)]
pub(super) struct Search {
    proxy: Arc<Proxy>,
    /// `use-server`
    forced: Option<Arc<Server>>,
    /// Whether an idle connection will do.
    pub(super) reuse: Reuse,
}

/// Which idle connections may carry a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    /// None.
    None,
    /// One that carries requests of others at this time: of HTTP/2.
    Busy,
    /// Those that this client's requests have opened.
    Own,
    /// All but other clients' own.
    Any,
}

impl Search {
    /// Returns a search among a backend's servers.
    pub(super) fn new(proxy: &Arc<Proxy>, forced: Option<Arc<Server>>, reuse: Reuse) -> Self {
        Self { proxy: Arc::clone(proxy), forced, reuse }
    }

    /// Connects to a server, trying as often as `retries` allows.
    pub(super) async fn run(&self, local: &Rc<Local>, txn: &Shared) -> Result<Link, Error> {
        let mut avoid: Option<Arc<Server>> = None;
        let mut place = self.place(local, txn, None).await?;
        loop {
            note_server(txn, place.server());
            let session = txn.borrow().session.id;
            let way = self.way(local, place.server(), txn).await;
            if let Some(found) = self.find(local, session, place.server(), &way) {
                return Ok(self.link(txn, found, place, true));
            }
            let cause = match self.connect(local, place.server(), txn, way).await {
                Ok(made) => {
                    place.server().counters.add(local.worker, Counter::Total, 1);
                    return Ok(self.link(txn, made, place, false));
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => Cause::Timeout,
                Err(_) => Cause::Closed,
            };
            place.server().counters.add(local.worker, Counter::ConnectErrors, 1);
            let tries = txn.borrow().retries.0;
            if tries >= self.proxy.retries {
                self.proxy.counters.add(local.worker, Counter::ConnectErrors, 1);
                return Err(Error::server(Phase::Connect, cause));
            }
            txn.borrow_mut().retries.0 = tries.saturating_add(1);
            self.proxy.counters.add(local.worker, Counter::Retries, 1);
            let another = self.may_redispatch(tries.saturating_add(1));
            if cause == Cause::Closed && (!another || self.proxy.servers.len() <= 1) {
                let longest = self.proxy.timeouts.connect.unwrap_or(TURN_AROUND);
                timer::sleep(longest.min(TURN_AROUND)).await;
            }
            if another {
                let failed = avoid.insert(Arc::clone(place.server()));
                drop(place);
                place = self.place(local, txn, Some(failed)).await?;
                let changed = !Arc::ptr_eq(failed, place.server());
                txn.borrow_mut().retries.1 |= changed;
            }
        }
    }

    /// Tells whether the next try may go to another server (HAProxy: `option redispatch`).
    fn may_redispatch(&self, tries: u32) -> bool {
        let in_turn = matches!(self.proxy.balance, Balance::RoundRobin | Balance::Random);
        self.proxy.options.redispatch
            && self.forced.is_none()
            && (tries == self.proxy.retries || in_turn && self.proxy.servers.len() > 1)
    }

    /// Takes a place on a server, and waits in the queue where all are full.
    async fn place(
        &self,
        local: &Local,
        txn: &Shared,
        avoid: Option<&Arc<Server>>,
    ) -> Result<Place, Error> {
        let src = txn.borrow().session.src.borrow().ip();
        let asking = Asking { worker: local.worker, src, avoid, queued: false };
        let none = Error::server(Phase::Connect, Cause::Closed);
        let mut forced = self.forced.as_ref();
        loop {
            match self.choose(forced, &asking) {
                Choice::Server(place) => return Ok(place),
                Choice::None => return Err(none),
                Choice::Full => {}
            }
            let crowded =
                |server: &Arc<Server>| (1..=server.places.waiting()).contains(&server.maxqueue);
            match forced {
                // HAProxy: then any server will do.
                Some(server) if crowded(server) && self.proxy.options.redispatch => forced = None,
                Some(server) if crowded(server) => {
                    return Err(Error::server(Phase::Queue, Cause::Closed));
                }
                _ => break,
            }
        }
        let mut ticket = Ticket::draw(&self.proxy, local.worker, forced.cloned());
        txn.borrow_mut().queue = ticket.position().saturating_add(1);
        let asking = Asking { queued: true, ..asking };
        let timeouts = &self.proxy.timeouts;
        let deadline = timer::Deadline::new();
        if let Some(longest) = timeouts.queue.or(timeouts.connect) {
            deadline.set_after(longest);
        }
        // One may have become free before this ticket could be seen.
        let mut called = ticket.position() == 0 || self.proxy.queue.is_mixed();
        loop {
            if called {
                match self.choose(forced, &asking) {
                    Choice::Server(place) => return Ok(place),
                    Choice::None => return Err(none),
                    Choice::Full => {}
                }
            }
            let turn = poll_fn(|cx| ticket.poll_called(cx));
            if deadline.bound(turn).await.is_err() {
                txn.borrow_mut().timers.queued = Some(clock::cached());
                return Err(Error::server(Phase::Queue, Cause::Timeout));
            }
            called = true;
        }
    }

    fn choose(&self, forced: Option<&Arc<Server>>, asking: &Asking<'_>) -> Choice {
        match forced {
            Some(server) => self.proxy.choose_this(server, asking),
            None => self.proxy.choose_server(asking),
        }
    }

    /// Returns what is said on a connection to the server before anything else.
    async fn way(&self, local: &Local, server: &Server, txn: &Shared) -> Way {
        let section = local.section(self.proxy.id);
        let Some(section) = section.filter(|_| server.is_spoken_to()) else {
            return Way::default();
        };
        let greeting = match server.send_proxy {
            SendProxy::No => Bytes::new(),
            _ => Box::pin(greeting::of(local, section, server, txn)).await,
        };
        let sni = section.sni.iter().find(|(puid, _)| *puid == server.puid);
        let sni = match sni {
            None => None,
            Some((_, name)) => {
                let direction = Direction::Request;
                let eval = Eval { txn, direction, is_final: true, scripts: &local.scripts };
                match Box::pin(name.eval_as(eval, Type::Str)).await {
                    Some(Value::Str(name)) => Some(name),
                    _ => None,
                }
            }
        };
        Way { greeting, sni }
    }

    /// Finds a connection that can be used again.
    fn find(&self, local: &Local, session: u64, server: &Server, way: &Way) -> Option<Made> {
        if server.follows_client() {
            // Where the client wants to go, another does not.
            return None;
        }
        let id = self.proxy.id;
        if (server.http2 || server.tls.is_some())
            && !matches!(self.reuse, Reuse::None | Reuse::Own)
            && let Some(trunk) = local.trunks.find(id, server, way, self.reuse == Reuse::Any)
        {
            return Some(self.made_of(trunk));
        }
        let kept = match self.reuse {
            Reuse::None | Reuse::Busy => None,
            Reuse::Own => local.pool.take_own(session, id, server, way),
            Reuse::Any => local.pool.take(session, id, server, way),
        };
        kept.map(|Kept { stream, local_addr, way, private }| {
            let tls = stream.tls().cloned();
            let end = End::new(stream, self.proxy.timeouts.server);
            Made { end, private, way, local_addr, tls }
        })
    }

    fn made_of(&self, trunk: Trunk) -> Made {
        let end = End::of_stream(trunk.stream(), self.proxy.timeouts.server);
        let Trunk { local_addr, way, tls, .. } = trunk;
        Made { end, private: false, way, local_addr, tls }
    }

    async fn connect(
        &self,
        local: &Rc<Local>,
        server: &Server,
        txn: &Shared,
        way: Way,
    ) -> io::Result<Made> {
        let keepalive = self.proxy.options.server_tcp_keep_alive.then(Keepalive::default);
        let options = connect::Options { keepalive, ..connect::Options::default() };
        let addr = where_for(server, &txn.borrow()).into_owned();
        let connecting = async {
            let mut stream = net::Stream::connect(&addr, &options).await?;
            stream.write_all(&way.greeting).await?;
            if let Some(connector) = &server.tls {
                let peer = match &way.sni {
                    Some(name) => Peer::named(&String::from_utf8_lossy(name)),
                    None => Peer::nameless(addr.ip()),
                };
                if let Err(error) = Box::pin(stream.connect_tls(connector, &peer)).await {
                    txn.borrow_mut().server_failure = Some(Failure::from(&error));
                    return Err(error.into());
                }
            }
            Ok::<_, io::Error>(stream)
        };
        let stream = match self.proxy.timeouts.connect {
            None => connecting.await,
            Some(longest) => match timer::timeout(longest, connecting).await {
                Ok(connected) => connected,
                Err(timer::Elapsed) => Err(io::ErrorKind::TimedOut.into()),
            },
        }?;
        let private = self.proxy.options.never_reuse;
        let tls = stream.tls().cloned();
        // By agreement, or because it is said to.
        if server.http2 || tls.as_ref().is_some_and(|tls| tls.is_alpn(b"h2")) {
            let trunk = Box::pin(Trunk::open(stream, way, local)).await?;
            if !private && self.reuse != Reuse::None && !server.follows_client() {
                local.share(self.proxy.id, server, trunk.clone());
            }
            return Ok(self.made_of(trunk));
        }
        let local_addr = stream.local_addr().unwrap_or(Addr::Unnamed);
        let end = End::new(stream, self.proxy.timeouts.server);
        Ok(Made { end, private, way, local_addr, tls })
    }

    fn link(&self, txn: &Shared, made: Made, place: Place, reused: bool) -> Link {
        let mut txn = txn.borrow_mut();
        txn.timers.connected = Some(clock::cached());
        let addr = where_for(place.server(), &txn).into_owned();
        txn.server_addrs = Some((made.local_addr.clone(), addr));
        txn.server_tls.clone_from(&made.tls);
        Link { made, place, reused }
    }
}

impl Link {
    /// Gives the connection to the pool: nothing is under way on it.
    pub(super) fn keep(self, local: &Rc<Local>, session: u64, backend: &Proxy) {
        if self.place.server().follows_client() {
            return;
        }
        let Made { end, private, way, local_addr, .. } = self.made;
        // One of HTTP/2 is there for all anyway.
        if let Some((stream, _)) = end.into_parts() {
            let kept = Kept { stream, local_addr, way, private };
            local.keep(session, backend.id, self.place.server(), kept);
        }
    }
}

/// Returns where a server is for the client of an exchange.
fn where_for<'a>(server: &'a Server, txn: &Txn) -> Cow<'a, Addr> {
    server.addr_for(&txn.session.dst.borrow())
}

fn note_server(txn: &Shared, server: &Arc<Server>) {
    let mut txn = txn.borrow_mut();
    txn.timers.queued.get_or_insert_with(clock::cached);
    if !txn.server.as_ref().is_some_and(|known| Arc::ptr_eq(known, server)) {
        txn.server = Some(Arc::clone(server));
    }
}
