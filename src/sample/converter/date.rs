//! Converters between dates and their text forms.

use std::time::Duration;

use bytes::Bytes;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::strtime::Config;

use crate::clock;
use crate::http;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::sample::timing::Zone;
use crate::sample::timing::zoned;
use crate::value::Type;
use crate::value::Value;

use super::Converter;
use super::bytes;
use super::number;

const SINT: Type = Type::Sint;

/// Returns the row of a date that is written with a format.
const fn formatted(
    name: &'static str,
    run: fn(Value, &Arguments, Option<&Ctx<'_>>) -> Option<Value>,
) -> Converter {
    Converter::new(name, SINT, Type::Str, run, "writes a date with a format")
        .takes(&[Kind::Str, Kind::Int])
        .required(1)
}

pub(super) const TABLE: &[Converter] = &[
    Converter::new("date", Type::Str, SINT, date, "the seconds since 1970 of a date of HTTP"),
    Converter::new(
        "http_date",
        SINT,
        Type::Str,
        |v, a, _| http_date(&v, a),
        "writes a date as HTTP does",
    )
    .takes(&[Kind::Int, Kind::Str])
    .required(0)
    .checked(check_http_date),
    formatted("ltime", |v, a, _| write(&v, a, 1, Zone::Local)),
    formatted("ms_ltime", |v, a, _| write(&v, a, 1000, Zone::Local)),
    formatted("ms_utime", |v, a, _| write(&v, a, 1000, Zone::Utc)),
    formatted("us_ltime", |v, a, _| write(&v, a, 1_000_000, Zone::Local)),
    formatted("us_utime", |v, a, _| write(&v, a, 1_000_000, Zone::Utc)),
    formatted("utime", |v, a, _| write(&v, a, 1, Zone::Utc)),
];

fn date(value: Value, _: &Arguments, _: Option<&Ctx<'_>>) -> Option<Value> {
    let now = i64::try_from(clock::cached_date().as_secs()).ok()?;
    http::date::parse(&bytes(value)?, now).map(Value::Int)
}

fn check_http_date(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    match arguments.text(1).map(|unit| &unit[..]) {
        None | Some(b"" | b"s" | b"ms" | b"us") => Ok(()),
        Some(_) => {
            let text = arguments.lossy(1);
            Err(Reason::Custom(format!("expects 's', 'ms' or 'us', got '{text}'")))
        }
    }
}

/// HAProxy: a fraction is written as a number, without zeros before it.
fn http_date(value: &Value, arguments: &Arguments) -> Option<Value> {
    let date = number(value)?;
    let per_second = match arguments.text(1).map(|unit| &unit[..]) {
        Some(b"ms") => 1000,
        Some(b"us") => 1_000_000,
        _ => 1,
    };
    let date = date.saturating_add(arguments.int(0).unwrap_or_default());
    let text = http::date::format(date.div_euclid(per_second));
    if per_second == 1 {
        return Some(Value::Str(text.into()));
    }
    let fraction = date.rem_euclid(per_second);
    Some(Value::Str(text.replace(" GMT", &format!(".{fraction} GMT")).into()))
}

/// Writes a date with a format of `strftime`; `%N` is what is left of the second.
fn write(value: &Value, arguments: &Arguments, per_second: i64, zone: Zone) -> Option<Value> {
    let date = number(value)?.checked_add(arguments.int(1).unwrap_or_default())?;
    let seconds = u64::try_from(date.div_euclid(per_second)).ok()?;
    let fraction = date.rem_euclid(per_second);
    let digits = per_second.ilog10() as usize;
    let fraction = if digits == 0 { String::new() } else { format!("{fraction:0digits$}") };
    let mut format = String::new();
    let given = arguments.lossy(0);
    let mut rest = given.chars();
    while let Some(c) = rest.next() {
        match (c, if c == '%' { rest.next() } else { None }) {
            ('%', Some('N')) => format.push_str(&fraction),
            // HAProxy, by the C library: UTC is called GMT.
            ('%', Some('Z')) if zone == Zone::Utc => format.push_str("GMT"),
            (c, after) => {
                format.push(c);
                format.extend(after);
            }
        }
    }
    let zoned = zoned(Duration::from_secs(seconds), zone)?;
    let config = Config::new().lenient(true);
    let text = BrokenDownTime::from(&zoned).to_string_with_config(&config, &format).ok()?;
    Some(Value::Str(Bytes::from(text)))
}
