//! `os`: the environment as the configuration has left it (`setenv`), not the process's; and what
//! tenants have in place of the C library's clocks.

use std::sync::LazyLock;
use std::time::Instant;

use jiff::Timestamp;
use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::strtime::Config;
use jiff::tz::TimeZone;
use mlua::Table;
use mlua::Value;

use super::Row;
use super::text;
use crate::clock;
use crate::lua::book::Info;
use crate::lua::host::Args;
use crate::lua::host::Raise;
use crate::lua::host::Reply;
use crate::syntax::Env;

pub(super) const TABLE: &[Row] = &[Row { name: "getenv", run: getenv }];

/// For tenants.
pub(super) const TENANT: &[Row] = &[
    Row { name: "clock", run: clock },
    Row { name: "date", run: date },
    Row { name: "getenv", run: getenv },
    Row { name: "time", run: time },
];

/// The longest format of `os.date`: what it makes is at most some twenty times as long.
const FORMAT_MAX: usize = 1024;

/// The conversions of C that a format may have, as jiff writes them.
const CONVERSIONS: &[(u8, &str)] = &[
    (b'%', "%%"),
    (b'A', "%A"),
    (b'B', "%B"),
    (b'C', "%C"),
    (b'D', "%D"),
    (b'F', "%F"),
    (b'G', "%G"),
    (b'H', "%H"),
    (b'I', "%I"),
    (b'M', "%M"),
    (b'R', "%R"),
    (b'S', "%S"),
    (b'T', "%T"),
    (b'U', "%U"),
    (b'V', "%V"),
    (b'W', "%W"),
    (b'X', "%H:%M:%S"),
    (b'Y', "%Y"),
    (b'Z', "%Z"),
    (b'a', "%a"),
    (b'b', "%b"),
    (b'c', "%a %b %e %H:%M:%S %Y"),
    (b'd', "%d"),
    (b'e', "%e"),
    (b'g', "%g"),
    (b'h', "%b"),
    (b'j', "%j"),
    (b'm', "%m"),
    (b'n', "\n"),
    (b'p', "%p"),
    (b'r', "%I:%M:%S %p"),
    (b's', "%s"),
    (b't', "\t"),
    (b'u', "%u"),
    (b'w', "%w"),
    (b'x', "%m/%d/%y"),
    (b'y', "%y"),
    (b'z', "%z"),
];

/// Read once: it takes system calls.
static LOCAL: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

static BEGIN: LazyLock<Instant> = LazyLock::new(clock::now);

fn getenv(args: &Args<'_>) -> Result<Reply, Raise> {
    let name = args.string(1)?;
    let granted = Info::of(args.lua())?
        .tenant
        .is_none_or(|account| account.policy.env.iter().any(|granted| granted.as_bytes() == name));
    match str::from_utf8(&name).ok().filter(|_| granted).and_then(Env::find_published) {
        Some(value) => text(args.lua(), value),
        None => Ok(Reply::values([Value::Nil])),
    }
}

/// The worker's time at its last wake-up: it stands still while a script runs, so that a tenant
/// measures nothing with it.
fn clock(_: &Args<'_>) -> Result<Reply, Raise> {
    let since = clock::cached().saturating_duration_since(*BEGIN);
    Ok(Reply::values([Value::Number(since.as_secs_f64())]))
}

/// `os.date([format [, time]])`
fn date(args: &Args<'_>) -> Result<Reply, Raise> {
    let format = if args.is_nil(1) { b"%c".to_vec() } else { args.string(1)? };
    if format.len() > FORMAT_MAX {
        return Err(args.bad(1, "format too long"));
    }
    let time = if args.is_nil(2) { now() } else { args.integer(2)? };
    let (utc, format) = match format.strip_prefix(b"!") {
        Some(format) => (true, format),
        None => (false, &*format),
    };
    let zone = if utc { TimeZone::UTC } else { LOCAL.clone() };
    let zoned = match Timestamp::from_second(time) {
        Ok(stamp) => stamp.to_zoned(zone),
        Err(_) => return Err(args.bad(2, "time out of range")),
    };
    if format.starts_with(b"*t") {
        return Ok(Reply::values([Value::Table(fields(args, &zoned)?)]));
    }
    text(args.lua(), write(format, &zoned, utc))
}

/// `os.time([table])`
fn time(args: &Args<'_>) -> Result<Reply, Raise> {
    if args.is_nil(1) {
        return Reply::value(args.lua(), now());
    }
    let table = args.table(1)?;
    let (year, month) = (field(args, &table, "year", None)?, field(args, &table, "month", None)?);
    let day = field(args, &table, "day", None)?;
    let hour = field(args, &table, "hour", Some(12))?;
    let minute = field(args, &table, "min", Some(0))?;
    let second = field(args, &table, "sec", Some(0))?;
    let dst = match table.raw_get("isdst")? {
        Value::Nil => None,
        value => Some(value != Value::Boolean(false)),
    };
    let days = days(year * 12 + month - 1) + day - 1;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    match local(seconds, dst) {
        Some(seconds) => Reply::value(args.lua(), seconds),
        None => Ok(Reply::values([Value::Nil])),
    }
}

