//! The thread that sees a script's slice is over and interrupts the worker that runs it.
//!
//! It sleeps when no script has run for a while; a worker that starts one wakes it.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::Thread;
use std::time::Duration;
use std::time::Instant;

use arc_swap::ArcSwap;

use super::raw;
use crate::clock;

/// How often it looks.
const TICK: Duration = Duration::from_millis(1);

/// After how long a slice that no interruption has ended is a stall, in microseconds: the script is
/// in a call that does not come back.
const STALL: u64 = 250_000;

/// After how many ticks without a script it goes to sleep.
const IDLE_TICKS: u32 = 50;

/// What a worker tells the watchdog.
struct Slot {
    thread: i32,
    /// When the running slice began, in microseconds of [`now`]; 0 when no script runs.
    since: AtomicU64,
    /// The last slice that was found to be a stall.
    stalled: AtomicU64,
    /// What the worker wants done then.
    notice: Option<Notice>,
    /// How long it may be, in microseconds; 0 is the default.
    slice: AtomicU64,
}

type Notice = Arc<dyn Fn() + Send + Sync>;

/// The slot of a thread; leaves the list with the thread.
struct Seat {
    slot: Arc<Slot>,
}

static SLOTS: LazyLock<ArcSwap<Vec<Arc<Slot>>>> = LazyLock::new(ArcSwap::default);
/// The thread, or `None` where it could not be started.
static WATCHDOG: OnceLock<Option<Thread>> = OnceLock::new();
static ASLEEP: AtomicBool = AtomicBool::new(false);
/// Microseconds since the program's first script, as of the last tick.
static NOW: AtomicU64 = AtomicU64::new(1);
/// How long a script may run before it is interrupted, in microseconds.
static SLICE: AtomicU64 = AtomicU64::new(1000);
static EPOCH: LazyLock<Instant> = LazyLock::new(clock::now);

thread_local! {
    static SEAT: RefCell<Option<Seat>> = const { RefCell::new(None) };
    static NOTICE: RefCell<Option<Notice>> = const { RefCell::new(None) };
}

/// Sets the longest run before a forced yield (`tune.lua.slice`), for all workers.
pub fn set_slice(slice: Duration) {
    SLICE.store(micros(slice), Ordering::Relaxed);
}

/// Has `notice` called, by the watchdog, once for each stall of the calling thread.
pub fn on_stall(notice: impl Fn() + Send + Sync + 'static) {
    NOTICE.set(Some(Arc::new(notice)));
    // A slot never changes: what has been told to the watchdog is told anew.
    SEAT.with_borrow_mut(|seat| {
        if seat.take().is_some() {
            *seat = Some(Seat::take());
        }
    });
}

/// Makes sure that the watchdog runs and knows the calling thread.
pub(super) fn watch() -> io::Result<()> {
    let start = || {
        let thread = thread::Builder::new().name("watchdog".to_owned()).spawn(patrol);
        thread.ok().map(|handle| handle.thread().clone())
    };
    if WATCHDOG.get_or_init(start).is_none() {
        return Err(io::Error::other("no thread"));
    }
    SEAT.with_borrow_mut(|seat| {
        if seat.is_none() {
            *seat = Some(Seat::take());
        }
    });
    Ok(())
}

/// Takes note that a script runs on this thread, for how long it may, and returns the time.
pub(super) fn begin(slice: Option<Duration>) -> u64 {
    if ASLEEP.load(Ordering::Relaxed) {
        tick();
    }
    let since = now();
    SEAT.with_borrow(|seat| {
        if let Some(seat) = seat {
            seat.slot.slice.store(slice.map_or(0, micros), Ordering::Relaxed);
            seat.slot.since.store(since, Ordering::SeqCst);
        }
    });
    // The watchdog says it sleeps before it looks at the slots a last time.
    if ASLEEP.load(Ordering::SeqCst)
        && let Some(Some(thread)) = WATCHDOG.get()
    {
        thread.unpark();
    }
    since
}

/// Takes note that no script runs on this thread.
pub(super) fn end() {
    SEAT.with_borrow(|seat| {
        if let Some(seat) = seat {
            seat.slot.since.store(0, Ordering::Release);
        }
    });
}

/// Returns the time of the last tick in microseconds, never 0.
pub(super) fn now() -> u64 {
    NOW.load(Ordering::Relaxed)
}

/// Says whether a slice that began then is over.
pub(super) fn is_over(since: u64, slice: Option<Duration>) -> bool {
    now().saturating_sub(since) >= slice.map_or_else(|| SLICE.load(Ordering::Relaxed), micros)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

fn tick() -> u64 {
    let elapsed = clock::now().saturating_duration_since(*EPOCH).as_micros();
    let now = u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_add(1);
    NOW.fetch_max(now, Ordering::Relaxed).max(now)
}

fn patrol() {
    let mut idle = 0;
    loop {
        if idle > IDLE_TICKS {
            ASLEEP.store(true, Ordering::SeqCst);
            if !SLOTS.load().iter().any(|slot| slot.since.load(Ordering::SeqCst) != 0) {
                thread::park();
            }
            ASLEEP.store(false, Ordering::SeqCst);
        }
        thread::park_timeout(TICK);
        idle = if look(tick()) { 0 } else { idle + 1 };
    }
}

/// Interrupts the scripts whose slice is over; says whether any script runs.
fn look(now: u64) -> bool {
    let usual = SLICE.load(Ordering::Relaxed);
    let mut any = false;
    for slot in SLOTS.load().iter() {
        let since = slot.since.load(Ordering::Relaxed);
        if since == 0 {
            continue;
        }
        any = true;
        let slice = match slot.slice.load(Ordering::Relaxed) {
            0 => usual,
            own => own,
        };
        // A slice began up to one tick after the time it bears.
        let elapsed = now.saturating_sub(since);
        if elapsed >= slice.saturating_add(1000) {
            raw::interrupt(slot.thread);
        }
        if elapsed >= STALL
            && slot.stalled.swap(since, Ordering::Relaxed) != since
            && let Some(notice) = &slot.notice
        {
            notice();
        }
    }
    any
}

impl Seat {
    /// Takes a place in the list for the calling thread.
    fn take() -> Self {
        let slot = Arc::new(Slot {
            thread: raw::enter_thread(),
            since: AtomicU64::new(0),
            slice: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            notice: NOTICE.with_borrow(Clone::clone),
        });
        SLOTS.rcu(|slots| {
            let mut slots = Vec::clone(slots);
            slots.push(Arc::clone(&slot));
            slots
        });
        Self { slot }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        SLOTS.rcu(|slots| {
            let mut slots = Vec::clone(slots);
            slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            slots
        });
    }
}
