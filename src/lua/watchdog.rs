//! The thread that sees a script's slice is over and interrupts the worker that runs it.
//!
//! It sleeps when no script has run for a while; a worker that starts one wakes it.

use std::array;
use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::OnceLock;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::Thread;
use std::time::Duration;
use std::time::Instant;

use arc_swap::ArcSwap;

use super::account::Account;
use super::raw;
use crate::clock;
use crate::log;
use crate::log::Level;

/// How often it looks.
const TICK: Duration = Duration::from_micros(500);

/// After how long a slice that no interruption has ended is a stall, in microseconds.
const STALL: u64 = 250_000;

/// How long the calls of a tenant are refused after one of them was in C for a stall.
const QUARANTINE: Duration = Duration::from_secs(10);

/// A tenant's number is its place in a shard times this, and the number of the shard.
const SHARDS: usize = 256;

/// After how many ticks without a script it goes to sleep.
const IDLE_TICKS: u32 = 100;

/// Whose script runs: no other thread can ask its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The operator's own, in the state of this number.
    State(u32),
    /// A tenant's, see [`enroll`].
    Tenant(u32),
}

/// What a worker tells the watchdog.
struct Slot {
    thread: raw::Thread,
    /// The thread's name, in words.
    name: String,
    /// When the running slice began, in microseconds of [`now`]; 0 when no script runs.
    since: AtomicU64,
    /// How long it may be, in microseconds; 0 is the default.
    slice: AtomicU64,
    /// Whose it is, see [`Who::pack`].
    who: AtomicU64,
    /// When the hook last ran: until then, the script was in Lua.
    beat: AtomicU64,
    /// The slice that the watchdog has seen, and the thread's processor time when it did.
    seen: AtomicU64,
    cpu: AtomicU64,
    /// The last slice that was found to be a stall, and the last that was in C for so long.
    stalled: AtomicU64,
    accused: AtomicU64,
    /// What the worker wants done then.
    notice: Option<Notice>,
}

type Notice = Arc<dyn Fn() + Send + Sync>;

/// The slot of a thread; leaves the list with the thread.
struct Seat {
    slot: Arc<Slot>,
}

/// The tenants that have states, by their number: in shards, for the one that changes is copied.
static TENANTS: LazyLock<[ArcSwap<Vec<Weak<Account>>>; SHARDS]> =
    LazyLock::new(|| array::from_fn(|_| ArcSwap::default()));
/// Which shard is next.
static NEXT: AtomicUsize = AtomicUsize::new(0);
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

/// Makes a tenant known, so that the watchdog can name it and refuse its calls.
pub(super) fn enroll(account: &Arc<Account>) -> Who {
    Who::Tenant(*account.number.get_or_init(|| add(&Arc::downgrade(account))))
}

fn add(account: &Weak<Account>) -> u32 {
    let number = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    let Some(shard) = TENANTS.get(number) else { return u32::MAX };
    let mut place = 0;
    shard.rcu(|tenants| {
        let mut tenants = Vec::clone(tenants);
        // Those that are gone leave their places to others.
        let free = tenants.iter().position(|known| known.strong_count() == 0);
        place = free.unwrap_or(tenants.len());
        match tenants.get_mut(place) {
            Some(free) => *free = Weak::clone(account),
            None => tenants.push(Weak::clone(account)),
        }
        tenants
    });
    u32::try_from(place * SHARDS + number).unwrap_or(u32::MAX)
}

/// Returns the tenant of a number.
fn tenant(number: u32) -> Option<Arc<Account>> {
    let number = number as usize;
    TENANTS.get(number % SHARDS)?.load().get(number / SHARDS)?.upgrade()
}

