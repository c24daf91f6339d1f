//! What stands in front of a message: one function per `format`.

use std::cell::RefCell;
use std::io;
use std::io::Write as _;
use std::process;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Format;
use super::Level;
use super::Target;

/// Who a line is from, and when.
pub(super) struct Origin<'a> {
    pub(super) tag: &'a str,
    pub(super) host: Option<&'a str>,
    /// Time since 1970.
    pub(super) date: Duration,
}

/// Appends a message as its target wants it, with an end of line, no longer than allowed.
pub(super) fn wrap(
    target: &Target,
    level: Level,
    origin: &Origin<'_>,
    message: &[u8],
    out: &mut Vec<u8>,
) {
    let start = out.len();
    header(target, level, origin, out);
    out.extend_from_slice(message.strip_suffix(b"\n").unwrap_or(message));
    let longest = target.length.saturating_sub(1).max(1);
    out.truncate(start.saturating_add(longest));
    out.push(b'\n');
}

/// Returns a message of the program itself, with an end of line.
pub(super) fn program(level: Level, text: &str) -> Vec<u8> {
    let label = match level {
        Level::Emerg | Level::Alert | Level::Crit | Level::Err => "[ALERT]   ",
        Level::Warning => "[WARNING] ",
        Level::Notice => "[NOTICE]  ",
        Level::Info => "[INFO]    ",
        Level::Debug => "[DEBUG]   ",
    };
    format!("{label} ({}) : {text}\n", process::id()).into_bytes()
}

fn header(target: &Target, level: Level, origin: &Origin<'_>, out: &mut Vec<u8>) {
    let priority = u32::from(target.facility).wrapping_mul(8).wrapping_add(level.number().into());
    let level = level.number();
    let Origin { tag, host, date } = *origin;
    let pid = process::id();
    // Writing to a vector cannot fail.
    let _written: io::Result<()> = match target.format {
        Format::Raw => Ok(()),
        Format::Priority => write!(out, "<{priority}>"),
        Format::Short => write!(out, "<{level}>"),
        Format::Iso => with_date(date, |dates| write!(out, "{} ", dates.iso(date))),
        Format::Timed => with_date(date, |dates| write!(out, "<{level}>{} ", dates.iso(date))),
        Format::Rfc5424 => with_date(date, |dates| {
            let host = host.unwrap_or("-");
            write!(out, "<{priority}>1 {} {host} {tag} {pid} - - ", dates.iso(date))
        }),
        Format::Rfc3164 => {
            let host = host.unwrap_or("localhost");
            with_date(date, |dates| write!(out, "<{priority}>{} {host} {tag}[{pid}]: ", dates.bsd))
        }
        Format::Local => {
            with_date(date, |dates| write!(out, "<{priority}>{} {tag}[{pid}]: ", dates.bsd))
        }
        Format::Unspecified => with_date(date, |dates| {
            let (host, gap) = host.map_or(("", ""), |host| (host, " "));
            write!(out, "<{priority}>{} {host}{gap}{tag}[{pid}]: ", dates.bsd)
        }),
    };
}

/// One second's date in the two ways that lines have it.
#[derive(Default)]
struct Dates {
    second: u64,
    bsd: String,
    iso: (String, String),
}

impl Dates {
    fn iso(&self, date: Duration) -> String {
        format!("{}.{:06}{}", self.iso.0, date.subsec_micros(), self.iso.1)
    }
}

/// Calls with the date's text, which is made once a second.
fn with_date<T>(date: Duration, write: impl FnOnce(&Dates) -> T) -> T {
    DATES.with_borrow_mut(|dates| {
        if dates.second != date.as_secs() {
            let second = i64::try_from(date.as_secs()).unwrap_or(i64::MAX);
            let stamp = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
            let local = ZONE.with(|zone| stamp.to_zoned(zone.clone()));
            dates.second = date.as_secs();
            dates.bsd = local.strftime("%b %e %H:%M:%S").to_string();
            dates.iso = (
                local.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
                local.strftime("%:z").to_string(),
            );
        }
        write(dates)
    })
}

thread_local! {
    static DATES: RefCell<Dates> = RefCell::default();
    static ZONE: TimeZone = TimeZone::system();
}
