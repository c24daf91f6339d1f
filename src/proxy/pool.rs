//! Idle connections to servers, of one worker.

use std::cell::RefCell;
use std::time::Duration;
use std::time::Instant;

use hashbrown::HashMap;

use crate::net::Addr;
use crate::net::Stream;

use super::Id;
use super::Server;

/// How long a connection may be idle (HAProxy: `pool-purge-delay`).
pub const PURGE_DELAY: Duration = Duration::from_secs(5);

/// How many idle connections one worker keeps for one server.
const LONGEST: usize = 1024;

/// Idle connections, the freshest last.
#[derive(Debug, Default)]
pub struct Pool {
    servers: RefCell<HashMap<(Id, u32), Vec<Idle>>>,
}

/// A connection, and what would take a system call to find out again.
#[derive(Debug)]
pub struct Kept {
    /// The connection.
    pub stream: Stream,
    /// This end's address.
    pub local_addr: Addr,
}

#[derive(Debug)]
struct Idle {
    kept: Kept,
    since: Instant,
}

impl Pool {
    /// Takes the freshest connection that is still open.
    pub fn take(&self, proxy: Id, server: &Server) -> Option<Kept> {
        let mut servers = self.servers.borrow_mut();
        let list = servers.get_mut(&(proxy, server.puid))?;
        loop {
            let idle = list.pop()?;
            if idle.kept.stream.is_idle() {
                return Some(idle.kept);
            }
        }
    }

    /// Keeps a connection on which nothing is under way.
    pub fn put(&self, proxy: Id, server: &Server, kept: Kept, now: Instant) {
        let mut servers = self.servers.borrow_mut();
        let list = servers.entry((proxy, server.puid)).or_default();
        if list.len() >= LONGEST {
            list.remove(0);
        }
        list.push(Idle { kept, since: now });
    }

    /// Closes what has been idle for too long.
    pub fn purge(&self, now: Instant) {
        for list in self.servers.borrow_mut().values_mut() {
            let fresh = |idle: &Idle| now.saturating_duration_since(idle.since) < PURGE_DELAY;
            list.retain(fresh);
        }
    }

    /// Closes everything.
    pub fn clear(&self) {
        self.servers.borrow_mut().clear();
    }

    /// Returns how many connections there are.
    pub fn len(&self) -> usize {
        self.servers.borrow().values().map(Vec::len).sum()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
