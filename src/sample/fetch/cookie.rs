//! Fetches of cookies.

use bytes::Bytes;

use crate::http::cookie;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::txn::Direction;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;
use super::REQUEST;
use super::RESPONSE;
use super::count;

const NAME: &[Kind] = &[Kind::Str];
const EITHER: &[Source] = &[Source::RequestHttpHeaderVolatile, Source::ResponseHttpHeaderVolatile];
const REQ: Direction = Direction::Request;
const RES: Direction = Direction::Response;

/// Returns a row of a request's cookies.
const fn req(
    name: &'static str,
    out: Type,
    run: fn(&Ctx<'_>, &Arguments) -> Option<Value>,
) -> Fetch {
    Fetch::new(name, out, REQUEST, run, "a cookie of the request").takes(NAME).required(0)
}

/// Returns a row of a response's cookies.
const fn res(
    name: &'static str,
    out: Type,
    run: fn(&Ctx<'_>, &Arguments) -> Option<Value>,
) -> Fetch {
    Fetch::new(name, out, RESPONSE, run, "a cookie of the response").takes(NAME).required(0)
}

pub(super) const TABLE: &[Fetch] = &[
    req("cook", Type::Str, |c, a| cook(c, REQ, a)).each(|c, a, f| each(c, REQ, a, f)),
    req("cook_cnt", Type::Sint, |c, a| cook_cnt(c, REQ, a)),
    req("cook_val", Type::Sint, |c, a| cook_val(c, REQ, a)),
    Fetch::new("cookie", Type::Str, EITHER, |c, a| cook(c, c.direction, a), "a cookie")
        .takes(NAME)
        .required(0),
    req("req.cook", Type::Str, |c, a| cook(c, REQ, a)).each(|c, a, f| each(c, REQ, a, f)),
    req("req.cook_cnt", Type::Sint, |c, a| cook_cnt(c, REQ, a)),
    req("req.cook_names", Type::Str, |c, a| cook_names(c, REQ, a)),
    req("req.cook_val", Type::Sint, |c, a| cook_val(c, REQ, a)),
    res("res.cook", Type::Str, |c, a| cook(c, RES, a)).each(|c, a, f| each(c, RES, a, f)),
    res("res.cook_cnt", Type::Sint, |c, a| cook_cnt(c, RES, a)),
    res("res.cook_names", Type::Str, |c, a| cook_names(c, RES, a)),
    res("res.cook_val", Type::Sint, |c, a| cook_val(c, RES, a)),
    res("scook", Type::Str, |c, a| cook(c, RES, a)).each(|c, a, f| each(c, RES, a, f)),
    res("scook_cnt", Type::Sint, |c, a| cook_cnt(c, RES, a)),
    res("scook_val", Type::Sint, |c, a| cook_val(c, RES, a)),
];

/// Returns all values of the cookie that the arguments name; without a name, of all cookies.
fn cookies(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Vec<Bytes>> {
    let name = arguments.text(0).map(|name| &name[..]).unwrap_or_default();
    let found = match direction {
        REQ => ctx.txn.request.as_ref().map(|head| head.cookies(name)),
        RES => ctx.txn.response.as_ref().map(|head| head.cookies(name)),
    };
    ctx.set_may_change(found.is_none());
    found
}

/// HAProxy: the last one; of cookies of any name, the first.
fn cook(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    let found = cookies(ctx, direction, arguments)?;
    let named = arguments.text(0).is_some_and(|name| !name.is_empty());
    if named { found.last().cloned() } else { found.first().cloned() }.map(Value::Str)
}

fn cook_cnt(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    cookies(ctx, direction, arguments).map(|found| count(found.len()))
}

fn cook_val(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    let text = cookies(ctx, direction, arguments)?.pop()?;
    Some(Value::Int(Value::Str(text).to_int().unwrap_or_default()))
}

fn cook_names(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    let delimiter: &[u8] = match arguments.text(0) {
        Some(delimiter) if !delimiter.is_empty() => delimiter,
        _ => b",",
    };
    let header: &[u8] = if direction == REQ { b"cookie" } else { b"set-cookie" };
    let headers = ctx.txn.headers(direction)?;
    let names: Vec<&[u8]> = headers
        .lines(header)
        .flat_map(|line| cookie::pairs(line, direction == REQ).map(|(name, _)| name))
        .collect();
    Some(Value::Str(names.join(delimiter).into()))
}

fn each(
    ctx: &Ctx<'_>,
    direction: Direction,
    arguments: &Arguments,
    found: &mut dyn FnMut(Value) -> bool,
) {
    for value in cookies(ctx, direction, arguments).unwrap_or_default() {
        if found(Value::Str(value)) {
            return;
        }
    }
}
