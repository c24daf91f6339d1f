//! What time it is: the only reader of the system's clocks.

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
