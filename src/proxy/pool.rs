//! Idle connections to servers, of one worker.

use std::cell::RefCell;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use hashbrown::HashMap;

use crate::net::Addr;
use crate::net::Stream;

use super::Id;
use super::Server;

/// How long a connection may be idle (HAProxy: `pool-purge-delay`).
pub const PURGE_DELAY: Duration = Duration::from_secs(5);

/// How many idle connections one worker keeps for one server.
const LONGEST: usize = 1024;

/// How many idle connections one session keeps for itself (HAProxy: `max-session-srv-conns`).
const MOST_OWN: usize = 5;

/// Idle connections, the freshest last.
#[derive(Debug, Default)]
pub struct Pool {
    servers: RefCell<HashMap<(Id, u32), Vec<Idle>>>,
    /// Those that serve one session alone, by its number.
    own: RefCell<HashMap<u64, Vec<Own>>>,
}

/// A connection, and what would take a system call to find out again.
#[derive(Debug)]
pub struct Kept {
    /// The connection.
    pub stream: Stream,
    /// This end's address.
    pub local_addr: Addr,
    /// What was said on it.
    pub way: Way,
    /// It serves one session alone.
    pub private: bool,
}

/// What was said on a connection before the first request: it serves those for whom the same is
/// said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// What its server was told of the client.
    pub greeting: Bytes,
    /// The name that the server was asked for with TLS.
    pub sni: Option<Bytes>,
}

/// A connection to a server of a proxy.
type Own = (Id, u32, Idle);

#[derive(Debug)]
struct Idle {
    kept: Kept,
    since: Instant,
}

impl Kept {
    /// Says whether it is open, and leads to where the server is now.
    fn serves(&self, server: &Server) -> bool {
        let leads = || self.stream.peer_addr().is_ok_and(|addr| addr == *server.current_addr());
        self.stream.is_idle() && (!server.has_moved() || leads())
    }
}

impl Pool {
    /// Takes the freshest connection that is still open; one that the session has for itself first.
    pub fn take(&self, session: u64, proxy: Id, server: &Server, way: &Way) -> Option<Kept> {
        if let Some(own) = self.take_own(session, proxy, server, way) {
            return Some(own);
        }
        let mut servers = self.servers.borrow_mut();
        let list = servers.get_mut(&(proxy, server.puid))?;
        loop {
            let last = list.iter().rposition(|idle| idle.kept.way == *way)?;
            let idle = list.remove(last);
            if idle.kept.serves(server) {
                return Some(idle.kept);
            }
        }
    }

    /// Takes the freshest connection of a session's own that is still open.
    pub fn take_own(&self, session: u64, proxy: Id, server: &Server, way: &Way) -> Option<Kept> {
        let mut own = self.own.borrow_mut();
        if own.is_empty() {
            return None;
        }
        let list = own.get_mut(&session)?;
        loop {
            let leads = |(id, puid, idle): &Own| {
                (*id, *puid) == (proxy, server.puid) && idle.kept.way == *way
            };
            let (_, _, idle) = list.remove(list.iter().rposition(leads)?);
            if idle.kept.serves(server) {
                return Some(idle.kept);
            }
        }
    }

    /// Closes what a session has for itself.
    pub fn forget(&self, session: u64) {
        let mut own = self.own.borrow_mut();
        if !own.is_empty() {
            own.remove(&session);
        }
    }

    /// Keeps a connection on which nothing is under way.
    pub fn put(&self, session: u64, proxy: Id, server: &Server, kept: Kept, now: Instant) {
        if kept.private {
            let mut own = self.own.borrow_mut();
            let list = own.entry(session).or_default();
            if list.len() >= MOST_OWN {
                list.remove(0);
            }
            list.push((proxy, server.puid, Idle { kept, since: now }));
            return;
        }
        let mut servers = self.servers.borrow_mut();
        let list = servers.entry((proxy, server.puid)).or_default();
        if list.len() >= LONGEST {
            list.remove(0);
        }
        list.push(Idle { kept, since: now });
    }

    /// Closes what has been idle for too long.
    pub fn purge(&self, now: Instant) {
        let fresh = |idle: &Idle| now.saturating_duration_since(idle.since) < PURGE_DELAY;
        for list in self.servers.borrow_mut().values_mut() {
            list.retain(fresh);
        }
        self.own.borrow_mut().retain(|_, list| {
            list.retain(|(_, _, idle)| fresh(idle));
            !list.is_empty()
        });
    }

    /// Closes everything.
    pub fn clear(&self) {
        self.servers.borrow_mut().clear();
        self.own.borrow_mut().clear();
    }

    /// Returns how many connections there are.
    pub fn len(&self) -> usize {
        let shared: usize = self.servers.borrow().values().map(Vec::len).sum();
        let own: usize = self.own.borrow().values().map(Vec::len).sum();
        shared.saturating_add(own)
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
