//! Fetches of the status line.

use bytes::Bytes;

use crate::sample::argument::Arguments;
use crate::sample::checkpoint::Source;
use crate::sample::context::Ctx;
use crate::value::Type;
use crate::value::Value;

use super::Fetch;

const REMEMBERED: &[Source] = &[Source::ResponseHttpHeaderPersistent];

pub(super) const TABLE: &[Fetch] = &[
    Fetch::new("res.ver", Type::Str, REMEMBERED, ver, "the version of the response"),
    Fetch::new("resp_ver", Type::Str, REMEMBERED, ver, "the version of the response"),
    Fetch::new("server_status", Type::Sint, REMEMBERED, status, "the status from the server"),
    Fetch::new("status", Type::Sint, REMEMBERED, status, "the status"),
    Fetch::new("txn.status", Type::Sint, REMEMBERED, txn_status, "the status to the client"),
];

fn ver(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let response = ctx.txn.response.as_ref();
    ctx.set_may_change(response.is_none());
    Some(Value::Str(Bytes::from_static(response?.version.number().as_bytes())))
}

fn status(ctx: &Ctx<'_>, _: &Arguments) -> Option<Value> {
    let response = ctx.txn.response.as_ref();
    ctx.set_may_change(response.is_none());
    Some(Value::Int(i64::from(response?.status)))
}

fn txn_status(ctx: &Ctx<'_>, arguments: &Arguments) -> Option<Value> {
    match ctx.txn.status {
        0 => status(ctx, arguments),
        sent => Some(Value::Int(i64::from(sent))),
    }
}
