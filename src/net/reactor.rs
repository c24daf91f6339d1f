//! One reactor per thread: which descriptors are ready, and who waits for them.
//!
//! A descriptor is registered once, edge-triggered, for both directions. Callers try the system
//! call first and wait only after `WouldBlock`, so that a request costs a read, a write, and its
//! share of one `epoll_wait`.

use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::atomic::fence;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::event::EventfdFlags;
use rustix::event::Timespec;
use rustix::event::epoll;
use rustix::event::eventfd;
use slab::Slab;

use crate::clock;
use crate::net::timer;

/// The poller of one thread, with what is registered there.
pub struct Reactor {
    epoll: OwnedFd,
    slots: RefCell<Slab<Rc<Slot>>>,
    events: RefCell<Vec<epoll::Event>>,
}

impl Reactor {
    /// Returns this thread's reactor, made at the first call.
    pub fn current() -> io::Result<Rc<Self>> {
        REACTOR.with(|cell| {
            if let Some(reactor) = cell.get() {
                return Ok(Rc::clone(reactor));
            }
            let made = Self::new()?;
            Ok(Rc::clone(cell.get_or_init(|| Rc::new(made))))
        })
    }

    fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            slots: RefCell::new(Slab::new()),
            events: RefCell::new(Vec::with_capacity(EVENTS)),
        })
    }

    /// Lets `unparker` wake this reactor from other threads.
    pub fn attach(&self, unparker: &Unparker) -> io::Result<()> {
        let fd = unparker.descriptor()?;
        match epoll::add(&self.epoll, fd, epoll::EventData::new_u64(UNPARK), EDGE_READ) {
            Err(rustix::io::Errno::EXIST) => Ok(()),
            done => Ok(done?),
        }
    }

    /// Takes what has happened, and wakes who waited for it; does not wait itself.
    pub fn poll(&self) {
        self.wait(Some(Duration::ZERO));
    }

    /// Waits until something happens: a descriptor, a timer, or `unparker`.
    ///
    /// `has_work` is asked once more after other threads can see that this one is about to sleep.
    pub fn park(&self, unparker: &Unparker, has_work: impl FnOnce() -> bool) {
        unparker.prepare();
        let limit = if has_work() { Some(Duration::ZERO) } else { until_timer() };
        self.wait(limit);
        unparker.awake();
    }

    fn wait(&self, limit: Option<Duration>) {
        let Ok(mut events) = self.events.try_borrow_mut() else { return };
        events.clear();
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        // It fails when a signal comes, and for no other reason on a poller of our own. The signal
        // may be the one that stops a script, so the loop must go on at once.
        let _ = epoll::wait(&self.epoll, spare_capacity(&mut events), limit.as_ref());
        let now = clock::update();
        for event in events.iter() {
            self.dispatch(event);
        }
        drop(events);
        timer::fire(now);
    }

    fn dispatch(&self, event: &epoll::Event) {
        let (flags, data) = (event.flags, event.data);
        let slot = usize::try_from(data.u64()).ok().and_then(|key| {
            // Cloned, so that waking may register and remove others.
            self.slots.borrow().get(key).map(Rc::clone)
        });
        if let Some(slot) = slot {
            slot.set_ready(flags);
        }
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("epoll", &self.epoll).finish_non_exhaustive()
    }
}

/// Wakes the reactor of another thread, and only if that one is parked.
#[derive(Debug, Default)]
pub struct Unparker {
    parked: AtomicBool,
    eventfd: OnceLock<OwnedFd>,
}

impl Unparker {
    /// Wakes the reactor if it is parked. What it shall see must have been published before.
    pub fn unpark(&self) {
        // Pairs with the fence in `prepare`: either this sees `parked`, or the parking thread sees
        // what was published.
        fence(Ordering::SeqCst);
        if self.parked.load(Ordering::Relaxed)
            && self.parked.swap(false, Ordering::Relaxed)
            && let Some(fd) = self.eventfd.get()
        {
            // It fails only when the counter is full, and then the reactor is awake.
            let _ = rustix::io::write(fd, &1u64.to_ne_bytes());
        }
    }

