//! What time it is: the only reader of the system's clocks.

use std::cell::Cell;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

/// Returns the monotonic time.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Returns the wall-clock time since 1970-01-01 00:00 UTC.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn date() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Returns the monotonic time as this thread's worker last read it: one date per wake-up.
///
/// A thread that runs no worker gets the precise time.
pub fn cached() -> Instant {
    CACHED.get().map_or_else(now, |dates| dates.monotonic)
}

/// Returns the wall-clock time as this thread's worker last read it.
///
/// A thread that runs no worker gets the precise time.
pub fn cached_date() -> Duration {
    CACHED.get().map_or_else(date, |dates| dates.wall)
}

/// Reads both clocks anew for [`cached`] and [`cached_date`], and returns the monotonic time.
pub fn update() -> Instant {
    if STOPPED.get() {
        return cached();
    }
    let monotonic = now();
    CACHED.set(Some(Dates { monotonic, wall: date() }));
    monotonic
}

/// Reads the monotonic clock alone for [`cached`], if this thread caches dates.
pub fn tick() -> Instant {
    if STOPPED.get() {
        return cached();
    }
    let monotonic = now();
    if let Some(dates) = CACHED.get() {
        CACHED.set(Some(Dates { monotonic, ..dates }));
    }
    monotonic
}

/// Stops the clock of this thread's worker, or lets it go on: while it stands, time passes where
/// nothing else is left to do ([`skip_to`]), and no faster than who waits for it.
pub fn stop(stops: bool) {
    update();
    STOPPED.set(stops);
}

/// Says whether the clock of this thread's worker stands still.
pub fn is_stopped() -> bool {
    STOPPED.get()
}

/// Moves a clock that stands still to a later time.
pub fn skip_to(monotonic: Instant) {
    if let Some(dates) = CACHED.get().filter(|_| STOPPED.get()) {
        let wall = dates.wall + monotonic.saturating_duration_since(dates.monotonic);
        CACHED.set(Some(Dates { monotonic: monotonic.max(dates.monotonic), wall }));
    }
}

/// Sets the date of a clock that stands still.
pub fn set_date(wall: Duration) {
    if let Some(dates) = CACHED.get().filter(|_| STOPPED.get()) {
        CACHED.set(Some(Dates { wall, ..dates }));
    }
}

/// Makes [`cached`] and [`cached_date`] precise again on this thread.
pub fn forget() {
    CACHED.set(None);
    STOPPED.set(false);
}

#[derive(Clone, Copy)]
struct Dates {
    monotonic: Instant,
    wall: Duration,
}

thread_local! {
    static CACHED: Cell<Option<Dates>> = const { Cell::new(None) };
    static STOPPED: Cell<bool> = const { Cell::new(false) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_dates_stand_still_until_updated() {
        let first = update();
        let date = cached_date();
        assert_eq!(cached(), first);
        while now() == first {}
        assert_eq!(cached(), first);
        assert_eq!(cached_date(), date);
        assert!(tick() > first);
        assert!(cached() > first);
        assert_eq!(cached_date(), date);
        forget();
        assert!(cached() <= cached());
    }
}
