//! How a worker ends: what has been asked for, and the streams that are still open.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use event_listener::Event;
use event_listener::listener;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Run,
    /// No new connection is accepted; what is open may finish.
    Soft,
    /// Everything ends.
    Hard,
}

/// Tells the tasks of one worker that the end has come.
#[derive(Clone)]
pub struct Stop(Rc<Inner<Level>>);

impl Stop {
    /// Returns this thread's.
    pub fn current() -> Self {
        STOP.with(Self::clone)
    }

    /// Returns how far the end has come.
    pub fn level(&self) -> Level {
        self.0.value.get()
    }

    /// Waits until no new work shall begin.
    pub async fn soft(&self) {
        self.0.until(|level| level >= Level::Soft).await;
    }

    /// Waits until all work shall end at once.
    pub async fn hard(&self) {
        self.0.until(|level| level >= Level::Hard).await;
    }

    /// Goes on to `level`; there is no way back.
    pub(super) fn raise(&self, level: Level) {
        if level > self.level() {
            self.0.set(level);
        }
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.level()).finish()
    }
}

thread_local! {
    static STOP: Stop = Stop(Inner::new(Level::Run));
}

/// Counts the open streams of one worker.
#[derive(Clone)]
pub struct Streams(Rc<Inner<usize>>);

impl Streams {
    pub(super) fn new() -> Self {
        Self(Inner::new(0))
    }

    /// Counts one more stream, until the guard is dropped.
    pub fn open(&self) -> Open {
        self.0.value.set(self.count() + 1);
        Open(self.clone())
    }

    /// Returns how many are open.
    pub fn count(&self) -> usize {
        self.0.value.get()
    }

    /// Waits until none is open.
    pub async fn drained(&self) {
        self.0.until(|count| count == 0).await;
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Streams").field(&self.count()).finish()
    }
}

/// An open stream, as [`Streams`] counts them.
#[derive(Debug)]
#[must_use = "it counts while it lives"]
pub struct Open(Streams);

impl Drop for Open {
    fn drop(&mut self) {
        let inner = &self.0.0;
        let count = inner.value.get().saturating_sub(1);
        if count == 0 {
            inner.set(count);
        } else {
            inner.value.set(count);
        }
    }
}

/// A value that tasks of one thread wait for.
struct Inner<T> {
    value: Cell<T>,
    changed: Event,
}

impl<T: Copy> Inner<T> {
    fn new(value: T) -> Rc<Self> {
        Rc::new(Self { value: Cell::new(value), changed: Event::new() })
    }

    fn set(&self, value: T) {
        self.value.set(value);
        self.changed.notify(usize::MAX);
    }

    async fn until(&self, holds: impl Fn(T) -> bool) {
        while !holds(self.value.get()) {
            listener!(self.changed => changed);
            if holds(self.value.get()) {
                return;
            }
            changed.await;
        }
    }
}
