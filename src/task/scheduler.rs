//! Tasks on `async-task`: how one is spawned, woken, charged, and reached from other threads.

use std::cell::Cell;
use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Instant;

use async_task::FallibleTask;
use async_task::Runnable;
use async_task::ScheduleInfo;
use async_task::WithInfo;
use pin_project_lite::pin_project;
use slab::Slab;

use crate::clock;
use crate::net::reactor::Unparker;
use crate::task::queue::Queue;
use crate::task::queue::Standing;
use crate::task::queue::Weight;

/// The highest priority.
pub const NICE_MIN: i32 = -1024;
/// The lowest priority.
pub const NICE_MAX: i32 = 1024;

/// Starts a task on this thread, with the niceness of the one that is running.
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + 'static,
{
    spawn_nice(nice(), future)
}

/// Starts a task on this thread, with a niceness of its own.
pub fn spawn_nice<F>(nice: i32, future: F) -> Task<F::Output>
where
    F: Future + 'static,
{
    let local = Local::current();
    let meta = Arc::new(Meta::new(nice));
    let active = Active { key: local.active.borrow_mut().insert(None), local: Rc::clone(&local) };
    let key = active.key;
    let charged = Charged { meta: Arc::clone(&meta), active, future };
    let shared = Arc::clone(&local.shared);
    let schedule = move |runnable, info: ScheduleInfo| shared.schedule(runnable, &info);
    let (runnable, task) = async_task::Builder::new()
        .metadata(meta)
        // A task that panics ends alone.
        .propagate_panic(true)
        .spawn_local(move |_| charged, WithInfo(schedule));
    if let Some(slot) = local.active.borrow_mut().get_mut(key) {
        *slot = Some(runnable.waker());
    }
    runnable.schedule();
    Task(Some(task.fallible()))
}

/// Says whether this thread runs tasks.
pub fn is_running() -> bool {
    LOCAL.try_with(|local| local.depth.get() > 0).unwrap_or(false)
}

/// Returns the niceness of the running task.
pub fn nice() -> i32 {
    NICE.get()
}

/// Sets the niceness of the running task, from -1024 (soon) to 1024 (late).
pub fn set_nice(nice: i32) {
    NICE.set(nice.clamp(NICE_MIN, NICE_MAX));
}

/// Puts the running task behind all that are ready now, when it has been woken and lets go.
pub fn go_last() {
    LAST.set(true);
}

/// A task that was spawned. Dropping it ends the task, unless it is detached.
///
/// The output is `None` if the executor ended before the task.
#[must_use = "a task ends when its handle is dropped: detach it or await it"]
pub struct Task<T>(Option<FallibleTask<T, Arc<Meta>>>);

impl<T> Task<T> {
    /// Lets the task go on by itself.
    pub fn detach(mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }

    /// Ends the task, and waits until it is gone. Returns its output if it had just finished.
    pub async fn cancel(mut self) -> Option<T> {
        match self.0.take() {
            Some(task) => task.cancel().await,
            None => None,
        }
    }

    /// Returns whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(FallibleTask::is_finished)
    }
}

impl<T> Future for Task<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut self.0 {
            Some(task) => Pin::new(task).poll(cx),
            None => Poll::Ready(None),
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("finished", &self.is_finished()).finish()
    }
}

/// Reaches the executor of one thread from any other.
#[derive(Clone)]
pub struct Remote(Arc<Shared>);

impl Remote {
    /// Runs `call` on the executor's thread, between two tasks. Returns `false` if it has ended.
    pub fn post(&self, call: Box<dyn FnOnce() + Send>) -> bool {
        self.0.send(Job::Call(call)).is_ok()
    }