    fn prepare(&self) {
        self.parked.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    fn awake(&self) {
        self.parked.store(false, Ordering::Relaxed);
    }

    fn descriptor(&self) -> io::Result<&OwnedFd> {
        if let Some(fd) = self.eventfd.get() {
            return Ok(fd);
        }
        let made = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(self.eventfd.get_or_init(|| made))
    }
}

/// A descriptor that is registered with this thread's reactor.
pub struct Source {
    fd: OwnedFd,
    slot: Rc<Slot>,
    key: usize,
    reactor: Rc<Reactor>,
    /// Others may hold the same open file, so that closing alone does not end the registration.
    shared: bool,
}

impl Source {
    /// Registers a non-blocking descriptor.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Self::register(fd, EDGE, false)
    }

    /// Registers a descriptor that is not ready for anything until the reactor says so.
    pub fn pending(fd: OwnedFd) -> io::Result<Self> {
        let source = Self::new(fd)?;
        source.slot.clear(READABLE | WRITABLE);
        Ok(source)
    }

    /// Registers a non-blocking descriptor that others hold, too: an inherited listener.
    pub fn shared(fd: OwnedFd) -> io::Result<Self> {
        Self::register(fd, EDGE_READ, true)
    }

    fn register(fd: OwnedFd, interest: epoll::EventFlags, shared: bool) -> io::Result<Self> {
        let reactor = Reactor::current()?;
        let slot = Rc::new(Slot::default());
        let key = reactor.slots.borrow_mut().insert(Rc::clone(&slot));
        let source = Self { fd, slot, key, reactor, shared };
        let data = epoll::EventData::new_u64(u64::try_from(key).unwrap_or(UNPARK));
        epoll::add(&source.reactor.epoll, &source.fd, data, interest)?;
        Ok(source)
    }

