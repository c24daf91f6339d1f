//! Fetches of header lines: by comma-separated value (`hdr`) and by line (`fhdr`).

use std::net::IpAddr;

use bytes::Bytes;

use crate::http::Headers;
use crate::http::list;
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

/// Reads the headers of whichever direction rules are evaluated for.
const EITHER: &[Source] = &[Source::RequestHttpHeaderVolatile, Source::ResponseHttpHeaderVolatile];
const NAME: &[Kind] = &[Kind::Str];
const NAME_OCCURRENCE: &[Kind] = &[Kind::Str, Kind::Int];

/// Returns the row of a header's value.
const fn value(name: &'static str, sources: &'static [Source], by: By) -> Fetch {
    let doc = "a value of a header, by default the last";
    let row = match by {
        By::Here => Fetch::new(name, Type::Str, sources, |c, a| hdr(c, c.direction, a), doc)
            .each(|c, a, f| each_value(c, c.direction, a, Value::Str, f)),
        By::Request => Fetch::new(name, Type::Str, sources, |c, a| hdr(c, REQ, a), doc)
            .each(|c, a, f| each_value(c, REQ, a, Value::Str, f)),
        By::Response => Fetch::new(name, Type::Str, sources, |c, a| hdr(c, RES, a), doc)
            .each(|c, a, f| each_value(c, RES, a, Value::Str, f)),
    };
    row.takes(NAME_OCCURRENCE).required(0)
}

/// Returns the row of the number of a header's values.
const fn values(name: &'static str, sources: &'static [Source], by: By) -> Fetch {
    let doc = "how many values a header has";
    let row = match by {
        By::Here => Fetch::new(name, Type::Sint, sources, |c, a| hdr_cnt(c, c.direction, a), doc),
        By::Request => Fetch::new(name, Type::Sint, sources, |c, a| hdr_cnt(c, REQ, a), doc),
        By::Response => Fetch::new(name, Type::Sint, sources, |c, a| hdr_cnt(c, RES, a), doc),
    };
    row.takes(NAME).required(0)
}

/// Returns the row of an address in a header.
const fn address(name: &'static str, sources: &'static [Source], by: By) -> Fetch {
    let doc = "an address in a header";
    let row = match by {
        By::Here => Fetch::new(name, Type::Addr, sources, |c, a| hdr_ip(c, c.direction, a), doc)
            .each(|c, a, f| each_ip(c, c.direction, a, f)),
        By::Request => Fetch::new(name, Type::Addr, sources, |c, a| hdr_ip(c, REQ, a), doc)
            .each(|c, a, f| each_ip(c, REQ, a, f)),
        By::Response => Fetch::new(name, Type::Addr, sources, |c, a| hdr_ip(c, RES, a), doc)
            .each(|c, a, f| each_ip(c, RES, a, f)),
    };
    row.takes(NAME_OCCURRENCE).required(0)
}

/// Returns the row of a number in a header.
const fn number(name: &'static str, sources: &'static [Source], by: By) -> Fetch {
    let doc = "a number in a header";
    let row = match by {
        By::Here => Fetch::new(name, Type::Sint, sources, |c, a| hdr_val(c, c.direction, a), doc)
            .each(|c, a, f| each_value(c, c.direction, a, leading_number, f)),
        By::Request => Fetch::new(name, Type::Sint, sources, |c, a| hdr_val(c, REQ, a), doc)
            .each(|c, a, f| each_value(c, REQ, a, leading_number, f)),
        By::Response => Fetch::new(name, Type::Sint, sources, |c, a| hdr_val(c, RES, a), doc)
            .each(|c, a, f| each_value(c, RES, a, leading_number, f)),
    };
    row.takes(NAME_OCCURRENCE).required(0)
}

/// Whose headers a row reads.
#[derive(Clone, Copy)]
enum By {
    Here,
    Request,
    Response,
}

const REQ: Direction = Direction::Request;
const RES: Direction = Direction::Response;

