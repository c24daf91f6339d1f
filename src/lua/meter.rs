//! How much processor time the running call has used, and what the hook must do about it.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::time::ClockId;
use rustix::time::clock_gettime;

use super::pattern;
use super::raw::Stop;
use super::watchdog;
use super::watchdog::Who;

/// What one call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all, waiting excluded (`tune.lua.session-timeout` and its kin).
    pub total: Option<Duration>,
    /// Between two waits (`tune.lua.burst-timeout`).
    pub burst: Option<Duration>,
    /// The longest run before others get their turn; `None` is `tune.lua.slice`.
    pub slice: Option<Duration>,
    /// The setting that `total` comes from.
    pub knob: &'static str,
}

impl Limits {
    /// HAProxy's defaults for a call on behalf of a session.
    pub const SESSION: Self = Self {
        total: Some(Duration::from_secs(4)),
        burst: Some(Duration::from_secs(1)),
        knob: "tune.lua.session-timeout",
        ..Self::NONE
    };
    /// HAProxy's defaults for a task.
    pub const TASK: Self = Self { total: None, knob: "tune.lua.task-timeout", ..Self::SESSION };
    /// No limit.
    pub const NONE: Self = Self { total: None, burst: None, slice: None, knob: "" };
}

/// The account of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    who: Who,
    limits: Limits,
    used: Duration,
    burst: Duration,
    /// When the present slice began: the watchdog's clock, in microseconds.
    since: u64,
    /// The thread's processor clock then; read only for calls that were preempted before, as it
    /// costs a system call.
    cpu: Option<Duration>,
    long: bool,
    /// Slices so far.
    slices: u32,
    /// The hook has been told to end it.
    killed: bool,
}

/// After how many slices a call's processor time is read from the thread's clock.
const SHORT_SLICES: u32 = 64;

/// Up to which length a slice is measured by the watchdog's clock alone, which costs nothing.
const TRUSTED: Duration = Duration::from_millis(2);

/// All calls are to end: the process does.
static ENDING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static RUNNING: Cell<Meter> = const { Cell::new(Meter::new(Who::State(0), Limits::NONE)) };
}

impl Meter {
    pub(super) const fn new(who: Who, limits: Limits) -> Self {
        Self {
            who,
            limits,
            used: Duration::ZERO,
            burst: Duration::ZERO,
            since: 0,
            cpu: None,
            long: false,
            slices: 0,
            killed: false,
        }
    }

    /// Begins a slice on this thread.
    pub(super) fn begin(mut self) {
        self.since = watchdog::begin(self.who, self.limits.slice);
        // A script that gives way all the time never runs long enough for the watchdog to see it.
        self.slices = self.slices.saturating_add(1);
        self.long |= self.slices > SHORT_SLICES;
        self.cpu = self.long.then(cpu);
        RUNNING.set(self);
    }

    /// Ends the slice of this thread and returns the account.
    pub(super) fn end() -> Self {
        watchdog::end();
        let mut meter = RUNNING.get();
        let slice = meter.slice();
        meter.used += slice;
        meter.burst += slice;
        meter
    }

    /// Returns the time of all slices so far.
    pub(super) fn used(&self) -> Duration {
        self.used
    }

    /// Takes note that the call waits: a new burst begins.
    pub(super) fn wait(&mut self) {
        self.burst = Duration::ZERO;
    }

    /// Says whether the call has used up its time.
    pub(super) fn is_killed(&self) -> bool {
        self.killed || (self.long && self.is_over(Duration::ZERO))
    }

    /// Says which limit the call has reached, in HAProxy's words.
    pub(super) fn reached(&self) -> &'static str {
        if ENDING.load(Ordering::Relaxed) {
            "stopped"
        } else if self.limits.burst.is_some_and(|limit| self.burst >= limit) {
            "burst timeout"
        } else {
            "execution timeout"
        }
    }

    /// Says what the call has used of the limit it has reached.
    pub(super) fn spent(&self) -> Option<Box<str>> {
        let (used, what, knob, limit) = match *self {
            _ if ENDING.load(Ordering::Relaxed) => return None,
            Self { burst, limits: Limits { burst: Some(limit), knob, .. }, .. }
                if burst >= limit =>
            {
                // A tenant has one limit for everything.
                let knob = if knob == "cpu-max" { knob } else { "tune.lua.burst-timeout" };
                (burst, " without waiting", knob, limit)
            }
            Self { used, limits, .. } => (used, "", limits.knob, limits.total?),
        };
        // Whole seconds look like them; HAProxy's numbers have one unit.
        let limit = match limit.as_millis() {
            millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
            0 => format!("{}us", limit.as_micros()),
            millis => format!("{millis}ms"),
        };
        let millis = used.as_secs_f64() * 1e3;
        let mut text = format!("after {millis:.1} ms of CPU{what} ({knob} {limit})");
        if let Some(search) = pattern::running() {
            // Nothing else says why a line that looks harmless took so long.
            write!(text, ", looking for {search},").unwrap_or_default();
        }
        Some(text.into())
    }

    fn slice(&self) -> Duration {
        if let Some(start) = self.cpu {
            return cpu().saturating_sub(start);
        }
        let elapsed = Duration::from_micros(watchdog::now().saturating_sub(self.since));
        if elapsed < TRUSTED {
            return elapsed;
        }
        // It may not have run all that time.
        watchdog::seen(self.since).map_or(TRUSTED, |start| cpu().saturating_sub(start))
    }

    fn is_over(&self, slice: Duration) -> bool {
        ENDING.load(Ordering::Relaxed)
            || self.limits.total.is_some_and(|limit| self.used + slice >= limit)
            || self.limits.burst.is_some_and(|limit| self.burst + slice >= limit)
    }
}

/// Decides what becomes of the running call; called by the hook.
pub(super) fn judge() -> Stop {
    watchdog::beat();
    let mut meter = RUNNING.get();
    // From here on its own clock is read: the wall's says little on a busy machine.
    meter.long = true;
    meter.slices = meter.slices.saturating_add(1);
    meter.killed |= meter.is_over(meter.slice());
    RUNNING.set(meter);
    if meter.killed { Stop::Kill } else { Stop::Preempt }
}

/// Returns how many slices the running call has had.
pub(super) fn slices() -> u32 {
    RUNNING.get().slices
}

/// Says whether the running call shall let others run.
pub(super) fn is_slice_over() -> bool {
    let meter = RUNNING.get();
    watchdog::is_over(meter.since, meter.limits.slice)
}

/// Ends all calls, as they are interrupted, from now on: those too that have no limits.
pub fn end_all() {
    ENDING.store(true, Ordering::Relaxed);
}

pub(super) fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
