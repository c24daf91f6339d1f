//! Fetches of timers, dates and counts of the exchange.

use bytes::Bytes;

use crate::sample::argument::Arguments;
use crate::sample::argument::Kind;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::sample::context::Env;
use crate::sample::error::Reason;
use crate::sample::timing;
use crate::sample::timing::Millis;
use crate::txn::Txn;
use crate::value::Type;
use crate::value::Value;

use super::CONSTANT;
use super::Fetch;
use super::INTERNAL;
use super::REMEMBERED;
use super::REQUEST;
use super::RESPONSE;
use super::process::check_unit;
use super::process::in_unit;

const L4: &[Source] = &[Source::ClientL4];
const SERVER: &[Source] = &[Source::ServerL4];
const SERVED: &[Source] = &[Source::ResponseHttpHeaderPersistent];
const FINAL: &[Source] = &[Source::RequestFinal];

/// Returns the row of a timer in milliseconds.
const fn timer(
    name: &'static str,
    sources: &'static [Source],
    run: fn(&Ctx<'_>, &Arguments) -> Option<Value>,
) -> Fetch {
    Fetch::new(name, Type::Sint, sources, run, "a timer, in milliseconds")
}

/// Returns the row of a date.
const fn date(
    name: &'static str,
    sources: &'static [Source],
    run: fn(&Ctx<'_>, &Arguments) -> Option<Value>,
) -> Fetch {
    Fetch::new(name, Type::Sint, sources, run, "a date, since 1970")
        .takes(&[Kind::Str])
        .required(0)
        .checked(check_date)
}

pub(super) const TABLE: &[Fetch] = &[
    date("accept_date", L4, |c, a| in_unit(c.txn.session.accept_date, a.text(0)).map(Value::Int)),
    timer("bc.timer.connect", SERVER, |c, _| millis(c, timing::connect)),
    Fetch::new("bytes_in", Type::Sint, REMEMBERED, |c, _| bytes(c, 0), "bytes from the client"),
    Fetch::new("bytes_out", Type::Sint, REMEMBERED, |c, _| bytes(c, 1), "bytes to the client"),
    timer("fc.timer.handshake", L4, |c, _| millis(c, timing::handshake)),
    timer("fc.timer.total", L4, |c, _| millis(c, timing::total)),
    timer("req.timer.hdr", REQUEST, |c, _| millis(c, timing::request)),
    timer("req.timer.idle", REQUEST, |c, _| millis(c, timing::idle)),
    timer("req.timer.queue", SERVED, |c, _| millis(c, timing::queue)),
    timer("req.timer.tq", REQUEST, |c, _| millis(c, timing::request_total)),
    date("request_date", REMEMBERED, |c, a| {
        in_unit(timing::request_date(c.txn), a.text(0)).map(Value::Int)
    }),
    timer("res.timer.data", FINAL, |c, _| millis(c, timing::data)),
    timer("res.timer.hdr", RESPONSE, |c, _| millis(c, timing::response)),
    Fetch::new("txn.conn_retries", Type::Sint, SERVED, conn_retries, "connections tried again"),
    Fetch::new("txn.id32", Type::Sint, CONSTANT, id32, "the number of the exchange"),
    Fetch::new("txn.redispatched", Type::Bool, SERVED, redispatched, "another server was tried"),
    Fetch::new("txn.sess_term_state", Type::Str, INTERNAL, term_state, "who ended it, and when"),
    timer("txn.timer.total", REMEMBERED, |c, _| millis(c, timing::active_total)),
    timer("txn.timer.user", REMEMBERED, |c, _| millis(c, timing::user)),
];

fn check_date(arguments: &mut Arguments, _: &Env<'_>) -> Result<(), Reason> {
    check_unit(arguments, 0)
}

/// A timer that has not begun is no sample.
fn millis(ctx: &Ctx<'_>, timer: fn(&Txn) -> Millis) -> Option<Value> {
    Some(timer(ctx.txn)).filter(|millis| *millis >= 0).map(Value::Int)
}

fn bytes(ctx: &Ctx<'_>, direction: usize) -> Option<Value> {
    ctx.txn.bytes.get(direction).and_then(|bytes| i64::try_from(*bytes).ok()).map(Value::Int)
}

fn conn_retries(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(i64::from(ctx.txn.retries.0)))
}

fn id32(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Int(i64::try_from(ctx.txn.id & 0xffff_ffff).unwrap_or_default()))
}

fn redispatched(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Bool(ctx.txn.retries.1))
}

fn term_state(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    Some(Value::Str(Bytes::copy_from_slice(&ctx.txn.termination)))
}