pub(super) const TABLE: &[Fetch] = &[
    value("hdr", EITHER, By::Here),
    values("hdr_cnt", EITHER, By::Here),
    address("hdr_ip", EITHER, By::Here),
    number("hdr_val", EITHER, By::Here),
    Fetch::new("req.fhdr", Type::Str, REQUEST, req_fhdr, "a line of a header")
        .takes(NAME_OCCURRENCE)
        .required(0)
        .each(|c, a, f| each_line(c, REQ, a, f)),
    Fetch::new("req.fhdr_cnt", Type::Sint, REQUEST, req_fhdr_cnt, "lines of a header")
        .takes(NAME)
        .required(0),
    value("req.hdr", REQUEST, By::Request),
    values("req.hdr_cnt", REQUEST, By::Request),
    address("req.hdr_ip", REQUEST, By::Request),
    Fetch::new("req.hdr_names", Type::Str, REQUEST, req_hdr_names, "the names of all headers")
        .takes(NAME)
        .required(0),
    number("req.hdr_val", REQUEST, By::Request),
    Fetch::new("req.hdrs", Type::Bin, REQUEST, req_hdrs, "all headers with an empty line"),
    Fetch::new("req.hdrs_bin", Type::Bin, REQUEST, req_hdrs_bin, "all headers, length-prefixed"),
    Fetch::new("res.fhdr", Type::Str, RESPONSE, res_fhdr, "a line of a header")
        .takes(NAME_OCCURRENCE)
        .required(0)
        .each(|c, a, f| each_line(c, RES, a, f)),
    Fetch::new("res.fhdr_cnt", Type::Sint, RESPONSE, res_fhdr_cnt, "lines of a header")
        .takes(NAME)
        .required(0),
    value("res.hdr", RESPONSE, By::Response),
    values("res.hdr_cnt", RESPONSE, By::Response),
    address("res.hdr_ip", RESPONSE, By::Response),
    Fetch::new("res.hdr_names", Type::Str, RESPONSE, res_hdr_names, "the names of all headers")
        .takes(NAME)
        .required(0),
    number("res.hdr_val", RESPONSE, By::Response),
    Fetch::new("res.hdrs", Type::Bin, RESPONSE, res_hdrs, "all headers with an empty line"),
    Fetch::new("res.hdrs_bin", Type::Bin, RESPONSE, res_hdrs_bin, "all headers, length-prefixed"),
    value("shdr", RESPONSE, By::Response),
    values("shdr_cnt", RESPONSE, By::Response),
    address("shdr_ip", RESPONSE, By::Response),
    number("shdr_val", RESPONSE, By::Response),
];

/// Returns the headers, or says that they may still come.
fn headers<'a>(ctx: &Ctx<'a>, direction: Direction) -> Option<&'a Headers> {
    let headers = ctx.txn.headers(direction);
    ctx.set_may_change(headers.is_none());
    headers
}

fn name(arguments: &Arguments) -> &[u8] {
    arguments.text(0).map(|name| &name[..]).unwrap_or_default()
}

/// HAProxy: 0 and nothing are the last one.
fn occurrence(arguments: &Arguments) -> i32 {
    let number = arguments.int(1).and_then(|number| i32::try_from(number).ok());
    number.filter(|number| *number != 0).unwrap_or(-1)
}

/// Finds the value that arguments name; without a name, among the values of all headers.
fn find(headers: &Headers, arguments: &Arguments) -> Option<Bytes> {
    let (name, occurrence) = (name(arguments), occurrence(arguments));
    if !name.is_empty() {
        return headers.find(name, occurrence);
    }
    let count = usize::try_from(occurrence.unsigned_abs()).ok()?;
    let all = headers.iter().map(|line| list::split(&line.value).count()).sum::<usize>();
    let skip = if occurrence > 0 { count - 1 } else { all.checked_sub(count)? };
    let values = headers
        .iter()
        .flat_map(|line| list::split(&line.value).map(|value| line.value.slice_ref(value)));
    values.into_iter().nth(skip)
}

fn hdr(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    find(headers(ctx, direction)?, arguments).map(Value::Str)
}

fn hdr_cnt(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    let (headers, name) = (headers(ctx, direction)?, name(arguments));
    Some(count(if name.is_empty() {
        headers.iter().map(|line| list::split(&line.value).count()).sum()
    } else {
        headers.count(name)
    }))
}

fn hdr_ip(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    address_in(&find(headers(ctx, direction)?, arguments)?)
}

fn hdr_val(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    find(headers(ctx, direction)?, arguments).map(leading_number)
}

/// HAProxy: an occurrence that is asked for is the only one, for an ACL too.
fn each_value(
    ctx: &Ctx<'_>,
    direction: Direction,
    arguments: &Arguments,
    make: fn(Bytes) -> Value,
    found: &mut dyn FnMut(Value) -> bool,
) {
    let Some(headers) = headers(ctx, direction) else { return };
    if arguments.int(1).is_some_and(|occurrence| occurrence != 0) {
        if let Some(value) = find(headers, arguments) {
            found(make(value));
        }
        return;
    }
    let name = name(arguments);
    for line in headers.iter().filter(|line| name.is_empty() || line.is(name)) {
        for value in list::split(&line.value) {
            if found(make(line.value.slice_ref(value))) {
                return;
            }
        }
    }
}