fn now() -> i64 {
    i64::try_from(clock::cached_date().as_secs()).unwrap_or(i64::MAX)
}

/// Returns the table of `os.date("*t")`.
fn fields(args: &Args<'_>, zoned: &Zoned) -> Result<Table, Raise> {
    let table = args.lua().create_table_with_capacity(0, 9)?;
    table.raw_set("year", zoned.year())?;
    table.raw_set("month", zoned.month())?;
    table.raw_set("day", zoned.day())?;
    table.raw_set("hour", zoned.hour())?;
    table.raw_set("min", zoned.minute())?;
    table.raw_set("sec", zoned.second())?;
    table.raw_set("wday", zoned.weekday().to_sunday_one_offset())?;
    table.raw_set("yday", zoned.day_of_year())?;
    table.raw_set("isdst", is_dst(zoned.time_zone(), zoned.timestamp()))?;
    Ok(table)
}

fn write(format: &[u8], zoned: &Zoned, utc: bool) -> Vec<u8> {
    let broken = BrokenDownTime::from(zoned);
    let config = Config::new().lenient(true);
    let mut out = Vec::new();
    let mut rest = format.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        // `E` and `O` ask for another way of writing, which the C locale does not have.
        let letter = match rest.next() {
            Some(b'E' | b'O') => rest.next(),
            letter => letter,
        };
        let found = CONVERSIONS.iter().find(|(known, _)| Some(known) == letter);
        match (letter, found) {
            (Some(b'Z'), _) if utc => out.extend(b"GMT"),
            (_, Some((_, conversion))) => {
                let written = broken.to_string_with_config(&config, conversion);
                out.extend(written.unwrap_or_default().into_bytes());
            }
            // As the C library does.
            (Some(letter), None) => out.extend([b'%', *letter]),
            (None, None) => out.push(b'%'),
        }
    }
    out
}

/// Returns a number of a table of `os.time`, in the range of C's `int`.
fn field(args: &Args<'_>, table: &Table, name: &str, default: Option<i64>) -> Result<i64, Raise> {
    let value: Value = table.raw_get(name)?;
    let number = args.lua().coerce_number(value)?;
    match (number, default) {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and is checked below")]
        (Some(number), _) => i32::try_from(number as i64)
            .map(i64::from)
            .map_err(|_| Raise::new(format!("field '{name}' is out-of-bound"))),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(Raise::new(format!("field '{name}' missing in date table"))),
    }
}

/// Returns the days from 1970-01-01 to the first of a month, counted from January of year 0.
fn days(month: i64) -> i64 {
    // Years begin in March, so that a leap day is the last of its year.
    let march = month - 2;
    let (year, month) = (march.div_euclid(12), march.rem_euclid(12));
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (153 * month + 2) / 5 - 719_468
}

/// Returns the time at which clocks here show this; `dst` tells which of two it is.
fn local(shown: i64, dst: Option<bool>) -> Option<i64> {
    let shown: DateTime = TimeZone::UTC.to_datetime(Timestamp::from_second(shown).ok()?);
    let stamp = LOCAL.to_ambiguous_timestamp(shown).compatible().ok()?;
    let off = match dst {
        Some(dst) if dst != is_dst(&LOCAL, stamp) => {
            if dst {
                -3600
            } else {
                3600
            }
        }
        _ => 0,
    };
    stamp.as_second().checked_add(off)
}

fn is_dst(zone: &TimeZone, stamp: Timestamp) -> bool {
    zone.to_offset_info(stamp).dst().is_dst()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_c_writes_them() {
        let zoned = Timestamp::from_second(1_700_000_005).unwrap().to_zoned(TimeZone::UTC);
        for (format, expected) in [
            ("%c", "Tue Nov 14 22:13:25 2023"),
            ("%Y-%m-%d %X|%x|%p|%Z", "2023-11-14 22:13:25|11/14/23|PM|GMT"),
            ("%Ey %Od%%%n%t.", "23 14%\n\t."),
            ("%j %U %W %V %G %g %u %w %C", "318 46 46 46 2023 23 2 2 20"),
            (
                "%e %I %r %D %T %R %F %h %s %z",
                "14 10 10:13:25 PM 11/14/23 22:13:25 22:13 2023-11-14 Nov 1700000005 +0000",
            ),
            ("%Q %9d %", "%Q %9d %"),
            ("%E", "%"),
        ] {
            let written = write(format.as_bytes(), &zoned, true);
            assert_eq!(String::from_utf8(written).unwrap(), expected, "{format}");
        }
        assert!(CONVERSIONS.is_sorted_by_key(|(letter, _)| letter));
    }

    #[test]
    fn months_begin_after_as_many_days() {
        for (year, month, expected) in
            [(1970, 1, 0), (1970, 3, 59), (2000, 3, 11_017), (2024, 3, 19_783), (0, 1, -719_528)]
        {
            assert_eq!(days(year * 12 + month - 1), expected, "{year}-{month}");
        }
    }
}
