//! Timers of this thread: sleeping, and deadlines that are cheap to move.
//!
//! A connection has one [`Deadline`]. Moving it later only notes the new date; the wheel is
//! touched again when the old one comes.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;
use std::time::Instant;

use crate::clock;

/// Waits for `duration`.
pub async fn sleep(duration: Duration) {
    Deadline::after(duration).reached().await;
}

/// Waits until `when`.
pub async fn sleep_until(when: Instant) {
    let deadline = Deadline::new();
    deadline.set(when);
    deadline.reached().await;
}

/// Runs `future`, at most for `duration`.
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, Elapsed> {
    Deadline::after(duration).bound(future).await
}

/// The time was over first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timeout")
    }
}

impl std::error::Error for Elapsed {}

/// A date at which one task wants to be woken. It can be moved at any time.
pub struct Deadline(Rc<Slot>);

impl Deadline {
    /// Returns a deadline that never comes, until it is set.
    pub fn new() -> Self {
        let id = WHEEL.with(|wheel| {
            let mut wheel = wheel.borrow_mut();
            wheel.last_id += 1;
            wheel.last_id
        });
        Self(Rc::new(Slot {
            id,
            when: Cell::new(None),
            armed: Cell::new(None),
            waker: Cell::new(None),
        }))
    }

    /// Returns a deadline that comes after `duration`.
    pub fn after(duration: Duration) -> Self {
        let deadline = Self::new();
        deadline.set_after(duration);
        deadline
    }

    /// Moves the deadline to `when`.
    pub fn set(&self, when: Instant) {
        self.0.when.set(Some(when));
        let late = match self.0.armed.get() {
            Some(armed) => when < armed,
            None => self.0.is_awaited(),
        };
        if late {
            self.0.arm(when);
        }
    }

    /// Moves the deadline to `duration` after now; a date beyond all calendars is never.
    pub fn set_after(&self, duration: Duration) {
        match clock::cached().checked_add(duration) {
            Some(when) => self.set(when),
            None => self.clear(),
        }
    }

    /// Lets the deadline never come.
    pub fn clear(&self) {
        self.0.when.set(None);
    }

    /// Returns when the deadline comes, if it does.
    pub fn when(&self) -> Option<Instant> {
        self.0.when.get()
    }

    /// Returns whether the deadline has come, by the date of this wake-up.
    pub fn expired(&self) -> bool {
        self.0.when.get().is_some_and(|when| when <= clock::cached())
    }

    /// Is ready when the deadline has come; else wakes the task of `cx` then.
    ///
    /// One task waits at a time: the last one that asked. It is not woken when the deadline is
    /// moved, only when it comes.
    pub fn poll_expired(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.expired() {
            return Poll::Ready(());
        }
        let waker = match self.0.waker.take() {
            Some(waker) if waker.will_wake(cx.waker()) => waker,
            _ => cx.waker().clone(),
        };
        self.0.waker.set(Some(waker));
        if let Some(when) = self.0.when.get()
            && self.0.armed.get().is_none()
        {
            self.0.arm(when);
        }
        Poll::Pending
    }

    /// Waits until the deadline comes.
    pub async fn reached(&self) {
        poll_fn(|cx| self.poll_expired(cx)).await;
    }

    /// Runs `future` unless the deadline comes first.
    pub async fn bound<F: Future>(&self, future: F) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            self.poll_expired(cx).map(|()| Err(Elapsed))
        })
        .await
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.0.disarm();
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.0.when.get()).finish()
    }
}

/// Returns when the wheel must be looked at next.
pub fn next() -> Option<Instant> {
    WHEEL.with(|wheel| wheel.borrow().slots.first_key_value().map(|((when, _), _)| *when))
}

/// Wakes those whose deadline has come.
pub fn fire(now: Instant) {
    while let Some(slot) = WHEEL.with(|wheel| wheel.borrow_mut().pop(now)) {
        slot.armed.set(None);
        match slot.when.get() {
            Some(when) if when > now => slot.arm(when),
            Some(_) => {
                if let Some(waker) = slot.waker.take() {
                    waker.wake();
                }
            }
            // Cleared: it is armed again when someone asks for it.
            None => {}
        }
    }
}

/// The dates at which a slot must be looked at, in order.
#[derive(Default)]
struct Wheel {
    slots: BTreeMap<(Instant, u64), Rc<Slot>>,
    last_id: u64,
}

impl Wheel {
    fn pop(&mut self, now: Instant) -> Option<Rc<Slot>> {
        let first = self.slots.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

thread_local! {
    static WHEEL: RefCell<Wheel> = RefCell::default();
}

struct Slot {
    id: u64,
    /// When to wake.
    when: Cell<Option<Instant>>,
    /// Where the slot stands in the wheel: never after `when`.
    armed: Cell<Option<Instant>>,
    waker: Cell<Option<Waker>>,
}

impl Slot {
    fn arm(self: &Rc<Self>, when: Instant) {
        self.disarm();
        self.armed.set(Some(when));
        WHEEL.with(|wheel| wheel.borrow_mut().slots.insert((when, self.id), Rc::clone(self)));
    }

    fn is_awaited(&self) -> bool {
        let waker = self.waker.take();
        let awaited = waker.is_some();
        self.waker.set(waker);
        awaited
    }

    fn disarm(&self) {
        if let Some(armed) = self.armed.take() {
            // At the thread's end the wheel may be gone already.
            let slot = WHEEL
                .try_with(|wheel| wheel.borrow_mut().slots.remove(&(armed, self.id)))
                .ok()
                .flatten();
            drop(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn moving_a_deadline_later_leaves_the_wheel_alone() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        let start = clock::now();
        let deadline = Deadline::new();
        deadline.set(start + ms(1000));
        assert!(deadline.poll_expired(&mut cx).is_pending());
        assert_eq!(next(), Some(start + ms(1000)));

        deadline.set(start + ms(5000));
        assert_eq!(next(), Some(start + ms(1000)));
        fire(start + ms(1000));
        assert_eq!((count.0.load(Ordering::Relaxed), next()), (0, Some(start + ms(5000))));

        deadline.set(start + ms(2000));
        assert_eq!(next(), Some(start + ms(2000)));
        fire(start + ms(2000));
        assert_eq!((count.0.load(Ordering::Relaxed), next()), (1, None));
    }

    #[test]
    fn a_cleared_deadline_wakes_nobody_and_a_dropped_one_leaves_the_wheel() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);
        let start = clock::now();
        let first = Deadline::new();
        first.set(start + ms(1000));
        let second = Deadline::new();
        second.set(start + ms(1000));
        assert!(first.poll_expired(&mut cx).is_pending());
        assert!(second.poll_expired(&mut cx).is_pending());
        first.clear();
        drop(second);
        fire(start + ms(9000));
        assert_eq!((count.0.load(Ordering::Relaxed), next()), (0, None));

        first.set(start + ms(10_000));
        fire(start + ms(10_000));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
