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
    let monotonic = now();
    CACHED.set(Some(Dates { monotonic, wall: date() }));
    monotonic
}

/// Reads the monotonic clock alone for [`cached`], if this thread caches dates.
pub fn tick() -> Instant {
    let monotonic = now();
    if let Some(dates) = CACHED.get() {
        CACHED.set(Some(Dates { monotonic, ..dates }));
    }
    monotonic
}

/// Makes [`cached`] and [`cached_date`] precise again on this thread.
pub fn forget() {
    CACHED.set(None);
}

#[derive(Clone, Copy)]
struct Dates {
    monotonic: Instant,
    wall: Duration,
}

thread_local! {
    static CACHED: Cell<Option<Dates>> = const { Cell::new(None) };
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