    /// Tries a system call that reads, and waits for the descriptor when it would block.
    pub fn poll_read<T>(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut(BorrowedFd<'_>) -> rustix::io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.slot.poll(READABLE, cx, || self.try_read(call))
    }

    /// Tries a system call that writes, and waits for the descriptor when it would block.
    pub fn poll_write<T>(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut(BorrowedFd<'_>) -> rustix::io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.slot.poll(WRITABLE, cx, || self.try_write(call))
    }

    /// Does a system call that reads, unless the descriptor is known not to be readable.
    pub fn try_read<T>(
        &self,
        call: impl FnMut(BorrowedFd<'_>) -> rustix::io::Result<T>,
    ) -> io::Result<T> {
        self.slot.attempt(READABLE, self.fd.as_fd(), call)
    }

    /// Does a system call that writes, unless the descriptor is known not to be writable.
    pub fn try_write<T>(
        &self,
        call: impl FnMut(BorrowedFd<'_>) -> rustix::io::Result<T>,
    ) -> io::Result<T> {
        self.slot.attempt(WRITABLE, self.fd.as_fd(), call)
    }

    /// Waits until reading is worth a try.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.slot.poll_ready(READABLE, cx)
    }

    /// Waits until writing is worth a try.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.slot.poll_ready(WRITABLE, cx)
    }

    /// Notes that a read took all there was, so that the next one waits without a system call.
    ///
    /// Where the end of the stream has been seen the descriptor stays readable.
    pub fn drained(&self) {
        if self.slot.ready.get() & HUNG_UP == 0 {
            self.slot.clear(READABLE);
        }
    }

    /// Returns whether a read may give something: not after one that took all there was.
    pub fn may_read(&self) -> bool {
        self.slot.ready.get() & READABLE != 0
    }

    /// Returns whether the peer is known to have closed its side, or the connection to be broken.
    pub fn has_hung_up(&self) -> bool {
        self.slot.ready.get() & HUNG_UP != 0
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if self.shared {
            let _ = epoll::delete(&self.reactor.epoll, &self.fd);
        }
        let slot = self.reactor.slots.borrow_mut().try_remove(self.key);
        drop(slot);
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("fd", &self.fd).field("key", &self.key).finish()
    }
}

/// How many events one wake-up takes at most.
const EVENTS: usize = 512;
/// The key of what wakes the reactor from other threads; no slab grows that far.
const UNPARK: u64 = u64::MAX;

const EDGE: epoll::EventFlags = epoll::EventFlags::IN
    .union(epoll::EventFlags::OUT)
    .union(epoll::EventFlags::RDHUP)
    .union(epoll::EventFlags::ET);
const EDGE_READ: epoll::EventFlags = epoll::EventFlags::IN.union(epoll::EventFlags::ET);

const READABLE: u8 = 1;
const WRITABLE: u8 = 2;
const HUNG_UP: u8 = 4;

thread_local! {
    static REACTOR: OnceCell<Rc<Reactor>> = const { OnceCell::new() };
}

fn until_timer() -> Option<Duration> {
    // Read after the last task that ran.
    timer::next().map(|when: Instant| when.saturating_duration_since(clock::cached()))
}

/// What is known about a descriptor, and who waits for it.
struct Slot {
    ready: Cell<u8>,
    reader: Cell<Option<Waker>>,
    writer: Cell<Option<Waker>>,
}

impl Default for Slot {
    fn default() -> Self {
        // Worth a try until a system call says otherwise.
        Self {
            ready: Cell::new(READABLE | WRITABLE),
            reader: Cell::new(None),
            writer: Cell::new(None),
        }
    }
}

impl Slot {
    fn set_ready(&self, flags: epoll::EventFlags) {
        let broken = epoll::EventFlags::HUP | epoll::EventFlags::ERR;
        let ends = broken | epoll::EventFlags::RDHUP;
        let mut ready = self.ready.get();
        if flags.intersects(ends | epoll::EventFlags::IN) {
            ready |= READABLE;
        }
        if flags.intersects(broken | epoll::EventFlags::OUT) {
            ready |= WRITABLE;
        }
        if flags.intersects(ends) {
            ready |= HUNG_UP;
        }
        self.ready.set(ready);
        if ready & READABLE != 0
            && let Some(waker) = self.reader.take()
        {
            waker.wake();
        }
        if ready & WRITABLE != 0
            && let Some(waker) = self.writer.take()
        {
            waker.wake();
        }
    }

    fn clear(&self, side: u8) {
        self.ready.set(self.ready.get() & !side);
    }

    fn poll_ready(&self, side: u8, cx: &Context<'_>) -> Poll<()> {
        if self.ready.get() & side != 0 {
            return Poll::Ready(());
        }
        let cell = if side == READABLE { &self.reader } else { &self.writer };
        let waker = match cell.take() {
            Some(waker) if waker.will_wake(cx.waker()) => waker,
            _ => cx.waker().clone(),
        };
        cell.set(Some(waker));
        Poll::Pending
    }

    fn poll<T>(
        &self,
        side: u8,
        cx: &Context<'_>,
        call: impl FnOnce() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // A call that failed has cleared the bit, and only the reactor sets it again.
                self.clear(side);
                self.poll_ready(side, cx).map(|()| Err(error))
            }
            done => Poll::Ready(done),
        }
    }

    fn attempt<T>(
        &self,
        side: u8,
        fd: BorrowedFd<'_>,
        mut call: impl FnMut(BorrowedFd<'_>) -> rustix::io::Result<T>,
    ) -> io::Result<T> {
        if self.ready.get() & side == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        loop {
            match call(fd) {
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    self.clear(side);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                done => return done.map_err(io::Error::from),
            }
        }
    }
}