    pub(super) fn unpark(&self) {
        self.0.unparker.unpark();
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

/// The tasks of this thread.
pub(super) struct Local {
    queue: RefCell<Queue<Runnable<Arc<Meta>>>>,
    inbox: mpsc::Receiver<Job>,
    /// The wakers of all tasks that have not ended.
    active: RefCell<Slab<Option<Waker>>>,
    shared: Arc<Shared>,
    /// Where the running task stood before.
    standing: Cell<Standing>,
    /// What a run costs.
    meter: Cell<fn() -> u64>,
    /// What the meter said at the end of the last run.
    reading: Cell<u64>,
    /// How many executors run this thread's tasks, one inside the other.
    depth: Cell<usize>,
}

impl Local {
    pub(super) fn current() -> Rc<Self> {
        LOCAL.with(|local| {
            HERE.set(Arc::as_ptr(&local.shared).addr());
            Rc::clone(local)
        })
    }

    fn new() -> Self {
        let (sender, inbox) = mpsc::channel();
        Self {
            queue: RefCell::new(Queue::new()),
            inbox,
            active: RefCell::new(Slab::new()),
            shared: Arc::new(Shared {
                sender,
                unparker: Unparker::default(),
                closed: AtomicBool::new(false),
            }),
            standing: Cell::new(Standing { used: 0, weight: Weight::of(0) }),
            meter: Cell::new(nanoseconds),
            reading: Cell::new(0),
            depth: Cell::new(0),
        }
    }

    pub(super) fn remote(&self) -> Remote {
        Remote(Arc::clone(&self.shared))
    }

    pub(super) fn unparker(&self) -> &Unparker {
        &self.shared.unparker
    }

    /// Counts an executor that begins.
    pub(super) fn enter(&self) {
        self.depth.set(self.depth.get() + 1);
        self.shared.closed.store(false, Ordering::Relaxed);
    }

    /// Counts an executor that ends. Returns whether it was the outermost.
    pub(super) fn leave(&self) -> bool {
        self.depth.set(self.depth.get().saturating_sub(1));
        self.depth.get() == 0
    }

    /// Runs the next task. Returns `false` if there is none.
    pub(super) fn run_next(&self) -> bool {
        let Some((runnable, standing)) = self.pop() else { return false };
        self.standing.set(standing);
        runnable.run();
        true
    }

    /// Takes what other threads have sent.
    pub(super) fn take_inbox(&self) {
        while let Ok(job) = self.inbox.try_recv() {
            match job {
                Job::Run(runnable) => self.push(runnable, true),
                Job::Call(call) => call(),
            }
        }
    }

    /// Returns whether there is a task to run.
    pub(super) fn has_work(&self) -> bool {
        !self.queue.borrow().is_empty()
    }

    /// Starts to measure anew: what was before is nobody's cost.
    pub(super) fn restart_meter(&self) -> u64 {
        let reading = self.meter.get()();
        self.reading.set(reading);
        reading
    }

    /// Returns what the meter said at the end of the last run.
    pub(super) fn reading(&self) -> u64 {
        self.reading.get()
    }

    #[cfg(test)]
    pub(super) fn set_meter(&self, meter: fn() -> u64) {
        self.meter.set(meter);
    }

    /// Ends all tasks: each is dropped on this thread, where it lived.
    pub(super) fn clear(&self) {
        loop {
            self.take_inbox();
            let wakers: Vec<Waker> =
                self.active.borrow_mut().iter_mut().filter_map(|(_, slot)| slot.take()).collect();
            wakers.into_iter().for_each(Waker::wake);
            if !self.has_work() {
                break;
            }
            while let Some(next) = self.pop() {
                drop(next);
            }
        }
        self.shared.closed.store(true, Ordering::Relaxed);
    }

    fn push(&self, runnable: Runnable<Arc<Meta>>, has_slept: bool) {
        let standing = runnable.metadata().standing();
        self.queue.borrow_mut().push(runnable, standing, has_slept);
    }

    fn pop(&self) -> Option<(Runnable<Arc<Meta>>, Standing)> {
        self.queue.borrow_mut().pop()
    }

    fn charge(&self, meta: &Meta, before: Standing) {
        let reading = self.meter.get()();
        let real = reading.saturating_sub(self.reading.replace(reading));
        let weight = Weight::of(meta.nice.load(Ordering::Relaxed));
        let mut queue = self.queue.borrow_mut();
        let mut standing = queue.charge(before, weight, real);
        if LAST.take() {
            standing = queue.behind_all(standing);
        }
        drop(queue);
        meta.used.store(standing.used, Ordering::Relaxed);
    }
}

/// What belongs to a task, and is read wherever it is woken.
pub(super) struct Meta {
    nice: AtomicI32,
    used: AtomicU64,
}

impl Meta {
    fn new(nice: i32) -> Self {
        Self { nice: AtomicI32::new(nice.clamp(NICE_MIN, NICE_MAX)), used: AtomicU64::new(0) }
    }

    fn standing(&self) -> Standing {
        Standing {
            used: self.used.load(Ordering::Relaxed),
            weight: Weight::of(self.nice.load(Ordering::Relaxed)),
        }
    }
}

/// What other threads see of this one.
struct Shared {
    sender: mpsc::Sender<Job>,
    unparker: Unparker,
    closed: AtomicBool,
}

enum Job {
    Run(Runnable<Arc<Meta>>),
    Call(Box<dyn FnOnce() + Send>),
}

impl Shared {
    fn schedule(self: &Arc<Self>, runnable: Runnable<Arc<Meta>>, info: &ScheduleInfo) {
        if HERE.try_with(Cell::get) == Ok(Arc::as_ptr(self).addr()) {
            // At the thread's end there is nobody left to run it.
            let _ = LOCAL.try_with(|local| local.push(runnable, !info.woken_while_running));
            return;
        }
        if let Err(mpsc::SendError(job)) = self.send(Job::Run(runnable)) {
            forget(job);
        }
    }

    fn send(&self, job: Job) -> Result<(), mpsc::SendError<Job>> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(mpsc::SendError(job));
        }
        self.sender.send(job)?;
        self.unparker.unpark();
        Ok(())
    }
}

#[expect(clippy::mem_forget, reason = "a task's future may only be dropped on its own thread")]
fn forget(job: Job) {
    std::mem::forget(job);
}

thread_local! {
    static LOCAL: Rc<Local> = Rc::new(Local::new());
    /// Which `Shared` is this thread's, without making one for a thread that only wakes others.
    static HERE: Cell<usize> = const { Cell::new(0) };
    static NICE: Cell<i32> = const { Cell::new(0) };
    /// The running task wants to go behind all others.
    static LAST: Cell<bool> = const { Cell::new(false) };
    static ORIGIN: Instant = clock::now();
}

fn nanoseconds() -> u64 {
    let passed = clock::tick().duration_since(ORIGIN.with(|origin| *origin));
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}

pin_project! {
    /// A future whose runs are charged to its task.
    struct Charged<F> {
        meta: Arc<Meta>,
        active: Active,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Charged<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let before = this.active.local.standing.get();
        let outer = NICE.replace(this.meta.nice.load(Ordering::Relaxed));
        let polled = this.future.poll(cx);
        this.meta.nice.store(NICE.replace(outer), Ordering::Relaxed);
        this.active.local.charge(this.meta, before);
        polled
    }
}

/// Counts a task among those that have not ended.
struct Active {
    key: usize,
    local: Rc<Local>,
}

impl Drop for Active {
    fn drop(&mut self) {
        let waker = self.local.active.borrow_mut().try_remove(self.key);
        drop(waker);
    }
}
