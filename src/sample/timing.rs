//! Timers and dates of an exchange (HAProxy manual 8.4), for aliases and fetches.

use std::io::Write;
use std::sync::LazyLock;
use std::time::Duration;
use std::time::Instant;

use jiff::Timestamp;
use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::clock;
use crate::proxy::Mode;
use crate::txn::Timers;
use crate::txn::Txn;

/// Milliseconds of a timer; -1 where it has not begun or not ended.
pub(super) type Millis = i64;

/// Returns the milliseconds from one moment to another; -1 where one is not there.
fn between(from: Option<Instant>, to: Option<Instant>) -> Millis {
    match (from, to) {
        (Some(from), Some(to)) => {
            i64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(i64::MAX)
        }
        _ => -1,
    }
}

fn end(timers: &Timers) -> Option<Instant> {
    Some(timers.end.unwrap_or_else(clock::cached))
}

/// When the request began to come; when it was complete where that is not known.
fn active(timers: &Timers) -> Option<Instant> {
    timers.first_byte.or(timers.request).or(timers.handshake).or(Some(timers.begun))
}

/// `Th`
pub(super) fn handshake(txn: &Txn) -> Millis {
    between(Some(txn.timers.begun), txn.timers.handshake).max(0)
}

/// `Ti`
pub(super) fn idle(txn: &Txn) -> Millis {
    let timers = &txn.timers;
    let idle = between(timers.handshake.or(Some(timers.begun)), timers.first_byte);
    if txn.session.frontend.mode == Mode::Tcp { idle.max(0) } else { idle }
}

/// `TR`
pub(super) fn request(txn: &Txn) -> Millis {
    between(active(&txn.timers), txn.timers.request)
}

/// `Tq`
pub(super) fn request_total(txn: &Txn) -> Millis {
    between(Some(txn.timers.begun), txn.timers.request)
}

/// `Tw`
pub(super) fn queue(txn: &Txn) -> Millis {
    let timers = &txn.timers;
    between(timers.request.or_else(|| active(timers)), timers.queued)
}

/// `Tc`
pub(super) fn connect(txn: &Txn) -> Millis {
    between(txn.timers.queued, txn.timers.connected)
}

/// `Tr`
pub(super) fn response(txn: &Txn) -> Millis {
    between(txn.timers.connected, txn.timers.response)
}

/// `Td`
pub(super) fn data(txn: &Txn) -> Millis {
    let timers = &txn.timers;
    between(timers.response.or(timers.connected), end(timers))
}

/// `Ta`
pub(super) fn active_total(txn: &Txn) -> Millis {
    between(active(&txn.timers), end(&txn.timers))
}

/// `Tt`
pub(super) fn total(txn: &Txn) -> Millis {
    between(Some(txn.timers.begun), end(&txn.timers))
}

/// `Tu`
pub(super) fn user(txn: &Txn) -> Millis {
    let idle = Duration::from_millis(u64::try_from(idle(txn)).unwrap_or_default());
    between(txn.timers.begun.checked_add(idle), end(&txn.timers))
}

/// Returns the date of the request.
pub(super) fn request_date(txn: &Txn) -> Duration {
    txn.timers.first_byte_date.unwrap_or(txn.timers.begun_date)
}

/// The zones in which dates are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    /// That of the machine.
    Local,
    /// Greenwich.
    Utc,
}

static LOCAL: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

/// Returns a date in a zone.
pub(super) fn zoned(date: Duration, zone: Zone) -> Option<Zoned> {
    let seconds = i64::try_from(date.as_secs()).ok()?;
    let stamp = Timestamp::new(seconds, i32::try_from(date.subsec_nanos()).ok()?).ok()?;
    let zone = match zone {
        Zone::Local => LOCAL.clone(),
        Zone::Utc => TimeZone::UTC,
    };
    Some(stamp.to_zoned(zone))
}

/// Writes `22/Nov/2026:14:51:51.820`.
pub fn write_millis(date: Duration, out: &mut Vec<u8>) {
    if let Some(zoned) = zoned(date, Zone::Local) {
        write_clock(&zoned, out);
        // Writing to memory does not fail.
        write!(out, ".{:03}", date.subsec_millis()).ok();
    }
}

/// Writes `22/Nov/2026:14:51:51 +0100`.
pub(super) fn write_offset(date: Duration, zone: Zone, out: &mut Vec<u8>) {
    if let Some(zoned) = zoned(date, zone) {
        write_clock(&zoned, out);
        let minutes = zoned.offset().seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        let minutes = minutes.abs();
        write!(out, " {sign}{:02}{:02}", minutes / 60, minutes % 60).ok();
    }
}

fn write_clock(zoned: &Zoned, out: &mut Vec<u8>) {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = usize::from(zoned.month().unsigned_abs()).saturating_sub(1);
    let month = MONTHS.get(month).copied().unwrap_or_default();
    let (day, year) = (zoned.day(), zoned.year());
    let (hour, minute, second) = (zoned.hour(), zoned.minute(), zoned.second());
    write!(out, "{day:02}/{month}/{year}:{hour:02}:{minute:02}:{second:02}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_in_logs() {
        let date = Duration::from_millis(1_795_359_111_820);
        let mut out = Vec::new();
        write_offset(date, Zone::Utc, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "22/Nov/2026:14:51:51 +0000");
    }

    #[test]
    fn a_timer_without_its_moments_is_minus_one() {
        let now = clock::now();
        assert_eq!(between(None, Some(now)), -1);
        assert_eq!(between(Some(now), None), -1);
        assert_eq!(between(Some(now), now.checked_add(Duration::from_millis(7))), 7);
    }
}
