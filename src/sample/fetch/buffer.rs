//! Fetches of what is in the channels: bodies in `mode http`, bytes in `mode tcp`.

use bytes::Bytes;

use crate::http::Body;
use crate::http::h1;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::txn::Direction;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;
use super::REQUEST;
use super::RESPONSE;
use super::count;

const REQ: Direction = Direction::Request;
const RES: Direction = Direction::Response;
const REQUEST_BYTES: &[Source] = &[Source::RequestL6];
const RESPONSE_BYTES: &[Source] = &[Source::ResponseL6];
const EITHER: &[Source] = &[Source::RequestL6, Source::ResponseL6];

/// Returns the row of a part of the buffer.
const fn part(
    name: &'static str,
    sources: &'static [Source],
    run: fn(&Ctx<'_>, &Arguments) -> Option<Value>,
) -> Fetch {
    Fetch::new(name, Type::Bin, sources, run, "some bytes: from an offset, of a length")
        .takes(&[Kind::Int, Kind::Int])
        .checked(check_part)
}

/// Returns the row of a part of the buffer whose length stands before it.
const fn prefixed(
    name: &'static str,
    sources: &'static [Source],
    run: fn(&Ctx<'_>, &Arguments) -> Option<Value>,
) -> Fetch {
    Fetch::new(name, Type::Bin, sources, run, "some bytes whose length is among them")
        .takes(&[Kind::Int, Kind::Int, Kind::Str])
        .required(2)
        .checked(check_prefixed)
}

pub(super) const TABLE: &[Fetch] = &[
    part("payload", EITHER, |c, a| payload(c, c.direction, a)),
    prefixed("payload_lv", EITHER, |c, a| payload_lv(c, c.direction, a)),
    Fetch::new("req.body", Type::Bin, REQUEST, |c, _| body(c, REQ), "the body, as far as it came"),
    Fetch::new("req.body_len", Type::Sint, REQUEST, |c, _| body_len(c, REQ), "its length so far"),
    Fetch::new("req.body_size", Type::Sint, REQUEST, |c, _| body_size(c, REQ), "its whole length"),
    Fetch::new("req.len", Type::Sint, REQUEST_BYTES, |c, _| len(c, REQ), "bytes that came"),
    part("req.payload", REQUEST_BYTES, |c, a| payload(c, REQ, a)),
    prefixed("req.payload_lv", REQUEST_BYTES, |c, a| payload_lv(c, REQ, a)),
    Fetch::new("req_len", Type::Sint, REQUEST_BYTES, |c, _| len(c, REQ), "bytes that came"),
    Fetch::new("res.body", Type::Bin, RESPONSE, |c, _| body(c, RES), "the body, as far as it came"),
    Fetch::new("res.body_len", Type::Sint, RESPONSE, |c, _| body_len(c, RES), "its length so far"),
    Fetch::new("res.body_size", Type::Sint, RESPONSE, |c, _| body_size(c, RES), "its whole length"),
    Fetch::new("res.len", Type::Sint, RESPONSE_BYTES, |c, _| len(c, RES), "bytes that came"),
    part("res.payload", RESPONSE_BYTES, |c, a| payload(c, RES, a)),
    prefixed("res.payload_lv", RESPONSE_BYTES, |c, a| payload_lv(c, RES, a)),
];

/// Returns the bytes that came, and says whether more may come.
fn input<'a>(ctx: &Ctx<'a>, direction: Direction) -> &'a [u8] {
    let channel = ctx.txn.channel(direction);
    ctx.set_may_change(!channel.is_eof());
    channel.input()
}

fn body(ctx: &Ctx<'_>, direction: Direction) -> Option<Value> {
    Some(Value::Bin(Bytes::copy_from_slice(input(ctx, direction))))
}

fn body_len(ctx: &Ctx<'_>, direction: Direction) -> Option<Value> {
    Some(count(input(ctx, direction).len()))
}

/// HAProxy: what the message announces, or what came so far.
fn body_size(ctx: &Ctx<'_>, direction: Direction) -> Option<Value> {
    let request = ctx.txn.request.as_ref()?;
    let announced = match direction {
        REQ => h1::request_framing(request).body,
        RES => h1::response_framing(ctx.txn.response.as_ref()?, &request.method).body,
    };
    let came = input(ctx, direction).len();
    match announced {
        Body::Length(length) => i64::try_from(length).ok().map(Value::Int),
        Body::None | Body::Chunked | Body::UntilClose | Body::Tunnel => Some(count(came)),
    }
}

fn len(ctx: &Ctx<'_>, direction: Direction) -> Option<Value> {
    Some(count(input(ctx, direction).len()))
}

fn check_part(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    let negative = |index: usize| arguments.int(index).is_some_and(|number| number < 0);
    if negative(0) || negative(1) {
        return Err(Reason::Custom("payload length or offset is negative".to_owned()));
    }
    Ok(())
}

/// HAProxy: with a length of 0 it is all that came.
fn payload(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    let offset = usize::try_from(arguments.int(0)?).ok()?;
    let length = usize::try_from(arguments.int(1)?).ok()?;
    let bytes = input(ctx, direction);
    if length == 0 {
        let rest = bytes.get(offset..)?;
        return Some(Value::Bin(Bytes::copy_from_slice(rest)));
    }
    let part = bytes.get(offset..offset.checked_add(length)?)?;
    ctx.set_may_change(false);
    Some(Value::Bin(Bytes::copy_from_slice(part)))
}

fn check_prefixed(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    let custom = |text: &str| Err(Reason::Custom(text.to_owned()));
    if arguments.int(0).is_some_and(|offset| offset < 0) {
        return custom("payload offset1 is negative");
    }
    if arguments.int(1).is_some_and(|length| length < 1) {
        return custom("payload length must be > 0");
    }
    let relative = arguments.lossy(2);
    if !relative.is_empty() && relative.parse::<i64>().is_err() {
        return custom("payload offset2 is not a number");
    }
    Ok(())
}

/// HAProxy: the third argument is where the bytes begin, or how far behind the length with a sign.
fn payload_lv(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    let offset = usize::try_from(arguments.int(0)?).ok()?;
    let size = usize::try_from(arguments.int(1)?).ok()?;
    let bytes = input(ctx, direction);
    let end = offset.checked_add(size)?;
    let prefix = bytes.get(offset..end)?;
    let length = prefix.iter().try_fold(0_usize, |length, byte| {
        length.checked_mul(256)?.checked_add(usize::from(*byte))
    })?;
    let written = arguments.lossy(2);
    let start = match written.parse::<isize>() {
        Err(_) => end,
        Ok(by) if written.starts_with(['+', '-']) => end.checked_add_signed(by)?,
        Ok(at) => usize::try_from(at).ok()?,
    };
    let part = bytes.get(start..start.checked_add(length)?)?;
    ctx.set_may_change(false);
    Some(Value::Bin(Bytes::copy_from_slice(part)))
}
