//! The loop of a worker: tasks, then the reactor, and sleep when there is nothing to do.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;

use crate::clock;
use crate::net::reactor::Reactor;
use crate::net::timer;
use crate::task::scheduler;
use crate::task::scheduler::Local;
use crate::task::scheduler::Remote;

/// Runs `future`, and the tasks that it spawns, on this thread until it ends.
pub fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    Executor::new().map(|executor| executor.run(future))
}

/// Lets the other tasks run that are ready, as far as this one has had more time than they.
pub async fn yield_now() {
    yield_after(|| {}).await;
}

/// Lets all other tasks run that are ready.
pub async fn yield_last() {
    yield_after(scheduler::go_last).await;
}

async fn yield_after(prepare: fn()) {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        prepare();
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Runs the tasks of this thread. When it is dropped, they all end.
pub struct Executor {
    local: Rc<Local>,
    reactor: Rc<Reactor>,
}

impl Executor {
    /// Returns the executor of this thread.
    pub fn new() -> io::Result<Self> {
        let local = Local::current();
        let reactor = Reactor::current()?;
        reactor.attach(local.unparker())?;
        local.enter();
        Ok(Self { local, reactor })
    }

    /// Returns what reaches this executor from other threads.
    pub fn remote(&self) -> Remote {
        self.local.remote()
    }

    /// Runs `future` and all tasks until `future` ends.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let main = Arc::new(Main { is_woken: AtomicBool::new(true), remote: self.remote() });
        let waker = Waker::from(Arc::clone(&main));
        let mut cx = Context::from_waker(&waker);
        clock::update();
        loop {
            if main.is_woken.swap(false, Ordering::Acquire)
                && let Poll::Ready(output) = future.as_mut().poll(&mut cx)
            {
                return output;
            }
            self.local.take_inbox();
            self.run_some();
            self.turn(&main);
        }
    }

    /// Runs tasks for a while: others wait in the kernel.
    fn run_some(&self) {
        let start = self.local.restart_meter();
        for _ in 0..BATCH_RUNS {
            if !self.local.run_next() || self.local.reading() - start > BATCH_NANOSECONDS {
                return;
            }
        }
    }

    fn turn(&self, main: &Main) {
        let is_busy = || {
            self.local.take_inbox();
            self.local.has_work() || main.is_woken.load(Ordering::Acquire)
        };
        if is_busy() {
            self.reactor.poll();
        } else if clock::is_stopped() {
            self.skip(is_busy);
        } else {
            self.reactor.park(self.local.unparker(), is_busy);
        }
    }
}

impl Executor {
    /// Lets time pass where it stands still: to the next date that someone waits for, if nothing
    /// else is ready.
    fn skip(&self, is_busy: impl Fn() -> bool) {
        self.reactor.poll();
        if is_busy() {
            return;
        }
        match timer::next() {
            Some(next) => {
                clock::skip_to(next);
                timer::fire(clock::cached());
            }
            None => self.reactor.park(self.local.unparker(), is_busy),
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if self.local.leave() {
            self.local.clear();
            clock::forget();
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}

/// HAProxy: `tune.runqueue-depth`.
const BATCH_RUNS: usize = 200;
const BATCH_NANOSECONDS: u64 = 500_000;

/// Wakes the future that `run` was given.
struct Main {
    is_woken: AtomicBool,
    remote: Remote,
}

impl Wake for Main {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.remote.unpark();
    }
}