fn each_ip(
    ctx: &Ctx<'_>,
    direction: Direction,
    arguments: &Arguments,
    found: &mut dyn FnMut(Value) -> bool,
) {
    each_value(ctx, direction, arguments, Value::Str, &mut |value| {
        address_in(&value.into_bytes()).is_some_and(&mut *found)
    });
}

fn each_line(
    ctx: &Ctx<'_>,
    direction: Direction,
    arguments: &Arguments,
    found: &mut dyn FnMut(Value) -> bool,
) {
    let Some(headers) = headers(ctx, direction) else { return };
    if arguments.int(1).is_some_and(|occurrence| occurrence != 0) {
        if let Some(line) = line(headers, arguments) {
            found(Value::Str(line));
        }
        return;
    }
    let name = name(arguments);
    for line in headers.iter().filter(|line| name.is_empty() || line.is(name)) {
        if found(Value::Str(line.value.clone())) {
            return;
        }
    }
}

fn line(headers: &Headers, arguments: &Arguments) -> Option<Bytes> {
    let (name, occurrence) = (name(arguments), occurrence(arguments));
    if !name.is_empty() {
        return headers.nth(name, occurrence).cloned();
    }
    let skip = usize::try_from(occurrence.unsigned_abs()).ok()?.checked_sub(1)?;
    let mut lines = headers.iter();
    let line = if occurrence > 0 { lines.nth(skip) } else { lines.nth_back(skip) };
    line.map(|line| line.value.clone())
}

fn fhdr_cnt(headers: &Headers, arguments: &Arguments) -> Value {
    let name = name(arguments);
    count(headers.iter().filter(|line| name.is_empty() || line.is(name)).count())
}

fn req_fhdr(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    line(headers(ctx, REQ)?, arguments).map(Value::Str)
}

fn req_fhdr_cnt(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    headers(ctx, REQ).map(|headers| fhdr_cnt(headers, arguments))
}

fn req_hdr_names(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    headers(ctx, REQ).map(|headers| names(headers, arguments))
}

fn req_hdrs(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    headers(ctx, REQ).map(dump)
}

fn req_hdrs_bin(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    headers(ctx, REQ).map(dump_binary)
}

fn res_fhdr(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    line(headers(ctx, RES)?, arguments).map(Value::Str)
}

fn res_fhdr_cnt(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    headers(ctx, RES).map(|headers| fhdr_cnt(headers, arguments))
}

fn res_hdr_names(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    headers(ctx, RES).map(|headers| names(headers, arguments))
}

fn res_hdrs(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    headers(ctx, RES).map(dump)
}

fn res_hdrs_bin(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    headers(ctx, RES).map(dump_binary)
}

fn names(headers: &Headers, arguments: &Arguments) -> Value {
    let delimiter: &[u8] = match arguments.text(0) {
        Some(delimiter) if !delimiter.is_empty() => delimiter,
        _ => b",",
    };
    let names: Vec<&[u8]> = headers.iter().map(|line| &line.name[..]).collect();
    Value::Str(names.join(delimiter).into())
}

fn dump(headers: &Headers) -> Value {
    let mut out = Vec::new();
    for line in headers {
        out.extend_from_slice(&line.name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(&line.value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Value::Bin(out.into())
}

/// HAProxy: each text after its length in the variable-length form of SPOE, two empty ones last.
fn dump_binary(headers: &Headers) -> Value {
    let mut out = Vec::new();
    for line in headers {
        for text in [&line.name, &line.value] {
            push_length(text.len(), &mut out);
            out.extend_from_slice(text);
        }
    }
    out.extend_from_slice(&[0, 0]);
    Value::Bin(out.into())
}

fn push_length(length: usize, out: &mut Vec<u8>) {
    if length < 240 {
        out.push(length as u8);
        return;
    }
    out.push((length | 240) as u8);
    let mut rest = (length - 240) >> 4;
    while rest >= 128 {
        out.push((rest | 128) as u8);
        rest = (rest - 128) >> 7;
    }
    out.push(rest as u8);
}

/// Reads an address, with a port or in brackets too.
fn address_in(text: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if let Some(inner) = text.strip_prefix('[') {
        let (ip, _) = inner.split_once(']')?;
        return ip.parse().ok().map(Value::Ipv6);
    }
    let parsed = text.parse::<IpAddr>().ok();
    let ip = parsed.or_else(|| text.split_once(':')?.0.parse::<IpAddr>().ok())?;
    Some(Value::from_ip(ip))
}

fn leading_number(text: Bytes) -> Value {
    Value::Int(Value::Str(text).to_int().unwrap_or_default())
}
