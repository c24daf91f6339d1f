//! Fetches of the process: its date, numbers and names.

use bytes::Bytes;

use crate::clock;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::sample::process;
use crate::value::Type;
use crate::value::Value;

use super::CONSTANT;
use super::Fetch;
use super::INTERNAL;
use super::count;

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new("act_conn", Type::Sint, CONSTANT, act_conn, "open connections of clients"),
    Fetch::new("date", Type::Sint, CONSTANT, date, "the date since 1970, with an offset")
        .takes(&[Kind::Int, Kind::Str])
        .required(0)
        .checked(check_date),
    Fetch::new("date_us", Type::Sint, CONSTANT, date_us, "microseconds of the current second"),
    Fetch::new("hostname", Type::Str, CONSTANT, hostname, "the machine's name"),
    Fetch::new("nbproc", Type::Sint, CONSTANT, one, "the number of processes"),
    Fetch::new("pid", Type::Sint, CONSTANT, pid, "the number of the process"),
    Fetch::new("proc", Type::Sint, CONSTANT, one, "the rank of the process"),
    Fetch::new("quic_enabled", Type::Bool, CONSTANT, quic_enabled, "whether QUIC is spoken"),
    Fetch::new("rand", Type::Sint, CONSTANT, rand, "a random number below a limit")
        .takes(&[Kind::Int])
        .required(0),
    Fetch::new("tgroup", Type::Sint, CONSTANT, one, "the group of the worker"),
    Fetch::new("thread", Type::Sint, CONSTANT, thread, "the number of the worker"),
    Fetch::new("uuid", Type::Str, CONSTANT, uuid, "a random identifier (RFC 4122)")
        .takes(&[Kind::Int])
        .required(0)
        .checked(check_uuid),
    Fetch::new("wait_end", Type::Bool, INTERNAL, wait_end, "true once no more data will come"),
];

fn act_conn(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(process::connections(ctx.txn)))
}

/// Checks a unit of dates, `s`, `ms` or `us`.
pub(super) fn check_unit(arguments: &Arguments, index: usize) -> Result<(), Reason> {
    match arguments.text(index).map(|text| &text[..]) {
        None | Some(b"" | b"s" | b"ms" | b"us") => Ok(()),
        Some(_) => {
            let text = arguments.lossy(index);
            Err(Reason::Custom(format!("expects 's', 'ms' or 'us', got '{text}'")))
        }
    }
}

/// Returns a date in a unit.
pub(super) fn in_unit(date: std::time::Duration, unit: Option<&Bytes>) -> Option<i64> {
    let number = match unit.map(|unit| &unit[..]) {
        Some(b"us") => date.as_micros(),
        Some(b"ms") => date.as_millis(),
        _ => u128::from(date.as_secs()),
    };
    i64::try_from(number).ok()
}

fn check_date(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    check_unit(arguments, 1)
}

fn date(_: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let date = in_unit(clock::cached_date(), arguments.text(1))?;
    Some(Value::Int(date.wrapping_add(arguments.int(0).unwrap_or_default())))
}

fn date_us(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(i64::from(clock::cached_date().subsec_micros())))
}

fn hostname(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Str(Bytes::from_static(process::hostname().as_bytes())))
}

fn one(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(1))
}

fn pid(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(i64::from(std::process::id())))
}

fn quic_enabled(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Bool(false))
}

/// HAProxy: without a limit, below 2^32.
fn rand(_: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    let limit = arguments.int(0).and_then(|limit| u64::try_from(limit).ok());
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(1 << 32);
    i64::try_from(process::random() % limit).ok().map(Value::Int)
}

fn thread(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(count(ctx.txn.session.worker))
}

fn check_uuid(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    match arguments.int(0) {
        None | Some(4) => Ok(()),
        Some(version) => Err(Reason::Custom(format!("Unsupported UUID version: '{version}'"))),
    }
}

fn uuid(_: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let (high, low) = (process::random(), process::random());
    let high = (high & !0xf000) | 0x4000;
    let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    let text = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
    Some(Value::Str(text.into()))
}

fn wait_end(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    if ctx.is_final {
        return Some(Value::Bool(true));
    }
    ctx.set_may_change(true);
    None
}
