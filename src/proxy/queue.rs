//! Places on servers, and who waits for one. Shared by all workers, without a lock.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::AcqRel;
use std::sync::atomic::Ordering::Acquire;
use std::task::Context;
use std::task::Poll;

use event_listener::Event;
use event_listener::EventListener;

use super::Counter;
use super::Proxy;
use super::Server;

/// How many streams use a server now.
#[derive(Debug, Default)]
pub struct Places {
    used: AtomicU32,
    /// How many wait for this server alone (`use-server`).
    waiting: AtomicU32,
}

impl Places {
    /// Returns how many are taken.
    pub fn used(&self) -> u32 {
        self.used.load(Acquire)
    }

    /// Returns how many wait for this server alone.
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Acquire)
    }

    /// Takes one, unless as many are taken as the limit allows; 0 is no limit.
    fn take(&self, limit: u32) -> bool {
        let more = |used: u32| (limit == 0 || used < limit).then(|| used.saturating_add(1));
        self.used.fetch_update(AcqRel, Acquire, more).is_ok()
    }

    fn give_back(&self) {
        let less = |used: u32| Some(used.saturating_sub(1));
        let _ = self.used.fetch_update(AcqRel, Acquire, less);
    }
}

/// A place on a server: given back when dropped, to who has waited longest.
#[derive(Debug)]
pub struct Place {
    proxy: Arc<Proxy>,
    server: Arc<Server>,
    worker: usize,
}

impl Place {
    /// Takes a place on a server of a proxy; `None` when it is full.
    pub fn take(proxy: &Arc<Proxy>, server: &Arc<Server>, worker: usize) -> Option<Self> {
        if !server.places.take(server.current_maxconn()) {
            return None;
        }
        server.counters.add(worker, Counter::Current, 1);
        Some(Self { proxy: Arc::clone(proxy), server: Arc::clone(server), worker })
    }

    /// Returns the server.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.counters.add(self.worker, Counter::Current, -1);
        self.server.places.give_back();
        if self.server.current_maxconn() != 0 {
            self.proxy.queue.call_next();
        }
    }
}

/// Who waits for a place on a proxy's servers, first come, first served.
#[derive(Debug, Default)]
pub struct Queue {
    event: Event,
    waiting: AtomicU32,
    /// How many of them wait for one server alone (`use-server`).
    forced: AtomicU32,
}

impl Queue {
    /// Returns how many wait.
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Acquire)
    }

    /// Tells whether someone waits for one server alone, while others may be free.
    pub fn is_mixed(&self) -> bool {
        self.forced.load(Acquire) > 0
    }

    /// Calls all: more may be free than one place.
    pub(super) fn call_all(&self) {
        if self.waiting() > 0 {
            self.event.notify(usize::MAX);
        }
    }

    fn call_next(&self) {
        // Who waits for another server cannot use the place: then all are called.
        match (self.waiting(), self.is_mixed()) {
            (0, _) => {}
            (_, false) => drop(self.event.notify_additional(1)),
            _ => drop(self.event.notify(usize::MAX)),
        }
    }
}

/// Someone's turn in a proxy's queue. Dropping it leaves the queue.
#[derive(Debug)]
pub struct Ticket {
    proxy: Arc<Proxy>,
    worker: usize,
    /// How many were in front when this ticket was drawn.
    position: u32,
    /// The one server that will do.
    forced: Option<Arc<Server>>,
    listener: Pin<Box<EventListener>>,
}

impl Ticket {
    /// Joins the queue at its end; `forced` where only one of the servers will do.
    pub fn draw(proxy: &Arc<Proxy>, worker: usize, forced: Option<Arc<Server>>) -> Self {
        let listener = Box::pin(proxy.queue.event.listen());
        let position = proxy.queue.waiting.fetch_add(1, AcqRel);
        if let Some(server) = &forced {
            proxy.queue.forced.fetch_add(1, AcqRel);
            server.places.waiting.fetch_add(1, AcqRel);
        }
        proxy.counters.add(worker, Counter::Queued, 1);
        Self { proxy: Arc::clone(proxy), worker, position, forced, listener }
    }

    /// Returns how many were in front when this ticket was drawn.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Waits to be called. Whoever finds no place then polls again.
    pub fn poll_called(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let called = Future::poll(self.listener.as_mut(), cx);
        if called.is_ready() {
            self.listener = Box::pin(self.proxy.queue.event.listen());
        }
        called
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.proxy.queue.waiting.fetch_sub(1, AcqRel);
        if let Some(server) = &self.forced {
            self.proxy.queue.forced.fetch_sub(1, AcqRel);
            server.places.waiting.fetch_sub(1, AcqRel);
        }
        self.proxy.counters.add(self.worker, Counter::Queued, -1);
    }
}
