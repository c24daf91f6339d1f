//! The loop that accepts connections, and the gate that holds it back at a limit.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::rc::Rc;

use event_listener::Event;
use event_listener::listener;
use futures_lite::future;

use crate::net::Addr;
use crate::net::Listener;
use crate::net::Stream;
use crate::task;
use crate::worker::Stop;

/// Accepts connections until the worker stops, and gives each to `handler`.
///
/// The handler does not wait: it spawns what serves the connection.
pub async fn serve(
    listener: Listener,
    stop: &Stop,
    gate: &Gate,
    mut handler: impl FnMut(Stream, Addr),
) -> io::Result<()> {
    let accepting = async {
        for count in 1u32.. {
            // Asked when someone is there: what was true before the wait says nothing.
            listener.readable().await;
            gate.passed().await;
            if let Some((stream, addr)) = listener.try_accept().await? {
                handler(stream, addr);
            }
            // HAProxy: `tune.maxaccept`: a full backlog must not keep open streams waiting.
            if count.is_multiple_of(BATCH) {
                task::yield_now().await;
            }
        }
        Ok(())
    };
    let stopped = async {
        stop.soft().await;
        Ok(())
    };
    // Whoever comes first; then the listener is closed, as it is dropped here.
    future::or(stopped, accepting).await
}

const BATCH: u32 = 64;

/// Holds accepting back while a limit is reached: `maxconn` of a frontend, or of the process.
#[derive(Clone)]
pub struct Gate(Rc<Inner>);

struct Inner {
    may_accept: Box<dyn Fn() -> bool>,
    resumed: Event,
    is_waiting: Cell<bool>,
}

impl Gate {
    /// Returns a gate that asks `may_accept` before each connection.
    pub fn new(may_accept: impl Fn() -> bool + 'static) -> Self {
        Self(Rc::new(Inner {
            may_accept: Box::new(may_accept),
            resumed: Event::new(),
            is_waiting: Cell::new(false),
        }))
    }

    /// Returns a gate that is always open.
    pub fn open() -> Self {
        Self::new(|| true)
    }

    /// Lets the gate ask again: a connection has ended, or the limit was raised.
    pub fn resume(&self) {
        if self.0.is_waiting.replace(false) {
            self.0.resumed.notify(usize::MAX);
        }
    }

    /// Tells whether anybody else holds it.
    pub fn is_in_use(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }

    async fn passed(&self) {
        while !(self.0.may_accept)() {
            listener!(self.0.resumed => resumed);
            self.0.is_waiting.set(true);
            resumed.await;
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("waiting", &self.0.is_waiting.get()).finish_non_exhaustive()
    }
}