/// Takes note that a script runs on this thread, for how long it may, and returns the time.
pub(super) fn begin(who: Who, slice: Option<Duration>) -> u64 {
    if ASLEEP.load(Ordering::Relaxed) {
        tick();
    }
    let since = now();
    SEAT.with_borrow(|seat| {
        if let Some(seat) = seat {
            seat.slot.slice.store(slice.map_or(0, micros), Ordering::Relaxed);
            seat.slot.who.store(who.pack(), Ordering::Relaxed);
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

/// Takes note that the hook runs: the script is not in a call in C.
pub(super) fn beat() {
    SEAT.with_borrow(|seat| {
        if let Some(seat) = seat {
            seat.slot.beat.store(now(), Ordering::Relaxed);
        }
    });
}

/// Returns the processor time of this thread when the watchdog first saw the slice that began then.
pub(super) fn seen(since: u64) -> Option<Duration> {
    SEAT.with_borrow(|seat| {
        let slot = &seat.as_ref()?.slot;
        let cpu = slot.cpu.load(Ordering::Acquire);
        (slot.seen.load(Ordering::Acquire) == since).then(|| Duration::from_micros(cpu))
    })
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
        if since != 0 {
            any = true;
            slot.look(since, now, usual);
        }
    }
    any
}

impl Slot {
    /// Returns the slot of the calling thread.
    fn new() -> Self {
        Self {
            thread: raw::Thread::enter(),
            name: thread::current().name().unwrap_or("a thread").replacen('-', " ", 1),
            since: AtomicU64::new(0),
            slice: AtomicU64::new(0),
            who: AtomicU64::new(0),
            beat: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            cpu: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            accused: AtomicU64::new(0),
            notice: NOTICE.with_borrow(Clone::clone),
        }
    }

    fn look(&self, since: u64, now: u64, usual: u64) {
        if self.seen.load(Ordering::Relaxed) != since {
            let cpu = self.thread.cpu().map_or(0, micros);
            // In this order: who finds the slice finds its time.
            self.cpu.store(cpu, Ordering::Release);
            self.seen.store(since, Ordering::Release);
        }
        let slice = match self.slice.load(Ordering::Relaxed) {
            0 => usual,
            own => own,
        };
        let elapsed = now.saturating_sub(since);
        // A slice began up to one tick after the time it bears.
        if elapsed >= slice.saturating_add(micros(TICK)) {
            self.thread.interrupt();
        }
        if elapsed < STALL {
            return;
        }
        if self.stalled.swap(since, Ordering::Relaxed) != since
            && let Some(notice) = &self.notice
        {
            notice();
        }
        let in_c = now.saturating_sub(self.beat.load(Ordering::Relaxed)) >= STALL;
        // On a machine that is too busy, a worker stands still through nobody's fault.
        let cpu =
            self.thread.cpu().map_or(0, micros).saturating_sub(self.cpu.load(Ordering::Relaxed));
        let is_busy = cpu >= STALL / 2;
        if in_c
            && (is_busy || elapsed >= 4 * STALL)
            && self.accused.load(Ordering::Relaxed) != since
        {
            self.accused.store(since, Ordering::Relaxed);
            self.accuse(elapsed, is_busy);
        }
    }

    /// Names the script that is in a call in C which does not come back.
    fn accuse(&self, elapsed: u64, is_busy: bool) {
        let held = format!("a call in C has held {} for {} ms", self.name, elapsed / 1000);
        let text = match Who::unpack(self.who.load(Ordering::Relaxed)) {
            Who::State(number) => format!("Lua [state-id {number}]: {held}."),
            Who::Tenant(number) => {
                let Some(account) = tenant(number) else { return };
                let name = &account.policy.name;
                let text = if is_busy {
                    account.quarantine(QUARANTINE);
                    let refused = QUARANTINE.as_secs();
                    format!("tenant {name}: {held}; its calls are refused for {refused}s.")
                } else {
                    format!("tenant {name}: {held}.")
                };
                log::send(&account.policy.loggers, Level::Err, text.as_bytes());
                text
            }
        };
        log::program(Level::Err, &text);
    }
}

impl Who {
    fn pack(self) -> u64 {
        match self {
            Self::State(number) => u64::from(number) << 1,
            Self::Tenant(number) => u64::from(number) << 1 | 1,
        }
    }

    fn unpack(packed: u64) -> Self {
        let number = u32::try_from(packed >> 1).unwrap_or_default();
        if packed & 1 == 0 { Self::State(number) } else { Self::Tenant(number) }
    }
}

impl Seat {
    /// Takes a place in the list for the calling thread.
    fn take() -> Self {
        let slot = Arc::new(Slot::new());
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::script::policy::Policy;

    fn account(name: &str) -> Arc<Account> {
        Account::new(Arc::new(Policy::new(name)))
    }

    #[test]
    fn tenants_have_numbers_of_their_own() {
        let (one, two) = (account("one"), account("two"));
        let first = enroll(&one);
        assert_eq!(enroll(&one), first);
        assert_ne!(enroll(&two), first);
        let Who::Tenant(number) = first else { panic!("{first:?}") };
        assert!(Arc::ptr_eq(&tenant(number).unwrap(), &one));
        for who in [first, Who::State(0), Who::State(7), Who::Tenant(u32::MAX)] {
            assert_eq!(Who::unpack(who.pack()), who);
        }
    }

    #[test]
    fn a_call_in_c_that_does_not_come_back_is_named_once() {
        let tenant = account("acme");
        let notices = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&notices);
        let notice: Notice = Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let mut slot = Slot::new();
        slot.notice = Some(notice);
        slot.who.store(enroll(&tenant).pack(), Ordering::Relaxed);
        let since = now();
        slot.look(since, since + 1, 1000);
        slot.look(since, since + STALL, 1000);
        assert!(!tenant.is_quarantined(), "the thread stands still, it runs nothing");
        assert_eq!(notices.load(Ordering::Relaxed), 1);
        while slot.thread.cpu().map_or(0, micros) < slot.cpu.load(Ordering::Relaxed) + STALL / 2 {}
        slot.beat.store(since + 1, Ordering::Relaxed);
        slot.look(since, since + STALL, 1000);
        assert!(!tenant.is_quarantined(), "it is in Lua");
        slot.look(since, since + STALL + 1, 1000);
        assert!(tenant.is_quarantined());
        assert_eq!(slot.accused.load(Ordering::Relaxed), since);
        assert_eq!(notices.load(Ordering::Relaxed), 1);
    }
}
