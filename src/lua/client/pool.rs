//! Idle connections of one state's HTTP clients.

use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use std::time::Instant;

use super::Connection;
use super::Target;
use crate::clock;
use crate::net::timer;
use crate::task;

/// How long a connection may be idle (HAProxy: `pool-purge-delay`).
const PURGE_DELAY: Duration = Duration::from_secs(5);

/// How many there are at most.
const MOST: usize = 32;

/// Idle connections, the freshest last. They are a tenant's own, as its states are.
#[derive(Debug, Default)]
pub(in crate::lua) struct Pool {
    idle: RefCell<Vec<(Target, Connection, Instant)>>,
    purging: Cell<bool>,
}

impl Pool {
    /// Takes the freshest connection to a target that is still open.
    pub(super) fn take(&self, target: &Target) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        loop {
            let place = idle.iter().rposition(|(known, ..)| known.is_same_peer(target))?;
            let (_, connection, _) = idle.remove(place);
            if connection.stream.is_idle() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for a while.
    pub(super) fn put(self: &Rc<Self>, target: Target, connection: Connection) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() >= MOST {
            idle.remove(0);
        }
        idle.push((target, connection, clock::cached()));
        if !self.purging.replace(true) {
            let pool = Rc::downgrade(self);
            let purge = async move {
                while let Some(pool) = pool.upgrade()
                    && pool.purge()
                {
                    drop(pool);
                    timer::sleep(PURGE_DELAY).await;
                }
            };
            task::spawn(purge).detach();
        }
    }

    /// Closes all.
    pub(super) fn clear(&self) {
        self.idle.borrow_mut().clear();
    }

    /// Closes what was idle for too long; says whether there is more.
    fn purge(&self) -> bool {
        let now = clock::cached();
        let mut idle = self.idle.borrow_mut();
        idle.retain(|(.., since)| now.saturating_duration_since(*since) < PURGE_DELAY);
        self.purging.set(!idle.is_empty());
        !idle.is_empty()
    }
}
