//! Fetches of captured values, and of what is kept of the request line.

use bytes::Bytes;

use crate::http::uri::split;
use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::txn::Direction;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;
use super::REMEMBERED;

const RESPONSE: &[Source] = &[Source::ResponseHttpHeaderPersistent];

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new("capture.req.hdr", Type::Str, REMEMBERED, req_hdr, "a captured request header")
        .takes(&[Kind::Int]),
    Fetch::new("capture.req.method", Type::Str, REMEMBERED, method, "the method as it came"),
    Fetch::new("capture.req.uri", Type::Str, REMEMBERED, uri, "the target as it came"),
    Fetch::new("capture.req.ver", Type::Str, REMEMBERED, req_ver, "HTTP/1.0 or HTTP/1.1"),
    Fetch::new("capture.res.hdr", Type::Str, RESPONSE, res_hdr, "a captured response header")
        .takes(&[Kind::Int]),
    Fetch::new("capture.res.ver", Type::Str, REMEMBERED, res_ver, "HTTP/1.0 or HTTP/1.1"),
];

fn captured(ctx: &Ctx<'_>, direction: Direction, arguments: &Arguments) -> Option<Value> {
    let slot = usize::try_from(arguments.int(0)?).ok()?;
    ctx.txn.captures[direction as usize].get(slot)?.clone().map(Value::Str)
}

fn req_hdr(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    captured(ctx, Direction::Request, arguments)
}

/// Returns a word of the request line as it came.
fn word(ctx: &Ctx<'_>, index: usize) -> Option<Bytes> {
    let line = &ctx.txn.request_line;
    let word = line.split(|byte| *byte == b' ').nth(index)?;
    Some(line.slice_ref(word))
}

fn method(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    word(ctx, 0).filter(|word| !word.is_empty()).map(Value::Str)
}

/// HAProxy: of an absolute target, the path and the query.
fn uri(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let target = word(ctx, 1)?;
    let pathq = split(&target).pathq?;
    Some(Value::Str(target.slice_ref(pathq)))
}

fn req_ver(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let version = ctx.txn.request.as_ref()?.version.as_str();
    Some(Value::Str(Bytes::from_static(version.as_bytes())))
}

fn res_hdr(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    captured(ctx, Direction::Response, arguments)
}

fn res_ver(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let version = ctx.txn.response.as_ref()?.version.as_str();
    Some(Value::Str(Bytes::from_static(version.as_bytes())))
}
